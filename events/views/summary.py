"""What the filtered events look like from further away: over time, and divided by type, account, user and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from events.filters.parameters import unknown
from events.filters.query_string import page_address, with_params
from events.filters.summary import picture
from events.reading.facets import sample
from events.reading.rollups import answers
from events.views.scope import chosen_account, filtered_events

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from events.reading.histogram import Histogram


@require_safe
@vary_on_headers("HX-Request")
def summary(request: HttpRequest, api_key: str | None = None) -> HttpResponse:
    """The overview of the events of one account, or of all accounts the reader may see."""
    account = chosen_account(request, api_key)
    event_filter = filtered_events(request, account)
    page = page_address("list", account)
    hidden = {"account"} if account else set()
    conditions = event_filter.conditions
    context = picture(event_filter, conditions, sample(conditions), page, event_filter.data, hidden)
    context |= {"account": account, "back": page + with_params(request.GET), "unknown": unknown(request.GET)}
    if not request.headers.get("HX-Request"):
        return render(request, "events/summary.html", context | {"open_facets": True})
    chart: Histogram | None = context["chart"]
    if chart and chart.exact and not answers(conditions):
        context["counted"] = chart.total  # the list itself may have stopped counting earlier
    return render(request, "events/_summary.html", context)
