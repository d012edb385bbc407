"""What was added to the archive's tables that keeps rows from being written or from being shown, without a word.

Nothing of the site's own has to be taken away for that: one more trigger may pass over the entries of one person in the
access log, one more rule of PostgreSQL's or a policy of its row security may hide them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from events.storage import search_index, triggers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ON_CONFLICT = re.compile(r"\bON\s+CONFLICT\b", re.IGNORECASE)  # in a table: rows that are left out or replaced


def problems(tables: Iterable[str], connection: Any) -> Iterator[str]:
    """What these tables have that Auditsite does not make, and that changes what is written to or read from them."""
    ours = {name for _, name in triggers.names()} | set(search_index.TRIGGERS)
    if connection.vendor == "postgresql":
        yield from _postgresql(list(tables), ours, connection)
    else:
        yield from _sqlite(list(tables), ours, connection)


def _sqlite(tables: list[str], ours: set[str], connection: Any) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, name, lower(tbl_name), COALESCE(sql, '') FROM sqlite_master ORDER BY name")
        there = cursor.fetchall()
    kinds = {table: kind for kind, _, table, _ in there if kind in ("table", "view")}
    for kind, name, table, sql in there:
        if table not in tables:
            continue
        if kind == "trigger" and name not in ours:
            yield _foreign("trigger", name, table)
        elif kind == "table" and _ON_CONFLICT.search(sql):
            yield f"The table {table} was made anew: some rows would be left out of it without an error."
    for table in tables:
        if kinds.get(table) != "table":
            yield _no_table(table)


def _postgresql(tables: list[str], ours: set[str], connection: Any) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW session_replication_role")
        (role,) = cursor.fetchone()
        if role != "origin":
            yield f"No trigger guards the archive: session_replication_role is {role} for this database or its user."
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgrelid = ANY(%s::regclass[]) AND NOT t.tgisinternal ORDER BY t.tgname",
            [tables],
        )
        for table, name in cursor.fetchall():
            if name not in ours:
                yield _foreign("trigger", name, table)
        cursor.execute(
            "SELECT c.relname, r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class "
            "WHERE r.ev_class = ANY(%s::regclass[]) AND c.relkind = 'r' ORDER BY r.rulename",
            [tables],
        )
        for table, name in cursor.fetchall():
            yield _foreign("rule", name, table)
        cursor.execute(
            "SELECT c.relname, c.relkind, c.relrowsecurity FROM pg_class c "
            "WHERE c.oid = ANY(%s::regclass[]) ORDER BY c.relname",
            [tables],
        )
        for table, kind, by_row in cursor.fetchall():
            if kind != "r":
                yield _no_table(table)
            if by_row:
                yield f"Row security is on for {table}: it can hide rows from the site, or keep them out."


def _foreign(kind: str, name: str, table: str) -> str:
    return f"The {kind} {name} of {table} is not one of Auditsite's: it can keep rows out or change them unseen."


def _no_table(table: str) -> str:
    return f"{table} is no plain table: whatever stands in its place can leave rows out."
