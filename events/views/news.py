"""Events that arrived since a list was opened: announced without moving what is being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from events.filters.query_string import with_params
from events.reading import BadCursor, Cursor, read_page
from events.views.scope import chosen_account, filtered_events

if TYPE_CHECKING:
    from django.http import HttpRequest


MOST = 100


@require_safe
def news(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """A line to put above the table, or nothing (204) where nothing is new. `since`: the newest event shown there."""
    event_filter = filtered_events(request, chosen_account(request, api_key))
    since = request.GET.get("since", "")
    try:
        page = read_page(event_filter.conditions, MOST + 1, after=Cursor.parse(since) if since else None)
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
