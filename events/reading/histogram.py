"""The filtered events over time, by family of type."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Min
from django.utils import timezone

from events.models import CoveredSpan, DayCount, MonthCount
from events.nexmo.catalog import family
from events.reading import rollups
from events.reading.plan import Span, choose, table
from events.reading.rows import as_time
from events.wording.times import start_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from events.reading.conditions import Conditions
    from events.reading.facets import Sample

MOST_BARS = 64
MOST_COUNTED = 20_000
SHORT = {
    timedelta(minutes=1): "minute",
    timedelta(minutes=5): "5 minutes",
    timedelta(minutes=15): "15 minutes",
    timedelta(hours=1): "hour",
    timedelta(hours=3): "3 hours",
}
LONG = ("day", "week", "month", "year")
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
    """Bars from oldest to newest.

    Attributes:
        exact: they count all events, not a sample.
        foreign_days: they are days of UTC, though the reader's are others: only those are counted ahead.
        later: events dated after the last bar, in the future; among the newest that were looked at.
        never_read: accounts of which no stretch of time is known; they hatch nothing, or every bar would be hatched.
    """

    bars: list[Bar]
    unit: str
    exact: bool
    foreign_days: bool = False
    later: int = 0
    never_read: int = 0

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
    simple = rollups.answers(conditions)
    oldest = _oldest(conditions, sampled, simple)
    if oldest and end - oldest > 2 * DAY:
        oldest = start_of_day(oldest.astimezone(UTC).date(), UTC)  # whole days are what the rollups count
    # The period that is asked for, quiet stretches and all; without one, from the oldest event on.
    start = conditions.start or oldest
    if start is None or start >= end:
        return None
    local = timezone.get_current_timezone()
    unit, bars = _bars(start, end, local)
    exact, foreign_days = True, False
    if simple and unit in LONG and (_is_utc(local) or not _are_few(conditions)):
        unit, bars = _bars(start, end, UTC)
        exact, foreign_days = _from_rollups(conditions, bars, unit, start), not _is_utc(local)
    elif (simple or conditions.new_country) and (counted := _from_index(conditions, Span(start, end))) is not None:
        _fill(bars, counted)
    else:
        _fill(bars, [(row[-1], row[0], 1) for row in sampled.rows])
        exact = sampled.complete
        if back_to := sampled.looked_back_to:
            for bar in bars:
                bar.known = bar.end > back_to
    never_read = _cover(bars, accounts, now)
    later = sum(1 for row in sampled.rows if row[-1] >= bars[-1].end)
    return Histogram(bars, unit, exact, foreign_days, later, never_read)


def _oldest(conditions: Conditions, sampled: Sample, simple: bool) -> datetime | None:
    """Before this there is no event that matches, as far as is known; None where nothing is known."""
    if sampled.complete:
        return sampled.oldest
    months = MonthCount.objects.filter(count__gt=0)
    if conditions.accounts is not None:
        months = months.filter(account__in=conditions.accounts)
    if simple and (types := conditions.wanted.get("event_type")):
        months = months.filter(event_type__in=types)
    first = months.aggregate(first=Min("month"))["first"]
    return datetime.combine(first, time(), tzinfo=UTC) if first else None


def _is_utc(zone: tzinfo) -> bool:
    return str(zone) == "UTC"


def _are_few(conditions: Conditions) -> bool:
    """Whether the events are so few that they can be counted by the reader's own days, one by one."""
    counted, complete = rollups.totals(conditions, ("event_type",))
    return complete and counted.total() <= MOST_COUNTED


