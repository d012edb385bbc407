"""Which events led to findings: a mark beside each of them in tables of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import F
from django.urls import reverse

from accounts.prepared import Prepared
from events.models import Finding, FindingEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.reading.rows import Row

STEP = 50  # keys are asked for by so many: each number of them is a query of its own to compile
NO_EVENT = 0


def _with_part(**narrowed: Any) -> Any:
    """Events of findings, each with the part in its own account: whoever sees the event sees that part."""
    return FindingEvent.objects.filter(finding__parts__account=F("account_id"), **narrowed)


_SHOWN = (*Finding.UNFINISHED, Finding.State.RESOLVED)
_MARKS = Prepared(
    lambda *keys: (
        _with_part(event__in=keys, finding__parts__state__in=_SHOWN)
        .order_by()
        .values_list(
            "event_id",
            "finding_id",
            "finding__parts__severity",
            "finding__title",
            "finding__rule",
            "finding__parts__state",
        )
    )
)


class Mark(NamedTuple):
    """The finding that an event led to: the unfinished one, then the worst, then the newest of several."""

    finding: int
    severity: int
    title: str
    rule: str
    is_finished: bool


def marks_of(rows: Iterable[Row]) -> dict[int, Mark]:
    """The marks of these events, by key. Who sees an event sees the finding that it led to: nothing more is asked."""
    keys = [row.pk for row in rows]
    if not keys:
        return {}
    keys += [NO_EVENT] * (-len(keys) % STEP)
    marks: dict[int, Mark] = {}
    for event, finding, severity, title, rule, state in _MARKS.rows(*keys):
        mark = Mark(finding, severity, title, rule, state not in Finding.UNFINISHED)
        other = marks.get(event)
        if other is None or _rank(mark) > _rank(other):
            marks[event] = mark
    return marks


def _rank(mark: Mark) -> tuple[bool, int, int]:
    return not mark.is_finished, mark.severity, mark.finding


class Known(NamedTuple):
    """A finding as far as an event's page names it; templates read it as they read a `Finding`."""

    pk: int
    rule: str
    title: str
    severity: int
    state: str
    resolution: str

    def get_absolute_url(self) -> str:
        return reverse("events:finding", args=[self.pk])

    def get_state_display(self) -> Any:
        return Finding.State(self.state).label

    def get_resolution_display(self) -> Any:
        return Finding.Resolution(self.resolution).label


_KNOWN = tuple(state for state in Finding.State.values if state != Finding.State.WITHDRAWN)
_OF_EVENT = Prepared(
    lambda event: (
        _with_part(event=event, finding__parts__state__in=_KNOWN)
        .order_by("-finding__parts__found_at", "-finding_id")
        .values_list(
            "finding_id",
            "finding__rule",
            "finding__title",
            "finding__parts__severity",
            "finding__parts__state",
            "finding__parts__resolution",
        )
    )
)


def findings_of(event: int) -> list[Known]:
    """All findings that an event led to, the newest first."""
    return list(dict.fromkeys(Known._make(row) for row in _OF_EVENT.rows(event)))
