"""The demo's alerts: where alice hears of findings, and what the catcher knows webhooks by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import connection

from auditsite.demo import environment
from events.alerts.route import route_findings
from events.alerts.sending import addresses
from events.models import Channel, Severity, Subscription
from events.outbound import signing

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def make_demo_alerts() -> None:
    """Have alice told of critical findings by e-mail, and of high ones too by webhook; what is there stays."""
    alice = get_user_model().objects.get(username="alice")
    if not Channel.objects.filter(owner=alice).exists():
        route_findings()  # nobody listens yet: the history is in the inbox, and nobody is told of it
    _channel(alice, Channel.Kind.MAIL, "E-mail catcher", alice.email, Severity.CRITICAL)
    _channel(alice, Channel.Kind.WEBHOOK, "Webhook catcher", f"{environment.CATCHER}/hooks/alice", Severity.HIGH)


def _channel(owner: User, kind: Channel.Kind, name: str, entered: str, severity: Severity) -> None:
    address, shown = addresses.checked(kind, entered)
    channel = Channel.objects.filter(owner=owner, kind=kind, name=name).first()
    if channel is None:
        secret = signing.new_secret() if kind == Channel.Kind.WEBHOOK else ""
        channel = Channel.objects.create(
            owner=owner, created_by=owner, kind=kind, name=name, address=address, shown=shown, secret=secret
        )
        Subscription.objects.create(
            owner=owner,
            created_by=owner,
            channel=channel,
            what=Subscription.What.SEVERITY,
            severity=severity,
        )
    elif channel.address != address:  # the demo runs on other ports this time
        channel.address, channel.shown = address, shown
        channel.save()


def webhook_secrets() -> list[str]:
    """What the demo's webhooks may be signed with. Called by the catcher's threads."""
    try:
        rows = Channel.objects.filter(kind=Channel.Kind.WEBHOOK)
        return [secret for channel in rows for secret in (channel.secret, channel.old_secret) if secret]
    finally:
        connection.close()
