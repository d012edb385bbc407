import json

import django.db.models.deletion
from django.db import migrations, models

from events.storage import ledger


def fill(apps, schema_editor):
    """Enter what was recorded before there was a ledger, and the coverage as it stands."""

    def rows(name, *order):
        return apps.get_model("events", name).objects.order_by(*order).iterator(chunk_size=1000)

    entries = []
    heads = apps.get_model("events", "ChainHead").objects.select_related("account").order_by("account")
    for head in heads:
        said = (head.account.api_key, head.chain_id)
        entries.append(ledger.Entry("account", head.account_id, head.account_id, said))
    spans = {}
    for span in rows("CoveredSpan", "account", "end"):
        stretch = [span.start.isoformat() if span.start else None, span.end.isoformat()]
        spans.setdefault(span.account_id, []).append(stretch)
    for account, stretches in spans.items():
        entries.append(ledger.Entry("coverage", account, account, (), detail=json.dumps(stretches)))
    for hold in rows("LegalHold", "pk"):
        said = (hold.first_day, hold.last_day, hold.reason, hold.created_at, hold.created_by_id)
        entries.append(ledger.Entry("hold", hold.pk, hold.account_id, said))
        if hold.released_at:
            said = (hold.released_at, hold.released_by_id)
            entries.append(ledger.Entry("release", hold.pk, hold.account_id, said))
    for removal in rows("Removal", "pk"):
        said = (
            removal.removed_at,
            removal.older_than,
            removal.reason,
            removal.requested_by_id,
            removal.count,
            removal.held,
        )
        entries.append(ledger.Entry("removal", removal.pk, removal.account_id, said))
    seq_of = dict(
        apps.get_model("events", "AuditEvent")
        .objects.filter(
            models.Exists(
                apps.get_model("events", "Discrepancy").objects.filter(event=models.OuterRef("pk"))
            )
            | models.Exists(
                apps.get_model("events", "EventConflict").objects.filter(event=models.OuterRef("pk"))
            )
        )
        .values_list("pk", "seq")
    )
    for noted in rows("Discrepancy", "pk"):
        said = (noted.kind, noted.noticed_at)
        entries.append(ledger.Entry("discrepancy", noted.pk, noted.account_id, said, seq_of[noted.event_id]))
        if noted.withdrawn_at:
            said = (noted.withdrawn_at,)
            entries.append(ledger.Entry("withdrawal", noted.pk, noted.account_id, said, seq_of[noted.event_id]))
    for conflict in rows("EventConflict", "pk"):
        said = (conflict.raw, conflict.digest, conflict.seen_at)
        entries.append(ledger.Entry("conflict", conflict.pk, conflict.account_id, said, seq_of[conflict.event_id]))
    for window in rows("SyncWindow", "pk"):
        if not window.verified:
            said = (
                window.first_day,
                window.last_day,
                window.asked_at,
                window.reason,
                window.reported,
                window.received,
            )
            entries.append(ledger.Entry("window", window.pk, window.account_id, said))
    ledger.enter(entries, apps.get_model("events", "LedgerEntry"))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_profile"),
        ("events", "0010_evidence_packs"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("account", "Account"),
                            ("hold", "Legal hold"),
                            ("release", "Release of a legal hold"),
                            ("removal", "Removal"),
                            ("discrepancy", "Discrepancy"),
                            ("withdrawal", "Withdrawal of a discrepancy"),
                            ("conflict", "Conflict"),
                            ("window", "Unverified window"),
                            ("coverage", "Coverage"),
                        ],
                        max_length=16,
                    ),
                ),
                ("account_pk", models.BigIntegerField(help_text="Empty: all accounts.", null=True)),
                ("row", models.BigIntegerField(help_text="The primary key of what is recorded.")),
                (
                    "seq",
                    models.PositiveBigIntegerField(help_text="The number of the event it goes with.", null=True),
                ),
                (
                    "detail",
                    models.TextField(blank=True, help_text="What is recorded, where no other row keeps it."),
                ),
                ("record_hash", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name_plural": "ledger entries",
                "ordering": ("number",),
            },
        ),
        migrations.AlterField(
            model_name="legalhold",
            name="account",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: all accounts.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="legal_holds",
                to="accounts.nexmoaccount",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
