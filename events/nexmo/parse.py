"""Reading what the Audit API sends: tolerant here, so that everything further inside may rely on its types.

An event is never dropped because a field is odd. What cannot be read stays in `raw`, and `odd_fields` names it.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.nexmo.errors import MalformedResponse
from events.nexmo.ids import former_id, id_key, kept_id, storable, was_changed
from events.nexmo.values import CAPPED, parse_time, plain_address, read_float

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, tzinfo

MAX_TEXT = 255
MAX_LONG_TEXT = 4000
MAX_NESTING = 100
MAX_COUNT = 2_147_483_647  # more than any account can have, and the most that a database's integer holds
MADE_UP = "sha256-"  # what the ids begin with that are made here, for events that come without one


@dataclass(frozen=True, slots=True)
class Event:
    """One audit event as parsed.

    `created_at` is aware UTC, or None when the API sent nothing readable; `created_at_basis` says what it rests on.
    `context` is any JSON value. `raw` is the event's own text, as received.
    """

    event_id: str
    event_type: str
    event_type_description: str
    created_at: datetime | None
    created_at_basis: str
    user_email: str
    user_id: str
    account_id: str
    source: str
    source_description: str
    source_ip: str
    source_country: str
    context: Any
    raw: str
    odd_fields: tuple[str, ...]

    @property
    def identity(self) -> str:
        """The event's key within its account: ids differ in case between APIs, not between events."""
        return id_key(self.event_id)

    @property
    def former_identity(self) -> str:
        """The key under which older versions archived it, which cut ids short; "" where nothing has changed."""
        return id_key(former_id(id_as_sent(self.raw))) if was_changed(self.event_id) else ""

    @property
    def digest(self) -> str:
        """SHA-256 of the content, blind to key order, blanks and links."""
        return content_digest(self.raw)


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of a list.

    `total`, `total_pages` and `size` are the API's own figures, or None when it sent none that can be believed;
    `bad_total` is then the total as sent, shortened, if there was one. `sent_at` is the API's clock (its Date header).
    """

    events: tuple[Event, ...]
    total: int | None
    total_pages: int | None
    size: int | None
    bad_total: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventTypeInfo:
    """An event type as OPTIONS lists it; the description may be empty."""

    code: str
    description: str


def content_digest(raw: str) -> str:
    """SHA-256 over the canonical content of an event: sorted keys, without `_links`, which depend on the server."""
    try:
        if _is_deep(raw):
            raise ValueError("too deep to write again")
        value = _decoder.decode(raw)
    except (ValueError, RecursionError):
        return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()
    if isinstance(value, dict):
        value.pop("_links", None)
        if isinstance(value.get("id"), str):
            value["id"] = id_key(value["id"])
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def decode_body(body: bytes) -> str:
    """The text of a body: UTF-8 or what its first bytes say, else Latin-1, which reads anything."""
    encoding = json.detect_encoding(body)
    if encoding.startswith("utf-8"):
        # Byte by byte: one bad byte in one event must not garble the others of its page.
        return body.decode(encoding, "bytes_as_latin_1").removeprefix("\ufeff")
    try:
        return body.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _bytes_as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("bytes_as_latin_1", _bytes_as_latin_1)


def parse_event_types(value: Any) -> tuple[EventTypeInfo, ...]:
    """The types of an OPTIONS body; empty when there are none, doubles removed, descriptions optional."""
    listed = value.get("eventTypes") if isinstance(value, dict) else None
    types: dict[str, EventTypeInfo] = {}
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and (code := _text(item.get("type"))):
            types.setdefault(
                code[:MAX_TEXT], EventTypeInfo(code[:MAX_TEXT], _text(item.get("description"))[:MAX_LONG_TEXT])
            )
    return tuple(types.values())


def parse_page(text: str, zone: tzinfo, *, first: bool = True) -> EventPage:
    """Read a list body.

    Args:
        first: False for a later page, where a body without events and counts is what lies past the end.

    Raises:
        MalformedResponse: it is no list of events; "no events" is only what says so.
    """
    body = json_members(text)
    if first and not ({"_embedded", "page"} & body.keys()):
        raise MalformedResponse(f"Expected a list of events, got: {shorten(text)}", status=200)
    embedded = body.get("_embedded", "")
    events = json_members(embedded).get("events", "") if embedded.startswith("{") else ""
    page = load_json(body.get("page", "null"))
    page = page if isinstance(page, dict) else {}
    total = _count(page.get("totalElements"))
    bad_total = "" if total is not None else shorten(_text(page.get("totalElements")), 40)
    return EventPage(
        events=tuple(parse_event(raw, zone) for raw in json_items(events)) if events.startswith("[") else (),
        total=total,
        total_pages=_count(page.get("totalPages")),
        size=_count(page.get("size")),
        bad_total=bad_total,
    )


def parse_single(text: str, zone: tzinfo) -> Event:
    """Read the body of one event. Raises MalformedResponse when it is no JSON object."""
    json_members(text)
    return parse_event(text.strip(), zone)


def id_as_sent(raw: str) -> str:
    """The id that an archived event came with, whatever it holds; "" for one that came without."""
    event_id = _any_text(_fields(raw)[0].get("id"))
    return event_id if event_id.strip() else ""


def parse_event(raw: str, zone: tzinfo) -> Event:
    """Parse one event from its own text; `zone` is assumed for times that carry none."""
    data, odd = _fields(raw)

    def text(name: str, limit: int = MAX_TEXT, case: Callable[[str], str] = str) -> str:
        value = data.get(name)
        if value is not None and not isinstance(value, str) and not (name == "user_id" and type(value) is int):
            odd.append(name)
        read = case(_text(value))  # before the cut: another case may be longer
        if len(read) > limit:
            odd.append(name)
        return read[:limit]

    def code(name: str) -> str:
        """A text that is compared letter by letter: blanks around it would make it another, and nobody sees them."""
        read = text(name)
        if read != read.strip():
            odd.append(name)
        return read.strip()

    created_at, basis = parse_time(data.get("created_at"), zone)
    if created_at is None or basis == CAPPED:
        odd.append("created_at")
    text("id")  # for what is odd about it
    sent_id = _any_text(data.get("id"))
    event_id = kept_id(sent_id) if sent_id.strip() else f"{MADE_UP}{content_digest(raw)}"
    if event_id != sent_id:
        odd.append("id")
    source_ip = code("source_ip")
    if source_ip and plain_address(source_ip) is None:
        odd.append("source_ip")
    context = data.get("context")
    if context is not None and not isinstance(context, dict):
        odd.append("context")
    return Event(
        event_id=event_id,
        event_type=code("event_type"),
        event_type_description=text("event_type_description", MAX_LONG_TEXT),
        created_at=created_at,
        created_at_basis=basis,
        user_email=text("user_email", 320, lambda value: value.strip().lower()),
        user_id=code("user_id"),
        account_id=code("account_id"),
        source=code("source"),
        source_description=text("source_description", MAX_LONG_TEXT),
        source_ip=source_ip,
        source_country=text("source_country", case=lambda value: value.strip().upper()),
        context=context,
        raw=storable(raw),
        odd_fields=tuple(dict.fromkeys(odd)),
    )


def shorten(text: str, limit: int = 200) -> str:
    """Foreign text for a message: one line, no control characters, not longer than `limit`."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _int(digits: str) -> int | str:
    # Python refuses to read numbers of thousands of digits; they stay text.
    return int(digits) if len(digits) < 400 else digits


