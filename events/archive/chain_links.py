"""The links of a chain as the database holds them: numbers, digests and record hashes, read with a plain cursor.

The databases put each record together: fetching 21 columns and joining them in Python takes twice as long. They are
believed no more than with the plain columns, which they could as well make up.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from events.models import AuditEvent, RemovedEvent
from events.storage import chain
from events.storage.stored_form import exact_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import NexmoAccount

CHUNK = 2_000
_SEPARATORS = len(chain.FIELDS) - 1


class Link(NamedTuple):
    """An event's place in its chain, as stored.

    `record_hash` is None for a row whose fields are not those of a record. `exact` says whether every column has the
    form in which it would be stored. `raw` is there where the text for searches cannot be the event as received itself.
    """

    seq: int
    digest: Any
    record_hash: bytes | None
    exact: bool
    raw: str | None
    searchable: Any


def record_hashes(account: NexmoAccount, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Number and record hash of each link from `first` to `last`, of events and of what removed ones left behind."""
    removed = removed_links(account, first)
    next_removed = next(removed, None)
    for link in links(account, first):
        while next_removed is not None and next_removed[0] < link.seq:
            yield next_removed[0], bytes.fromhex(next_removed[1])
            next_removed = next(removed, None)
        if link.seq > last:
            return
        if link.record_hash is None:
            raise chain.BadRecord
        yield link.seq, link.record_hash
    while next_removed is not None and next_removed[0] <= last:
        yield next_removed[0], bytes.fromhex(next_removed[1])
        next_removed = next(removed, None)


def removed_links(account: NexmoAccount, first: int = 0) -> Iterator[tuple[int, str]]:
    """Number and record hash of each removed event, in the order of the chain."""
    rows = RemovedEvent.objects.filter(account=account, seq__gte=first).order_by("seq")
    yield from rows.values_list("seq", "record_hash").iterator(chunk_size=CHUNK)


def links(account: NexmoAccount, first: int = 0) -> Iterator[Link]:
    """Each event of an account, in the order of the chain."""
    return _postgresql(account, first) if connection.vendor == "postgresql" else _sqlite(account, first)


def event_id(account: NexmoAccount, seq: int) -> str:
    """The id of an event, for messages: whatever is stored there."""
    text = "convert_to(event_id, 'UTF8')" if connection.vendor == "postgresql" else "CAST(event_id AS BLOB)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text} FROM {_table()} WHERE account_id = %s AND seq = %s", [account.pk, seq])  # noqa: S608
        row = cursor.fetchone()
    stored = bytes(row[0]).decode(errors="replace") if row and row[0] is not None else "?"
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in stored)


def _table() -> str:
    return connection.ops.quote_name(AuditEvent._meta.db_table)


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _sqlite(account: NexmoAccount, first: int) -> Iterator[Link]:
    # As bytes: a text may hold what is not UTF-8 once somebody has been at it.
    query = (
        f"SELECT seq, CAST(digest AS BLOB), CAST({_SQLITE_RECORD} AS BLOB), "  # noqa: S608 - constants
        f"{exact_row(AuditEvent, connection, hashed=True)}, CAST(searchable AS BLOB) "
        f"FROM {_table()} WHERE account_id = %s AND seq >= %s ORDER BY seq"
    )
    sha256, count = hashlib.sha256, _SEPARATORS
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [account.pk, first])
        while rows := cursor.fetchmany(CHUNK):
            for seq, digest, record, is_exact, searchable in rows:
                hashed = sha256(record).digest() if record.count(b"\0") == count else None
                raw = None
                if searchable or b"\\" in record or not record.isascii():
                    raw = record.rpartition(b"\0")[2].decode(errors="replace")
                yield Link(
                    seq,
                    (digest or b"").decode(errors="replace"),
                    hashed,
                    bool(is_exact),
                    raw,
                    (searchable or b"").decode(errors="replace"),
                )


def _sqlite_field(name: str) -> str:
    if name not in ("created_at", "fetched_at"):
        return f"COALESCE({name}, '')"
    # "2026-03-15 12:01:00[.123456]": what datetime.isoformat makes of it.
    moment = f"substr({name}, 1, 10) || 'T' || substr({name}, 12, 8) || '.'"
    return f"COALESCE({moment} || substr(substr({name}, 21) || '000000', 1, 6), '')"


_SQLITE_RECORD = "(" + " || char(0) || ".join(_sqlite_field(name) for name in chain.FIELDS) + ")"


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def _postgresql(account: NexmoAccount, first: int) -> Iterator[Link]:
    # The columns' types are checked for the whole table. The event is handed over only where its text for searches can
    # differ from it: where JSON escapes or letters beyond ASCII stand in it.
    query = (
        rf"SELECT seq, digest, {_POSTGRESQL_HASH}, context IS DISTINCT FROM '', "  # noqa: S608 - constants
        r"CASE WHEN searchable <> '' OR raw ~ '[^\x20-\x5b\x5d-\x7e]' THEN raw END, searchable "
        f"FROM {_table()} WHERE account_id = %s AND seq >= %s ORDER BY seq"
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [account.pk, first])
        while rows := cursor.fetchmany(CHUNK):
            yield from map(Link._make, rows)


def _postgresql_field(name: str) -> str:
    if name in ("created_at", "fetched_at"):
        name = f"""to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""
    return f"convert_to(COALESCE({name}::text, ''), 'UTF8')"


# PostgreSQL's text cannot hold the NUL between the fields, its bytes can, and it hashes as fast as we do.
_POSTGRESQL_HASH = (
    f"pg_catalog.sha256({' || decode($$00$$, $$hex$$) || '.join(_postgresql_field(name) for name in chain.FIELDS)})"
)
