"""How a format is declared: one line for each field, from which both the output and its documentation are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from events.fields import dump_json, readable
from events.nexmo.values import plain_address
from events.streams.record import COLUMNS, AccessRecord, EventRecord, FindingRecord, Lot

if TYPE_CHECKING:
    from datetime import datetime

Record = TypeVar("Record", EventRecord, FindingRecord, AccessRecord)

# What a field may not be said to be: it is left out.
_NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Field(Generic[Record]):
    """One field of a format.

    Attributes:
        path: its name; dots lead into objects.
        source: where its value comes from, for the documentation (Markdown).
        value: its value for a record. Nothing, an empty text, list or object: the field is left out.
    """

    path: str
    source: str
    value: Callable[[Record], Any]


class Shape(Generic[Record]):
    """Fields, ready to make objects of."""

    def __init__(self, fields: Sequence[Field[Record]]) -> None:
        self.fields: tuple[Field[Record], ...] = tuple(fields)
        self._steps: list[tuple[list[str], Callable[[Record], Any]]] = [
            (field.path.split("."), field.value) for field in fields
        ]

    def make(self, record: Record) -> dict[str, Any]:
        """The object of a record, its fields in the order in which they are declared."""
        made: dict[str, Any] = {}
        for path, read in self._steps:
            value = read(record)
            if value in _NOTHING:
                continue
            part = made
            for name in path[:-1]:
                part = part.setdefault(name, {})
            part[path[-1]] = value
        return made


@dataclass(frozen=True)
class Format:
    """A way to write events and findings for other systems.

    Attributes:
        name: as in settings and addresses.
        title: as people call it.
        event, finding, access: what a record becomes, as an object.
        event_text: an event as JSON in one line, where that is made in another way.
        columns: what of `AuditEvent` it needs.
        lot: many events at once as JSON, where that is made in another way; with `columns` alone.
    """

    name: str
    title: str
    event: Callable[[EventRecord], dict[str, Any]]
    finding: Callable[[FindingRecord], dict[str, Any]]
    access: Callable[[AccessRecord], dict[str, Any]]
    event_text: Callable[[EventRecord], str] | None = None
    columns: tuple[str, ...] = COLUMNS
    lot: Callable[[Lot], list[bytes]] | None = None

    def event_json(self, record: EventRecord) -> str:
        """An event as JSON in one line, without the line's end. It is always valid and can be encoded."""
        return self.event_text(record) if self.event_text else encode(self.event(record))

    def event_bodies(self, lot: Lot) -> list[bytes]:
        """Each event of a lot likewise, in UTF-8."""
        return self.lot(lot) if self.lot else [self.event_json(record).encode() for record in lot.records()]

    def finding_json(self, record: FindingRecord) -> str:
        """A finding likewise."""
        return encode(self.finding(record))

    def access_json(self, record: AccessRecord) -> str:
        """An entry of the access log likewise."""
        return encode(self.access(record))


def encode(value: dict[str, Any]) -> str:
    """JSON in one line that every receiver can read: halves of surrogate pairs, which some refuse, are replaced."""
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()
    except ValueError:  # half a pair, or a number beyond floats
        return dump_json(readable(value))
    return text


# Made once: json.dumps makes one for each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def time(at: datetime | None) -> str:
    """A time as text: UTC, with microseconds only where there are some."""
    return f"{at.astimezone(UTC).isoformat()[: -len('+00:00')]}Z" if at else ""


def milliseconds(at: datetime | None) -> int | None:
    """A time as milliseconds since 1970."""
    return int(at.timestamp() * 1_000) if at else None


@lru_cache(maxsize=4096)
def ip(text: str) -> str:
    """An address as receivers can read it; "" where the text is none, or belongs to one network card (`%eth0`)."""
    address = plain_address(text) if "%" not in text else None
    return str(address) if address else ""