_decoder = json.JSONDecoder(strict=False, parse_int=_int, parse_float=read_float)


def load_json(text: str) -> Any:
    """Decode JSON. Raises MalformedResponse with the beginning of what was there instead."""
    try:
        if _is_deep(text):  # it might be read, but not written again
            raise ValueError("too deep")
        return _decoder.decode(text)
    except (ValueError, RecursionError):
        raise MalformedResponse(f"Expected JSON, got: {shorten(text) or 'nothing'}", status=200) from None


# Cutting JSON apart without decoding it: each event keeps its exact text, and one that is nested a thousand deep or
# holds nonsense costs itself, not its page.
_BLANKS = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\[\]{}\"]+")
# A string that does not end is one mark to the end of the text: else each quote within begins another search.
_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def json_members(text: str) -> dict[str, str]:
    """The text of each member of a JSON object. Raises MalformedResponse when it is no whole object."""
    members: dict[str, str] = {}
    for key, value in _cut(text, "{", "}"):
        members[str(load_json(key))] = value
    return members


def json_items(text: str) -> list[str]:
    """The text of each item of a JSON array. Raises MalformedResponse when it is no whole array."""
    return [value for _, value in _cut(text, "[", "]")]


def _cut(text: str, opening: str, closing: str) -> list[tuple[str, str]]:
    def skip(position: int) -> int:
        return _BLANKS.match(text, position).end()  # type: ignore[union-attr]  # it matches the empty text

    parts: list[tuple[str, str]] = []
    try:
        position = skip(0)
        if text[position] != opening:
            raise ValueError(opening)
        position = skip(position + 1)
        while text[position] != closing:
            key = ""
            if opening == "{":
                key, position = _one_value(text, position)
                position = skip(position)
                if text[position] != ":":
                    raise ValueError(":")
                position = skip(position + 1)
            value, position = _one_value(text, position)
            parts.append((key, value))
            position = skip(position)
            if text[position] == ",":
                position = skip(position + 1)
            elif text[position] != closing:
                raise ValueError(closing)
        if skip(position + 1) != len(text):
            raise ValueError("more text")
    except (ValueError, IndexError):
        raise MalformedResponse(f"Expected JSON, got: {shorten(text) or 'nothing'}", status=200) from None
    return parts


