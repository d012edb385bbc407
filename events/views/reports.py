"""Reports: setting them up, how they are doing, pausing, previews, and stopping them without a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.kept_forms import restored
from events.models import Report
from events.operations import tasks
from events.reports import due, previews, stopping
from events.reports.receivers import Receiver
from events.reports.report_form import ReportForm
from events.reports.state import last_preview, receivers, state_of, states_visible_to
from events.views.scope import own_report, visible_report

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The reports that the reader may see, and how they are doing."""
    states = states_visible_to(request.user)
    context = {"states": states, "no_worker": bool(states) and not tasks.worker_is_alive(), **_obstacles(request)}
    return render(request, "reports/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Set up a report; `view`: of which view."""
    data = request.POST if request.method == "POST" else restored(request)
    form = ReportForm(data, user=request.user, instance=Report(), initial={"view": request.GET.get("view", "")})
    if request.method == "POST" and form.is_valid():
        report = form.keep()
        messages.success(request, _("The report was saved."))
        return redirect("events:report", pk=report.pk)
    return render(request, "reports/form.html", {"form": form, "report": form.instance, **_obstacles(request)})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a report."""
    data = request.POST if request.method == "POST" else restored(request)
    form = ReportForm(data, user=request.user, instance=own_report(request, pk))
    if request.method == "POST" and form.is_valid():
        form.keep()
        messages.success(request, _("The report was saved."))
        return redirect("events:report", pk=pk)
    return render(request, "reports/form.html", {"form": form, "report": form.instance, **_obstacles(request)})


@require_safe
@never_cache
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One report: when it is next due, and what became of the last mail to each receiver."""
    report = visible_report(request, pk)
    listed = receivers(report)
    mine = next((each for each in listed if each.receiver.user.pk == request.user.pk), None)
    context = {
        "report": report,
        "state": state_of(report, request.user),
        "receivers": listed,
        "mine": mine,
        "preview": last_preview(report, request.user),
        "may_change": Report.objects.changeable_by(request.user).filter(pk=pk).exists(),
        "no_worker": not tasks.worker_is_alive(),
        **_obstacles(request),
    }
    return render(request, "reports/report.html", context)


def _obstacles(request: HttpRequest) -> dict[str, bool]:
    """What keeps mail from going out at all."""
    return {
        "no_server": not settings.ALERT_MAIL_SERVER,
        "no_address": not Receiver.of(request.user).address,  # type: ignore[arg-type]  # pages are behind the login
    }


@require_POST
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the last whole period to the reader now."""
    report = visible_report(request, pk)
    try:
        previews.ask(report, request.user)  # type: ignore[arg-type]  # pages are behind the login
    except previews.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The report is being made and sent to you."))
    return redirect("events:report", pk=pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Send nothing to anybody until somebody resumes it."""
    Report.objects.filter(pk=own_report(request, pk).pk).update(is_active=False)
    messages.success(request, _("The report is paused."))
    return redirect("events:report", pk=pk)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it again from its next due time on."""
    report = own_report(request, pk)
    report.is_active = True
    due.begin(report)
    report.save(update_fields=["is_active", "starts_at", "looked_at", "look_at", "updated_at"])
    messages.success(request, _("The report has resumed. It is sent when it is next due."))
    return redirect("events:report", pk=pk)


@require_POST
def receive(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a report for the reader alone (`stop`), or receive it again."""
    report = visible_report(request, pk)
    if request.POST.get("stop"):
        stopping.stop(report.pk, request.user.pk or 0)
        messages.success(request, _("You will not receive this report any more."))
    else:
        stopping.resume(report, request.user)
        messages.success(request, _("You will receive this report again."))
    return redirect("events:report", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then delete a report."""
    report = own_report(request, pk)
    if request.method == "POST":
        report.delete()
        messages.success(request, _("The report was deleted."))
        return redirect("events:reports")
    return render(request, "reports/delete.html", {"report": report})


# The link is the permission, and mail programs post to it without cookies (RFC 8058).
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stop a report for whoever the link was sent to. Looking at the page changes nothing: programs follow links."""
    try:
        report, receiver = stopping.read(token)
    except stopping.Unreadable:
        raise Http404 from None
    if request.method == "POST":
        stopping.stop(report, receiver)
    return render(request, "reports/stop.html", {"token": token, "stopped": request.method == "POST"})
