"""The archive as Nexmo's Audit API: its clients work here with another host and other credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from events.api import walks
from events.api.answers import answer
from events.api.cursors import WrongCursor
from events.api.errors import JSON, ApiError, nexmo_body, wrong_parameters
from events.api.listing import address, hal, numbered_links, page_members
from events.api.operation import operations
from events.api.pages import read_events, texts_of, with_account
from events.api.parameters import (
    ACCOUNT_ID,
    COMPATIBLE,
    MOST_NEXMO,
    ORDER,
    USUAL_NEXMO,
    check,
    question,
    read_choice,
    read_conditions,
    read_number,
    read_place,
)
from events.api.texts import as_json
from events.filters.event_types import descriptions as described
from events.filters.event_types import event_type_choices
from events.models import AuditEvent
from events.reading.numbered import TooFar

if TYPE_CHECKING:
    from datetime import tzinfo

    from django.http import HttpRequest, HttpResponse

    from events.api.operation import Access

AGAIN_AFTER = "5"  # seconds


def _zone() -> tzinfo:
    """The zone that the events' own times are in."""
    return ZoneInfo(str(settings.EVENT_TIME_ZONE))


def list_events(request: HttpRequest, access: Access) -> HttpResponse:
    """Audit events of all accounts that the token may see, newest first."""
    params = request.GET
    check(params, COMPATIBLE)
    size = read_number(params, "size", USUAL_NEXMO, MOST_NEXMO)
    conditions = read_conditions(params, access, as_nexmo=True)
    if "cursor" in params:
        return _by_cursor(request, access, size)
    order = read_choice(params, ORDER)
    if order == "arrival":
        raise wrong_parameters([("order", _("Pages by number have no order=arrival: use a cursor."))])
    number = read_number(params, "page", 1)
    asked = question(params, ("page", "size"))
    try:
        page = walks.page(access.token.pk, asked, conditions, number, size, oldest_first=order == "oldest")
    except TooFar:
        sentence = _("This page takes long to reach. Ask for it again to go on, or use a cursor.")
        raise ApiError(503, sentence, headers={"Retry-After": AGAIN_AFTER}) from None
    about = page_members(page, number, size)
    links = numbered_links(request, params, number, about["totalPages"], size)
    headers = {"X-Total-Count": str(page.total)} if page.exact else {}
    events = texts_of(page.pks, lambda: access.keys, access.sees_whole)
    return answer(request, hal(events, {"_links": links, "page": about}), JSON, headers=headers)


def _by_cursor(request: HttpRequest, access: Access, size: int) -> HttpResponse:
    params = request.GET
    if "page" in params:
        raise wrong_parameters([("cursor", _("Use either page or cursor."))])
    conditions = read_conditions(params, access, as_nexmo=True)
    place = read_place(params)
    order = read_choice(params, ORDER) if place is None or params.get("order") else place.order
    try:
        page = read_events(conditions, lambda: access.keys, place, order, size, access.sees_whole)
    except WrongCursor as error:
        raise wrong_parameters([("cursor", str(error))]) from None
    links: dict[str, object] = {"self": {"href": request.build_absolute_uri()}}
    cursor = str(page.place) if page.place else None
    if cursor and page.has_more:
        links["next"] = {"href": address(request, params, cursor=cursor)}
    members = {"_links": links, "page": {"size": size}, "cursor": cursor, "has_more": page.has_more}
    return answer(request, hal(page.texts, members), JSON)


def list_types(request: HttpRequest, access: Access) -> HttpResponse:
    """The event types: those that Nexmo lists, and others that events of these accounts have."""
    check(request.GET, ())
    with override("en"):  # as Nexmo describes them
        types = described(event_type_choices([account.pk for account in access.accounts]))
    listed = [{"type": code, "description": text} for code, text in types.items()]
    return answer(request, as_json({"eventTypes": listed}), JSON)


def one_event(request: HttpRequest, access: Access, event_id: str) -> HttpResponse:
    """One event, as received."""
    params = request.GET
    check(params, (ACCOUNT_ID,))
    chosen = read_conditions(params, access).accounts
    found = AuditEvent.objects.with_id(event_id).filter(account__in=access.keys if chosen is None else chosen)
    rows = list(found.order_by("account").values_list("account", "raw"))
    if not rows:
        raise ApiError(404, f"Event with provided id: {event_id} was not found")
    if len(rows) > 1:
        keys = ", ".join(access.keys[account] for account, _raw in rows)
        sentence = _("Several accounts have an event with this id: name one of %(keys)s with account_id.")
        raise ApiError(409, sentence % {"keys": keys})
    account, raw = rows[0]
    return answer(request, with_account(access.as_received(raw), account, lambda: access.keys).encode(), JSON)


events = operations(nexmo_body, {"GET": list_events, "OPTIONS": list_types}, zone=_zone)
event = operations(nexmo_body, {"GET": one_event}, zone=_zone)


def _nothing(request: HttpRequest, access: Access, **_kwargs: str) -> HttpResponse:
    """404 as Nexmo's API has it, for all other addresses."""
    raise ApiError(404, "No message available")


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
nothing = operations(nexmo_body, dict.fromkeys(_METHODS, _nothing), zone=_zone)
