"""Fills a copy of an archive with findings: `python -m tests.benchmarks.inbox FINDINGS`, on its DATABASE_URL.

A third is unfinished, one in thirty lies in two accounts, and each has two events of the archive.
"""

from __future__ import annotations

import sys
import uuid
from datetime import timedelta
from random import Random
from typing import Any

import django

BATCH = 5_000
RULES = [str(uuid.UUID(int=number)) for number in range(1, 31)]
TITLES = [f"Rule number {number} of the benchmark" for number in range(1, 31)]
STATES = ("open", "acknowledged", "open", "resolved", "resolved", "resolved", "resolved", "suppressed", "withdrawn")
SEVERITIES = (0, 1, 1, 1, 2, 2, 2, 3, 3, 4)


def fill(total: int) -> None:
    """Add findings, the newest of them last."""
    from django.contrib.auth import get_user_model

    from accounts.models import NexmoAccount
    from events.models import AuditEvent, Finding, FindingAccount, FindingEvent
    from tests.benchmarks import internals
    from tests.benchmarks.generator import END

    chance = Random(11)
    accounts = list(NexmoAccount.objects.order_by("pk").values_list("pk", flat=True))
    people = list(get_user_model().objects.order_by("pk").values_list("pk", flat=True))
    columns = ("pk", "account_id", "event_id", "created_at")
    events = list(AuditEvent.objects.order_by("-created_at", "-id").values_list(*columns)[:20_000])
    for start in range(0, total, BATCH):
        findings: list[Any] = []
        parts: list[Any] = []
        evidence: list[Any] = []
        for number in range(start, min(start + BATCH, total)):
            rule, state = chance.randrange(len(RULES)), chance.choice(STATES)
            found = END - timedelta(minutes=total - number)
            finding = Finding(
                pk=number + 1,
                key=f"{number:064x}",
                rule=RULES[rule],
                title=TITLES[rule],
                severity=chance.choice(SEVERITIES),
                group={"user_email": f"user{chance.randrange(500)}@example.com"},
                first_at=found,
                last_at=found,
                event_count=2,
                found_at=found,
                state=state,
                assigned_to_id=chance.choice(people) if chance.random() < 0.1 else None,
            )
            findings.append(finding)
            for account in chance.sample(accounts, 2 if chance.random() < 1 / 30 else 1):
                parts.append(
                    FindingAccount(
                        finding_id=finding.pk,
                        account_id=account,
                        first_at=found,
                        last_at=found,
                        event_count=2,
                        found_at=found,
                        rule=finding.rule,
                        state=state,
                        severity=finding.severity,
                        assigned_to_id=finding.assigned_to_id,
                    )
                )
            for pk, account, event_id, at in chance.sample(events, 2):
                evidence.append(
                    FindingEvent(
                        finding_id=finding.pk, account_id=account, event_id=pk, nexmo_id=event_id, created_at=at
                    )
                )
        for model, rows in ((Finding, findings), (FindingAccount, parts), (FindingEvent, evidence)):
            model.objects.bulk_create(rows)
    internals.settle()


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
