"""Few candidates: where an index can name all events that may match, and they are not many, they are looked through
whole, and the answer is complete however old the events are. Where they are many, a walk finds them soon.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import OperationalError, connection, transaction

from events.reading import trigrams
from events.reading.conditions import APPLICATION, any_of, contains, contains_word, in_ranges, is_one_of, joined, told
from events.reading.filterable import DIMENSIONS
from events.reading.plan import PROBED, Key, table
from events.reading.rows import TABLE
from events.storage import search_index

if TYPE_CHECKING:
    from events.reading.conditions import Conditions
    from events.reading.plan import Span

# PostgreSQL reads all candidates out of its index before it hands over the first. Longer than this, and they are many.
PATIENCE_MS = 20


def find(conditions: Conditions, span: Span) -> list[Key] | None:
    """The keys of all events that match, in order; None when there may be too many to look at each.

    By text, only the accounts in question are looked at: nobody learns of others from what is found, or from how long
    it takes.
    """
    wanted = search_index.words(conditions.text).wanted if conditions.text else ()
    told = _told(conditions)
    if connection.vendor == "postgresql":
        known = tuple(word for word in wanted if _is_indexed(word))
        told = told if all(map(_is_indexed, told)) else ()
        if (known or told) and trigrams.narrows(_ways(known, told), conditions.accounts):
            return _from_postgresql(conditions, span, known, told)
    elif wanted or told:
        query = trigrams.fts_query(_ways(wanted, told), conditions.accounts)
        index = search_index.INDEX
        pks = _ids(f"SELECT rowid FROM {index} WHERE {index} MATCH %s", [query]) if query else None
        if pks is not None:
            return _check(pks, conditions, span)
    return _from_ranges(conditions, span) if conditions.ranges else None


def _told(conditions: Conditions) -> tuple[str, ...]:
    """What stands in the texts of events about the wanted applications, one of them in each."""
    return tuple(dict.fromkeys(told(app) for _, app in conditions.wanted.get(APPLICATION, ())))


def _ways(words: tuple[str, ...], one_of: tuple[str, ...]) -> list[tuple[str, ...]]:
    """All the ways to spell these words, together with each of the others."""
    ways = search_index.ways(words)
    return [(*way, other) for other in one_of for way in ways] if one_of else ways


def _from_ranges(conditions: Conditions, span: Span) -> list[Key] | None:
    name, ranges = next(iter(conditions.ranges.items()))
    dimension = DIMENSIONS[name]
    where, values = in_ranges(dimension.column, ranges)
    # One range is read out of its index; SQLite joins several as it likes.
    source = table(dimension.index) if len(ranges) == 1 else TABLE
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT {PROBED + 1}) AS c", values)
        if cursor.fetchone()[0] > PROBED:
            return None
        every, every_values = joined([span.sql(), *conditions.rest()])
        cursor.execute(f"SELECT created_at, id FROM {source} WHERE {every}", every_values)
        keys = [Key(*row) for row in cursor.fetchall()]
    return sorted(keys, reverse=span.newest_first)


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
        cursor.execute(f"SELECT created_at, id FROM {source} WHERE id IN ({listed}) AND {where}", values)
        keys = [Key(*row) for row in cursor.fetchall()]
    return sorted(keys, reverse=span.newest_first)


def _from_postgresql(
    conditions: Conditions, span: Span, known: tuple[str, ...], one_of: tuple[str, ...]
) -> list[Key] | None:
    """As `find`, out of the trigram index by the words it knows, and by one of the others. What is left to check is
    written so that no other index is tried."""
    looked_up = [contains_word(word) for word in known]
    if one_of:
        others = [contains_word(word) for word in one_of]
        looked_up.append((any_of([text for text, _ in others]), [param for _, params in others for param in params]))
    if conditions.accounts is not None:
        looked_up.insert(0, is_one_of(search_index.POSTGRESQL_ACCOUNT, conditions.accounts))
    where, values = joined(looked_up)
    rest, rest_values = joined([span.sql(), *conditions.rest(("text",)), contains(conditions.text, known)])
    query = (
        f"SELECT created_at, id FROM (SELECT * FROM {TABLE} WHERE {where} OFFSET 0) AS candidates WHERE {rest} "
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
    return sorted(keys, reverse=span.newest_first) if len(keys) <= PROBED else None


def _is_indexed(word: str) -> bool:
    """Whether pg_trgm's index can tell candidates: it holds letters and digits only, three in a row at the least."""
    return all(re.search(r"[^\W_]{3}", spelling) for spelling in search_index.spellings(word))
