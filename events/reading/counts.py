"""How many events match: exact out of the rollups where they can tell, else counted up to a limit and said so."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Sum

from events.models import SyncState
from events.reading import rollups
from events.reading.candidates import Sought
from events.reading.conditions import joined
from events.reading.pages import find
from events.reading.plan import Key, Plan, Span, choose, choose_for_all, stored_key, table

if TYPE_CHECKING:
    from events.reading.conditions import Conditions, Sql
    from events.reading.pages import Page

MOST_COUNTED = 10_000
# Where no index counts: how many events to look at, and how many matches to count among them.
COUNT_WALKED = 2_000
MOST_MATCHES = 1_000
COUNT_STEP = 20_000  # events that one query of a long count looks at


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
        if not conditions.wanted and not conditions.start and not conditions.end:
            return Count(_archived(conditions))
        totals, complete = rollups.totals(conditions, ())
        return Count(totals.total(), at_least=not complete)
    if conditions.text and conditions.is_sought:
        return Count(shown, at_least=True)  # looking for more would take as long as the page did
    plan = None if conditions.is_sought else choose(conditions, span, 1)
    return _in_index(plan, span) if plan and plan.in_order else _along_a_walk(conditions, span, shown, plan)


def count_for_page(conditions: Conditions, page: Page, archived: int | None = None) -> Count:
    """Count what matches, as far as that can be told at once, for a page of it that was read already.

    Args:
        archived: how many events there are, where the conditions leave none out.
    """
    if conditions.is_empty:
        return Count(0)
    if page.total is not None:
        return Count(page.total)
    if not page.newer and not page.older:
        return Count(len(page.rows))
    return count(conditions, shown=len(page.rows)) if archived is None else Count(archived)


def announce(conditions: Conditions) -> Count:
    """Count what an export will hold, as far as that can be told at once."""
    if not (conditions.text and conditions.is_sought) or conditions.is_empty:
        return count(conditions)
    return _along_a_walk(conditions, Span(conditions.start, conditions.end), 0)


def count_all(conditions: Conditions, seconds: float) -> Count:
    """Count to the end, for so many seconds at most."""
    until = time.monotonic() + seconds
    announced = announce(conditions)
    if not announced.at_least:
        return announced
    span = Span(conditions.start, conditions.end)
    if conditions.is_sought:
        few = Sought(conditions).find(span)
        if few is not None:
            return Count(few.number)
    plan, number = choose_for_all(conditions), 0
    for branch in plan.branches:  # no event is in two of them
        beyond: Key | None = None
        while True:
            counted, beyond = _step(plan, branch, replace(span, beyond=beyond))
            number += counted
            if beyond is None:
                break
            if time.monotonic() > until:
                return Count(max(number, announced.number), at_least=True)
    return Count(number)


def _step(plan: Plan, branch: Sql, span: Span) -> tuple[int, Key | None]:
    """Count among the next events of a branch; where they end, if there may be more beyond."""
    condition, values = branch
    where, bounds = span.sql()
    rest, rest_values = joined(plan.rest)
    source = f"FROM {table(plan.index)} WHERE {condition} AND {where} ORDER BY {span.order}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM (SELECT ({rest}) AS matches {source} LIMIT {COUNT_STEP}) AS walked WHERE matches",
            rest_values + values + bounds,
        )
        counted = cursor.fetchone()[0]
        cursor.execute(f"SELECT created_at, id {source} LIMIT 1 OFFSET {COUNT_STEP - 1}", values + bounds)
        end = cursor.fetchone()
    return counted, stored_key(*end) if end else None


def _archived(conditions: Conditions) -> int:
    states = SyncState.objects.all()
    if conditions.accounts is not None:
        states = states.filter(account__in=conditions.accounts)
    return states.aggregate(total=Sum("event_count"))["total"] or 0


def may_be_more_than(most: int, conditions: Conditions, counted: Count) -> bool:
    """Whether more events match than `most`, or might: what is not counted to its end is as much as there is."""
    if counted.number > most or not counted.at_least:
        return counted.number > most
    return _archived(conditions) > most


def _along_a_walk(conditions: Conditions, span: Span, shown: int, plan: Plan | None = None) -> Count:
    most = min(MOST_MATCHES, MOST_COUNTED)
    matches = find(conditions, span, most + 1, plan=plan, walk=COUNT_WALKED, rows=False)
    if matches.complete is not None:
        return Count(matches.complete)
    number = len(matches.keys)
    return Count(max(number, shown), at_least=True) if matches.reached else Count(min(number, most), number > most)


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
        total = cursor.fetchone()[0]
    return Count(min(total, MOST_COUNTED), total > MOST_COUNTED)
