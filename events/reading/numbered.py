"""Pages by number that hold still: for programs that know nothing but `page`, and walk from the first to the last.

A walk sees the archive as it was when it began, newest first or oldest first: what is archived meanwhile moves nothing,
and follows on pages after the last, in the order in which it came. So each event is on one page, and none on none.
Where a page begins is remembered by whoever reads (`near`), so that no page is counted off from the first.

Retention may remove events meanwhile, and what follows moves up. From then on pages begin so many events earlier: some
events come twice, and none is passed over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.models import DayCount, MonthCount, RemovedEvent
from events.reading import rollups
from events.reading.conditions import joined
from events.reading.counts import count_all
from events.reading.pages import find
from events.reading.plan import Key, Span, db_time, stored_key
from events.reading.rows import TABLE
from events.storage.transactions import snapshot

if TYPE_CHECKING:
    from events.reading.conditions import Conditions, Sql

REMOVED = RemovedEvent._meta.db_table
STRIDE = 5_000  # keys that are passed over by one query
MOST_ARRIVALS = 10_000  # that are counted at a time
SECONDS = 5.0  # that one page may take, or counting


class TooFar(Exception):
    """A page that cannot be reached in time. What was passed on the way is in `near`, so that trying again helps."""


@dataclass(frozen=True)
class Walk:
    """The archive as it was when a walk began.

    Attributes:
        upto: the key of the newest event there was.
        total: how many matched.
        exact: whether they are just so many; else there are more.
        start, end: the times asked for, which `today` or `7d` would move on.
        removal: the last removal there was, as `last_removal` tells it.
    """

    upto: int
    total: int
    exact: bool
    start: datetime | None = None
    end: datetime | None = None
    removal: int = 0


@dataclass(frozen=True)
class NumberedPage:
    """The keys of a page's events, and how many events there are in all by now."""

    pks: list[int]
    total: int
    exact: bool


Near = dict[int, Key]  # by how many events lie before: beyond which key a page begins


def newest_key() -> int:
    """The key of the event that was archived last."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM {TABLE}")
        return int(cursor.fetchone()[0] or 0)


def last_removal() -> int:
    """A number that changes whenever events are removed."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM {REMOVED}")
        return int(cursor.fetchone()[0] or 0)


def begin(conditions: Conditions) -> Walk:
    """Begin a walk: what there is now, counted."""
    with snapshot():
        upto, removal = newest_key(), last_removal()
        counted = count_all(conditions, SECONDS)
    return Walk(upto, counted.number, not counted.at_least, conditions.start, conditions.end, removal)


def count_gone(conditions: Conditions, walk: Walk) -> int:
    """How many of a walk's events have been removed since it began; 0 where that takes too long to count."""
    conditions = replace(conditions, start=walk.start, end=walk.end)
    with snapshot():
        now = count_all(conditions, SECONDS)
        arrived = _arrived(conditions, walk, None)
    return 0 if now.at_least or not walk.exact else max(walk.total - (now.number - arrived), 0)


def read_numbered(conditions: Conditions, walk: Walk, place: int, size: int, near: Near, gone: int = 0) -> NumberedPage:
    """The page that begins after `place` events.

    Args:
        gone: how many of the walk's events were removed; `near` tells of those that are left.
        near: places that are known, with the key before each; those that come to light are added.

    Raises:
        TooFar: it takes too long to get there.
    """
    conditions = replace(conditions, start=walk.start, end=walk.end)
    arrived = _arrived(conditions, walk)
    walk, place = replace(walk, total=walk.total - gone), max(place - gone, 0)
    pks: list[int] = []
    if place < walk.total or not walk.exact:
        keys = _keys(conditions, walk, place, size, near)
        pks = [key.pk for key in keys]
        if keys:
            near[place + len(keys)] = stored_key(keys[-1].created_at, keys[-1].pk)
        if not walk.exact and (keys or place <= walk.total):
            at_end = len(keys) < size
            walk = replace(walk, total=max(walk.total, place + len(keys) + (not at_end)), exact=at_end)
    if walk.exact and arrived and len(pks) < size:
        pks += _arrivals(conditions, walk, max(place - walk.total, 0), size - len(pks))
    return NumberedPage(pks, walk.total + gone + arrived, walk.exact and arrived <= MOST_ARRIVALS)


