"""How many events match: exact out of the rollups where they can tell, else counted up to a limit and said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Sum

from events.conditions import joined
from events.models import DayCount, MonthCount, SyncState
from events.reading.pages import find
from events.reading.plan import Span, choose, table

if TYPE_CHECKING:
    from events.conditions import Conditions

MOST_COUNTED = 10_000
# Where no index counts, so many events are looked at, and so many counted among them.
COUNT_WALKED = 2_000
MOST_FOUND = 1_000


@dataclass(frozen=True)
class Count:
    """A number of events; `at_least` says that there may be more."""

    number: int
    at_least: bool = False


def count(conditions: Conditions, *, shown: int = 0) -> Count:
    """Count what matches. `shown`: how many are known to match, on the page."""
    if conditions.is_empty:
        return Count(0)
    simple = not (conditions.networks or conditions.text)
    if simple and conditions.values().keys() <= {"accounts"} and not conditions.start and not conditions.end:
        states = SyncState.objects.all()
        if conditions.accounts is not None:
            states = states.filter(account__in=conditions.accounts)
        return Count(states.aggregate(total=Sum("event_count"))["total"] or 0)
    if simple and conditions.values().keys() <= {"accounts", "event_types"}:
        return _from_rollups(conditions)
    span = Span(conditions.start, conditions.end)
    plan = choose(conditions, span, 1) if simple else None
    if plan and plan.in_order:
        return _capped(plan.index, plan.branches, span)
    if conditions.text:
        return Count(shown, at_least=True)  # looking for more would take as long as the page did
    most = min(MOST_FOUND, MOST_COUNTED)
    found = find(conditions, span, most + 1, walk=COUNT_WALKED)
    number = len(found.keys) if found.complete is None else found.complete
    if found.reached:
        return Count(max(number, shown), at_least=True)
    return Count(min(number, most), number > most) if found.complete is None else Count(number)


def _capped(index: str, branches: Any, span: Span) -> Count:
    where, bounds = span.sql()
    parts, params = [], []
    for number, (condition, values) in enumerate(branches):
        branch = f"SELECT 1 FROM {table(index)} WHERE {condition} AND {where} LIMIT {MOST_COUNTED + 1}"
        parts.append(f"SELECT * FROM ({branch}) AS b{number}")
        params += values + bounds
    query = f"SELECT COUNT(*) FROM (SELECT * FROM ({' UNION ALL '.join(parts)}) AS u LIMIT {MOST_COUNTED + 1}) AS c"
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        number = cursor.fetchone()[0]
    return Count(min(number, MOST_COUNTED), number > MOST_COUNTED)


def _from_rollups(conditions: Conditions) -> Count:
    """Whole months and days out of the rollups; the pieces of days at the ends are counted."""
    start, end = conditions.start, conditions.end
    first = _next_midnight(start) if start else None
    last = _midnight(end) if end else None  # exclusive
    if first and last and first >= last:
        return _piece(conditions, start, end)
    pieces = [
        _piece(conditions, start, first - timedelta(microseconds=1)) if start and first and start < first else Count(0),
        _piece(conditions, last, end) if last and end else Count(0),
        Count(_whole_days(conditions, first.date() if first else None, last.date() if last else None)),
    ]
    return Count(sum(piece.number for piece in pieces), any(piece.at_least for piece in pieces))


def _piece(conditions: Conditions, start: datetime | None, end: datetime | None) -> Count:
    span = Span(start, end)
    plan = choose(conditions, span, 1)
    if not plan.in_order:
        where, values = joined([span.sql(), *conditions.rest()])
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM (SELECT 1 FROM events_auditevent WHERE {where} LIMIT {MOST_COUNTED + 1}) AS c",
                values,
            )
            number = cursor.fetchone()[0]
        return Count(min(number, MOST_COUNTED), number > MOST_COUNTED)
    return _capped(plan.index, plan.branches, span)


def _whole_days(conditions: Conditions, first: date | None, last: date | None) -> int:
    """Events of the days from `first` on and before `last`."""
    full = _next_month(first) if first else None
    until = last.replace(day=1) if last else None
    if full and until and full >= until:
        return _sum(DayCount, "day", conditions, first, last)
    return (
        (_sum(DayCount, "day", conditions, first, full) if first and full and first < full else 0)
        + _sum(MonthCount, "month", conditions, full, until)
        + (_sum(DayCount, "day", conditions, until, last) if until and last and until < last else 0)
    )


def _sum(model: Any, unit: str, conditions: Conditions, first: date | None, last: date | None) -> int:
    found = model.objects.order_by()
    # Naming all accounts is faster than naming none: the index begins with them.
    accounts = SyncState.objects.values("account") if conditions.accounts is None else conditions.accounts
    found = found.filter(account__in=accounts)
    if conditions.event_types:
        found = found.filter(event_type__in=conditions.event_types)
    if first:
        found = found.filter(**{f"{unit}__gte": first})
    if last:
        found = found.filter(**{f"{unit}__lt": last})
    return found.aggregate(total=Sum("count"))["total"] or 0


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(moment: datetime) -> datetime:
    day = _midnight(moment)
    return day if day == moment else day + timedelta(days=1)


def _next_month(day: date) -> date:
    if day.day == 1:
        return day
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
