"""How long the database takes: everything between Django's cursor and the driver, fetching included.

`connection.execute_wrapper` would not do: SQLite only looks for the first row when a statement is executed, and finds
the others while they are fetched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from unittest import mock

from django.db import connection
from django.db.backends.utils import CursorWrapper


@dataclass
class Spent:
    """The statements of a stretch of code, and how long each took, in milliseconds."""

    statements: list[str] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        if self.ms:
            self.ms[-1] += seconds * 1000

    def begin(self, sql: Any) -> None:
        self.statements.append(str(sql))
        self.ms.append(0.0)


class _Timed(CursorWrapper):
    def __init__(self, cursor: Any, db: Any, spent: Spent) -> None:
        super().__init__(cursor, db)
        self.spent = spent

    def _timed(self, call: Any, *args: Any) -> Any:
        began = perf_counter()
        try:
            return call(*args)
        finally:
            self.spent.add(perf_counter() - began)

    def _execute(self, sql: Any, params: Any, *ignored: Any) -> Any:
        self.spent.begin(sql)
        return self._timed(super()._execute, sql, params, *ignored)

    def _executemany(self, sql: Any, param_list: Any, *ignored: Any) -> Any:
        self.spent.begin(sql)
        return self._timed(super()._executemany, sql, param_list, *ignored)

    def fetchone(self) -> Any:
        return self._timed(self.cursor.fetchone)

    def fetchmany(self, *args: Any) -> Any:
        return self._timed(self.cursor.fetchmany, *args)

    def fetchall(self) -> Any:
        return self._timed(self.cursor.fetchall)

    def __iter__(self) -> Any:
        rows = iter(self.cursor)
        end = object()
        while (row := self._timed(next, rows, end)) is not end:
            yield row


@contextlib.contextmanager
def timed_sql() -> Iterator[Spent]:
    """Watch every statement of the default connection."""
    spent = Spent()
    with mock.patch.object(connection, "make_cursor", lambda cursor: _Timed(cursor, connection, spent)):
        yield spent