def _one_value(text: str, position: int) -> tuple[str, int]:
    """The text of the value that begins at a position, and where it ends. Raises ValueError when it does not end."""
    if text[position] in "[{":
        try:
            end: int = _decoder.raw_decode(text, position)[1]  # in C, so much faster than what follows
        except (ValueError, RecursionError):
            depth = 0
        else:
            return text[position:end], end
        for mark in _MARKS.finditer(text, position):
            if mark[0] in ("[", "{"):
                depth += 1
            elif mark[0] in ("]", "}"):
                depth -= 1
            if not depth:
                return text[position : mark.end()], mark.end()
        raise ValueError("unclosed")
    match = (_STRING if text[position] == '"' else _SCALAR).match(text, position)
    if match is None:
        raise ValueError("value")
    return match[0], match.end()


def _is_deep(text: str) -> bool:
    # Counting is much faster than looking, and nearly always enough.
    return text.count("[") + text.count("{") > MAX_NESTING and _nesting(text) > MAX_NESTING


def _nesting(text: str) -> int:
    deepest = depth = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in ("[", "{"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark[0] in ("]", "}"):
            depth -= 1
    return deepest


def _fields(raw: str) -> tuple[dict[str, Any], list[str]]:
    """The fields of an event that can be read, and the names of those that cannot."""
    try:
        if not _is_deep(raw):
            value = load_json(raw)
            return (value, []) if isinstance(value, dict) else ({}, ["event"])
        fields: dict[str, Any] = {}
        odd = []
        for name, text in json_members(raw).items():
            if _nesting(text) < MAX_NESTING:
                fields[name] = load_json(text)
            else:
                odd.append(storable(name[:40]))
        return fields, odd
    except MalformedResponse:
        return {}, ["event"]


def _text(value: Any) -> str:
    """Any JSON value as text that a database can store."""
    return storable(_any_text(value))


def _any_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _count(value: Any) -> int | None:
    """A whole number from 0 to MAX_COUNT, also when it comes as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,15}\s*", value):
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= MAX_COUNT else None
