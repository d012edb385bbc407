"""Few candidates: where an index can name all events that may match, and they are not many, they are looked through
whole, and the answer is complete however old the events are. Where they are many, a walk finds them soon; and where one
index can name them of a stretch of the archive (SQLite's of texts), a walk looks at no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import OperationalError, connection, transaction

from events.reading import trigrams
from events.reading.conditions import (
    APPLICATION,
    any_of,
    contains,
    in_ranges,
    is_like,
    is_like_word,
    is_one_of,
    joined,
    told,
)
from events.reading.filterable import DIMENSIONS
from events.reading.plan import PROBED, Key, table
from events.reading.rows import TABLE, is_one_of_keys, time_column
from events.storage import search_index

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.reading.conditions import Conditions, Sql
    from events.reading.plan import Span

# PostgreSQL reads all candidates out of its index before it hands over the first. Longer than this, and they are many.
PATIENCE_MS = 20
# More than this share of a sample hold what a short walk may find at once. PostgreSQL's index takes long even for less.
COMMON = {"sqlite": 0.05, "postgresql": 0.0}
SEVERAL = 3
# SQLite's index is asked by stretches of so many keys: events lie in it by their keys, and walks go by time.
STRETCH = 4_096
MOST_STRETCHES = 8
_MATCHING = f"SELECT rowid FROM {search_index.INDEX} WHERE {search_index.INDEX} MATCH %s"


class Candidates(NamedTuple):
    """What matches among the candidates.

    Attributes:
        keys: in order; their times are as `rows.time_column` tells them, which is read several times as fast.
        number: how many there are, wanted or not.
    """

    keys: list[Key]
    number: int


@dataclass
class Sought:
    """What is looked for, as the indexes have it; what is known of it is found out once.

    By text, only events of the accounts in question are looked at: nobody learns of others from what is found. SQLite
    steps over the others' entries in the lists of its index, which takes a fraction of a microsecond each.
    """

    conditions: Conditions

    @cached_property
    def _scope(self) -> trigrams.Scope:
        return trigrams.Scope(self.conditions.accounts)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        """The words that the index of texts knows."""
        wanted = search_index.words(self.conditions.text).wanted if self.conditions.text else ()
        return tuple(filter(_is_indexed, wanted)) if connection.vendor == "postgresql" else wanted

    @cached_property
    def _told(self) -> tuple[str, ...]:
        """What stands in the texts of events about the wanted applications, one of them in each."""
        told_there = tuple(dict.fromkeys(told(app) for _, app in self.conditions.wanted.get(APPLICATION, ())))
        return told_there if connection.vendor != "postgresql" or all(map(_is_indexed, told_there)) else ()

    @cached_property
    def _ways(self) -> list[tuple[str, ...]]:
        """All the ways to spell the words, together with one of what is told; none where there is neither."""
        if not self._words and not self._told:
            return []
        ways = search_index.ways(self._words)
        others = [spelling for other in self._told for spelling in search_index.spellings(other)]
        return [(*way, other) for other in others for way in ways] if others else ways

    def may_turn_up_at_once(self) -> bool:
        """Whether a short walk is worth while, before an index is asked that would take longer."""
        if not self._ways:
            return False
        if self._scope.is_small:
            return connection.vendor == "postgresql"
        return trigrams.turn_up(self._ways, self._scope, COMMON[connection.vendor])

    def find(self, span: Span, wanted: int | None = None, *, met: int = 0) -> Candidates | None:
        """All events that match, or the first `wanted` of them; None when there may be too many to look at each.

        Args:
            met: how many that match were met on a short walk.
        """
        conditions = self.conditions
        if connection.vendor == "postgresql":
            if self._ways and trigrams.narrows(self._ways, self._scope, PROBED, are_there=met >= SEVERAL):
                return _in_order(self._from_postgresql(span), span, wanted)
        elif query := trigrams.fts_query(self._ways, self._scope):
            pks = _ids([(_MATCHING, [query])])
            if pks is not None:
                return _in_order(_check(pks, conditions, span), span, wanted)
        return _from_ranges(conditions, span, wanted) if conditions.ranges else None

    def pieces_along(self, size: int) -> list[list[str]]:
        """What to look up to find it along a walk of so many events, by ways; nothing where looking at each takes no
        longer. PostgreSQL's index cannot be read in part."""
        return [] if connection.vendor == "postgresql" else trigrams.pieces_within(self._ways, self._scope, size)

    def find_along(self, walk: Sql, own: Sql | None, span: Span, ways: list[list[str]]) -> list[Key] | None:
        """What matches along a walk; None where its events lie too far apart in the index.

        Args:
            walk: selects the keys of these events.
            own: selects the keys of events of the accounts in question, of the same span; None for all accounts.
            ways: the pieces to look up.
        """
        keys, values = walk
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT DISTINCT id / {STRETCH} FROM ({keys}) LIMIT {MOST_STRETCHES + 1}", values)
            stretches = [number for (number,) in cursor.fetchall()]
        if len(stretches) > MOST_STRETCHES:
            return None
        runs = [(first * STRETCH, last * STRETCH + STRETCH - 1) for first, last in _runs(sorted(stretches))]
        pks = _ids([_holding(pieces, runs, own) for pieces in ways]) if runs else []
        return None if pks is None else _check(pks, self.conditions, span)

    def _from_postgresql(self, span: Span) -> list[Key] | None:
        """The keys in any order, by the words that the index knows and by one of what is told. What is left to check
        is written so that no other index is tried."""
        conditions, known = self.conditions, self._words
        apart = trigrams.choose_apart(self._ways[0], self._scope) if len(self._ways) == 1 else []
        if apart:
            looked_up, known = [is_like([f"%{'%'.join(pieces)}%"]) for pieces in apart if pieces], ()
        else:
            looked_up = [is_like_word(word) for word in known]
            if self._told:
                others = [is_like_word(word) for word in self._told]
                either = any_of([text for text, _ in others]), [param for _, params in others for param in params]
                looked_up.append(either)
        if conditions.accounts is not None:
            looked_up.insert(0, is_one_of(search_index.POSTGRESQL_ACCOUNT, conditions.accounts))
        where, values = joined(looked_up)
        rest, rest_values = joined([span.sql(), *conditions.rest(("text",)), contains(conditions.text, known)])
        query = (
            f"SELECT {time_column()}, id FROM (SELECT * FROM {TABLE} WHERE {where} OFFSET 0) AS candidates "
            f"WHERE {rest} LIMIT {PROBED + 1}"
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


def _in_order(keys: list[Key] | None, span: Span, wanted: int | None) -> Candidates | None:
    return None if keys is None else Candidates(sorted(keys, reverse=span.newest_first)[:wanted], len(keys))


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


def _ids(queries: list[Sql]) -> list[int] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{' UNION ALL '.join(query for query, _ in queries)} LIMIT {PROBED + 1}",
            [value for _, values in queries for value in values],
        )
        pks = [row[0] for row in cursor.fetchall()]
    return pks if len(pks) <= PROBED else None


