"""The page that stands in for a file: when its filter or shape cannot be read, or it cannot be sent now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils.translation import gettext as _

from events.export.limits import RETRY_AFTER
from events.filters.parameters import unknown
from events.filters.query_string import OPENED

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import NexmoAccount
    from events.filters.form import EventFilter


def refused(request: HttpRequest, event_filter: EventFilter, account: NexmoAccount | None, *wrong: str) -> HttpResponse:
    """The answer to a wrong filter or choice: a file with nothing in it would look like a result."""
    context = {"form": event_filter.form, "account": account, "wrong": wrong}
    return render(request, "events/export_refused.html", context, status=400)


def refusal(request: HttpRequest, event_filter: EventFilter, account: NexmoAccount | None) -> HttpResponse | None:
    """The same where a filter is wrong or unknown: a file with everything in it would look like a result too."""
    wrong = unknown(request.GET)
    if OPENED in request.GET:
        wrong.append(_("A view is no filter of a file: send its conditions, as its list has them."))
    return refused(request, event_filter, account, *wrong) if wrong or not event_filter.form.is_valid() else None


def busy(request: HttpRequest, names: list[str], back: str) -> HttpResponse:
    """The answer when too many files are being sent.

    Args:
        names: the files that the reader is fetching already; empty where others take all there is.
        back: the address of the page that the reader came from.
    """
    context = {"names": names, "seconds": RETRY_AFTER, "back": back}
    response = render(request, "events/export_busy.html", context, status=429 if names else 503)
    response["Retry-After"] = str(RETRY_AFTER)
    return response
