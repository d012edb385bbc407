"""Faults of what an answer holds: encodings, shapes, drifting pages, odd events (F07, F21 to F51)."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from events.sandbox import api
from events.sandbox.faults import Strike, fault
from events.sandbox.odd import odd_events
from events.sandbox.shape import Event, render
from events.sandbox.wire import JSON_TYPE, Answer, loads

# --- encodings


@fault("gzip", "F07", "gzip, whether or not it was accepted")
def _gzip(strike: Strike) -> Answer:
    answer = strike.normal()
    body = gzip.compress(answer.body, 1)
    return replace(answer, body=body, headers=(*answer.headers, ("Content-Encoding", "gzip")))


@fault("bom", "F07", "a byte order mark before the JSON")
def _bom(strike: Strike) -> Answer:
    answer = strike.normal()
    return replace(answer, body=b"\xef\xbb\xbf" + answer.body)


@fault("wrong-charset", "F07", "UTF-8 labelled as ISO-8859-1")
def _wrong_charset(strike: Strike) -> Answer:
    return replace(strike.normal(), content_type="application/json;charset=ISO-8859-1")


@fault("latin-1", "F07", "ISO-8859-1 labelled as UTF-8: bytes that are not UTF-8", times=1)
def _latin_1(strike: Strike) -> Answer:
    answer = strike.normal()
    return replace(answer, body=answer.body.decode(errors="replace").encode("latin-1", "replace"))


@fault("utf-16", "F07", "UTF-16, labelled so")
def _utf_16(strike: Strike) -> Answer:
    answer = strike.normal()
    body = answer.body.decode(errors="replace").encode("utf-16")
    return replace(answer, body=body, content_type="application/json;charset=UTF-16")


@fault("duplicate-headers", "F07", "Content-Type, Server and trace id twice")
def _duplicate_headers(strike: Strike) -> Answer:
    again = (("Content-Type", JSON_TYPE), ("Server", "nginx"), ("X-Nexmo-Trace-Id", "0" * 32))
    answer = strike.normal()
    return replace(answer, headers=(*answer.headers, *again))


# --- OPTIONS

for _form, _number, _about in (
    ("204", "F21", "204 without a body"),
    ("intercepted", "F22", "200 with an Allow header and no body"),
    ("empty", "F23", "no event types"),
    ("duplicates", "F23", "a type twice, with different descriptions"),
    ("extra_key", "F23", "an extra key, sourceTypes"),
    ("new_type", "F23", "a type that nobody knows"),
    ("missing_type", "F23", "USER_LOGIN is missing"),
    ("no_description", "F23", "descriptions missing, empty and null"),
):

    def _options(form: str) -> Callable[[Strike], Answer]:
        return lambda strike: api.options(strike.sandbox.switches, form)

    fault(f"options-{_form.replace('_', '-')}", _number, f"OPTIONS: {_about}", on="options")(_options(_form))


# --- shape of the list


def _edited(strike: Strike, edit: Callable[[Event], None]) -> Answer:
    """The normal answer with its JSON object changed; any other answer as it is."""
    answer = strike.normal()
    fields = loads(answer.body) if answer.status == 200 else None
    if fields is None:
        return answer
    try:
        edit(fields)
        return replace(answer, body=render(fields))
    except RecursionError:  # it could just be read, and is too deep to be written again
        return answer


def _page_numbers(change: Callable[[Event], None]) -> Callable[[Event], None]:
    return lambda fields: change(fields["page"]) if isinstance(fields.get("page"), dict) else None


def _set(key: str, value: Any) -> Callable[[Event], None]:
    return lambda fields: fields.__setitem__(key, value)


def _drop(key: str) -> Callable[[Event], None]:
    return lambda fields: fields.__delitem__(key) if key in fields else None


def _as_text(page: Event) -> None:
    page.update({key: str(value) for key, value in page.items()})


def _zero_based(page: Event) -> None:
    page["number"] = page.get("number", 1) - 1


def _page_key(page: Event) -> None:
    page["page"] = page.pop("number", 1)


_SHAPES: tuple[tuple[str, str, str, Callable[[Event], None]], ...] = (
    ("no-embedded", "F24", "no _embedded although there are events", _drop("_embedded")),
    ("embedded-no-events", "F25", "_embedded is {}", _set("_embedded", {})),
    ("embedded-null", "F25", "events is null", _set("_embedded", {"events": None})),
    ("embedded-empty", "F25", "events is []", _set("_embedded", {"events": []})),
    ("embedded-object", "F25", "events is an object", _set("_embedded", {"events": {}})),
    ("no-page", "F26", "no page object", _drop("page")),
    ("no-links", "F26", "no _links", _drop("_links")),
    ("numbers-as-text", "F27", "the numbers of page are strings", _page_numbers(_as_text)),
    ("zero-based", "F28", "page.number counts from 0", _page_numbers(_zero_based)),
    ("page-key", "F28", "page.page in place of page.number", _page_numbers(_page_key)),
    ("page-nonsense", "F30", "the numbers of page are negative",
     _set("page", {"size": -1, "totalElements": -1, "totalPages": -1, "number": -1})),
)  # fmt: skip


def _shaped(edit: Callable[[Event], None]) -> Callable[[Strike], Answer]:
    return lambda strike: _edited(strike, edit)


for _name, _number, _about, _edit in _SHAPES:
    fault(_name, _number, _about, times=1, on="list")(_shaped(_edit))


@fault(
    "totals-change",
    "F30",
    "totalElements is higher by `rows` (default 7) on this page",
    times=1,
    on="list",
    from_page=2,
)
def _totals_change(strike: Strike) -> Answer:
    def more(page: Event) -> None:
        page["totalElements"] += strike.rows(7)
        page["totalPages"] = -(-page["totalElements"] // page["size"])

    return _edited(strike, _page_numbers(more))


@fault("short-page", "F34", "the last `rows` (default 3) events of the page are left out", times=1, on="list")
def _short_page(strike: Strike) -> Answer:
    def shorten(fields: Event) -> None:
        events = fields.get("_embedded", {}).get("events", [])
        del events[max(len(events) - strike.rows(3), 0) :]

    return _edited(strike, shorten)


@fault(
    "repeated-page",
    "F31",
    "the events of the page before, under this page's number",
    times=1,
    on="list",
    from_page=2,
)
def _repeated_page(strike: Strike) -> Answer:
    before = loads(strike.normal(page=str(strike.request.page - 1)).body) or {}

    def repeat(fields: Event) -> None:
        fields["_embedded"] = before.get("_embedded", {})

    return _edited(strike, repeat)


@fault("unasked-events", "F51", "the list as if no filter had been given", on="list")
def _unasked_events(strike: Strike) -> Answer:
    return strike.normal(event_type="", search_text="", date_from="", date_to="")


# --- drift: the world changes just before the page is answered


@fault(
    "shift-insert",
    "F35",
    "`rows` (default 3) new events before a later page: rows repeat",
    times=1,
    on="list",
    from_page=2,
)
def _shift_insert(strike: Strike) -> Answer:
    if strike.request.api_key in strike.sandbox.accounts:
        strike.sandbox.add_events(strike.request.api_key, strike.rows(3))
    return strike.normal()


@fault(
    "shift-delete",
    "F36",
    "the newest `rows` (default 3) events vanish before a later page: rows are skipped",
    times=1,
    on="list",
    from_page=2,
)
def _shift_delete(strike: Strike) -> Answer:
    account = strike.sandbox.accounts.get(strike.request.api_key)
    for event in account.events()[: strike.rows(3)] if account else ():
        strike.sandbox.remove_event(strike.request.api_key, str(event.get("id") or ""))
    return strike.normal()


def _dated(strike: Strike, count: int, days_ago: float) -> list[Event]:
    """New plausible events, all in one second `days_ago` days before now."""
    sandbox, key = strike.sandbox, strike.request.api_key
    when = sandbox.clock() - timedelta(days=days_ago)
    return sandbox.world.invent(key, count, when) if key in sandbox.accounts else []


@fault("late-events", "F37", "`rows` (default 2) events appear that happened three days ago", times=1, on="list")
def _late_events(strike: Strike) -> Answer:
    late = _dated(strike, strike.rows(2), 3)
    if late:
        strike.sandbox.add_events(strike.request.api_key, late)
    return strike.normal()


@fault("same-second", "F38", "`rows` (default 150) events of one and the same second appear", times=1, on="list")
def _same_second(strike: Strike) -> Answer:
    burst = _dated(strike, strike.rows(150), 0.01)
    if burst:
        strike.sandbox.add_events(strike.request.api_key, burst)
    return strike.normal()


# --- odd events


@fault("odd-events", "F39-F47", "every odd event of `odd_events()` appears in the account", times=1, on="list")
def _odd_events(strike: Strike) -> Answer:
    if strike.request.api_key in strike.sandbox.accounts:
        odd = odd_events(account=strike.request.api_key, now=strike.sandbox.clock())
        strike.sandbox.add_events(strike.request.api_key, odd)
    return strike.normal()


def _altered(events: list[Any]) -> Event:
    return {**events[0], "source_ip": "203.0.113.99", "event_type_description": "Altered"}


@fault("duplicate-id", "F45", "the first event of the page once more, with other content", times=1, on="list")
def _duplicate_id(strike: Strike) -> Answer:
    def repeat(fields: Event) -> None:
        events = fields.get("_embedded", {}).get("events", [])
        if events:
            events.append(_altered(events))

    return _edited(strike, repeat)


@fault("altered-event", "F45", "the first event of the page has other content than it had", on="list", times=1)
def _altered_event(strike: Strike) -> Answer:
    def alter(fields: Event) -> None:
        events = fields.get("_embedded", {}).get("events", [])
        if events:
            events[0] = _altered(events)

    return _edited(strike, alter)
