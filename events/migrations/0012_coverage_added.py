from datetime import UTC, datetime, time, timedelta

from django.db import migrations, models

BEGINNING = datetime.min.replace(tzinfo=UTC)
BATCH = 500


def fill(apps, schema_editor):
    """Readings on record added what the coverage has of them; about the others nothing is known any more."""
    # After a migration back and forth it may be there, and of this version. It is made again after all migrations.
    on = " ON events_syncwindow" if schema_editor.connection.vendor == "postgresql" else ""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER IF EXISTS events_syncwindow_no_update{on}")
    spans = {}
    for span in apps.get_model("events", "CoveredSpan").objects.all():
        spans.setdefault(span.account_id, []).append((span.start or BEGINNING, span.end))
    readings = apps.get_model("events", "SyncWindow").objects
    changed = []
    for reading in readings.filter(verified=True).order_by("pk").iterator(chunk_size=BATCH):
        start = datetime.combine(reading.first_day, time(), UTC) if reading.first_day else BEGINNING
        end = reading.asked_at
        if reading.last_day:
            end = min(end, datetime.combine(reading.last_day, time(), UTC) + timedelta(days=1))
        if start < end and any(since <= start and end <= until for since, until in spans.get(reading.account_id, ())):
            reading.covered_until = end
            changed.append(reading)
    readings.bulk_update(changed, ["covered_until"], batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0011_ledger"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncwindow",
            name="covered_until",
            field=models.DateTimeField(
                help_text="The end of the coverage it added; empty: it added none, or it was withdrawn.", null=True
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="evidencepack",
            name="stage",
            field=models.CharField(
                blank=True,
                choices=[
                    ("sealing", "Finding and sealing accounts"),
                    ("checking", "Verifying the archive"),
                    ("events", "Writing events"),
                    ("table", "Writing the CSV file"),
                    ("chains", "Writing chains"),
                ],
                max_length=10,
            ),
        ),
    ]
