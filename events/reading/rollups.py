"""Totals out of the rollups: whole months and days from there, the pieces of days at both ends from an index."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Sum

from events.models import DayCount, MonthCount, SyncState
from events.reading.conditions import joined
from events.reading.plan import Span, choose, table

if TYPE_CHECKING:
    from events.reading.conditions import Conditions, Sql

MOST_IN_A_PIECE = 10_000


@dataclass
class Pieces:
    """A stretch of time, cut up: what whole days and months cover, and what is left at its ends."""

    ends: list[Span] = field(default_factory=list)
    days: list[tuple[date | None, date | None]] = field(default_factory=list)  # the last one excluded
    months: list[tuple[date | None, date | None]] = field(default_factory=list)


def answers(conditions: Conditions) -> bool:
    """Whether the rollups can answer all the conditions."""
    return conditions.is_plain and conditions.values().keys() <= {"account", "event_type"}


def cut(start: datetime | None, end: datetime | None, *, months: bool = True) -> Pieces:
    """Cut a stretch of time (both ends included) into pieces that rollups and an index can count."""
    first = _next_midnight(start) if start else None
    until = _midnight(end) if end else None
    if first and until and first >= until:
        return Pieces(ends=[Span(start, end)])
    pieces = Pieces()
    if start and first and start < first:
        pieces.ends.append(Span(start, first - timedelta(microseconds=1)))
    if until and end:
        pieces.ends.append(Span(until, end))
    day, last = first.date() if first else None, until.date() if until else None
    if not months:
        pieces.days.append((day, last))
        return pieces
    first_month, end_month = _next_month(day) if day else None, last.replace(day=1) if last else None
    if first_month and end_month and first_month >= end_month:
        pieces.days.append((day, last))
        return pieces
    if day and first_month and day < first_month:
        pieces.days.append((day, first_month))
    pieces.months.append((first_month, end_month))
    if end_month and last and end_month < last:
        pieces.days.append((end_month, last))
    return pieces


def totals(conditions: Conditions, by: tuple[str, ...]) -> tuple[Counter[tuple[Any, ...]], bool]:
    """How many events match by some of account_id and event_type, and whether all could be counted."""
    pieces = cut(conditions.start, conditions.end)
    counts: Counter[tuple[Any, ...]] = Counter()
    for first, last in pieces.days:
        counts.update(by_rollup(DayCount, conditions, first, last, by))
    for first, last in pieces.months:
        counts.update(by_rollup(MonthCount, conditions, first, last, by))
    complete = True
    for span in pieces.ends:
        counted = by_index(conditions, span, by)
        complete = complete and counted.total() <= MOST_IN_A_PIECE
        counts.update(counted)
    return counts, complete


def by_rollup(
    model: type[DayCount] | type[MonthCount],
    conditions: Conditions,
    first: date | None,
    last: date | None,
    by: tuple[str, ...],
) -> Counter[tuple[Any, ...]]:
    """Sums of a rollup, by its columns: account_id, event_type, and day or month. `last` is not included."""
    unit = "day" if model is DayCount else "month"
    # Naming all accounts is faster than naming none: the index begins with them.
    accounts = SyncState.objects.values("account") if conditions.accounts is None else conditions.accounts
    rows = model.objects.order_by().filter(account__in=accounts, count__gt=0)
    if types := conditions.wanted.get("event_type"):
        rows = rows.filter(event_type__in=types)
    if first:
        rows = rows.filter(**{f"{unit}__gte": first})
    if last:
        rows = rows.filter(**{f"{unit}__lt": last})
    if not by:
        return Counter({(): rows.aggregate(total=Sum("count"))["total"] or 0})
    return Counter(
        {tuple(row[:-1]): row[-1] for row in rows.values(*by).annotate(total=Sum("count")).values_list(*by, "total")}
    )


def by_index(conditions: Conditions, span: Span, by: tuple[str, ...]) -> Counter[tuple[Any, ...]]:
    """Events of a short stretch, counted one by one: MOST_IN_A_PIECE of them, and one more where there are more."""
    plan = choose(conditions, span, 1, heads=False)
    where, bounds = span.sql()
    columns = ", ".join(("account_id", "event_type")) if by else "1"
    rest, rest_values = joined(plan.rest)
    branches: list[Sql] = [
        (
            f"SELECT {columns} FROM {table(plan.index)} WHERE {condition} AND {where} AND {rest} "
            f"LIMIT {MOST_IN_A_PIECE + 1}",
            values + bounds + rest_values,
        )
        for condition, values in plan.branches
    ]
    union = " UNION ALL ".join(f"SELECT * FROM ({text}) AS b{number}" for number, (text, _) in enumerate(branches))
    grouped = ", ".join(by)
    query = (
        f"SELECT {grouped + ', ' if by else ''}COUNT(*) FROM "
        f"(SELECT * FROM ({union}) AS u LIMIT {MOST_IN_A_PIECE + 1}) AS c" + (f" GROUP BY {grouped}" if by else "")
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [value for _, values in branches for value in values])
        return Counter({tuple(row[:-1]): row[-1] for row in cursor.fetchall()})


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(moment: datetime) -> datetime:
    day = _midnight(moment)
    return day if day == moment else day + timedelta(days=1)


def _next_month(day: date) -> date:
    return day if day.day == 1 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
