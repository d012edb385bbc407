"""Raw: the event as received, letter by letter, in an envelope that says whose it is and where in the chain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from events.streams.formats import flat
from events.streams.formats.declared import Field, Format, Shape, encode, time

if TYPE_CHECKING:
    from events.streams.record import EventRecord, FindingRecord

DEEPEST = 100  # as in `nexmo.parse`: what is nested deeper, many programs refuse

ENVELOPE: Shape[EventRecord] = Shape(
    (
        Field("account", "**account**: API key", lambda event: event.account),
        Field("account_name", "name of the account here", lambda event: event.account_name),
        Field("sequence", "**sequence number** in the account's chain", lambda event: event.sequence),
        Field("previous_sequence", "sequence number sent before this one", lambda event: event.previous_sequence),
        Field("digest", "**digest** of the chain", lambda event: event.digest),
        Field("record_hash", "hash of the event's record", lambda event: event.record_hash),
        Field("received_at", "when Auditsite fetched the event", lambda event: time(event.received_at)),
        Field("test", "`true` for a test", lambda event: event.is_test or None),
    )
)
# What comes last in the envelope, in one of two shapes.
BODY: Shape[EventRecord] = Shape(
    (
        Field("event", "the event as received, not masked", lambda event: _value(event.raw)),
        Field(
            "event_text",
            f"in its place the same as text, where it is not valid JSON or nested deeper than {DEEPEST}",
            lambda event: None if _may_stand(event.raw) else event.raw,
        ),
    )
)


def event_text(record: EventRecord) -> str:
    """The envelope, with the event's own text in it: numbers, order and repeated names stay as they were received."""
    if _may_stand(record.raw):
        # Within valid JSON, a line's end can only stand between values.
        body = f'"event":{record.raw.replace(chr(13), " ").replace(chr(10), " ")}'
    else:
        body = encode({"event_text": record.raw})[1:-1]
    return f"{encode(ENVELOPE.make(record))[:-1]},{body}}}"


def _event(record: EventRecord) -> dict[str, Any]:
    return ENVELOPE.make(record) | BODY.make(record)


def _finding(record: FindingRecord) -> dict[str, Any]:
    return {"finding": flat.FINDING.make(record)}


def _may_stand(raw: str) -> bool:
    """Whether every receiver can read it as a part of its JSON."""
    try:
        value = _strict.decode(raw)
    except (ValueError, RecursionError):
        return False
    return raw.count("[") + raw.count("{") <= DEEPEST or _depth(value) <= DEEPEST


def _value(raw: str) -> Any:
    return json.loads(raw) if _may_stand(raw) else None


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item
            for part in level
            if isinstance(part, (dict, list))
            for item in (part.values() if isinstance(part, dict) else part)
        ]
    return depth - 1


def _refuse(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are no JSON


_strict = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)

RAW = Format("raw", "Raw", _event, _finding, event_text)
