"""The filtered events over time, by family of type."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Min
from django.utils import timezone

from events.models import CoveredSpan, DayCount, MonthCount
from events.nexmo.catalog import family
from events.reading import rollups
from events.reading.plan import Span, choose, table
from events.reading.rows import as_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from events.conditions import Conditions
    from events.reading.facets import Sample

MOST_BARS = 64
MOST_COUNTED = 20_000
SHORT = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3)]
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass
class Bar:
    """One stretch of time: `end` is not included. `covered`: every event that Nexmo lists of it is archived."""

    start: datetime
    end: datetime
    counts: Counter[str] = field(default_factory=Counter)  # by family
    covered: bool = True
    known: bool = True  # False: the events were not looked at that far back

    @property
    def total(self) -> int:
        return self.counts.total()


@dataclass(frozen=True)
class Histogram:
    """Bars from oldest to newest. `exact`: they count all events, not a sample."""

    bars: list[Bar]
    unit: str
    exact: bool

    @property
    def total(self) -> int:
        return sum(bar.total for bar in self.bars)


def histogram(conditions: Conditions, sampled: Sample, *, accounts: Sequence[int]) -> Histogram | None:
    """The events over time; None where nothing can be drawn.

    Args:
        sampled: the newest events of it, for what rollups and indexes do not answer.
        accounts: the accounts in question, for what of the time is covered.
    """
    if conditions.is_empty:
        return None
    now = timezone.now()
    end = min(conditions.end, now) if conditions.end else now
    start = conditions.start or _oldest(conditions, sampled)
    if start is None or start >= end:
        return None
    zone = timezone.get_current_timezone()
    simple = rollups.answers(conditions)
    unit, edges = _edges(start, end, UTC if simple and end - start > MOST_BARS * SHORT[-1] else zone)
    bars = [Bar(first, last) for first, last in zip(edges, edges[1:], strict=False)]
    exact = True
    if simple and unit in ("day", "week", "month"):
        _from_rollups(conditions, bars, unit, start, end)
    elif simple and (counted := _from_index(conditions, Span(start, end))) is not None:
        _fill(bars, counted)
    else:
        _fill(bars, [(row[-1], row[0], 1) for row in sampled.rows])
        exact = sampled.complete
        if not exact and sampled.oldest:
            for bar in bars:
                bar.known = bar.end > sampled.oldest
    _cover(bars, accounts, now)
    return Histogram(bars, unit, exact)


def _oldest(conditions: Conditions, sampled: Sample) -> datetime | None:
    if sampled.complete or not rollups.answers(conditions):
        return sampled.oldest
    months = MonthCount.objects.filter(count__gt=0)
    if conditions.accounts is not None:
        months = months.filter(account__in=conditions.accounts)
    if conditions.event_types:
        months = months.filter(event_type__in=conditions.event_types)
    first = months.aggregate(first=Min("month"))["first"]
    return datetime.combine(first, time(), tzinfo=UTC) if first else None


def _edges(start: datetime, end: datetime, zone: tzinfo) -> tuple[str, list[datetime]]:
    """The finest unit that makes no more than MOST_BARS bars, and where they begin and end."""
    length = end - start
    for width in SHORT:
        if length <= width * (MOST_BARS - 1):
            seconds = width.total_seconds()
            midnight = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
            first = midnight + (start - midnight) // width * width
            count = int((end - first).total_seconds() // seconds) + 1
            name = f"{int(seconds // 60)} minutes" if seconds < 3600 else f"{int(seconds // 3600)} hours"
            return {"1 minutes": "minute", "1 hours": "hour"}.get(name, name), [
                (first.astimezone(UTC) + width * number) for number in range(count + 1)
            ]
    day = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = []
    if length <= DAY * (MOST_BARS - 1):
        unit, step = "day", DAY
    elif length <= WEEK * (MOST_BARS - 1):
        unit, step, day = "week", WEEK, day - timedelta(days=day.weekday())
    else:
        unit, step, day = "month", None, day.replace(day=1)
    while day <= end:
        edges.append(day)
        day = day + step if step else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return unit, [*edges, day]


def _from_rollups(conditions: Conditions, bars: list[Bar], unit: str, start: datetime, end: datetime) -> None:
    pieces = rollups.cut(start, end, months=unit == "month")
    counted: list[tuple[datetime, str, int]] = []
    for model, column, spans in ((DayCount, "day", pieces.days), (MonthCount, "month", pieces.months)):
        for first, last in spans:
            found = rollups.by_rollup(model, conditions, first, last, (column, "event_type"))
            counted += [
                (datetime.combine(day, time(), tzinfo=UTC), code, number) for (day, code), number in found.items()
            ]
    for span in pieces.ends:
        ends = rollups.by_index(conditions, span, ("event_type",))
        counted += [(span.start or start, code, number) for (code,), number in ends.items()]
    _fill(bars, counted)


def _from_index(conditions: Conditions, span: Span) -> list[tuple[datetime, str, int]] | None:
    """Times and types of the events, or None where they are too many to count one by one."""
    plan = choose(conditions, span, 1, heads=False)
    if not plan.in_order:
        return None
    where, bounds = span.sql()
    found: list[tuple[datetime, str, int]] = []
    with connection.cursor() as cursor:
        for condition, values in plan.branches:
            cursor.execute(
                f"SELECT created_at, event_type FROM {table(plan.index)} WHERE {condition} AND {where} "
                f"LIMIT {MOST_COUNTED + 1}",
                values + bounds,
            )
            found += [(as_time(at), code, 1) for at, code in cursor.fetchall()]
            if len(found) > MOST_COUNTED:
                return None
    return found


def _fill(bars: list[Bar], counted: list[tuple[datetime, str, int]]) -> None:
    starts = [bar.start for bar in bars]
    for at, code, number in counted:
        place = bisect_right(starts, at) - 1
        if place >= 0 and at < bars[place].end:
            bars[place].counts[family(code)[0]] += number


def _cover(bars: list[Bar], accounts: Sequence[int], now: datetime) -> None:
    """Mark the bars of which some account's events may be missing."""
    spans: dict[int, list[tuple[datetime | None, datetime]]] = {account: [] for account in accounts}
    for account, start, end in CoveredSpan.objects.filter(account__in=accounts).values_list("account", "start", "end"):
        spans[account].append((start, end))
    for bar in bars:
        # The last bar reaches into the future: nothing of that can be missing yet.
        until = min(bar.end, now - timedelta(hours=1))
        bar.covered = bar.start >= until or all(
            any((start is None or start <= bar.start) and until <= end for start, end in covered)
            for covered in spans.values()
        )
