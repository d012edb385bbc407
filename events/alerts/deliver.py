"""Sending what is due: each channel by itself, so that one which hangs or fails holds up nothing else.

A delivery is claimed by one conditional UPDATE and held by a lease; whoever dies while sending is followed by another
attempt under the same id. So receivers get a message at least once, and twice at most where a process ended between
sending it and noting that.
"""

from __future__ import annotations

import atexit
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection
from django.db.models import F, Q
from django.utils import timezone

from events.alerts import outcome
from events.alerts.messages import compose
from events.alerts.sending import send
from events.models import Delivery
from events.operations.queue import STOP
from events.outbound.results import Outcome
from events.storage import leases
from events.storage.side_threads import SideThreads
from events.wording import delivery_problems as problems

if TYPE_CHECKING:
    import threading

    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=3)  # more than any attempt takes
MOST_THREADS = 16
LAST_WAIT = 5.0  # seconds, when the process ends

_threads = SideThreads("alert-channel")


def start_due() -> list[threading.Thread]:
    """Have all channels served that have something due, each in a thread of its own, and return at once.

    A channel whose thread still runs, because it hangs or is busy, goes on by itself.
    """
    leases.release_gone(held(), lease_owner="")
    started = []
    for channel in channels_due():
        if len(_threads.running()) >= MOST_THREADS or STOP.is_set():
            break
        thread = _threads.start(channel, lambda channel=channel: _serve(channel))  # type: ignore[misc]
        if thread:
            started.append(thread)
    return started


def held() -> QuerySet[Delivery]:
    """Deliveries that somebody is sending."""
    return Delivery.objects.filter(state=Delivery.State.WAITING, lease_until__gt=timezone.now())


def due() -> QuerySet[Delivery]:
    """Deliveries that can be sent now, the longest waiting first."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + 2 * LEASE)
    works = Q(channel__paused_at=None, channel__is_active=True) & (
        Q(channel__retry_at=None)
        | Q(channel__retry_at__lte=now)
        # Later than any pause can be: written under a wrong clock.
        | Q(channel__retry_at__gt=now + 2 * outcome.LONGEST_PAUSE)
    )
    # A test is what one presses to see whether the channel works again.
    ready = works | Q(kind=Delivery.Kind.TEST)
    waiting = Delivery.objects.filter(free, ready, state=Delivery.State.WAITING, due_at__lte=now)
    return waiting.order_by("due_at", "id")


def channels_due() -> list[int]:
    """The channels that have something due, those first whose messages wait longest."""
    rows = due().values_list("channel", flat=True)[:2_000]
    return list(dict.fromkeys(rows))


def _serve(channel: int) -> None:
    close_old_connections()
    try:
        serve(channel)
    except Exception:  # the thread of one channel: whatever it is must not be lost with it
        logger.exception("Alerts of channel %s could not be sent; they are tried again", channel)
    finally:
        connection.close()


def serve(channel: int) -> int:
    """Send what a channel has due, one message after another, until nothing is or one fails. Returns how many went."""
    count = 0
    while not STOP.is_set() and (delivery := claim(channel)):
        if deliver(delivery):
            count += 1
    return count


def claim(channel: int) -> Delivery | None:
    """Take the channel's next delivery, so that nobody else sends it meanwhile."""
    now = timezone.now()
    for pk in list(due().filter(channel=channel).values_list("pk", flat=True)[:10]):
        taken = (
            due()
            .filter(pk=pk)
            .order_by()
            .update(lease_owner=(owner := leases.new_owner()), lease_until=now + LEASE, attempts=F("attempts") + 1)
        )
        if taken:
            with_all = Delivery.objects.select_related(
                "channel__owner__profile", "subscription__owner", "subscription__view", "finding"
            )
            delivery: Delivery = with_all.get(pk=pk)
            delivery.lease_owner = owner
            return delivery
    return None


def deliver(delivery: Delivery) -> bool:
    """Send one message that this process holds, and note how it went. Whatever goes wrong is noted too."""
    owner = delivery.lease_owner
    try:
        message = compose.compose(delivery)
    except compose.NotNeeded as error:
        outcome.drop(delivery, owner, str(error))
        return False
    except Exception:  # of one event's or rule's text: noted and tried again, while other messages go on
        logger.exception("Alert %s could not be written", delivery.key)
        outcome.note(delivery, owner, Outcome(sent=False, problem=problems.CRASHED))
        return False
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()  # not kept from others while somebody else's server takes its time
    try:
        result = send.attempt(delivery, message)
    except Exception:  # of whatever library sends it: noted and tried again
        logger.exception("Alert %s could not be sent", delivery.key)
        result = Outcome(sent=False, problem=problems.CRASHED)
    outcome.note(delivery, owner, result)
    if not result.sent:
        logger.warning("Alert %s through channel %s failed: %s", delivery.key, delivery.channel_id, result.problem)
    return result.sent


@atexit.register
def _finish() -> None:
    """Let what is being sent be noted, when the process ends: not for long."""
    deadline = time.monotonic() + LAST_WAIT
    while _threads.running() and time.monotonic() < deadline:
        time.sleep(0.05)
