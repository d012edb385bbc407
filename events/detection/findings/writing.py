"""The one writer of what findings hold: events, accounts, times, counts, and what follows from their parts.

Each part (`FindingAccount`) has a state of its own; what the finding says of itself follows from all of them and is
written by `settle`, in the transaction that changes a part.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils import timezone

from events.models import Finding, FindingAccount, FindingChange, FindingEvent
from events.reading.standing import standing_of, state_of
from events.storage.transactions import lock_table, write_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from events.models import Suppression

CHUNK = 500  # rows or keys in one statement


class Evidence(NamedTuple):
    """An event of a finding, and the selection that it matched."""

    event: int
    step: str
    account: int
    nexmo_id: str
    at: datetime


class Made(NamedTuple):
    """A finding that is new.

    Attributes:
        accounts: its accounts, where it has no events.
        suppressed: by which suppressions its parts are covered, by account.
    """

    finding: Finding
    evidence: Sequence[Evidence] = ()
    accounts: Sequence[int] = ()
    suppressed: Mapping[int, Suppression] = {}


_OF_EVENTS = ("first_at", "last_at", "event_count")  # of a part
COLUMNS = ("event_id", "step", "account_id", "nexmo_id", "created_at")  # of FindingEvent, as Evidence has them


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


def make(made: Sequence[Made]) -> None:
    """Add findings with their events and parts, and note that they were found."""
    if not made:
        return
    parts = []
    for each in made:
        its = _parts(each.finding, each.evidence, each.accounts)
        for part in its:
            _open(part, each.suppressed.get(part.account_id))
        each.finding.state = state_of(part.state for part in its)
        parts += its
    Finding.objects.bulk_create([each.finding for each in made], batch_size=CHUNK)
    FindingAccount.objects.bulk_create(parts, batch_size=CHUNK)
    rows = [_row(each.finding, event) for each in made for event in each.evidence]
    FindingEvent.objects.bulk_create(rows, batch_size=CHUNK)
    FindingChange.objects.bulk_create(
        [
            FindingChange(finding=each.finding, at=each.finding.found_at, action=FindingChange.Action.FOUND)
            for each in made
        ],
        batch_size=CHUNK,
    )


def _open(part: FindingAccount, suppression: Suppression | None) -> None:
    """Have a part come up: open, or suppressed."""
    part.state = Finding.State.SUPPRESSED if suppression else Finding.State.OPEN
    part.suppression, part.resolution, part.resolved_at = suppression, "", None


def reopen(parts: Iterable[FindingAccount], suppressed: Mapping[int, Suppression], now: datetime) -> None:
    """Have parts of a finding come up again, and note it where that changes their state. The caller settles."""
    was: dict[tuple[FindingChange.Action, str], list[FindingAccount]] = defaultdict(list)
    for part in parts:
        before = part.state
        _open(part, suppressed.get(part.account_id))
        part.save(update_fields=["state", "suppression", "resolution", "resolved_at"])
        if part.state != before:
            is_open = part.state == Finding.State.OPEN
            action = FindingChange.Action.REOPENED if is_open else FindingChange.Action.SUPPRESSED
            was[action, before if is_open else ""].append(part)
    for (action, before), its in was.items():
        note(its[0].finding, action, now, before, [part.account_id for part in its])


def settle(findings: Iterable[int]) -> None:
    """Have findings say what follows from their parts."""
    keys = list(findings)
    for start in range(0, len(keys), CHUNK):
        parts: dict[int, list[FindingAccount]] = defaultdict(list)
        rows = FindingAccount.objects.filter(finding__in=keys[start : start + CHUNK]).order_by("account_id")
        for part in rows.defer("first_at", "last_at", "event_count", "found_at", "rule"):
            parts[part.finding_id].append(part)
        alike: dict[Any, list[int]] = defaultdict(list)
        for finding, its in parts.items():
            alike[standing_of(its)].append(finding)
        for standing, its_keys in alike.items():
            values = standing._asdict()
            assignees = values.pop("assignees")
            Finding.objects.filter(pk__in=its_keys).update(**values, assigned_to=next(iter(assignees), None))


def _parts(finding: Finding, evidence: Sequence[Evidence], accounts: Iterable[int] = ()) -> list[FindingAccount]:
    parts = parts_of(evidence) or dict.fromkeys(accounts, (finding.first_at, finding.last_at, 0))
    return [
        FindingAccount(
            finding=finding,
            account_id=account,
            first_at=first,
            last_at=last,
            event_count=count,
            found_at=finding.found_at,
            rule=finding.rule,
            state=Finding.State.OPEN,
            severity=finding.severity,
        )
        for account, (first, last, count) in parts.items()
    ]


def _write_parts(finding: Finding, evidence: Sequence[Evidence], now: datetime) -> None:
    """Bring a finding's parts in line with its events. An account that is new to it has found it now."""
    there = {part.account_id: part for part in FindingAccount.objects.filter(finding=finding)}
    new = []
    for made in _parts(finding, evidence):
        part = there.pop(made.account_id, None)
        if part is None:
            made.found_at = now
            new.append(made)
        elif any(getattr(part, name) != getattr(made, name) for name in _OF_EVENTS):
            FindingAccount.objects.filter(pk=part.pk).update(**{name: getattr(made, name) for name in _OF_EVENTS})
    FindingAccount.objects.bulk_create(new, batch_size=CHUNK)
    # Last: the database lets no finding be without a part.
    FindingAccount.objects.filter(pk__in=[part.pk for part in there.values()]).delete()


