"""Channels of alerts: adding and changing them, testing, a new secret, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access.note import note
from accounts.access.words import Action, Kind
from accounts.kept_forms import restored
from events.alerts import channels, log, outcome
from events.alerts.channel_form import ChannelForm
from events.models import Channel, Delivery
from events.operations import jobs, tasks
from events.views.scope import own_channel, visible_channel

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SHOWN = 15  # of its log


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Add a channel: first its kind, then the rest. A webhook's secret is shown once, in the answer."""
    kind = request.GET.get("kind", "")
    if kind not in Channel.Kind.values:
        offered = [choice for choice in Channel.Kind.choices if choice[0] != "mail" or settings.ALERT_MAIL_SERVER]
        return render(request, "alerts/kinds.html", {"kinds": offered, "has_mail": bool(settings.ALERT_MAIL_SERVER)})
    channel = Channel(kind=kind)
    form = ChannelForm(
        request.POST if request.method == "POST" else restored(request), user=request.user, instance=channel
    )
    if request.method == "POST" and form.is_valid():
        kept = form.keep()
        note(request, Action.CREATED, Kind.CHANNEL, obj=kept)
        if form.new_secret:
            return render(request, "alerts/secret.html", {"channel": kept, "secret": form.new_secret})
        messages.success(request, _("The channel was saved. Send a test to see whether it works."))
        return redirect("events:alert_channel", pk=kept.pk)
    return render(request, "alerts/channel_form.html", {"form": form, "channel": channel})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a channel. Its address stays unless another one is entered."""
    channel = own_channel(request, pk)
    form = ChannelForm(
        request.POST if request.method == "POST" else restored(request), user=request.user, instance=channel
    )
    if request.method == "POST" and form.is_valid():
        form.keep()
        messages.success(request, _("The channel was saved. Send a test to see whether it works."))
        return redirect("events:alert_channel", pk=pk)
    return render(request, "alerts/channel_form.html", {"form": form, "channel": channel})


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One channel: how sending goes, its last test, its log. To htmx only the test's result."""
    channel = visible_channel(request, pk)
    test = channels.last_test(channel)
    context: dict[str, Any] = {
        "channel": channel,
        "test": test,
        "test_waits": bool(test and test.state == Delivery.State.WAITING),
        "no_worker": bool(test and test.state == Delivery.State.WAITING) and not tasks.worker_is_alive(),
        "may_change": Channel.objects.changeable_by(request.user).filter(pk=pk).exists(),
    }
    if request.headers.get("HX-Request"):
        answer = render(request, "alerts/_test.html", context)
        if not context["test_waits"]:
            answer["HX-Refresh"] = "true"  # the rest of the page tells of it too
        return answer
    context["entries"] = log.page(request.user, channel=str(pk), size=SHOWN).entries
    context["waiting"] = Delivery.objects.filter(channel=channel, state=Delivery.State.WAITING).count()
    return render(request, "alerts/channel.html", context)


@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a test sent. Its result appears on the channel's page."""
    channel = own_channel(request, pk)
    try:
        channels.test(channel)
    except channels.TooManyTests:
        messages.warning(request, _("Too many tests in one minute. Try again in a minute."))
    return redirect("events:alert_channel", pk=pk)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Use a channel again that was paused after too many failures."""
    channel = own_channel(request, pk)
    outcome.resume(channel)
    jobs.enqueue("send_alerts")
    messages.success(request, _("The channel is active again. Waiting messages are being sent."))
    return redirect("events:alert_channel", pk=pk)


@require_POST
@never_cache
def secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a webhook another secret, and show it once."""
    channel = own_channel(request, pk)
    if channel.kind != Channel.Kind.WEBHOOK:
        return redirect("events:alert_channel", pk=pk)
    shown = channels.give_new_secret(channel)
    return render(request, "alerts/secret.html", {"channel": channel, "secret": shown, "rotated": True})


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then delete a channel, with the subscriptions that use it."""
    channel = own_channel(request, pk)
    if request.method == "POST":
        channel.delete()
        messages.success(request, _("The channel %(name)s was deleted.") % {"name": channel.name})
        return redirect("events:alerts")
    context = {"channel": channel, "subscriptions": channel.subscriptions.count()}
    return render(request, "alerts/channel_delete.html", context)
