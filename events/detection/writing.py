"""The one writer of what findings hold: events, accounts, times, counts, and each copy of a state.

What a finding says of itself is repeated in its parts (`FindingAccount`), so that one account's findings are served by
an index. Whoever changes a state changes both here, in one transaction.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from events.models import Finding, FindingAccount, FindingChange, FindingEvent
from events.storage.transactions import lock_table, write_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

CHUNK = 500  # rows or keys in one statement


class Evidence(NamedTuple):
    """An event of a finding, and the selection that it matched."""

    event: int
    step: str
    account: int
    nexmo_id: str
    at: datetime


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """A transaction in which nobody else writes findings."""
    with write_turn():
        lock_table(Finding, "SHARE ROW EXCLUSIVE")
        yield


def parts_of(evidence: Iterable[Evidence]) -> dict[int, tuple[datetime, datetime, int]]:
    """Times of the first and last event, and how many there are, by account. An event counts once, whatever it
    matched."""
    moments: dict[int, dict[int, datetime]] = defaultdict(dict)
    for each in evidence:
        moments[each.account][each.event] = each.at
    return {
        account: (min(times.values()), max(times.values()), len(times)) for account, times in sorted(moments.items())
    }


def describe(finding: Finding, evidence: Sequence[Evidence]) -> None:
    """Set a finding's times and count by its events."""
    parts = parts_of(evidence).values()
    finding.first_at = min(first for first, _, _ in parts)
    finding.last_at = max(last for _, last, _ in parts)
    finding.event_count = sum(count for _, _, count in parts)


def make(finding: Finding, evidence: Sequence[Evidence], *, accounts: Sequence[int] = ()) -> None:
    """Add a finding with its events and parts, and note that it was found.

    Args:
        accounts: its accounts, where it has no events.
    """
    finding.save(force_insert=True)
    _write_parts(finding, evidence, accounts)
    add_evidence(finding, evidence)
    note(finding, FindingChange.Action.FOUND, finding.found_at)


def _write_parts(finding: Finding, evidence: Sequence[Evidence], accounts: Iterable[int] = ()) -> None:
    parts = parts_of(evidence) or dict.fromkeys(accounts, (finding.first_at, finding.last_at, 0))
    # An account that comes to a finding later is told of it from then on, and not that others had it before.
    joined = finding.extended_at or finding.found_at
    FindingAccount.objects.filter(finding=finding).exclude(account__in=list(parts)).delete()
    FindingAccount.objects.bulk_create(
        [
            FindingAccount(
                finding=finding,
                account_id=account,
                first_at=first,
                last_at=last,
                event_count=count,
                found_at=joined,
                state=finding.state,
                severity=finding.severity,
            )
            for account, (first, last, count) in parts.items()
        ],
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["finding", "account"],
        update_fields=["first_at", "last_at", "event_count", "state", "severity"],
    )


def add_evidence(finding: Finding, evidence: Iterable[Evidence]) -> None:
    FindingEvent.objects.bulk_create(
        [
            FindingEvent(
                finding=finding,
                account_id=each.account,
                event_id=each.event,
                nexmo_id=each.nexmo_id,
                created_at=each.at,
                step=each.step,
            )
            for each in evidence
        ],
        batch_size=CHUNK,
    )


def remove_evidence(finding: Finding, evidence: Iterable[Evidence]) -> None:
    by_step: dict[str, list[int]] = defaultdict(list)
    for each in evidence:
        by_step[each.step].append(each.event)
    for step, events in by_step.items():
        for start in range(0, len(events), CHUNK):
            chunk = events[start : start + CHUNK]
            FindingEvent.objects.filter(finding=finding, step=step, event__in=chunk).delete()


def evidence_of(findings: Sequence[int]) -> dict[int, list[Evidence]]:
    """The events of findings, by finding."""
    found: dict[int, list[Evidence]] = {pk: [] for pk in findings}
    for start in range(0, len(findings), CHUNK):
        rows = FindingEvent.objects.filter(finding__in=findings[start : start + CHUNK]).order_by()
        for finding, *values in rows.values_list(
            "finding_id", "event_id", "step", "account_id", "nexmo_id", "created_at"
        ):
            found[finding].append(Evidence(*values))
    return found


def update(finding: Finding, evidence: Sequence[Evidence] | None = None, **values: Any) -> None:
    """Change a finding and, with its state, severity and events, its parts."""
    for name, value in values.items():
        setattr(finding, name, value)
    if evidence is not None:
        describe(finding, evidence)
        values |= {name: getattr(finding, name) for name in ("first_at", "last_at", "event_count")}
    Finding.objects.filter(pk=finding.pk).update(**values)
    if evidence is not None:
        _write_parts(finding, evidence)
    elif repeated := {name: values[name] for name in _REPEATED if name in values}:
        FindingAccount.objects.filter(finding=finding).update(**repeated)


def fill(finding: Finding, *, group: dict[str, Any], details: dict[str, Any] | None) -> None:
    """Set a finding's JSON, which its fields' types do not tell."""
    values: dict[str, Any] = {"group": group, "details": details}
    for name, value in values.items():
        setattr(finding, name, value)


def prolong(finding: Finding, until: datetime) -> None:
    """Move the end of a finding without events, which still lasts."""
    Finding.objects.filter(pk=finding.pk).update(last_at=until)
    FindingAccount.objects.filter(finding=finding).update(last_at=until)


_REPEATED = ("state", "severity")


def note(
    finding: Finding,
    action: FindingChange.Action,
    at: datetime,
    details: str = "",
    accounts: Iterable[int] | None = None,
) -> None:
    """Add a line of the site's own to a finding's history.

    Args:
        accounts: those that it is about, where it is not about all: others' readers are not told.
    """
    about: Any = None if accounts is None else sorted(accounts)
    FindingChange.objects.create(finding=finding, at=at, action=action, details=details[:200], accounts=about)
