from django.db import migrations

from accounts import roles

MODELS = ("auditevent", "discrepancy", "eventtype", "removal", "seal", "syncrun")
PERMISSIONS = {role: tuple(f"view_{model}" for model in MODELS) for role in (roles.ACCOUNT_ADMINS, roles.AUDITORS)}


def grant(apps, schema_editor):
    roles.grant(apps, "events", PERMISSIONS)


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0001_initial"),
        ("accounts", "0002_default_roles"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
