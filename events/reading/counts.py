"""How many events match: exact out of the rollups where they can tell, else counted up to a limit and said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Sum

from events.models import SyncState
from events.reading import rollups
from events.reading.pages import find
from events.reading.plan import Plan, Span, choose, table

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
    span = Span(conditions.start, conditions.end)
    if rollups.answers(conditions):
        if not conditions.event_types and not conditions.start and not conditions.end:
            return Count(_archived(conditions))
        found, complete = rollups.totals(conditions, ())
        return Count(found.total(), at_least=not complete)
    if conditions.text:
        return Count(shown, at_least=True)  # looking for more would take as long as the page did
    plan = None if conditions.networks else choose(conditions, span, 1)
    return _in_index(plan, span) if plan and plan.in_order else _along_a_walk(conditions, span, shown)


def _archived(conditions: Conditions) -> int:
    states = SyncState.objects.all()
    if conditions.accounts is not None:
        states = states.filter(account__in=conditions.accounts)
    return states.aggregate(total=Sum("event_count"))["total"] or 0


def _along_a_walk(conditions: Conditions, span: Span, shown: int) -> Count:
    most = min(MOST_FOUND, MOST_COUNTED)
    found = find(conditions, span, most + 1, walk=COUNT_WALKED, rows=False)
    if found.complete is not None:
        return Count(found.complete)
    number = len(found.keys)
    return Count(max(number, shown), at_least=True) if found.reached else Count(min(number, most), number > most)


def _in_index(plan: Plan, span: Span) -> Count:
    where, bounds = span.sql()
    parts, params = [], []
    for number, (condition, values) in enumerate(plan.branches):
        branch = f"SELECT 1 FROM {table(plan.index)} WHERE {condition} AND {where} LIMIT {MOST_COUNTED + 1}"
        parts.append(f"SELECT * FROM ({branch}) AS b{number}")
        params += values + bounds
    query = f"SELECT COUNT(*) FROM (SELECT * FROM ({' UNION ALL '.join(parts)}) AS u LIMIT {MOST_COUNTED + 1}) AS c"
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        found = cursor.fetchone()[0]
    return Count(min(found, MOST_COUNTED), found > MOST_COUNTED)