def _row(finding: Finding, each: Evidence) -> FindingEvent:
    return FindingEvent(
        finding=finding,
        account_id=each.account,
        event_id=each.event,
        nexmo_id=each.nexmo_id,
        created_at=each.at,
        step=each.step,
    )


def add_evidence(finding: Finding, evidence: Iterable[Evidence]) -> None:
    FindingEvent.objects.bulk_create([_row(finding, each) for each in evidence], batch_size=CHUNK)


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
        for finding, *values in rows.values_list("finding_id", *COLUMNS):
            found[finding].append(Evidence(*values))
    return found


def update(finding: Finding, evidence: Sequence[Evidence] | None = None, **values: Any) -> None:
    """Change a finding and, with its state, severity and events, all its parts."""
    for name, value in values.items():
        setattr(finding, name, value)
    if evidence is not None:
        describe(finding, evidence)
        values |= {name: getattr(finding, name) for name in ("first_at", "last_at", "event_count")}
    Finding.objects.filter(pk=finding.pk).update(**values)
    if evidence is not None:
        _write_parts(finding, evidence, timezone.now())
    if repeated := {name: values[name] for name in _REPEATED if name in values}:
        FindingAccount.objects.filter(finding=finding).update(**repeated)


def enlarge(finding: Finding, added: Sequence[Evidence], now: datetime) -> None:
    """Count events that a finding did not have, without those that it has. An account that is new to it has found it
    now."""
    parts = {part.account_id: part for part in FindingAccount.objects.filter(finding=finding)}
    for made in _parts(finding, added) if added else ():
        part = parts.get(made.account_id)
        if part is None:
            made.found_at = now
            made.save()
        else:
            part.first_at, part.last_at = min(part.first_at, made.first_at), max(part.last_at, made.last_at)
            part.event_count += made.event_count
            part.save(update_fields=["first_at", "last_at", "event_count"])
        finding.event_count += made.event_count
        finding.first_at = min(finding.first_at, made.first_at)
        finding.last_at = max(finding.last_at, made.last_at)
    finding.save(update_fields=["first_at", "last_at", "event_count"])


def set_level(findings: Sequence[Finding], severity: int, at: datetime) -> None:
    """Give the unfinished parts of findings another level, as their rule has it now, and note which one they had."""
    keys = [finding.pk for finding in findings]
    rows = FindingAccount.objects.filter(finding__in=keys, state__in=Finding.UNFINISHED).exclude(severity=severity)
    levelled: dict[tuple[int, int], list[int]] = defaultdict(list)
    for finding, before, account in rows.order_by("finding", "account").values_list("finding", "severity", "account"):
        levelled[finding, before].append(account)
    changes = []
    for (finding, before), accounts in levelled.items():
        concerned: Any = accounts
        details = f"{before}>{severity}"
        changes.append(
            FindingChange(
                finding_id=finding, at=at, action=FindingChange.Action.LEVELLED, details=details, accounts=concerned
            )
        )
    FindingChange.objects.bulk_create(changes, batch_size=CHUNK)
    rows.update(severity=severity)
    settle(keys)


def levels_of(details: str) -> tuple[int, int]:
    """The levels before and after, of a line of the history that says "1>3"."""
    before, after = map(int, details.split(">"))
    return before, after


def precedes(evidence: Evidence, finding: Finding) -> bool:
    """Whether an event comes before all that a finding has, or is its first."""
    if evidence.at != finding.first_at:
        return evidence.at < finding.first_at
    firsts = FindingEvent.objects.filter(finding=finding, created_at=finding.first_at)
    first = firsts.order_by("event_id").values_list("event_id", flat=True).first()
    return first is None or evidence.event <= first


def accounts_of(finding: Finding) -> set[int]:
    """Keys of the accounts that a finding has events of."""
    return set(FindingAccount.objects.filter(finding=finding).values_list("account", flat=True))


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
        accounts: those that it is about; None: all.
    """
    concerned: Any = None if accounts is None else sorted(accounts)
    FindingChange.objects.create(finding=finding, at=at, action=action, details=details[:200], accounts=concerned)
