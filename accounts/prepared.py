"""Queries that every page asks: declared with the ORM, compiled once, and run with other values ever after.

Building and compiling a queryset costs Django a thousand calls and more; running its SQL costs a few dozen. PostgreSQL
plans each once a connection too, where settings let it (`prepare_threshold`): planning these takes longer than running.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DateTimeField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet

    Converters = dict[int, Callable[[Any], Any]]

_MARK = re.compile(r"(?<!%)%s")
_LIST = re.compile(r"IN \((%s(?:, %s)+)\)")
_ALL = -1  # the place of all values together
_FIRST = 2_147_300_001  # what stands for the first value while a query is compiled: fits every key, and no row has it


class Prepared:
    """A query whose shape never changes.

    Args:
        build: makes the queryset, a `values_list`, for the values it is given. They must be integers or texts that end
            up as parameters of the SQL, each at least once.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]]) -> None:
        self._build = build
        self._compiled: dict[tuple[str, int], tuple[str, list[Any], list[int | None], Converters]] = {}

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        """The rows for these values."""
        database = connections[DEFAULT_DB_ALIAS]  # `connection` looks for it whenever it is used
        key = (database.vendor, len(values))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = self._compile(len(values))
        sql, fixed, places, converters = compiled
        params = [
            fixed[at] if place is None else list(values) if place == _ALL else values[place]
            for at, place in enumerate(places)
        ]
        with executed(database, sql, params) as cursor:
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return [_converted(row, converters) for row in rows] if converters else rows

    def _compile(self, count: int) -> tuple[str, list[Any], list[int | None], Converters]:
        stand_ins = [_FIRST + number for number in range(count)]
        compiler = self._build(*stand_ins).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        by_text = {
            str(stand_in): number for number, stand_in in enumerate(stand_ins)
        }  # fields of text make texts of them
        places = [by_text.get(str(param)) for param in params]
        if set(places) - {None} != set(range(count)):
            raise ValueError("a value of a prepared query is no parameter of its SQL")
        params, places = list(params), list(places)
        if connection.vendor == "postgresql":
            sql = _with_arrays(sql, params, places, list(range(count)))
        converters = compiler.get_converters([selected for selected, *_ in compiler.select])
        return sql, params, places, {at: _converter(*converter) for at, converter in converters.items()}


def _with_arrays(sql: str, params: list[Any], places: list[int | None], values: list[int]) -> str:
    """The same with one array in place of each list of all values: one statement then serves lists of any length, and
    the driver need not write out and read so many marks. `params` and `places` change with it."""
    for match in reversed(list(_LIST.finditer(sql))):
        first = len(_MARK.findall(sql[: match.start()]))
        if places[first : first + len(values)] == values == places[first : first + match[1].count("%s")]:
            sql = f"{sql[: match.start()]}= ANY(%s){sql[match.end() :]}"
            params[first : first + len(values)], places[first : first + len(values)] = [None], [_ALL]
    return sql


def executed(database: Any, sql: str, values: Sequence[Any]) -> Any:
    """The cursor of a statement that is the same text each time it runs; use it as a context manager.

    Django's own cursors read the text anew: on SQLite to write it with other marks for its values, on PostgreSQL to
    write the values into it, so that no two are one statement. A log of queries takes their SQL from them, though.
    """
    cursor = database.cursor()
    if database.queries_logged:
        pass
    elif database.vendor == "sqlite":
        cursor.cursor = database.connection.cursor()
        sql = _with_sqlites_marks(sql)
    elif database.connection.prepare_threshold is not None:
        cursor.cursor = _statement_cursor()(database.connection)
    cursor.execute(sql, values)
    return cursor


@lru_cache(maxsize=256)
def _with_sqlites_marks(sql: str) -> str:
    return _MARK.sub("?", sql).replace("%%", "%")


@lru_cache
def _statement_cursor() -> type[Any]:
    """A cursor of PostgreSQL's driver that makes a prepared statement of whatever it runs."""
    from psycopg import Cursor

    class StatementCursor(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            return super().execute(query, params, prepare=True, **options)

    return StatementCursor


def _converter(functions: list[Any], expression: Any) -> Callable[[Any], Any]:
    """What makes of a cell what Django's own field would return. SQLite keeps times as text, and the same few are read
    at every page, so they are kept; of other kinds not all results can be shared."""

    def convert(cell: Any) -> Any:
        for function in functions:
            cell = function(cell, expression, connection)
        return cell

    return lru_cache(maxsize=1024)(convert) if isinstance(expression.output_field, DateTimeField) else convert


def _converted(row: tuple[Any, ...], converters: Converters) -> tuple[Any, ...]:
    """A row as Django's own fields would return it."""
    cells = list(row)
    for at, convert in converters.items():
        cells[at] = convert(cells[at])
    return tuple(cells)
