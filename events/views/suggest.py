"""What the search box may be completed with, while it is being typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.views.decorators.http import require_safe

from events.filters.completion import complete
from events.views.scope import chosen_account, filtered_events

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def suggest(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """Completions of one piece of the box, in one account or in all that the reader may see, as JSON."""
    event_filter = filtered_events(request, chosen_account(request, api_key))
    offered = complete(request.GET.get("piece", ""), event_filter)
    return JsonResponse({"items": [completion._asdict() for completion in offered]})