def _holding(pieces: list[str], runs: list[tuple[int, int]], own: Sql | None) -> Sql:
    """Selects the keys within these runs, of `own` events, that the index has under all of the pieces.

    Each piece is looked up by itself: asked for several at once, FTS5 reads on beyond a run until it finds all of them.
    """
    first, *others = (
        (" UNION ALL ".join([f"{_MATCHING} AND rowid BETWEEN %s AND %s"] * len(runs)), _of_runs(piece, runs))
        for piece in pieces
    )
    sifted = ([own] if own else []) + others
    # With a plus SQLite makes a list of them, and looks up none in the index.
    conditions = " AND ".join(f"+rowid IN ({keys})" for keys, _ in sifted) or "1 = 1"
    return f"SELECT rowid FROM ({first[0]}) WHERE {conditions}", [
        value for _, values in (first, *sifted) for value in values
    ]


def _of_runs(piece: str, runs: list[tuple[int, int]]) -> list[Any]:
    return [value for ends in runs for value in (trigrams.quoted(piece), *ends)]


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each run of numbers that follow each other, out of numbers in order."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _check(pks: list[int], conditions: Conditions, span: Span) -> list[Key]:
    """Those of the candidates that really match."""
    if not pks:
        return []
    where, values = joined([is_one_of_keys(pks), span.sql(), *conditions.rest()])
    # SQLite must look the candidates up, and not walk an index past them.
    source = f"{TABLE} NOT INDEXED" if connection.vendor == "sqlite" else TABLE
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {time_column()}, id FROM {source} WHERE {where}", values)
        return [Key(*row) for row in cursor.fetchall()]


def _is_indexed(word: str) -> bool:
    """Whether pg_trgm's index can tell candidates: it holds letters and digits only, three in a row at the least."""
    return all(re.search(r"[^\W_]{3}", spelling) for spelling in search_index.spellings(word))
