"""Alerts: the page of all that is one's own or one's teams', subscriptions, and the log of what was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.kept_forms import restored
from events.alerts import log, outcome
from events.alerts.subscription_form import SubscriptionForm, has_no_channel
from events.models import Channel, Subscription
from events.operations import jobs, tasks
from events.views.scope import own_delivery, own_subscription, visible_accounts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SHOWN = 15  # of the log, on the first page


@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The channels and subscriptions that the reader may see, and what was sent last."""
    user = request.user
    changeable = set(Channel.objects.changeable_by(user).values_list("pk", flat=True))
    channels = list(Channel.objects.visible_to(user).select_related("team"))
    subscriptions = list(
        Subscription.objects.visible_to(user)
        .select_related("channel", "view", "team", "escalate_to")
        .prefetch_related("accounts")
        .order_by("team__name", "id")
    )
    context = {
        "channels": [(channel, channel.pk in changeable) for channel in channels],
        "subscriptions": [(each, each.channel_id in changeable) for each in subscriptions],
        "entries": log.page(user, size=SHOWN).entries,
        "kinds": Channel.Kind.choices,
        "no_worker": not tasks.worker_is_alive(),
        "visible": {account.pk for account in visible_accounts(request)},
    }
    return render(request, "alerts/overview.html", context)


@require_safe
@never_cache
def delivery_log(request: HttpRequest) -> HttpResponse:
    """What was sent, or was not, newest first. `channel`, `state`: only these. `before`: the page's key."""
    page = log.page(
        request.user,
        channel=request.GET.get("channel", ""),
        state=request.GET.get("state", ""),
        before=request.GET.get("before", ""),
    )
    channels = Channel.objects.visible_to(request.user)
    return render(request, "alerts/log.html", {"page": page, "channels": channels})


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message again that was given up."""
    delivery = own_delivery(request, pk)
    if outcome.retry(delivery):
        jobs.enqueue("send_alerts")
        messages.success(request, _("The message is being sent again under the same id."))
    return redirect("events:alert_channel", pk=delivery.channel_id)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Subscribe. `view`, `rule`: keys of what it is to be about; `channel`: through which."""
    initial: dict[str, Any] = {"what": Subscription.What.SEVERITY}
    for name, what in (("view", Subscription.What.VIEW), ("rule", Subscription.What.RULE)):
        if given := request.GET.get(name, ""):
            initial |= {"what": what, name: given}
    if given := request.GET.get("channel", ""):
        initial["channel"] = given
    return _form(request, Subscription(), initial)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a subscription."""
    return _form(request, own_subscription(request, pk), {})


def _form(request: HttpRequest, subscription: Subscription, initial: dict[str, Any]) -> HttpResponse:
    data = request.POST if request.method == "POST" else restored(request)
    form = SubscriptionForm(data, user=request.user, instance=subscription, initial=initial)
    if request.method == "POST" and form.is_valid():
        form.keep()
        messages.success(request, _("The subscription was saved."))
        return redirect("events:alerts")
    context = {"form": form, "subscription": subscription, "needs_channel": has_no_channel(request.user)}
    return render(request, "alerts/subscription.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask first; then end a subscription, with what waits to be sent for it."""
    subscription = own_subscription(request, pk)
    if request.method == "POST":
        subscription.delete()
        messages.success(request, _("The subscription was deleted."))
        return redirect("events:alerts")
    return render(request, "alerts/delete.html", {"subscription": subscription})
