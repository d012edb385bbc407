"""Few candidates: where an index can name all events that may match, and they are not many, they are looked through
whole, and the answer is complete however old the events are. Where they are many, a walk finds them soon.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from django.db import OperationalError, connection, transaction

from events.reading import trigrams
from events.reading.conditions import (
    APPLICATION,
    any_of,
    contains,
    contains_word,
    in_ranges,
    is_like,
    is_one_of,
    joined,
    told,
)
from events.reading.filterable import DIMENSIONS
from events.reading.plan import PROBED, Key, table
from events.reading.rows import TABLE, time_column
from events.storage import search_index

if TYPE_CHECKING:
    from events.reading.conditions import Conditions
    from events.reading.plan import Span

# PostgreSQL reads all candidates out of its index before it hands over the first. Longer than this, and they are many.
PATIENCE_MS = 20


class Candidates(NamedTuple):
    """What matches among the candidates.

    Attributes:
        keys: in order; their times are as `rows.time_column` tells them, which is read several times as fast.
        number: how many there are, wanted or not.
    """

    keys: list[Key]
    number: int


def find(conditions: Conditions, span: Span, wanted: int | None = None) -> Candidates | None:
    """All events that match, or the first `wanted` of them; None when there may be too many to look at each.

    By text, only the accounts in question are looked at: nobody learns of others from what is found, or from how long
    it takes.
    """
    sought = search_index.words(conditions.text).wanted if conditions.text else ()
    told = _told(conditions)
    if connection.vendor == "postgresql":
        known = tuple(word for word in sought if _is_indexed(word))
        told = told if all(map(_is_indexed, told)) else ()
        ways = _ways(known, told)
        if (known or told) and trigrams.narrows(ways, conditions.accounts, PROBED):
            return _in_order(_from_postgresql(conditions, span, ways, known, told), span, wanted)
    elif sought or told:
        query = trigrams.fts_query(_ways(sought, told), conditions.accounts)
        index = search_index.INDEX
        pks = _ids(f"SELECT rowid FROM {index} WHERE {index} MATCH %s", [query]) if query else None
        if pks is not None:
            return _in_order(_check(pks, conditions, span), span, wanted)
    return _from_ranges(conditions, span, wanted) if conditions.ranges else None


def _in_order(keys: list[Key] | None, span: Span, wanted: int | None) -> Candidates | None:
    return None if keys is None else Candidates(sorted(keys, reverse=span.newest_first)[:wanted], len(keys))


def _told(conditions: Conditions) -> tuple[str, ...]:
    """What stands in the texts of events about the wanted applications, one of them in each."""
    return tuple(dict.fromkeys(told(app) for _, app in conditions.wanted.get(APPLICATION, ())))


def _ways(words: tuple[str, ...], one_of: tuple[str, ...]) -> list[tuple[str, ...]]:
    """All the ways to spell these words, together with each of the others."""
    ways = search_index.ways(words)
    others = [spelling for other in one_of for spelling in search_index.spellings(other)]
    return [(*way, other) for other in others for way in ways] if one_of else ways


def _from_ranges(conditions: Conditions, span: Span, wanted: int | None) -> Candidates | None:
    name, ranges = next(iter(conditions.ranges.items()))
    dimension = DIMENSIONS[name]
    within = in_ranges(dimension.column, ranges)
    rest = conditions.rest()
    # One range is read out of its index; SQLite joins several as it likes.
    source = table(dimension.index) if len(ranges) == 1 else TABLE
    nothing_else = rest == [within]
    span_where, span_values = span.sql()
    where, values = within
    with connection.cursor() as cursor:
        # So many are looked at, wherever the span is: of a large range it may be a small part.
        cursor.execute(
            f"SELECT COUNT(*), SUM(CASE WHEN {span_where} THEN 1 ELSE 0 END) FROM "
            f"(SELECT created_at, id FROM {source} WHERE {where} LIMIT {PROBED + 1}) AS c",
            span_values + values,
        )
        in_range, number = cursor.fetchone()
        if in_range > PROBED:
            return None
        where, values = joined([(span_where, span_values), *rest])
        # Where the index says all, it says how many there are too, and only those that are wanted are read.
        first = f" ORDER BY {span.order} LIMIT {wanted:d}" if nothing_else and wanted is not None else ""
        cursor.execute(f"SELECT {time_column()}, id FROM {source} WHERE {where}{first}", values)
        keys = [Key(*row) for row in cursor.fetchall()]
    return Candidates(keys, number or 0) if first else _in_order(keys, span, wanted)


def _ids(query: str, values: list[str]) -> list[int] | None:
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT {PROBED + 1}", values)
        pks = [row[0] for row in cursor.fetchall()]
    return pks if len(pks) <= PROBED else None


def _check(pks: list[int], conditions: Conditions, span: Span) -> list[Key]:
    """Those of the candidates that really match."""
    if not pks:
        return []
    where, values = joined([span.sql(), *conditions.rest()])
    # SQLite must look the candidates up, and not walk an index past them.
    source = f"{TABLE} NOT INDEXED" if connection.vendor == "sqlite" else TABLE
    listed = ", ".join(map(str, pks))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {time_column()}, id FROM {source} WHERE id IN ({listed}) AND {where}", values)
        return [Key(*row) for row in cursor.fetchall()]


def _from_postgresql(
    conditions: Conditions, span: Span, ways: list[tuple[str, ...]], known: tuple[str, ...], one_of: tuple[str, ...]
) -> list[Key] | None:
    """As `find`, out of the trigram index by the words it knows, and by one of the others. What is left to check is
    written so that no other index is tried."""
    apart = trigrams.choose_apart(ways[0], conditions.accounts) if len(ways) == 1 else []
    if apart:
        looked_up, known = [is_like([f"%{'%'.join(pieces)}%"]) for pieces in apart if pieces], ()
    else:
        looked_up = [contains_word(word) for word in known]
        if one_of:
            others = [contains_word(word) for word in one_of]
            either = any_of([text for text, _ in others]), [param for _, params in others for param in params]
            looked_up.append(either)
    if conditions.accounts is not None:
        looked_up.insert(0, is_one_of(search_index.POSTGRESQL_ACCOUNT, conditions.accounts))
    where, values = joined(looked_up)
    rest, rest_values = joined([span.sql(), *conditions.rest(("text",)), contains(conditions.text, known)])
    query = (
        f"SELECT {time_column()}, id FROM (SELECT * FROM {TABLE} WHERE {where} OFFSET 0) AS candidates WHERE {rest} "
        f"LIMIT {PROBED + 1}"
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), set_config('enable_seqscan', 'off', true)",
                [str(PATIENCE_MS)],
            )
            cursor.execute(query, values + rest_values)
            keys = [Key(*row) for row in cursor.fetchall()]
            # Within an outer transaction (a test, an export) they would stay.
            cursor.execute(
                "SELECT set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'on', true)"
            )
    except OperationalError:
        return None
    return keys if len(keys) <= PROBED else None


def _is_indexed(word: str) -> bool:
    """Whether pg_trgm's index can tell candidates: it holds letters and digits only, three in a row at the least."""
    return all(re.search(r"[^\W_]{3}", spelling) for spelling in search_index.spellings(word))
