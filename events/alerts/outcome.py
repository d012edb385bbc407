"""The one writer of what became of a delivery, and of how its channel is doing."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.models import Channel, Delivery
from events.wording import delivery_problems as problems

if TYPE_CHECKING:
    from datetime import datetime

    from events.outbound.results import Outcome

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
JITTER = 0.25  # of a pause, either way: many channels of one service do not come back together
MOST_ATTEMPTS = 12  # about five hours
MOST_FAILURES = 20  # in a row, of one channel
KEPT_WHILE_PAUSED = timedelta(days=3)


def pause_after(failures: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many failures in a row; longer where the receiver asked for that."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 12), LONGEST_PAUSE)
    pause = pause * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311 - no secret
    return max(pause, asked) if asked else pause


def note(delivery: Delivery, owner: str, outcome: Outcome) -> bool:
    """Write down how an attempt went. False, and nothing is written, where somebody else holds the delivery now."""
    now = timezone.now()
    held = Delivery.objects.filter(pk=delivery.pk, lease_owner=owner, state=Delivery.State.WAITING)
    if outcome.sent:
        return _note_sent(held, delivery, outcome, now)
    is_test = delivery.kind == Delivery.Kind.TEST  # somebody waits for its result
    is_lost = outcome.is_final or is_test or delivery.attempts >= MOST_ATTEMPTS
    with transaction.atomic():
        channel = Channel.objects.select_for_update().get(pk=delivery.channel_id)
        pause = pause_after(delivery.attempts, outcome.pause)
        values: dict[str, Any] = {
            "lease_until": None,
            "lease_owner": "",
            "problem": outcome.problem[:300],
            "status": outcome.status,
        }
        if is_lost:
            values |= {"state": Delivery.State.FAILED, "finished_at": now}
        else:
            values |= {"due_at": now + pause}
        if not held.update(**values):
            return False
        channel.failures += 1
        channel.problem, channel.last_failed_at = outcome.problem[:300], now
        channel.failed_count = F("failed_count") + 1
        if is_lost and not is_test:
            channel.lost_count = F("lost_count") + 1
        if not outcome.is_final:
            channel.retry_at = now + pause_after(channel.failures, outcome.pause)
        if channel.failures >= MOST_FAILURES and channel.paused_at is None:
            channel.paused_at = now
        channel.save(
            update_fields=[
                "failures",
                "problem",
                "last_failed_at",
                "failed_count",
                "lost_count",
                "retry_at",
                "paused_at",
            ]
        )
    return True


def _note_sent(held: Any, delivery: Delivery, outcome: Outcome, now: datetime) -> bool:
    with transaction.atomic():
        done = held.update(
            state=Delivery.State.SENT,
            finished_at=now,
            lease_until=None,
            lease_owner="",
            problem="",
            status=outcome.status,
        )
        if done:
            Channel.objects.filter(pk=delivery.channel_id).update(
                failures=0, problem="", retry_at=None, paused_at=None, last_sent_at=now, sent_count=F("sent_count") + 1
            )
    return bool(done)


def drop(delivery: Delivery, owner: str, why: str) -> None:
    """Note that there is nothing to send any more."""
    Delivery.objects.filter(pk=delivery.pk, lease_owner=owner).update(
        state=Delivery.State.DROPPED, problem=why, finished_at=timezone.now(), lease_until=None, lease_owner=""
    )


def resume(channel: Channel) -> None:
    """Try a channel again that was paused, or waits: somebody says that it works."""
    Channel.objects.filter(pk=channel.pk).update(paused_at=None, retry_at=None, failures=0, problem="")
    Delivery.objects.filter(channel=channel, state=Delivery.State.WAITING, attempts__gt=0, lease_until=None).update(
        due_at=timezone.now()
    )


def retry(delivery: Delivery) -> bool:
    """Send a message again that was given up, under the same id."""
    return bool(
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FAILED).update(
            state=Delivery.State.WAITING, due_at=timezone.now(), attempts=0, finished_at=None
        )
    )


def give_up_old(now: datetime) -> None:
    """End what waited too long for channels that are paused, and what waits for those that were switched off."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING, lease_until=None)
    waiting.filter(channel__paused_at__isnull=False, due_at__lt=now - KEPT_WHILE_PAUSED).update(
        state=Delivery.State.FAILED, problem=problems.PAUSED, finished_at=now
    )
    waiting.filter(channel__is_active=False).update(state=Delivery.State.DROPPED, problem=problems.OFF, finished_at=now)
