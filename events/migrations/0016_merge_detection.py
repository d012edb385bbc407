from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0015_detection_roles"),
        ("events", "0015_seen_values"),
    ]

    operations = []
