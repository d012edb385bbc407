"""What people do with channels: test them, and give webhooks another secret."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.models import Channel, Delivery
from events.models.alerts import new_delivery_key
from events.operations import jobs
from events.outbound import signing

TESTS_A_MINUTE = 5  # of one person's channels, or one team's
BOTH_SECRETS = timedelta(hours=24)  # for receivers to change over


class TooManyTests(Exception):
    """So many tests were asked for within a minute that the next has to wait."""


def test(channel: Channel) -> Delivery:
    """Have the worker send a test. Raises TooManyTests."""
    now = timezone.now()
    with transaction.atomic():
        channel = Channel.objects.select_for_update().get(pk=channel.pk)
        of_holder = Q(channel__owner=channel.owner_id) if channel.owner_id else Q(channel__team=channel.team_id)
        tests = Delivery.objects.filter(of_holder, kind=Delivery.Kind.TEST)
        if tests.filter(created_at__gt=now - timedelta(minutes=1)).count() >= TESTS_A_MINUTE:
            raise TooManyTests
        if waiting := tests.filter(channel=channel, state=Delivery.State.WAITING).first():
            delivery: Delivery = waiting
        else:
            key = new_delivery_key()
            delivery = Delivery.objects.create(
                key=key, channel=channel, kind=Delivery.Kind.TEST, occasion=key, created_at=now, due_at=now
            )
    jobs.enqueue("send_alerts")
    return delivery


def last_test(channel: Channel) -> Delivery | None:
    """The newest test of a channel, with its result."""
    tests = Delivery.objects.filter(channel=channel, kind=Delivery.Kind.TEST)
    newest: Delivery | None = tests.order_by("-created_at", "-id").first()
    return newest


def give_new_secret(channel: Channel) -> str:
    """Sign with a new secret from now on, and for a day with the one before too. Returns it, to be shown once."""
    secret = signing.new_secret()
    channel.old_secret, channel.old_secret_until = channel.secret, timezone.now() + BOTH_SECRETS
    channel.secret = secret
    channel.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
    return secret
