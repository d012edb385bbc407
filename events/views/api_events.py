"""`/api/v1/`: events by cursor, accounts, saved views run by name, and what a token is good for."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import profile_of
from events.api import texts
from events.api.answers import answer
from events.api.cursors import ARRIVAL, WrongCursor
from events.api.errors import JSON, ApiError, problem_body, wrong_parameters
from events.api.listing import NDJSON, address, lines, plain
from events.api.operation import operations
from events.api.pages import read_events
from events.api.parameters import (
    EVENTS,
    FORMAT,
    MOST,
    ORDER,
    USUAL,
    VIEW_EVENTS,
    check,
    read_choice,
    read_conditions,
    read_number,
    read_place,
)
from events.filters.saved import views_of
from events.health.status import statuses
from events.operations import tasks
from events.reading import count, rollups

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from events.api.operation import Access, Handler
    from events.filters.saved import View
    from events.reading.conditions import Conditions


def list_events(request: HttpRequest, access: Access) -> HttpResponse:
    """Events of all accounts that the token may see, by cursor."""
    check(request.GET, EVENTS)
    conditions = read_conditions(request.GET, access)
    return _events(request, access, conditions)


def _events(request: HttpRequest, access: Access, conditions: Conditions, usual_order: str = "") -> HttpResponse:
    params = request.GET
    size = read_number(params, "size", USUAL, MOST)
    in_lines = _wants_lines(request)
    place = read_place(params)
    if params.get("order"):
        order = read_choice(params, ORDER)
    else:
        order = place.order if place else usual_order or read_choice(params, ORDER)
    try:
        page = read_events(conditions, lambda: access.keys, place, order, size, access.sees_whole)
    except WrongCursor as error:
        raise wrong_parameters([("cursor", str(error))]) from None
    headers = {"X-Has-More": "true" if page.has_more else "false"}
    if page.place:
        cursor = str(page.place)
        headers["X-Cursor"] = cursor
        if page.has_more or order == ARRIVAL:
            headers["Link"] = f'<{address(request, params, cursor=cursor)}>; rel="next"'
    if place is None and rollups.answers(conditions):
        known = count(conditions)
        if not known.at_least:
            headers["X-Total-Count"] = str(known.number)
    if in_lines:
        return answer(request, lines(page.texts), NDJSON, headers=headers)
    return answer(request, plain(page.texts, page), JSON, headers=headers)


def _wants_lines(request: HttpRequest) -> bool:
    if request.GET.get("format"):
        return read_choice(request.GET, FORMAT) == "ndjson"
    accepted = request.headers.get("Accept", "")
    return any(name in accepted for name in (NDJSON, "application/ndjson", "application/jsonl"))


def list_accounts(request: HttpRequest, access: Access) -> HttpResponse:
    """The accounts that the token may see, with the health of their syncing and what is known to be complete."""
    check(request.GET, ())
    listed = statuses(access.accounts, worker_alive=tasks.worker_is_alive())
    return answer(request, texts.as_json({"accounts": [texts.account(status) for status in listed]}), JSON)


def one_account(request: HttpRequest, access: Access, api_key: str) -> HttpResponse:
    """One of them."""
    check(request.GET, ())
    chosen = [account for account in access.accounts if account.api_key == api_key]
    if not chosen:
        raise Http404
    (status,) = statuses(chosen, worker_alive=tasks.worker_is_alive())
    return answer(request, texts.as_json(texts.account(status)), JSON)


def list_views(request: HttpRequest, access: Access) -> HttpResponse:
    """The saved views that the token's person may open, and the built-in ones. One that names an account which the
    token is not for is left out."""
    check(request.GET, ())
    views = views_of(access.person)
    listed = [texts.view(view) for view in (*views.saved, *views.builtin) if _is_for(access, view)]
    return answer(request, texts.as_json({"views": listed}), JSON)


def view_events(request: HttpRequest, access: Access, name: str) -> HttpResponse:
    """The events of a saved view, by its number, its name or, if it is built in, its code."""
    check(request.GET, VIEW_EVENTS)
    view = _view(access, name)
    asked = QueryDict(view.query)
    with timezone.override(profile_of(access.person).zone):  # a view's days are its reader's, as on the site
        try:
            conditions = read_conditions(asked, access)
        except ApiError as error:
            sentence = _("This view cannot be asked by this token. %(why)s") % {"why": error.detail}
            raise ApiError(409, sentence) from None
    return _events(request, access, conditions, asked.get("order") or "")


def _view(access: Access, name: str) -> View:
    views = views_of(access.person)
    view = views.named(name)
    if view and _is_for(access, view):
        return view
    called = [view for view in (*views.saved, *views.builtin) if str(view.name).casefold() == name.casefold()]
    # An own one before a team's of the same name.
    called.sort(key=lambda view: not view.mine)
    for view in called:
        if _is_for(access, view):
            return view
    raise Http404


def _is_for(access: Access, view: View) -> bool:
    """Whether all accounts that a view names are the token's."""
    named = QueryDict(mutable=True)
    named.setlist("account", QueryDict(view.query).getlist("account"))
    try:
        read_conditions(named, access)
    except ApiError:
        return False
    return True


def introspect(request: HttpRequest, access: Access) -> HttpResponse:
    """What the token is: its person, its accounts, when it expires, and how often it may ask."""
    check(request.GET, ())
    limits = {"requests_per_minute": settings.API_REQUESTS_PER_MINUTE, "events_per_page": MOST}
    return answer(request, texts.as_json(texts.token(access, limits)), JSON)


def _nothing(request: HttpRequest, access: Access, **_kwargs: str) -> HttpResponse:
    """404 as a problem document, for all other addresses."""
    raise Http404


def _view_of(handler: Handler) -> Callable[..., HttpResponse]:
    return operations(problem_body, {"GET": handler}, zone=lambda: UTC)


events = _view_of(list_events)
accounts = _view_of(list_accounts)
account = _view_of(one_account)
views = _view_of(list_views)
events_of_view = _view_of(view_events)
token = _view_of(introspect)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
nothing = operations(problem_body, dict.fromkeys(_METHODS, _nothing), zone=lambda: UTC)
