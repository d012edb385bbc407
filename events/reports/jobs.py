"""What the worker does about reports: it writes down who is due a mail, and sends what is due."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from events.operations import jobs
from events.reports import deliver, due, outcome

PLAN_EVERY, SEND_EVERY = timedelta(minutes=1), timedelta(seconds=30)
SEND = "send_reports"


@jobs.handler("plan_reports", every=PLAN_EVERY)
def plan_reports(job: jobs.Claim) -> None:
    """Write down which mails are due; then have them sent."""
    if due.plan_mails(job.renew):
        jobs.enqueue(SEND)


@jobs.handler(SEND, every=SEND_EVERY)
def send_reports(job: jobs.Claim) -> None:
    """Send what is due. One worker at a time does this: so a mail that was begun and not noted was interrupted."""
    deliver.send_due(job.renew)


@jobs.handler("tidy_reports", every=timedelta(hours=12))
def tidy_reports(job: jobs.Claim) -> None:
    """Forget mails of long ago."""
    outcome.tidy(timezone.now())
