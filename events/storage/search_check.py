"""Whether the search index leads to the events, and the events are in it.

On SQLite the index is compared with an index made anew of the events' texts: all of it in a small archive or when
asked for, else by each account's mark and by pieces of three letters: those of a text that is searched for, and some
chosen at random, which whoever tampers cannot foresee. For each piece the very rows are compared: no count or sum of
them, which other rows could have too. On PostgreSQL SQL
cannot touch single entries of an index; there it must be valid and used for the very search that pages make.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from events.storage.search_index import (
    INDEX,
    POSTGRESQL_INDEX,
    POSTGRESQL_TEXT,
    TABLE,
    TEXT,
    Words,
    account_mark,
    indexed_text,
    spellings,
    trigrams,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHOLE_UP_TO = 5_000  # events: so many are compared whole within seconds
PROBES = 3
CHUNK = 2_000
PART = 50_000  # events whose index is made anew at a time


def problem(
    connection: Any, *, whole: bool = False, text: str = "", progress: Callable[[int], None] | None = None
) -> str:
    """What is wrong with the search index, if anything.

    Args:
        whole: compare all of it, however long that takes.
        text: what is searched for, so that its pieces are compared in any case.
    """
    if connection.vendor == "postgresql":
        return _postgresql(connection)
    try:
        with connection.cursor() as cursor:
            return _sqlite(cursor, whole, text, progress or (lambda _: None))
    except DatabaseError as error:
        return f"The search index is damaged: {error}."


def _sqlite(cursor: Any, whole: bool, text: str, progress: Callable[[int], None]) -> str:
    cursor.execute(f"SELECT COUNT(*), COALESCE(MAX(id), 0) FROM {TABLE}")  # noqa: S608 - constants
    count, last = cursor.fetchone()
    if whole or count <= WHOLE_UP_TO:
        term = _differing_term(cursor, progress)
    else:
        term = _differing_probe(cursor, [*_random_pieces(cursor, last), *_pieces_of(text)])
    return _wrong_event(cursor, term) if term else ""


def _random_pieces(cursor: Any, last: int) -> list[str]:
    """A few pieces of events chosen at random."""
    dice = random.SystemRandom()
    probes: list[str] = []
    for number in range(PROBES):
        cursor.execute(f"SELECT {TEXT} FROM {TABLE} WHERE id >= %s ORDER BY id LIMIT 1", [dice.randint(1, last)])  # noqa: S608
        pieces = [piece for piece in trigrams(cursor.fetchone()[0]) if piece.isascii()]
        if pieces:
            probes.append(pieces[0] if number == 0 else dice.choice(pieces))  # nearly all texts begin alike
    return probes


def _pieces_of(text: str) -> list[str]:
    """The pieces that a search for this text may ask the index for."""
    looked_for = words(text) if text.strip() else Words(())
    texts = (spelling for word in (*looked_for.wanted, *looked_for.unwanted) for spelling in spellings(word))
    return [piece for text in texts for piece in trigrams(text) if piece.isascii()]


def _differing_probe(cursor: Any, probes: list[str]) -> str:
    """The first account's mark or piece of text for which index and events differ."""
    found = {probe: _entries(cursor.db.cursor(), probe) for probe in probes}
    marks: dict[int, Iterator[int]] = {}
    cursor.execute(f"SELECT id, account_id, {TEXT} FROM {TABLE} ORDER BY id")  # noqa: S608 - constants
    while rows := cursor.fetchmany(CHUNK):  # SQLite's own instr() takes three times as long
        for pk, account, text in rows:
            if account not in marks:
                marks[account] = _entries(cursor.db.cursor(), account_mark(account))
            # More entries than events do no harm: texts of other accounts may hold the same letters.
            if next((entry for entry in marks[account] if entry >= pk), None) != pk:
                return account_mark(account)
            lowered = text.lower()
            for probe, entries in found.items():
                if probe in lowered and next(entries, None) != pk:
                    return probe
    return next((probe for probe, entries in found.items() if next(entries, None) is not None), "")


