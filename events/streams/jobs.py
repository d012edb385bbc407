"""What the worker does about streams: it looks which of them have something to send, and has them served."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from events.models import StreamRefusal
from events.operations import jobs
from events.streams import deliver

SEND_EVERY = timedelta(seconds=5)
REFUSALS_KEPT = timedelta(days=90)


@jobs.handler("send_streams", every=SEND_EVERY, urgent=True)
def send_streams(job: jobs.Claim) -> None:
    """Have streams served. Returns at once: each has a thread of its own."""
    deliver.start_ready()


@jobs.handler("tidy_streams", every=timedelta(hours=1))
def tidy_streams(job: jobs.Claim) -> None:
    """Forget what was refused long ago."""
    StreamRefusal.objects.filter(at__lt=timezone.now() - REFUSALS_KEPT).delete()
