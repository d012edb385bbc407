"""Whether stored values have the very form in which Django writes them, and each index is what the models say.

SQLite takes any value into any column, and reads a respelled time or a BLOB as if nothing were wrong with it; but it
compares and sorts them otherwise, so that filters and days pass the row over. On PostgreSQL the columns' types decide,
and they are compared instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.db.models import UniqueConstraint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import Field, Model


def exact(field: Field[Any, Any], connection: Any, *, row: str = "", hashed: bool = False) -> str:
    """SQL (SQLite) that is true where a column holds what Django would have written.

    Args:
        row: a prefix for the column's name.
        hashed: its characters are compared by a hash besides, so that only the form needs a look.
    """
    name = f"{row}{connection.ops.quote_name(field.column)}"
    kind = field.db_type(connection) or ""
    if kind == "datetime":
        form = (
            f"typeof({name}) = 'text' AND substr({name}, 11, 1) = ' ' AND (length({name}) = 19 OR length({name}) = 26 "
            f"AND substr({name}, 20, 1) = '.' AND substr({name}, 21) <> '000000')"
        )
        form += "" if hashed else f" AND datetime({name}) = substr({name}, 1, 19)"
    elif kind == "date":
        form = f"typeof({name}) = 'text' AND date({name}) = {name}"
    elif kind == "bool":
        form = f"typeof({name}) = 'integer' AND {name} IN (0, 1)"
    elif "int" in kind:
        form = f"typeof({name}) = 'integer'"
    else:
        form = f"typeof({name}) = 'text'"
        form += f" AND {name} <> ''" if field.null else ""
    # A condition that is NULL would let the row pass.
    return f"({name} IS NULL OR {form})" if field.null else f"({form}) IS TRUE"


def exact_row(model: type[Model], connection: Any, *, hashed: bool = False) -> str:
    """SQL (SQLite) that is true for a row of which every column is exact."""
    return " AND ".join(exact(field, connection, hashed=hashed) for field in model._meta.concrete_fields)


def misshapen(model: type[Model], connection: Any) -> Any:
    """The primary key of the first row (SQLite) with a value of another form, or None."""
    table, key = (connection.ops.quote_name(name) for name in (model._meta.db_table, model._meta.pk.column))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key} FROM {table} WHERE NOT ({exact_row(model, connection)}) LIMIT 1")  # noqa: S608
        row = cursor.fetchone()
    return row[0] if row else None


def schema_problems(models: Iterable[type[Model]], connection: Any) -> Iterator[str]:
    """What tables, columns and indexes have that the models do not say."""
    for model in models:
        table = model._meta.db_table
        indexes = _postgresql_indexes(table, connection) if connection.vendor == "postgresql" else None
        indexes = indexes if indexes is not None else _sqlite_indexes(table, connection)
        for index in model._meta.indexes:
            wanted = _columns(model, [name for name, _ in index.fields_orders])
            if (index.name, wanted) not in {(name, columns) for name, columns, _ in indexes}:
                yield f"The index {index.name} of {table} is missing, or leaves rows out."
        for constraint in model._meta.constraints:
            if isinstance(constraint, UniqueConstraint) and constraint.condition is None:
                wanted = _columns(model, constraint.fields)
                if not any(unique and columns == wanted for _, columns, unique in indexes):
                    yield f"The constraint {constraint.name} of {table} is missing."
        if connection.vendor == "postgresql":
            yield from _postgresql_columns(model, connection)


def index_problems(models: Iterable[type[Model]], connection: Any) -> Iterator[str]:
    """Rows that an index of SQLite's does not lead to, or leads to wrongly; each table's first.

    PostgreSQL has no such check of its own without the extension amcheck: docs/integrity.md says how to use it.
    """
    if connection.vendor != "sqlite":
        return
    for model in models:
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"PRAGMA integrity_check({model._meta.db_table})")
                (answer,) = cursor.fetchone()
            except DatabaseError as error:
                answer = str(error)
        if answer != "ok":
            yield f"An index of {model._meta.db_table} does not lead to its rows: {answer}."


def _columns(model: type[Model], names: Iterable[str]) -> tuple[str, ...]:
    columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
    return tuple(columns[name] for name in names)


def _sqlite_indexes(table: str, connection: Any) -> list[tuple[str, tuple[str, ...], bool]]:
    """Name, columns and uniqueness of each index that holds all rows."""
    indexes = []
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA index_list({table})")
        for _, name, unique, _, partial in cursor.fetchall():
            cursor.execute(f"PRAGMA index_info({connection.ops.quote_name(name)})")
            columns = tuple(column for _, _, column in cursor.fetchall())
            if not partial:
                indexes.append((name, columns, bool(unique)))
    return indexes


def _postgresql_indexes(table: str, connection: Any) -> list[tuple[str, tuple[str, ...], bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, array(SELECT pg_get_indexdef(i.indexrelid, place, true) "
            "FROM generate_series(1, i.indnkeyatts) AS place), i.indisunique "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s::regclass "
            "AND i.indisvalid AND i.indisready AND i.indislive AND i.indpred IS NULL",
            [table],
        )
        return [(name, tuple(part.strip('"') for part in columns), unique) for name, columns, unique in cursor]


def _postgresql_columns(model: type[Model], connection: Any) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [model._meta.db_table],
        )
        there = {name: kind.replace("character varying", "varchar") for name, kind in cursor}
    for field in model._meta.concrete_fields:
        wanted = field.db_type(connection)
        if there.get(field.column) != wanted:
            yield f"The column {field.column} of {model._meta.db_table} is not of the type {wanted}."