def _keys(conditions: Conditions, walk: Walk, place: int, size: int, near: Near) -> list[Key]:
    """The keys of the walk's own events from this place on."""
    span = Span(walk.start, walk.end, newest_first=not conditions.oldest_first, upto=walk.upto)
    known = max((passed for passed in near if passed <= place), default=0)
    passed = known
    if known:
        span = replace(span, beyond=near[known])
    if place - known > STRIDE and not conditions.oldest_first:
        jumped, until = _jump(conditions, walk, place)
        if jumped > known:
            passed, span = jumped, replace(span, end=until, beyond=None)
    until_clock = time.monotonic() + SECONDS
    keys: list[Key] = []
    while True:
        skip = min(place - passed, STRIDE)
        wanted = skip or size - len(keys)
        matches = find(conditions, span, wanted, rows=False)
        if skip:
            passed += len(matches.keys)
        else:
            keys += matches.keys
        beyond = matches.reached if len(matches.keys) < wanted else matches.keys[-1]
        if beyond is None or len(keys) >= size:
            return keys
        span = replace(span, beyond=stored_key(beyond.created_at, beyond.pk))
        if skip:
            near[passed] = stored_key(beyond.created_at, beyond.pk)
        if time.monotonic() > until_clock:
            raise TooFar


def _jump(conditions: Conditions, walk: Walk, place: int) -> tuple[int, datetime | None]:
    """A midnight shortly before this place, by the rollups: how many events are newer, and the last moment before."""
    if not rollups.answers(conditions):
        return 0, None
    day = _day_of(conditions, place)
    if day is None:
        return 0, None
    midnight = datetime.combine(day, time_of_day(), UTC)
    if (walk.end and midnight > walk.end) or (walk.start and midnight < walk.start):
        return 0, None
    newer, complete = rollups.totals(replace(conditions, start=midnight), ())
    passed = newer.total() - _arrived(replace(conditions, start=midnight), walk)
    if not complete or not 0 <= passed <= place:
        return 0, None
    return passed, midnight - timedelta(microseconds=1)


def _day_of(conditions: Conditions, place: int) -> date | None:
    """The day after the one in which this place lies, by whole days and months."""
    newer = 0
    month: date | None = None
    months = rollups.by_rollup(MonthCount, conditions, None, None, ("month",))
    for (first,), number in sorted(months.items(), reverse=True):
        if newer + number > place:
            month = first
            break
        newer += number
    if month is None:
        return None
    next_month = (month + timedelta(days=32)).replace(day=1)
    days = rollups.by_rollup(DayCount, conditions, month, next_month, ("day",))
    for (day,), number in sorted(days.items(), reverse=True):
        if newer + number > place:
            after: date = day + timedelta(days=1)
            return after
        newer += number
    return None


def _arrived(conditions: Conditions, walk: Walk, most: int | None = MOST_ARRIVALS) -> int:
    """How many events that match were archived since the walk began; one more than `most` where there are more."""
    if newest_key() <= walk.upto:
        return 0
    source, values = _since(conditions, walk)
    limit = "" if most is None else f"LIMIT {most + 1}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM (SELECT 1 {source} {limit}) AS arrived", values)
        return int(cursor.fetchone()[0])


def _arrivals(conditions: Conditions, walk: Walk, skipped: int, wanted: int) -> list[int]:
    """Their keys, in the order in which they came."""
    source, values = _since(conditions, walk)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id {source} ORDER BY id LIMIT {wanted} OFFSET {skipped}", values)
        return [pk for (pk,) in cursor.fetchall()]


def _since(conditions: Conditions, walk: Walk) -> Sql:
    where, values = joined(conditions.rest())
    times: list[Sql] = [("id > %s", [walk.upto])]
    if conditions.start:
        times.append(("created_at >= %s", [db_time(conditions.start)]))
    if conditions.end:
        times.append(("created_at <= %s", [db_time(conditions.end)]))
    since, bounds = joined(times)
    # Keys are what is walked along, whatever else has an index.
    table = f"{TABLE} NOT INDEXED" if connection.vendor == "sqlite" else TABLE
    params: list[Any] = [*bounds, *values]
    return f"FROM {table} WHERE {since} AND {where}", params
