"""Events that arrived since a list was opened: told, without moving what is being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from events.filters.query_string import with_params
from events.reading import BadCursor, Cursor, read_page
from events.views.scope import filtered_events, visible_account

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import NexmoAccount

MOST = 100


@require_safe
def merged(request: HttpRequest) -> HttpResponse:
    """Of all accounts the reader may see."""
    return _news(request, None)


@require_safe
def one_account(request: HttpRequest, api_key: str) -> HttpResponse:
    """Of one account."""
    return _news(request, visible_account(request, api_key))


def _news(request: HttpRequest, account: NexmoAccount | None) -> HttpResponse:
    """A line to put above the table, or nothing (204) where nothing is new. `since`: the newest event shown there."""
    found = filtered_events(request, account)
    since = request.GET.get("since", "")
    try:
        page = read_page(found.conditions, MOST + 1, after=Cursor.parse(since) if since else None)
    except BadCursor:
        return HttpResponse(status=204)
    if not page.rows:
        return HttpResponse(status=204)
    context = {
        "count": min(len(page.rows), MOST),
        "more": len(page.rows) > MOST,
        "query": with_params(request.GET, since=None),
    }
    return render(request, "events/_news.html", context)
