"""Schedules of reviews: setting them up, and what became of each of their periods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.kept_forms import restored
from events.models import ReviewSchedule
from events.reviews import schedules
from events.reviews.forms import ScheduleForm
from events.views.scope import own_review_schedule

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
@never_cache
def history(request: HttpRequest) -> HttpResponse:
    """Schedule by period: signed off by whom and when, or missed."""
    return render(request, "reviews/schedules.html", {"histories": schedules.histories(request.user, timezone.now())})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Set up a schedule. `view`: the key of the view that it is about."""
    return _form(request, ReviewSchedule(), {"view": request.GET["view"]} if request.GET.get("view") else {})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a schedule, or switch it off."""
    return _form(request, own_review_schedule(request, pk), {})


def _form(request: HttpRequest, schedule: ReviewSchedule, initial: dict[str, Any]) -> HttpResponse:
    data = request.POST if request.method == "POST" else restored(request)
    form = ScheduleForm(data, user=request.user, instance=schedule, initial=initial)
    if request.method == "POST" and form.is_valid():
        form.keep()
        messages.success(request, _("The schedule was saved."))
        return redirect("events:review_schedules")
    return render(request, "reviews/schedule.html", {"form": form, "schedule": schedule})
