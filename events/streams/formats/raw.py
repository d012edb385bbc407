"""Raw: the event as received, letter by letter, in an envelope that says whose it is and where in the chain."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from events.streams.formats import flat
from events.streams.formats.declared import Field, Format, Shape, encode, time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from events.streams.record import AccessRecord, EventRecord, FindingRecord, Lot

DEEPEST = 100  # as in `nexmo.parse`: what is nested deeper, many programs refuse

ENVELOPE: Shape[EventRecord] = Shape(
    (
        Field("account", "**account**: API key", lambda event: event.account),
        Field("account_name", "name of the account here", lambda event: event.account_name),
        Field("sequence", "**sequence number** in the account's chain", lambda event: event.sequence),
        Field("previous_sequence", "sequence number sent before this one", lambda event: event.previous_sequence),
        Field("digest", "**digest** of the chain", lambda event: event.digest),
        Field("received_at", "when Auditsite fetched the event", lambda event: time(event.received_at)),
        Field("test", "`true` for a test", lambda event: event.is_test or None),
    )
)
# What comes last in the envelope, in one of two shapes.
BODY: Shape[EventRecord] = Shape(
    (
        Field("event", "the event as received, not masked", lambda event: _value(event)),
        Field(
            "event_text",
            f"in its place the same as text, where it is not valid JSON or nested deeper than {DEEPEST}",
            lambda event: None if may_stand(event.raw) else event.raw,
        ),
    )
)


COLUMNS = ("seq", "created_at", "digest", "raw", "odd_fields", "fetched_at")  # what `lot_bodies` reads
AT_ONCE = 100  # events that a processor's cache holds
# Control characters must not stand within a string as they are; words for numbers begin with N or I; strings do not
# begin with what stands before them.
_KINDS = bytes.maketrans(bytes(range(0x20)) + b":[,NI", b"\0" * 0x20 + b",,,NN")
_OF_NO_KIND = bytes(sorted(set(range(0x20, 0x100)) - set(b'":[,NI')))


def event_text(record: EventRecord) -> str:
    """The envelope, with the event's own text in it: numbers, order and repeated names stay as they were received.

    Put together as text, because a stream of raw events should cost little more than reading them: `ENVELOPE` says the
    same.
    """
    previous = record.previous_sequence
    numbers = f'"sequence":{record.sequence}' + ("" if previous is None else f',"previous_sequence":{previous}')
    received = f',"received_at":"{time(record.received_at)}"' if record.received_at else ""
    test = ',"test":true' if record.is_test else ""
    account = _account(record.account, record.account_name)
    return f'{{{account},{numbers},"digest":"{record.digest}"{received}{test},{_body(record.raw)}}}'


def lot_bodies(lot: Lot) -> list[bytes]:
    """The same of many events. What was fetched and is not odd was read as JSON by `nexmo.parse`, which takes control
    characters and words for numbers too: these are looked for in many of the texts at once."""
    bodies: list[bytes] = []
    before = lot.sent_before
    for first in range(0, len(lot.rows), AT_ONCE):
        seqs, _, digests, raws, odd_fields, fetched = zip(*lot.rows[first : first + AT_ONCE], strict=True)
        if not any(odd_fields) and None not in fetched and _are_plain(raws):
            bodies += _put_together(lot, before, seqs, digests, fetched, '"event":', raws)
        else:
            bodies += _put_together(lot, before, seqs, digests, fetched, "", map(_body, raws))
        before = seqs[-1]
    return bodies


def _are_plain(raws: Sequence[str]) -> bool:
    """Whether none of what was read as JSON holds control characters, or words for numbers (NaN, Infinity).

    Of JSON a word stands behind a colon, a comma or a bracket, with nothing but blanks and a minus between. Left of the
    texts is only what matters for that, one letter for all of a kind: a tenth of them is to be looked through.
    """
    together = "".join(raws).encode()
    left = together.translate(_KINDS, _OF_NO_KIND)
    return b"\0" not in left and (b",N" not in left or (b"NaN" not in together and b"Infinity" not in together))


def _put_together(
    lot: Lot,
    before: int,
    seqs: Sequence[int],
    digests: Sequence[str],
    fetched: Sequence[Any],
    name: str,
    events: Iterable[str],
) -> list[bytes]:
    account = f"{{{_account(lot.account, lot.account_name)}"
    # All events of a page were fetched at the same time.
    received = {at: f',"received_at":"{time(lot.as_time(at))}"' if at is not None else "" for at in set(fetched)}
    return [
        f'{account},"sequence":{seq},"previous_sequence":{previous},"digest":"{digest}"{received[at]},'
        f"{name}{event}}}".encode()
        for seq, previous, digest, at, event in zip(seqs, (before, *seqs[:-1]), digests, fetched, events, strict=True)
    ]


def _body(raw: str) -> str:
    if not may_stand(raw):
        return encode({"event_text": raw})[1:-1]
    # Within valid JSON, ends of lines only stand between values.
    return f'"event":{raw.replace(chr(13), " ").replace(chr(10), " ")}'


@lru_cache(maxsize=1024)
def _account(key: str, name: str) -> str:
    members = {"account": key, "account_name": name} if name else {"account": key}
    return encode(members)[1:-1]


def may_stand(raw: str) -> bool:
    """Whether every receiver can read it as a part of its JSON."""
    try:
        value = _strict.decode(raw)
    except (ValueError, RecursionError):
        return False
    return raw.count("[") + raw.count("{") <= DEEPEST or _depth(value) <= DEEPEST


def _event(record: EventRecord) -> dict[str, Any]:
    return ENVELOPE.make(record) | BODY.make(record)


def _finding(record: FindingRecord) -> dict[str, Any]:
    return {"finding": flat.FINDING.make(record)}


def _access(record: AccessRecord) -> dict[str, Any]:
    return {"access": flat.ACCESS.make(record)}


def _value(record: EventRecord) -> Any:
    return json.loads(record.raw) if may_stand(record.raw) else None


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

RAW = Format("raw", "Raw", _event, _finding, _access, event_text, COLUMNS, lot_bodies)
