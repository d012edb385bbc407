"""The Audit API itself: what a well-behaved service answers to a request, under the switches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from events.sandbox.query import BadParameter, Query, Selector, read
from events.sandbox.shape import EVENT_TYPES, EVENTS_PATH, LINK_HOST, Event, render, timestamp
from events.sandbox.store import Row, SandboxAccount
from events.sandbox.switches import Switches
from events.sandbox.wire import Answer, Headers, bad_request, not_found

Params = dict[str, list[str]]


def options(switches: Switches, form: str | None = None) -> Answer:
    """The list of event types; `form` overrides the switch `options`."""
    form = form or switches.options
    if form == "204":
        return Answer(204, bare=True)
    if form == "intercepted":  # a proxy took it for a CORS preflight
        headers: Headers = (("Allow", "GET, OPTIONS, HEAD"), ("Access-Control-Allow-Origin", "*"))
        return Answer(200, b"", headers=headers, bare=True)
    types: list[Event] = [{"type": code, "description": text} for code, text in EVENT_TYPES.items()]
    body: Event = {"eventTypes": types}
    if form == "empty":
        types.clear()
    elif form == "duplicates":
        types.append({"type": "IP_WHITELIST_CREATE", "description": "Whitelist IP deleted"})
    elif form == "extra_key":
        body["sourceTypes"] = [{"type": "CD", "description": "Customer dashboard"}]
    elif form == "new_type":
        types.append({"type": "ESIM_ACTIVATE", "description": "eSIM activated"})
    elif form == "missing_type":
        types[:] = [event_type for event_type in types if event_type["type"] != "USER_LOGIN"]
    elif form == "no_description":
        del types[0]["description"]
        types[1]["description"] = ""
        types[2]["description"] = None
    return Answer(body=render(body))


def one(account: SandboxAccount, event_id: str, switches: Switches) -> Answer:
    """One event by id, bare; 404 in the documented words."""
    row = account.store.find(event_id) if event_id else None
    if row is None:
        return not_found(switches.errors, f"Event with provided id: {event_id} was not found")
    return Answer(body=_served(row, switches))


def listing(account: SandboxAccount, params: Params, switches: Switches, selector: Selector, now: datetime) -> Answer:
    """One page of the list of events."""
    try:
        query = read(params, switches)
    except BadParameter as error:
        return bad_request(switches.errors, error.parameter, error.reason)
    rows = selector.select(account, query, switches, now)
    pages = -(-len(rows) // query.size)
    number = query.page
    if number > max(pages, 1) and switches.past_end != "empty":
        if switches.past_end == "404":
            return not_found(switches.errors, f"Page {number} was not found")
        number = max(pages, 1)
    shown = _slice(rows, number, query.size, switches.order)
    parts = [_embedded(shown, switches)]
    if switches.links != "none":
        parts.append(b'"_links":' + render(_links(params, query, number, pages, switches)))
    if switches.page_object:
        parts.append(b'"page":' + render(_page(query, number, len(rows), switches)))
    return Answer(body=b"{" + b",".join(part for part in parts if part) + b"}")


def _slice(rows: list[Row], number: int, size: int, order: str) -> list[Row]:
    if order == "oldest_first":
        return rows[(number - 1) * size : number * size]
    last = len(rows) - (number - 1) * size
    return rows[max(last - size, 0) : last][::-1] if last > 0 else []


def _embedded(rows: Sequence[Row], switches: Switches) -> bytes:
    if rows:
        return b'"_embedded":{"events":[' + b",".join([_served(row, switches) for row in rows]) + b"]}"
    form = {"absent": "", "no_events": "{}", "null": '{"events":null}', "empty": '{"events":[]}'}
    text = form[switches.empty_embedded]
    return f'"_embedded":{text}'.encode() if text else b""


def _served(row: Row, switches: Switches) -> bytes:
    """The row's text, in the zone and letter case of the switches."""
    body = row.body
    if switches.id_case == "upper" and row.id:
        body = body.replace(row.id.encode(), row.id.upper().encode())
    if switches.zone != "UTC":
        local = datetime.fromtimestamp(row.at, UTC).astimezone(switches.tzinfo())
        text = local.strftime("%Y-%m-%dT%H:%M:%S")
        body = body.replace(f'"created_at":"{timestamp(row.at)}"'.encode(), f'"created_at":"{text}"'.encode(), 1)
    return body


def _page(query: Query, number: int, total: int, switches: Switches) -> Event:
    if switches.totals == "off":
        total = max(total + switches.totals_off, 0)
    page: Event = {"size": query.size, "totalElements": total, "totalPages": -(-total // query.size)}
    if switches.totals == "missing":
        page = {"size": query.size}
    page["page" if switches.number == "page_key" else "number"] = number - (switches.number == "zero_based")
    return {key: str(value) for key, value in page.items()} if switches.numbers_as_text else page


def _links(params: Params, query: Query, number: int, pages: int, switches: Switches) -> Event:
    form = switches.links
    base = {
        "https": f"https://{LINK_HOST}{EVENTS_PATH}",
        "relative": EVENTS_PATH,
        "wrong": f"http://audit.example.net{EVENTS_PATH}",
    }.get(form, f"http://{LINK_HOST}{EVENTS_PATH}")
    filters = [(name, value) for name, values in params.items() for value in values if name not in ("page", "size")]
    if form == "no_filters":
        filters = []

    def link(page: int) -> Event:
        return {"href": f"{base}?{urlencode([('page', page), ('size', query.size), *filters])}"}

    pairs = [(name, value) for name, values in params.items() for value in values]
    links: Event = {"self": {"href": f"{base}?{urlencode(pairs)}" if pairs else base}}
    if form == "templated":
        links["self"] = {"href": base + "{?page,size}", "templated": True}
    if form == "first_prev":
        links["first"] = link(1)
        if number > 1:
            links["prev"] = link(number - 1)
    if number < pages:
        if form != "no_next":
            links["next"] = links["self"] if form == "self_loop" else link(number + 1)
        links["last"] = link(pages)
    return links
