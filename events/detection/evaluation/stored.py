"""The findings of the database, with their events, as a reconciliation reads them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.detection.findings import writing
from events.detection.findings.writing import Evidence
from events.detection.sigma.windows import folded
from events.models import AuditEvent, Finding, FindingEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.db.models import QuerySet

    from events.detection.sigma.rule import Rule
    from events.detection.sigma.windows import Group

CHUNK = 500  # keys in one statement


@dataclass
class Stored:
    """A finding of the database, with its events.

    Attributes:
        is_whole: whether `evidence` is all of them, or of some events alone.
    """

    finding: Finding
    evidence: dict[tuple[int, str], Evidence]
    is_whole: bool = True

    def complete(self) -> None:
        """Read all of its events."""
        if not self.is_whole:
            (its,) = writing.evidence_of([self.finding.pk]).values()
            self.evidence, self.is_whole = {(each.event, each.step): each for each in its}, True

    @property
    def identity(self) -> Group:
        return folded(tuple(self.finding.group.items()))

    @property
    def is_live(self) -> bool:
        return bool(self.finding.state != Finding.State.WITHDRAWN)

    @property
    def events(self) -> set[int]:
        return {event for event, _ in self.evidence}


def stored_of(rule: Rule, events: Collection[int]) -> list[Stored]:
    """A rule's findings that hold any of these events."""
    keys = list(events)
    wanted: set[int] = set()
    for start in range(0, len(keys), CHUNK):
        wanted.update(_evidence_in(rule, keys[start : start + CHUNK]).values_list("finding", flat=True))
    return load(sorted(wanted))


def grown_of(rule: Rule, events: Collection[int]) -> list[Stored]:
    """The same, to be added to: of each only what it has of these events, as it may have 100,000 others."""
    keys = list(events)
    found: dict[int, list[Evidence]] = defaultdict(list)
    for start in range(0, len(keys), CHUNK):
        rows = _evidence_in(rule, keys[start : start + CHUNK])
        for finding, *values in rows.values_list("finding_id", *writing.COLUMNS):
            found[finding].append(Evidence(*values))
    listed = []
    for start in range(0, len(found), CHUNK):
        for pk, finding in sorted(Finding.objects.in_bulk(list(found)[start : start + CHUNK]).items()):
            listed.append(Stored(finding, {(each.event, each.step): each for each in found[pk]}, is_whole=False))
            if not listed[-1].is_live:
                listed[-1].complete()  # what it held is replaced when it comes back
    return listed


def _evidence_in(rule: Rule, keys: Sequence[int]) -> QuerySet[FindingEvent]:
    """What of these events a rule's findings hold. The keys are written out: as parameters they cost more than the
    answer."""
    listed = ", ".join(map(str, keys))
    of_rule = FindingEvent.objects.filter(finding__rule=rule.uid).order_by()
    return of_rule.extra(where=[f"event_id IN ({listed})"])  # noqa: S610 - numbers


def load(findings: Sequence[int]) -> list[Stored]:
    evidence = writing.evidence_of(findings)
    known: dict[int, Finding] = {}
    for start in range(0, len(findings), CHUNK):
        known |= Finding.objects.in_bulk(findings[start : start + CHUNK])
    return [
        Stored(known[pk], {(each.event, each.step): each for each in evidence[pk]}) for pk in findings if pk in known
    ]


def holders_of(stored: Iterable[Stored]) -> dict[int, list[Stored]]:
    holders: dict[int, list[Stored]] = defaultdict(list)
    for one in stored:
        for event in one.events:
            holders[event].append(one)
    return holders


def still_there(events: set[int]) -> set[int]:
    """Those of these events that retention has not removed."""
    keys = list(events)
    found: set[int] = set()
    for start in range(0, len(keys), CHUNK):
        rows = AuditEvent.objects.filter(pk__in=keys[start : start + CHUNK]).order_by()
        found.update(rows.values_list("pk", flat=True))
    return found
