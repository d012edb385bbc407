"""All events that match, in the order asked for, in constant memory: for exports and evidence packs.

Read in chunks by key, each a query of its own: nothing stays open while a slow reader takes the rest, neither a
transaction on PostgreSQL nor a snapshot that would keep SQLite's log from being cleared. Events that arrive meanwhile
are included if they lie beyond the point reached. Within `storage.transactions.snapshot` there are none.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.reading import rows
from events.reading.candidates import Sought
from events.reading.conditions import Conditions, Sql, joined
from events.reading.plan import Key, Plan, Span, choose_for_all, stored_key, table
from events.reading.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_CHUNK = 100  # the first bytes go out soon
CHUNK = 1_000
MOST_HELD = 4_000  # rows, by all branches together


def stream_rows(conditions: Conditions) -> Iterator[Row]:
    """The events as rows."""
    columns = ", ".join(name for name in Row._fields if name not in ("pk", "created_at"))
    matching = _stream(conditions, columns)
    while some := list(islice(matching, FIRST_CHUNK)):
        yield from rows.as_rows((*row[1:6], rows.as_time(row[0]), *row[6:]) for row in some)


def stream_raw(conditions: Conditions, *, whole: bool = True) -> Iterator[str]:
    """The events as received; without what is sensitive in them, unless they are wanted whole."""
    if whole:
        for _, _, raw in _stream(conditions, "raw"):
            yield raw
        return
    # Where the text to search in is the event as received, nothing in it is sensitive: looking would cost much more.
    matching = _stream(conditions, "raw, searchable <> ''")
    while some := list(islice(matching, FIRST_CHUNK)):
        yield from rows.masked([(raw, may_hide) for _, _, raw, may_hide in some])


def stream_keys(conditions: Conditions) -> Iterator[int]:
    """The primary keys of the events."""
    for _, pk, _ in _stream(conditions, "account_id"):
        yield pk


def _stream(conditions: Conditions, columns: str) -> Iterator[tuple[Any, ...]]:
    """Tuples of time, key and the columns."""
    if conditions.is_empty:
        return iter(())
    span = Span(conditions.start, conditions.end, newest_first=not conditions.oldest_first)
    if conditions.is_sought:
        few = Sought(conditions).find(span)
        if few is not None:
            return _named(few.keys, columns)
    plan = choose_for_all(conditions)
    chunk = max(MOST_HELD // max(len(plan.branches), 1), 50)
    branches = [_branch(plan, branch, span, columns, min(chunk, CHUNK)) for branch in plan.branches]
    return (
        branches[0] if len(branches) == 1 else heapq.merge(*branches, key=itemgetter(0, 1), reverse=span.newest_first)
    )


def _branch(plan: Plan, branch: Sql, span: Span, columns: str, chunk: int) -> Iterator[tuple[Any, ...]]:
    condition, values = branch
    rest, rest_values = joined(plan.rest)
    size, time = min(FIRST_CHUNK, chunk), rows.time_column()
    while True:
        where, bounds = span.sql()
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {time}, id, {columns} FROM {table(plan.index)} WHERE {condition} AND {where} AND {rest} "
                f"ORDER BY {span.order} LIMIT {size}",
                values + bounds + rest_values,
            )
            chunk_rows = cursor.fetchall()
        yield from chunk_rows
        if len(chunk_rows) < size:
            return
        size = chunk
        span = replace(span, beyond=stored_key(*chunk_rows[-1][:2]))


def _named(keys: list[Key], columns: str) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(keys), CHUNK):
        chunk_keys = keys[start : start + CHUNK]
        where, values = rows.is_one_of_keys(key.pk for key in chunk_keys)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {rows.time_column()}, id, {columns} FROM {rows.TABLE} WHERE {where}", values)
            by_pk = {row[1]: row for row in cursor.fetchall()}
        yield from (by_pk[key.pk] for key in chunk_keys if key.pk in by_pk)
