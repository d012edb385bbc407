"""What the database knows, for Prometheus: read when asked, in the same few queries whatever the number of accounts.

Labels hold API keys and words of ours. An account's name is not among them: people write e-mail addresses into names.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from accounts.models import NexmoAccount
from events.health.status import LEVELS, statuses
from events.models import Channel, Delivery, RequestCount
from events.operations import tasks
from events.operations.queue import QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.core import Metric

logger = logging.getLogger(__name__)

NEVER = float("inf")  # greater than any limit, so that an alert on lag also finds what never happened


class ArchiveCollector(Collector):
    """Accounts, requests, the queue and the workers, as they are at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        workers = tasks.workers_alive()
        yield GaugeMetricFamily("auditsite_workers_alive", "Worker processes seen lately.", workers)
        yield from _queue()
        yield from _accounts(now, worker_alive=workers > 0)
        requests = CounterMetricFamily(
            "auditsite_nexmo_requests",
            "Requests to Nexmo by the status of their answer; none: there was no answer.",
            labels=("account", "status"),
        )
        for api_key, status, count in RequestCount.objects.values_list("account__api_key", "status", "count"):
            requests.add_metric((api_key, status), count)
        yield requests
        yield from _alerts(now)


def _queue() -> Iterator[Metric]:
    try:
        length = QUEUE.pending_count()
    except Exception as error:  # each kind of queue has errors of its own, and none may cost the other figures
        logger.warning("The queue's length could not be read: %s", type(error).__name__)
        length = None
    yield GaugeMetricFamily("auditsite_queue_up", "Whether the queue answers.", length is not None)
    if length is not None:
        yield GaugeMetricFamily("auditsite_queue_length", "Syncs that wait for a free worker.", length)


def _alerts(now: datetime) -> Iterator[Metric]:
    kind = ("kind",)
    sent = CounterMetricFamily("auditsite_alerts_sent", "Alerts that were accepted, by kind of channel.", labels=kind)
    failed = CounterMetricFamily(
        "auditsite_alert_attempts_failed", "Attempts to send an alert that failed.", labels=kind
    )
    lost = CounterMetricFamily("auditsite_alerts_lost", "Alerts that were given up.", labels=kind)
    paused = GaugeMetricFamily(
        "auditsite_alert_channels_paused", "Channels that failed too often in a row.", labels=kind
    )
    rows = (
        Channel.objects.order_by()
        .values_list("kind")
        .annotate(Sum("sent_count"), Sum("failed_count"), Sum("lost_count"), Count("paused_at"))
    )
    for name, *figures in rows:
        sent.add_metric((name,), figures[0])
        failed.add_metric((name,), figures[1])
        lost.add_metric((name,), figures[2])
        paused.add_metric((name,), figures[3])
    yield from (sent, failed, lost, paused)
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING, due_at__lte=now)
    due = waiting.aggregate(count=Count("pk"), oldest=Min("due_at"))
    yield GaugeMetricFamily("auditsite_alerts_due", "Alerts that should have been sent by now.", due["count"])
    oldest = _age(due["oldest"], now) if due["oldest"] else 0.0
    yield GaugeMetricFamily("auditsite_alerts_due_seconds", "How long the first of them has been due.", oldest)


def _accounts(now: datetime, *, worker_alive: bool) -> Iterator[Metric]:
    label = ("account",)
    success = GaugeMetricFamily(
        "auditsite_sync_seconds_since_success", "Seconds since the last good sync; +Inf: never.", labels=label
    )
    complete = GaugeMetricFamily(
        "auditsite_sync_seconds_since_complete",
        "Seconds since the moment up to which everything is known to be archived; +Inf: nothing is.",
        labels=label,
    )
    failures = GaugeMetricFamily("auditsite_sync_failures", "Failed syncs in a row.", labels=label)
    events = GaugeMetricFamily("auditsite_events_archived", "Events in the archive.", labels=label)
    health = GaugeMetricFamily(
        "auditsite_account_health", "1 for the level that the account's page shows.", labels=("account", "level")
    )
    watched = GaugeMetricFamily(
        "auditsite_account_watched", "1 while it is asked every WATCH_INTERVAL, or would be.", labels=label
    )
    requests = GaugeMetricFamily(
        "auditsite_watch_requests", "Requests of this hour made by scheduled syncs while watched.", labels=label
    )
    for status in statuses(NexmoAccount.objects.order_by("pk"), worker_alive=worker_alive):
        key = status.account.api_key
        events.add_metric((key,), status.event_count)
        for level in LEVELS:
            health.add_metric((key, level), level == status.health.level)
        if status.account.is_active:  # one that is switched off falls behind on purpose
            success.add_metric((key,), _age(status.last_success_at, now))
            complete.add_metric((key,), _age(status.complete_until, now))
            failures.add_metric((key,), status.state.failures)
            watch = status.watch
            watched.add_metric((key,), watch is not None)
            requests.add_metric((key,), watch.requests if watch else 0)
    yield from (success, complete, failures, events, health, watched, requests)


def _age(moment: datetime | None, now: datetime) -> float:
    return NEVER if moment is None else max(0.0, (now - moment).total_seconds())
