"""What the worker does: syncs that are due or wanted."""

from __future__ import annotations

import logging
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import proven_coverage, seal_channels, seals
from events.models import Seal, SyncRun, SyncState, WorkerBeat
from events.operations.queue import QUEUE, STOP
from events.sync import state
from events.sync.engine import SyncOptions, sync_account

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import AnyUser

logger = logging.getLogger(__name__)

BEAT_EVERY = 2.0  # seconds between two looks at what is due
ALIVE_WITHIN = timedelta(seconds=30)
# Runs that brought nothing are history of no interest; those that brought events are kept for ever.
KEEP_QUIET_RUNS = timedelta(days=30)


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
    return sync_account(
        account,
        SyncOptions(),
        trigger=SyncRun.Trigger.PERSON if wanted.wanted_at else SyncRun.Trigger.SCHEDULE,
        requested_by=wanted.wanted_by,
        stop=STOP,
    )


def request_sync(account: NexmoAccount, user: AnyUser) -> None:
    """Have an account synced as soon as a worker is free."""
    state.request(account, user)
    try:
        sync_if_due(account.pk)
    except Exception:
        # The wish is in the database, and the worker's next look at it finds it.
        logger.exception("The queue could not be reached")


def beat(name: str) -> int:
    """Say that this worker lives, and queue what is due. Returns how many syncs were queued."""
    now = timezone.now()
    WorkerBeat.objects.update_or_create(name=name, defaults={"seen_at": now})
    state.release_dead_leases()
    if QUEUE.pending_count():
        return 0  # what is queued already comes first
    queued = 0
    for pk in state.due(NexmoAccount.objects.all(), now).values_list("pk", flat=True)[: settings.SYNC_CONCURRENCY * 2]:
        sync_if_due(pk)
        queued += 1
    return queued


def seal_what_is_due() -> None:
    """Seal accounts with events newer than their last seal, when that is long enough ago, and send the seals off."""
    if not settings.SEAL_KEY:
        return
    for account in NexmoAccount.objects.filter(chain_head__seq__gt=0).select_related("chain_head"):
        last = Seal.objects.filter(account=account).first()
        if last and (last.seq == account.chain_head.seq or timezone.now() - last.sealed_at < settings.SEAL_INTERVAL):
            continue
        seal_channels.send(seals.seal(account))


def tidy() -> None:
    """Forget runs of long ago that found nothing, and workers that are gone."""
    now = timezone.now()
    # Whole days: what the runs prove of each account is noted before they go, and once a day is often enough.
    before = (now - KEEP_QUIET_RUNS).replace(hour=0, minute=0, second=0, microsecond=0)
    quiet = SyncRun.objects.filter(
        started_at__lt=before, status=SyncRun.Status.SUCCEEDED, added=0, conflicts_found=0
    ).order_by()
    for account in NexmoAccount.objects.filter(pk__in=quiet.values("account")):
        with transaction.atomic():
            proven_coverage.note(account)
            quiet.filter(account=account).delete()
    WorkerBeat.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()


def worker_is_alive() -> bool:
    """Whether any worker was seen lately."""
    return bool(WorkerBeat.objects.filter(seen_at__gt=timezone.now() - ALIVE_WITHIN).exists())


def workers_alive() -> int:
    """How many workers were seen lately, on all machines."""
    return int(WorkerBeat.objects.filter(seen_at__gt=timezone.now() - ALIVE_WITHIN).count())


def worker_seen_at() -> datetime | None:
    """When any worker was last seen; None: never, or not for a day."""
    latest: datetime | None = WorkerBeat.objects.aggregate(latest=Max("seen_at"))["latest"]
    return latest


def worker_name(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}"[:100]
