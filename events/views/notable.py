"""Leaving a line of "Worth a look" out for a while."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import profile_of
from events.detection.worth_a_look import dismiss
from events.display.next_page import next_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_POST
def dismiss_line(request: HttpRequest) -> HttpResponse:
    """Dismiss the line `key` for the reader, and return to `next`."""
    key, address = request.POST.get("key", ""), request.POST.get("next", "")
    if not re.fullmatch("[0-9a-f]{16}", key):
        raise Http404
    dismiss(profile_of(request.user), key)
    return redirect(next_page(request, address, reverse("events:list")))
