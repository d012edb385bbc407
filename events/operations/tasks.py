"""What the worker does: syncs that are due or wanted, tidying, and its heartbeat."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import close_old_connections, connection
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.login.sessions import forget_ended
from accounts.models import NexmoAccount
from accounts.tokens.limits import Limit
from events.models import SyncRun, SyncState, WorkerBeat
from events.operations import jobs
from events.operations.queue import QUEUE, STOP
from events.storage import clock
from events.sync import history, state
from events.sync.engine import SyncOptions, sync_account

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from accounts.models import AnyUser

logger = logging.getLogger(__name__)

BEAT_EVERY = 2.0  # seconds between two beats, and between two looks at what is due
QUEUED_PER_THREAD = 4  # so that no thread is idle before the next look: a sync of one request takes half a second
ALIVE_WITHIN = timedelta(seconds=30)
CLOCKS_DIFFER = timedelta(seconds=3)  # between machines, at most
SYNCS_PER_MINUTE = 10  # that one person may ask for
_requests = Limit("sync")


@QUEUE.task()  # type: ignore[untyped-decorator]
def sync_if_due(account_id: int) -> None:
    """What the queue carries: `sync_now_if_due`, with a database connection of its own."""
    close_old_connections()
    try:
        sync_now_if_due(account_id)
    finally:
        connection.close()


def sync_now_if_due(account_id: int) -> SyncRun | None:
    """Sync an account, if that is still due or wanted: the same work may have been queued twice."""
    account = state.due(NexmoAccount.objects.all(), timezone.now()).filter(pk=account_id).first()
    if account is None or STOP.is_set():
        return None
    wanted = SyncState.objects.select_related("wanted_by").get(account=account)
    run = sync_account(
        account,
        SyncOptions(),
        trigger=SyncRun.Trigger.PERSON if wanted.wanted_at else SyncRun.Trigger.SCHEDULE,
        requested_by=wanted.wanted_by,
        stop=STOP,
    )
    if run is not None and SyncRun.objects.filter(pk=run.pk, added__gt=0).exists():
        evaluate_soon()
    return run


def evaluate_soon() -> None:
    """Have what was archived evaluated by detection rules. Where that cannot be asked for, the next minute's turn does
    it: a sync is done whatever becomes of rules."""
    try:
        jobs.enqueue("detect")
    except Exception:
        logger.exception("Detection could not be asked for")


class TooManySyncs(Exception):
    """The person has asked for too many syncs in this minute. Its text says when to try again."""


def count_request(user: AnyUser) -> None:
    """Count a person's wish for syncs, of one account or of several, before it is heard. Raises TooManySyncs."""
    if seconds := _requests.take(str(user.pk), SYNCS_PER_MINUTE):
        text = ngettext(
            "You can request %(limit)s syncs a minute. Try again in %(count)s second.",
            "You can request %(limit)s syncs a minute. Try again in %(count)s seconds.",
            seconds,
        )
        raise TooManySyncs(text % {"limit": SYNCS_PER_MINUTE, "count": seconds})


def request_sync(account: NexmoAccount, user: AnyUser) -> None:
    """Have an account synced as soon as a worker is free. Asking again before it begins changes nothing."""
    if not state.request(NexmoAccount.objects.filter(pk=account.pk), user):
        return
    try:
        sync_if_due(account.pk)
    except Exception:
        # The wish is in the database, and the worker's next look at it finds it.
        logger.exception("The queue could not be reached")


def request_syncs(accounts: QuerySet[NexmoAccount], user: AnyUser) -> int:
    """Have many accounts synced; the worker queues them at its next look. Returns for how many nobody had asked yet."""
    return state.request(accounts, user)


def beat(name: str) -> None:
    """Say that this worker lives. Nothing else belongs here: what can block would make it look dead."""
    WorkerBeat.objects.update_or_create(name=name, defaults={"seen_at": timezone.now()})


def queue_due_syncs() -> int:
    """Queue the syncs that are due, as far as there is not enough in the queue. Returns how many were queued.

    Longest waiting first, whatever their pace: accounts that are watched delay no other by more than one turn.
    """
    state.release_dead_leases()
    waiting, enough = QUEUE.pending_count(), settings.SYNC_CONCURRENCY * QUEUED_PER_THREAD
    if waiting >= enough:
        return 0
    due = state.due(NexmoAccount.objects.all(), timezone.now()).values_list("pk", flat=True)
    queued = 0
    # What waits in the queue is due as well, and was first in this order; what is queued twice is done once.
    for pk in due[waiting:enough]:
        sync_if_due(pk)
        queued += 1
    return queued


@jobs.handler("tidy", every=timedelta(hours=1))
def tidy_hourly(job: jobs.Claim) -> None:
    """Tidy as a background job: `tidy`."""
    tidy()


def tidy() -> None:
    """Forget runs that found nothing, sessions that have ended, and workers that are gone or whose clock was wrong."""
    now = timezone.now()
    forget_ended()
    history.forget_quiet_runs(now)
    WorkerBeat.objects.filter(
        Q(seen_at__lt=now - timedelta(days=1)) | Q(seen_at__gt=clock.latest_believable(now))
    ).delete()


def _seen_lately() -> Q:
    """Beats that are believed. One of the future shows that a worker's clock is or was wrong, not that it lives."""
    now = timezone.now()
    return Q(seen_at__gt=now - ALIVE_WITHIN, seen_at__lte=now + CLOCKS_DIFFER)


def worker_is_alive() -> bool:
    """Whether any worker was seen lately."""
    return bool(WorkerBeat.objects.filter(_seen_lately()).exists())


def workers_alive() -> int:
    """How many workers were seen lately, on all machines."""
    return int(WorkerBeat.objects.filter(_seen_lately()).count())


@dataclass(frozen=True)
class LastSeen:
    """When any worker was last seen; None: never, or not for a day.

    Attributes:
        ahead: the latest moment of the future at which a worker's clock says that it was seen.
    """

    at: datetime | None
    ahead: datetime | None


def worker_last_seen() -> LastSeen:
    future = Q(seen_at__gt=timezone.now() + CLOCKS_DIFFER)
    return LastSeen(
        **WorkerBeat.objects.aggregate(at=Max("seen_at", filter=~future), ahead=Max("seen_at", filter=future))
    )


def worker_name(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}"[:100]
