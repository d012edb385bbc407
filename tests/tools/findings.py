"""Findings as an evaluation leaves them, without one."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import NexmoAccount
from events.detection.findings import triage, writing
from events.detection.findings.sight import Sight
from events.models import AuditEvent, Finding, FindingAccount, FindingChange, FindingEvent, Severity
from events.storage import triggers
from tests.conftest import NOON

RULE = "0f1e2d3c-4b5a-4968-8776-655443322110"
OTHER_RULE = "11111111-2222-4333-8444-555555555555"
_numbers = itertools.count(1)


def version_of(finding: Finding, *accounts: NexmoAccount) -> str:
    """The version that somebody who sees these accounts was shown; of all accounts, without any."""
    sight = Sight(
        None, sees_all=True, accounts={account.pk: account for account in accounts or NexmoAccount.objects.all()}
    )
    return triage.version_of(sight.parts_of([finding.pk])[finding.pk])


def set_parts(findings: Any, **values: Any) -> None:
    """Change all parts of findings, and what follows from them."""
    keys = [finding.pk for finding in findings]
    FindingAccount.objects.filter(finding__in=keys).update(**values)
    writing.settle(keys)


def make_finding(
    events: Sequence[AuditEvent] = (),
    *,
    accounts: Sequence[NexmoAccount] = (),
    rule: str = RULE,
    title: str = "API secret created at an unusual hour",
    severity: int = Severity.HIGH,
    group: dict[str, Any] | None = None,
    details: Any = None,
    state: str = Finding.State.OPEN,
    found_at: datetime | None = None,
    joined_at: dict[NexmoAccount, datetime] | None = None,
    steps: Sequence[str] = (),
    **values: Any,
) -> Finding:
    """A finding of these events, or of accounts where it has none.

    Args:
        values: other fields of the finding, instead of what its events tell.
        joined_at: when it came to hold events of an account, where that was later.
    """
    times = [event.created_at for event in events] or [NOON]
    found = found_at or max(times) + timedelta(minutes=1)
    by_account: dict[NexmoAccount, list[AuditEvent]] = {account: [] for account in accounts}
    for event in events:
        by_account.setdefault(event.account, []).append(event)
    told: dict[str, Any] = {"first_at": min(times), "last_at": max(times), "event_count": len(events)} | values
    finding: Finding = Finding.objects.create(
        key=hashlib.sha256(f"{rule} {next(_numbers)}".encode()).hexdigest(),
        rule=rule,
        title=title,
        severity=severity,
        group=group if group is not None else {"user_email": "yourname@example.com"},
        details=details,
        found_at=found,
        state=state,
        **told,
    )
    for account, its in by_account.items():
        its_times = [event.created_at for event in its]
        FindingAccount.objects.create(
            finding=finding,
            account=account,
            first_at=min(its_times, default=finding.first_at),
            last_at=max(its_times, default=finding.last_at),
            event_count=len(its),
            found_at=(joined_at or {}).get(account, found),
            rule=rule,
            state=state,
            severity=severity,
        )
    for event, step in zip(events, steps or [""] * len(events), strict=True):
        FindingEvent.objects.create(
            finding=finding,
            account=event.account,
            event=event,
            nexmo_id=event.event_id,
            created_at=event.created_at,
            step=step,
        )
    FindingChange.objects.create(finding=finding, at=found, action=FindingChange.Action.FOUND)
    return finding


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """Findings can be deleted, as the database otherwise never lets go of those of accounts with events."""
    _check_references()
    triggers.remove(connection)
    try:
        yield
        _check_references()
    finally:
        triggers.install(connection)


def delete(findings: Any) -> None:
    """Delete findings as if they had never been."""
    with unguarded():
        findings.delete()


def _check_references() -> None:
    """PostgreSQL changes no triggers while references of their table wait to be checked."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
