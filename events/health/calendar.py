"""The coverage of an account day by day: days with events, empty days, unverified days, and days never fetched."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from events.health.completeness import believable
from events.models import CoveredSpan, DayCount, SyncWindow
from events.sync.coverage import BEGINNING, midnight
from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import NexmoAccount

WEEKS = 53
LEVELS = 4
STATES = {
    "events": gettext_lazy("complete, with events"),
    "empty": gettext_lazy("complete, no events"),
    "partly": gettext_lazy("partly complete"),
    "unverified": gettext_lazy("read, but not verified"),
    "unknown": gettext_lazy("never fetched"),
}


@dataclass(frozen=True)
class Day:
    """One day (UTC) and what is known of it."""

    day: date
    state: str
    events: int
    level: int = 0  # of 1 to LEVELS: how much happened, beside the other days with events

    @property
    def title(self) -> str:
        count = ngettext("%(count)s event", "%(count)s events", self.events) % {"count": grouped(self.events)}
        return f"{self.day}: {STATES[self.state]}, {count}"


def calendar(account: NexmoAccount, today: date) -> list[list[Day]]:
    """The last year in weeks, Monday first, oldest first."""
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=WEEKS - 1)
    days_with = DayCount.objects.filter(account=account, day__gte=first).order_by().values("day")
    counts = dict(days_with.annotate(events=Sum("count")).values_list("day", "events"))
    recorded = list(CoveredSpan.objects.filter(account=account).order_by("end"))
    spans = [(span.start or BEGINNING, span.end) for span in believable(recorded)]
    unverified = _unverified_days(account, first, today)
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    level = _levels(sorted(counts.values()))
    cells = [
        Day(day, _state(day, spans, unverified, count), count, level(count))
        for day, count in ((day, counts.get(day, 0)) for day in days)
    ]
    return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def in_words(weeks: list[list[Day]]) -> str:
    """The same as a sentence."""
    states = Counter(day.state for week in weeks for day in week)
    parts = [
        ngettext("%(count)d day %(state)s", "%(count)d days %(state)s", states[state])
        % {"count": states[state], "state": words}
        for state, words in STATES.items()
        if states[state]
    ]
    return _("The last year: %(parts)s.") % {"parts": "; ".join(parts)}


def _levels(counts: list[int]) -> Callable[[int], int]:
    """A shade for each count: a quarter of the days with events each, so that one wild day does not pale all others."""
    edges = [counts[len(counts) * part // LEVELS] for part in range(1, LEVELS)] if counts else []
    return lambda count: bisect_left(edges, count) + 1 if count else 0


def _state(day: date, spans: list[tuple[datetime, datetime]], unverified: set[date], count: int) -> str:
    start, end = midnight(day), midnight(day + timedelta(days=1))
    for span_start, span_end in spans:
        if span_start <= start and end <= span_end:
            return "events" if count else "empty"
        if span_start <= start < span_end:
            return "partly"
    return "unverified" if day in unverified else "unknown"


def _unverified_days(account: NexmoAccount, first: date, today: date) -> set[date]:
    days: set[date] = set()
    windows = SyncWindow.objects.filter(account=account, verified=False).values_list("first_day", "last_day")[:500]
    for window_first, window_last in windows:
        day = max(window_first or first, first)
        while day <= min(window_last or today, today):
            days.add(day)
            day += timedelta(days=1)
    return days
