"""What the worker does about alerts: it writes down what is to be sent, and sends what is due.

Whoever makes or extends findings calls `jobs.enqueue("route_alerts")` afterwards, by that name, so that it is told at
once.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from events.alerts import deliver, follow, follow_ups, outcome, raised, route
from events.detection.evaluation.levels import RAISED
from events.models import Channel, Delivery
from events.operations import jobs

ROUTE_EVERY, SEND_EVERY = timedelta(seconds=20), timedelta(seconds=10)
LOG_KEPT = timedelta(days=90)


@jobs.handler("route_alerts", every=ROUTE_EVERY, urgent=True)
def route_alerts(job: jobs.Claim) -> None:
    """Take up new findings, new events of views, and what is due again; then send."""
    made = route.route_findings()
    job.renew()
    made += follow.follow_views()
    job.renew()
    made += follow_ups.follow_up()
    if made:
        jobs.enqueue("send_alerts")


@jobs.handler(RAISED)
def route_raised(job: jobs.Claim) -> None:
    """Tell of a rule's findings whom they concern since its level was raised."""
    if raised.route_raised(job.subject, job.renew):
        jobs.enqueue("send_alerts")


@jobs.handler("send_alerts", every=SEND_EVERY, urgent=True)
def send_alerts(job: jobs.Claim) -> None:
    """Have everything sent that is due. Returns at once: each channel has a thread of its own."""
    deliver.start_due()


@jobs.handler("tidy_alerts", every=timedelta(hours=1))
def tidy_alerts(job: jobs.Claim) -> None:
    """End what cannot be sent any more, shorten the log, forget old secrets."""
    now = timezone.now()
    outcome.give_up_old(now)
    finished = Delivery.objects.exclude(state=Delivery.State.WAITING).filter(
        created_at__lt=now - LOG_KEPT, remind_at=None, escalate_at=None
    )
    finished.delete()
    for channel in Channel.objects.filter(old_secret_until__lte=now):
        channel.old_secret, channel.old_secret_until = "", None
        channel.save(update_fields=["old_secret", "old_secret_until"])