def _entries(cursor: Any, term: str) -> Iterator[int]:
    """The rows to which the index leads from a piece of text, in order."""
    with cursor:
        cursor.execute(f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s ORDER BY rowid", [_phrase(term)])  # noqa: S608
        while rows := cursor.fetchmany(CHUNK):
            for (pk,) in rows:
                yield pk


def _wrong_event(cursor: Any, term: str) -> str:
    """What to say of a piece of text for which index and events differ: the event that it should lead to."""
    cursor.execute(
        f"SELECT event_id, seq FROM {TABLE} WHERE instr(lower({indexed_text()}), %s) > 0 "  # noqa: S608 - constants
        f"AND id NOT IN (SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s) LIMIT 1",
        [term, _phrase(term)],
    )
    if row := cursor.fetchone():
        return f"Event {row[0]} (number {row[1]:,}) is hidden from search: the index does not lead to it."
    return "The search index does not fit the events: some are hidden from search, or it leads to what is not there."


def _differing_term(cursor: Any, progress: Callable[[int], None]) -> str:
    """The first piece of text for which the index and one made anew differ."""
    wanted: dict[str, Any] = {}
    begin, done = 0, 0
    while True:
        part = f"SELECT id FROM {TABLE} WHERE id > %s ORDER BY id LIMIT {PART}"  # noqa: S608 - constants
        cursor.execute(f"SELECT MAX(id), COUNT(*) FROM ({part})", [begin])  # noqa: S608
        end, number = cursor.fetchone()
        if end is None:
            break
        for term, rows in _fresh_rows(cursor, begin, end):
            wanted.setdefault(term, _hash()).update(rows)
        begin, done = end, done + number
        progress(done)
    for term, rows in _rows(cursor, "main", INDEX):
        there = _hash()
        there.update(rows)
        if wanted.pop(term, _hash()).digest() != there.digest():
            return term
    return next(iter(wanted), "")


def _hash() -> Any:
    """Of the rows of a piece, which may be millions."""
    return hashlib.blake2b(digest_size=16)


def _fresh_rows(cursor: Any, begin: int, end: int) -> Iterator[tuple[str, bytes]]:
    cursor.execute("DROP TABLE IF EXISTS temp.fresh_search")
    cursor.execute(
        "CREATE VIRTUAL TABLE temp.fresh_search USING fts5(text, content='', tokenize='trigram', detail='none', "
        "columnsize=0)"
    )
    try:
        cursor.execute(
            f"INSERT INTO temp.fresh_search(rowid, text) SELECT id, {indexed_text()} FROM {TABLE} "
            "WHERE id > %s AND id <= %s",  # noqa: S608
            [begin, end],
        )
        yield from _rows(cursor, "temp", "fresh_search")
    finally:
        cursor.execute("DROP TABLE temp.fresh_search")


def _rows(cursor: Any, schema: str, table: str) -> Iterator[tuple[str, bytes]]:
    """Each piece of an index with its rows, in order, each followed by a comma."""
    cursor.execute(f"CREATE VIRTUAL TABLE temp.search_terms USING fts5vocab({schema}, {table}, row)")
    try:
        cursor.execute("SELECT term FROM temp.search_terms")
        terms = [term for (term,) in cursor.fetchall()]
        for term in terms:
            cursor.execute(
                f"SELECT group_concat(rowid) FROM (SELECT rowid FROM {schema}.{table} "  # noqa: S608 - constants
                f"WHERE {table} MATCH %s ORDER BY rowid)",
                [_phrase(term)],
            )
            (rows,) = cursor.fetchone()
            if rows:  # a piece may be left without any
                yield str(term), f"{rows},".encode()
    finally:
        cursor.execute("DROP TABLE temp.search_terms")


def _phrase(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _postgresql(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid AND indisready AND indpred IS NULL FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [POSTGRESQL_INDEX],
        )
        row = cursor.fetchone()
        if row is None:
            return ""  # that it is missing is said elsewhere
        cursor.execute("SELECT current_setting('enable_seqscan')")
        (before,) = cursor.fetchone()
        try:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN SELECT 1 FROM {TABLE} WHERE {POSTGRESQL_TEXT} LIKE '%search%'")  # noqa: S608
            plan = "\n".join(line for (line,) in cursor.fetchall())
        finally:
            cursor.execute("SELECT set_config('enable_seqscan', %s, false)", [before])
    if not row[0] or POSTGRESQL_INDEX not in plan:
        return f"The search index {POSTGRESQL_INDEX} does not lead to every event: it is invalid or of other rows."
    return ""
