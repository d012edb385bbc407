from django.db import migrations

from accounts import roles

PERMISSIONS = {roles.AUDITORS: ("view_sensitive",)}


def grant(apps, schema_editor):
    roles.grant(apps, "accounts", PERMISSIONS)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_shorten_retention"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="nexmoaccount",
            options={
                "ordering": ("name", "api_key"),
                "permissions": (
                    ("view_all_accounts", "Can see the events of all accounts (auditors)"),
                    ("export_evidence", "Can take evidence packs away"),
                    ("shorten_retention", "Can shorten how long events are kept"),
                    ("view_sensitive", "Can see passwords and tokens in events"),
                ),
                "verbose_name": "Nexmo account",
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
