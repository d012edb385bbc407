"""What the worker does for the access log: chaining it, and removing what is old."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Min

from events.archive import access_chain, retention
from events.models import Stream, StreamCursor
from events.operations import jobs

logger = logging.getLogger(__name__)

CHAIN_EVERY = timedelta(minutes=1)
REMOVE_EVERY = timedelta(days=1)


@jobs.handler("chain_access_log", every=CHAIN_EVERY)
def chain_access_log(job: jobs.Claim) -> None:
    """Chain what was written since the last time."""
    access_chain.extend()


@jobs.handler("shorten_access_log", every=REMOVE_EVERY)
def shorten_access_log(job: jobs.Claim) -> None:
    """Remove entries older than ACCESS_LOG_KEEP, where the clock can be believed."""
    try:
        gone = access_chain.remove_old(retention.present(), settings.ACCESS_LOG_KEEP, unsent=_taken_by_all_streams())
    except retention.ClockDoubted as doubt:
        logger.warning("%s", doubt)
        return
    if gone:
        logger.info("%s entries of the access log were older than ACCESS_LOG_KEEP and were removed.", gone)


def _taken_by_all_streams() -> int | None:
    """The key up to which every stream of the access log has sent it; None where there is no such stream."""
    cursors = StreamCursor.objects.filter(stream__contents=Stream.Contents.ACCESS)
    lowest: int | None = cursors.aggregate(lowest=Min("seq"))["lowest"]
    return lowest
