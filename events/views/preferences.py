"""How the reader likes to see things: zone, columns, density, language, theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.kept_forms import restored
from accounts.models import profile_of
from events.display.forms import DisplayForm
from events.display.next_page import next_page
from events.filters.dates import with_times
from events.reading.filterable import DATES
from events.wording.times import pinned

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """How the reader likes to see things: zone, language, theme, table. The table's own menus post parts of it here,
    with the page to return to as `next`."""
    data = request.POST if request.method == "POST" else restored(request)
    form = DisplayForm(data, instance=profile_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        if not request.POST.get("next"):  # a menu of the table returns to where the change is seen
            with override(form.instance.language or get_language()):
                messages.success(request, _("Saved."))
        return redirect(_back(request))
    return render(request, "events/display.html", {"form": form, "next": data.get("next", "") if data else ""})


def _back(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    # The zone may be another now: times that were typed without one keep meaning what they meant.
    path, _mark, query = address.partition("?")
    params = with_times(QueryDict(query, mutable=True))
    if any(params.get(name) for name in DATES):
        for name in DATES:
            if name in params:
                params[name] = pinned(params.get(name) or "", is_end=name == "date_to")
        address = f"{path}?{params.urlencode()}"
    return next_page(request, address, reverse("events:display"))
