"""Writing entries of the access log, and the hash by which an altered one is known.

    record hash = SHA-256 of the columns in the order of COLUMNS, as text, joined by NUL

One plain INSERT: a model's own way of saving takes ten times as many calls, and every page pays for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils import timezone

from accounts.prepared import executed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.access.words import Action, Kind, Via

TABLE = "access_accessentry"
COLUMNS = (
    "at",
    "action",
    "kind",
    "object_id",
    "object_name",
    "accounts",
    "person",
    "person_pk",
    "via",
    "via_id",
    "address",
    "agent",
    "status",
    "request_id",
    "detail",
)
MOST_DETAIL = 4_000  # characters of one value
MOST_AT_ONCE = 500  # entries in a statement: SQLite takes so many values
_CUT = "…"
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class Entry:
    """What is to be written. Texts that are too long are cut, and end with an ellipsis; accounts never are, for each is
    looked for by itself."""

    action: Action
    kind: Kind
    via: Via
    via_id: str = ""
    person: str = ""
    person_pk: int | None = None
    object_id: str = ""
    object_name: str = ""
    accounts: tuple[str, ...] = ()
    address: str = ""
    agent: str = ""
    status: int | None = None
    request_id: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def add(*entries: Entry, awaits_disk: bool = True) -> None:
    """Write entries, all or none. Raises what the database raises.

    Args:
        awaits_disk: return once they are on PostgreSQL's disk. Otherwise they are safe from whatever ends a process of
            ours, and lost if the server itself falls within the next second; SQLite has it so in any case.
    """
    at = timezone.now()
    if len(entries) > MOST_AT_ONCE:
        with transaction.atomic():
            for first in range(0, len(entries), MOST_AT_ONCE):
                _insert(at, entries[first : first + MOST_AT_ONCE], awaits_disk=True)
    elif entries:
        _insert(at, entries, awaits_disk=awaits_disk)


def _insert(at: datetime, entries: Sequence[Entry], *, awaits_disk: bool) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    stored_at, stored = database.ops.adapt_datetimefield_value(at), list[Any]()
    for entry in entries:
        values = _values(at, entry)
        stored += [stored_at, *values[1:], hash_of(values)]
    hurries = not awaits_disk and database.vendor == "postgresql" and not database.in_atomic_block
    statement = _INSERT + ", ".join([_ROW] * len(entries)) + (_HURRYING if hurries else "")
    if len(entries) == 1:
        executed(database, statement, stored).close()
    else:  # of a number of entries of which no database need keep a statement
        with database.cursor() as cursor:
            cursor.execute(statement, stored)


def _values(at: datetime, entry: Entry) -> tuple[Any, ...]:
    return (
        at,
        entry.action.value,
        entry.kind.value,
        clean(entry.object_id, 300),
        clean(entry.object_name, 200),
        clean(",".join(entry.accounts)),
        clean(entry.person, 150),
        entry.person_pk,
        entry.via.value,
        clean(entry.via_id, 64),
        clean(entry.address, 45),
        clean(entry.agent, 200),
        entry.status,
        clean(entry.request_id, 64),
        _json(entry.detail) if entry.detail else "",
    )


def hash_of(values: Sequence[Any]) -> str:
    """The hash of an entry's columns, in the order of COLUMNS."""
    return hashlib.sha256("\0".join(map(_text_of, values)).encode()).hexdigest()


def clean(text: str, most: int | None = None) -> str:
    """A text that every database takes; NUL separates the fields of a record."""
    if most is not None and len(text) > most:
        text = text[: most - 1] + _CUT
    if text.isascii():
        return text if "\0" not in text else text.replace("\0", "\ufffd")
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return str(value)


def _json(detail: dict[str, Any]) -> str:
    cut = {name: clean(value, MOST_DETAIL) if isinstance(value, str) else value for name, value in detail.items()}
    return _encode(cut)


_INSERT = f"INSERT INTO {TABLE} ({', '.join((*COLUMNS, 'record_hash'))}) VALUES "  # noqa: S608 - constants
_ROW = f"({', '.join(['%s'] * (len(COLUMNS) + 1))})"
# For the transaction that the statement is, and no other.
_HURRYING = " RETURNING set_config('synchronous_commit', 'off', true)"
