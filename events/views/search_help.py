"""What can be written in the search box, as a page; the box's own panel shows the middle of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from events.filters.fields import listed
from events.filters.search_help import conditions, signs
from events.reading.applications import any_name
from events.views.scope import visible_accounts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def search_help(request: HttpRequest) -> HttpResponse:
    """Every condition and sign, each with an example to follow."""
    accounts = visible_accounts(request)
    application = listed(any_name(tuple(account.pk for account in accounts)))
    context = {"signs": signs(), "conditions": conditions(accounts, application)}
    return render(request, "events/search_help.html", context)
