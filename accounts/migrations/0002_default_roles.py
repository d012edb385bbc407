from django.db import migrations

from accounts import roles

# Of the roles there were: a new one is granted its permissions by a migration of its own.
PERMISSIONS = {
    roles.ACCOUNT_ADMINS: ("add_nexmoaccount", "change_nexmoaccount", "delete_nexmoaccount", "view_nexmoaccount"),
    roles.AUDITORS: ("view_nexmoaccount", "view_all_accounts", "export_evidence"),
}


def grant(apps, schema_editor):
    roles.grant(apps, "accounts", PERMISSIONS)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