def _bars(start: datetime, end: datetime, zone: tzinfo) -> tuple[str, list[Bar]]:
    """Bars of the finest unit that makes no more than MOST_BARS of them; days and longer ones are those of a zone."""
    length = end - start
    for width, unit in SHORT.items():
        if length <= width * (MOST_BARS - 1):
            midnight = start_of_day(start.astimezone(zone).date(), zone).astimezone(UTC)
            # Counted in UTC: on the day when clocks change, the reader's day has another length.
            first = midnight + (start - midnight) // width * width
            count = int((end - first) / width) + 1
            edges = [first + width * number for number in range(count + 1)]
            return unit, [Bar(*pair) for pair in pairwise(edges)]
    day = start.astimezone(zone).date()
    years = 1
    if length <= DAY * (MOST_BARS - 1):
        unit = "day"
    elif length <= WEEK * (MOST_BARS - 1):
        unit, day = "week", day - timedelta(days=day.weekday())
    elif length <= DAY * 28 * (MOST_BARS - 1):
        unit, day = "month", day.replace(day=1)
    else:
        unit, day, years = "year", day.replace(month=1, day=1), 1 + (end.year - start.year) // MOST_BARS
    edges = [start_of_day(day, zone)]
    while edges[-1] <= end:
        day = _next(day, unit, years)
        edges.append(start_of_day(day, zone))
    return unit, [Bar(*pair) for pair in pairwise(edges)]


def _next(day: date, unit: str, years: int) -> date:
    if unit == "year":
        last = day.replace(year=MAXYEAR, month=12, day=31)  # no event is as late, and no year follows
        return day.replace(year=day.year + years) if day.year + years < MAXYEAR else last
    if unit == "month":
        return (day + timedelta(days=32)).replace(day=1)
    return day + (DAY if unit == "day" else WEEK)


def _from_rollups(conditions: Conditions, bars: list[Bar], unit: str, start: datetime) -> bool:
    """Fill the bars; returns whether all was counted."""
    # Without an end in the filter, the rollups know today as well.
    pieces = rollups.cut(start, conditions.end, months=unit in ("month", "year"))
    counted: list[tuple[datetime, str, int]] = []
    for model, column, spans in ((DayCount, "day", pieces.days), (MonthCount, "month", pieces.months)):
        for first, last in spans:
            sums = rollups.by_rollup(model, conditions, first, last, (column, "event_type"))
            counted += [
                (datetime.combine(day, time(), tzinfo=UTC), code, number) for (day, code), number in sums.items()
            ]
    complete = True
    for span in pieces.ends:
        ends = rollups.by_index(conditions, span, ("event_type",))
        complete = complete and ends.total() <= rollups.MOST_IN_A_PIECE
        counted += [(span.start or start, code, number) for (code,), number in ends.items()]
    _fill(bars, counted)
    return complete


def _from_index(conditions: Conditions, span: Span) -> list[tuple[datetime, str, int]] | None:
    """Times and types of the events, or None where they are too many to count one by one."""
    plan = choose(conditions, span, 1, heads=False)
    if not plan.in_order:
        return None
    where, bounds = span.sql()
    counted: list[tuple[datetime, str, int]] = []
    with connection.cursor() as cursor:
        for condition, values in plan.branches:
            cursor.execute(
                f"SELECT created_at, event_type FROM {table(plan.index)} WHERE {condition} AND {where} "
                f"LIMIT {MOST_COUNTED + 1}",
                values + bounds,
            )
            counted += [(as_time(at), code, 1) for at, code in cursor.fetchall()]
            if len(counted) > MOST_COUNTED:
                return None
    return counted


def _fill(bars: list[Bar], counted: list[tuple[datetime, str, int]]) -> None:
    starts = [bar.start for bar in bars]
    for at, code, number in counted:
        place = bisect_right(starts, at) - 1
        if place >= 0 and at < bars[place].end:
            bars[place].counts[family(code)[0]] += number


def _cover(bars: list[Bar], accounts: Sequence[int], now: datetime) -> int:
    """Mark the bars of which some account's events may be missing.

    Returns:
        How many accounts were never read, where others were: of those nothing is known of any bar.
    """
    spans: dict[int, list[tuple[datetime | None, datetime]]] = {account: [] for account in accounts}
    for account, start, end in CoveredSpan.objects.filter(account__in=accounts).values_list("account", "start", "end"):
        spans[account].append((start, end))
    never_read = sum(not covered for covered in spans.values())
    read = [covered for covered in spans.values() if covered]
    for bar in bars:
        # The last bar reaches into the future: nothing of that can be missing yet.
        until = min(bar.end, now - timedelta(hours=1))
        bar.covered = bar.start >= until or (
            bool(read)
            and all(
                any((start is None or start <= bar.start) and until <= end for start, end in covered)
                for covered in read
            )
        )
    return never_read if read else 0
