"""Streams: setting them up, how they are doing, pausing, sending again, testing, deleting."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.forms import DateField, ValidationError
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access.note import note
from accounts.access.words import Action, Kind
from accounts.kept_forms import restored
from events.models import Stream
from events.operations import jobs, tasks
from events.streams import progress
from events.streams.state import state_of, states_visible_to
from events.streams.stream_form import StreamForm
from events.views.scope import own_stream, require_streams, visible_accounts, visible_stream

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

REFUSALS_SHOWN = 20


@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The streams that the reader may see, and how they are doing."""
    require_streams(request)
    states = states_visible_to(request.user)
    return render(
        request, "streams/overview.html", {"states": states, "no_worker": bool(states) and not tasks.worker_is_alive()}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Set up a stream: first its kind, then the rest. A webhook's secret is shown once, in the answer."""
    require_streams(request)
    kind = request.GET.get("kind", "")
    if kind not in Stream.Kind.values:
        offered = [choice for choice in Stream.Kind.choices if choice[0] != Stream.Kind.FILES or settings.STREAM_FILES]
        return render(request, "streams/kinds.html", {"kinds": offered, "has_files": bool(settings.STREAM_FILES)})
    stream = Stream(kind=kind)
    data = request.POST if request.method == "POST" else restored(request)
    form = StreamForm(data, user=request.user, instance=stream)
    if request.method == "POST" and form.is_valid():
        kept = form.keep()
        note(request, Action.CREATED, Kind.STREAM, obj=kept)
        jobs.enqueue("send_streams")
        if form.new_secret:
            return render(request, "streams/secret.html", {"stream": kept, "secret": form.new_secret})
        messages.success(request, _("The stream was saved. Send a test to see whether it works."))
        return redirect("events:stream", pk=kept.pk)
    return render(request, "streams/form.html", {"form": form, "stream": stream})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a stream. Its secrets stay unless others are entered."""
    stream = own_stream(request, pk)
    data = request.POST if request.method == "POST" else restored(request)
    form = StreamForm(data, user=request.user, instance=stream)
    if request.method == "POST" and form.is_valid():
        form.keep()
        jobs.enqueue("send_streams")
        messages.success(request, _("The stream was saved. Send a test to see whether it works."))
        return redirect("events:stream", pk=pk)
    return render(request, "streams/form.html", {"form": form, "stream": stream})


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One stream: how it is doing, in each account, and what was refused. To htmx only what changes."""
    stream = visible_stream(request, pk)
    visible = {account.pk for account in visible_accounts(request)}
    state = state_of(stream, of_accounts=True)
    refusals = stream.refusals.select_related("account").filter(account__in=visible)
    context = {
        "stream": stream,
        "state": state,
        "lags": [lag for lag in state.accounts if lag.account.pk in visible],
        "refusals": refusals[:REFUSALS_SHOWN],
        "may_change": Stream.objects.changeable_by(request.user).filter(pk=pk).exists(),
        "no_worker": not tasks.worker_is_alive(),
    }
    if request.headers.get("HX-Request"):
        return render(request, "streams/_state.html", context)
    typed = restored(request)
    context["since"] = typed.get("since") if typed else ""
    return render(request, "streams/stream.html", context)


@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a test sent. Its result appears on the stream's page."""
    stream = own_stream(request, pk)
    progress.ask_for_test(stream)
    jobs.enqueue("send_streams")
    return redirect("events:stream", pk=pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Send nothing until somebody resumes it."""
    progress.pause(own_stream(request, pk))
    messages.success(request, _("The stream is paused. Nothing is lost: it will resume where it left off."))
    return redirect("events:stream", pk=pk)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Continue, or try again at once."""
    progress.resume(own_stream(request, pk))
    jobs.enqueue("send_streams")
    messages.success(request, _("The stream has resumed."))
    return redirect("events:stream", pk=pk)


@require_POST
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Send again what happened since a day."""
    stream = own_stream(request, pk)
    try:
        day = DateField().clean(request.POST.get("since", ""))
        since = timezone.make_aware(datetime.combine(day, time.min))
    except (ValidationError, ValueError, OverflowError):
        messages.error(request, _("Choose the day from which events should be sent again."))
    else:
        progress.replay(stream, since)
        jobs.enqueue("send_streams")
        messages.success(request, _("Events since that day are being sent again; then the stream continues."))
    return redirect("events:stream", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then delete a stream."""
    stream = own_stream(request, pk)
    if request.method == "POST":
        stream.delete()
        messages.success(request, _("The stream %(name)s was deleted.") % {"name": stream.name})
        return redirect("events:streams")
    return render(request, "streams/delete.html", {"stream": stream})
