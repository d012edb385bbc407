"""Events as the table and the exports need them: plain rows, because model instances cost more than the query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from events.masking import mask, mask_jsons, may_hide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

TABLE = "events_auditevent"


class Row(NamedTuple):
    """One event, without the verbatim text. `context` is JSON text or None."""

    pk: int
    account_id: int
    event_id: str
    event_type: str
    event_type_description: str
    created_at: datetime
    created_at_basis: str
    user_email: str
    user_id: str
    source: str
    source_description: str
    source_ip: str
    source_country: str
    context: str | None
    odd_fields: str


_MAY_HIDE = tuple(name for name in Row._fields if name not in ("pk", "account_id", "event_id", "created_at", "context"))
_texts = attrgetter(*_MAY_HIDE)


def as_rows(found: Iterable[Iterable[Any]]) -> list[Row]:
    """Rows of what the database tells. What is sensitive is hidden here once for whoever shows it; in the context it
    is where that is read."""
    rows = list(map(Row._make, found))
    # Nearly always there is nothing in any of them.
    return list(map(_masked_row, rows)) if may_hide(chain.from_iterable(map(_texts, rows))) else rows


def _masked_row(row: Row) -> Row:
    texts = _texts(row)
    if not may_hide(texts):
        return row
    hidden: Any = {name: mask(text) for name, text in zip(_MAY_HIDE, texts, strict=True)}
    return row._replace(**hidden)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache  # of a process, which has one kind of database
def time_column(name: str = "created_at") -> str:
    """A time, in a form that is read fast: text on SQLite, microseconds since 1970 on PostgreSQL. Django's own
    conversions take longer than reading the rest of the row."""
    on_postgresql = connection.vendor == "postgresql"
    return f"(extract(epoch FROM {name}) * 1000000)::bigint" if on_postgresql else f"{name} || ''"


def columns() -> str:
    """What `Row` needs, as SQL."""
    return ", ".join({"pk": "id", "created_at": time_column()}.get(name, name) for name in Row._fields)


def with_keys(keys: str) -> str:
    """The events whose keys this SQL names, in no order, for `fetch` and `fetch_verbatim`."""
    return f"{TABLE} WHERE id IN ({keys})"


def is_one_of_keys(pks: Iterable[int]) -> tuple[str, list[Any]]:
    """The condition of having one of these primary keys. All lists of keys make the same statement: the database need
    not read it anew, and the driver keeps one instead of many long ones."""
    if connection.vendor == "postgresql":
        return "id = ANY(%s::bigint[])", [list(pks)]
    return "id IN (SELECT value FROM json_each(%s))", [f"[{','.join(map(str, pks))}]"]


def fetch(source: str, params: Sequence[Any] = ()) -> list[Row]:
    """The events that this SQL finds: what stands behind FROM, in its order."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns()} FROM {source}", params)
        return as_rows((*row[:5], as_time(row[5]), *row[6:]) for row in cursor.fetchall())


class RawRow(NamedTuple):
    """One event, verbatim, and its place in the order of time, as the database tells it."""

    created_at: Any
    pk: int
    account_id: int
    raw: str


# As RawRow._make, without looking at the lengths of rows that SQL has made all alike.
_raw_row: Callable[[tuple[Any, ...]], RawRow] = partial(tuple.__new__, RawRow)


def fetch_verbatim(source: str, params: Sequence[Any] = ()) -> list[RawRow]:
    """The same with the verbatim text."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {time_column()}, id, account_id, raw FROM {source}", params)
        return list(map(_raw_row, cursor.fetchall()))


def fetch_masked(source: str, params: Sequence[Any] = ()) -> list[RawRow]:
    """The same without what is sensitive in the text. Where the text to search in is the event as received, nothing in
    it is: looking would cost much more."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {time_column()}, id, account_id, raw, searchable <> '' FROM {source}", params)
        found = cursor.fetchall()
    texts = masked([row[3:] for row in found])
    return [RawRow(at, pk, account, text) for (at, pk, account, *_), text in zip(found, texts, strict=True)]


def masked(texts: Sequence[tuple[str, Any]]) -> Iterator[str]:
    """Events as received without what is sensitive in them, each told beside it whether there may be anything."""
    hidden = mask_jsons(text for text, may_hide in texts if may_hide)
    return (next(hidden) if may_hide else text for text, may_hide in texts)


def fetch_in_order(pks: Sequence[int]) -> list[Row]:
    """The events with these keys, in their order."""
    if not pks:
        return []
    where, values = is_one_of_keys(pks)
    rows = {row.pk: row for row in fetch(f"{TABLE} WHERE {where}", values)}
    return [rows[pk] for pk in pks if pk in rows]


def fetch_raw(pks: Sequence[int], *, whole: bool) -> list[RawRow]:
    """The events with these keys, verbatim, or without what is sensitive in them, in their order."""
    if not pks:
        return []
    where, values = is_one_of_keys(pks)
    rows = {row.pk: row for row in (fetch_verbatim if whole else fetch_masked)(f"{TABLE} WHERE {where}", values)}
    return [rows[pk] for pk in pks if pk in rows]


def as_time(value: Any) -> datetime:
    """A time as a database's driver hands it over, in any of the forms that queries here ask for."""
    if isinstance(value, int):
        return _EPOCH + timedelta(microseconds=value)
    if isinstance(value, str):
        return datetime.fromisoformat(f"{value}+00:00")
    moment: datetime = value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
