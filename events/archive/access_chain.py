"""The access log as evidence: its entries in batches, each entered in the ledger, which every seal states.

    batch digest = SHA-256 of the key, a NUL, the record hash and a line feed of each entry, in the order of keys

Entries are written by pages, which must not wait for each other, so they are chained afterwards: every minute, and
before anything is sealed. Until then only the database's triggers guard them.
"""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.access import record
from accounts.access.models import AccessEntry
from events.models import AccessBatch, AccessRemoval
from events.storage.transactions import lock_table
from events.storage.unreadable import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

logger = logging.getLogger(__name__)

BATCH = 2_000  # entries
MOST_REMOVED = 50  # batches in one transaction
MOST_TOLD = 20  # problems
LEAST_KEPT = timedelta(days=30)  # whatever the settings say
LEAST_PROVED = timedelta(days=29)  # what the database and verification insist on: clocks may differ by a day
LONGEST_WAIT = timedelta(days=30)  # for a stream that is paused or fails
_PATIENCE, _PAUSE = 2.0, 0.02  # seconds that whoever writes an entry is waited for
_COLUMNS = ("pk", *record.COLUMNS, "record_hash")


# --- chaining -------------------------------------------------------------------------------------------------------


def extend() -> int:
    """Chain every entry that is there. Returns how many were; none where somebody takes long to write one."""
    settled, chained = _settled(), 0
    if settled is None:
        logger.info("The access log is chained another time: somebody takes long to write into it.")
        return 0
    while batch := _add_batch(settled):
        chained += batch.count
    return chained


def _settled() -> int | None:
    """The key up to which no entry can appear any more; None where somebody takes too long.

    PostgreSQL gives keys before entries can be seen, to whoever holds the lock of those who write into the table. So
    whoever holds it after the key was read is waited for; they are let go on once their entries can be seen. No lock is
    taken here, behind which new entries would queue, or which VACUUM would be in the way of.
    """
    last: int = AccessEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    if connection.vendor != "postgresql":
        return last
    writing, until = _writers(), time.monotonic() + _PATIENCE
    while writing:
        if time.monotonic() > until:
            return None
        time.sleep(_PAUSE)
        writing &= _writers()
    return last


def _writers() -> set[str]:
    """The other transactions that write into the table, or may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = %s::regclass "
            "AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid() "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [AccessEntry._meta.db_table],
        )
        return {writer for (writer,) in cursor.fetchall()}


@transaction.atomic
def _add_batch(settled: int) -> AccessBatch | None:
    lock_table(AccessBatch, "SHARE ROW EXCLUSIVE")  # one at a time
    first = chained_upto() + 1
    rows = AccessEntry.objects.filter(pk__gte=first, pk__lte=settled).order_by("pk")
    found = list(rows.values_list("pk", "record_hash", "at")[:BATCH])
    if not found:
        return None
    batch: AccessBatch = AccessBatch.objects.create(
        first=first,
        last=found[-1][0],
        count=len(found),
        newest_at=max(at for _, _, at in found),
        digest=_digest((pk, hashed) for pk, hashed, _ in found),
        made_at=timezone.now(),
    )
    return batch


def _digest(entries: Any) -> str:
    digest = hashlib.sha256()
    for pk, hashed in entries:
        digest.update(f"{pk}\0{hashed}\n".encode())
    return digest.hexdigest()


def chained_upto() -> int:
    """The key of the last entry that a batch holds."""
    return int(AccessBatch.objects.aggregate(last=Max("last"))["last"] or 0)


# --- verifying ------------------------------------------------------------------------------------------------------


def problems() -> Iterator[str]:
    """What is wrong with the access log, the first few. What batches say is compared with the ledger elsewhere."""
    try:
        for told, problem in enumerate(_problems()):
            if told == MOST_TOLD:
                yield "There is more wrong with the access log."
                return
            yield problem
    except UNREADABLE as error:
        what = type(error).__name__
        yield f"The access log was compared no further: a value cannot be read ({what}), so it was altered."


def unchained() -> int:
    """How many entries no batch holds yet."""
    return int(AccessEntry.objects.filter(pk__gt=chained_upto()).count())


def summary() -> str:
    """How much of it was looked at, in a sentence."""
    try:
        waiting = unchained()
    except UNREADABLE:
        return "Nobody can tell how many entries of the access log are chained."
    chained = f"{AccessEntry.objects.count():,} entries of the access log"
    return f"{chained}, the newest {waiting:,} not chained yet." if waiting else f"{chained}, all of them chained."


def _problems() -> Iterator[str]:
    removed = 0
    for removal in AccessRemoval.objects.order_by("last", "pk"):
        batches = list(
            AccessBatch.objects.filter(last__gt=removed, last__lte=removal.last)
            .order_by("last")
            .values_list("last", "count", "newest_at")
        )
        # Added up here: forged counts may be beyond what a database can.
        if not batches or batches[-1][0] != removal.last:
            yield f"Removal {removal.pk} from the access log ends with entry {removal.last:,}, where no batch ends."
        elif sum(count for _, count, _ in batches) != removal.count:
            yield f"Removal {removal.pk} from the access log says {removal.count:,} entries; its batches say otherwise."
        if not _was_due(removal, max((newest for *_, newest in batches), default=None)):
            yield f"Removal {removal.pk} from the access log took entries that were too new, or is of the future."
        removed = max(removed, removal.last)
    if AccessEntry.objects.filter(pk__lte=removed).exists():
        yield "There are entries of the access log that a removal says are gone: they were inserted."
    rows = _rows(removed)
    row, end = next(rows, None), 0
    for batch in AccessBatch.objects.order_by("last").iterator(chunk_size=BATCH):
        if batch.first != end + 1:
            yield f"Batch {batch.pk} of the access log begins with entry {batch.first:,}, not with {end + 1:,}."
        if batch.last < batch.first or batch.count < 1:
            yield f"Batch {batch.pk} of the access log holds no entry, and would keep others from being chained."
        end = max(end, batch.last)
        if end <= removed:
            continue
        entries = []
        while row is not None and row[0] <= end:
            entries.append(row)
            if problem := _of_row(row):
                yield problem
            row = next(rows, None)
        if len(entries) != batch.count:
            yield (
                f"Of entries {batch.first:,} to {end:,} of the access log there are {len(entries):,}, and there were "
                f"{batch.count:,}: some were removed or inserted."
            )
        elif entries and entries[-1][0] != end:
            yield f"Batch {batch.pk} of the access log ends with entry {end:,}, which there is not."
        elif _digest((entry[0], entry[-1]) for entry in entries) != batch.digest:
            yield f"Of entries {batch.first:,} to {end:,} of the access log one was altered together with its hash."
    while row is not None:
        if problem := _of_row(row):
            yield problem
        row = next(rows, None)


def _was_due(removal: AccessRemoval, newest: datetime | None) -> bool:
    """Whether retention can have removed entries of that age then: what was recorded with the triggers off is found
    by its times."""
    latest = min(removal.removed_at, timezone.now()) - LEAST_PROVED
    return (
        removal.removed_at <= timezone.now()
        and removal.older_than <= latest
        and (newest is None or newest < removal.older_than)
    )


def _rows(after: int) -> Iterator[tuple[Any, ...]]:
    rows = AccessEntry.objects.filter(pk__gt=after).order_by("pk").values_list(*_COLUMNS)
    yield from rows.iterator(chunk_size=BATCH)


def _of_row(row: tuple[Any, ...]) -> str:
    if record.hash_of(row[1:-1]) == row[-1]:
        return ""
    return f"Entry {row[0]:,} of the access log was altered: its hash does not fit."


# --- retention ------------------------------------------------------------------------------------------------------


def remove_old(now: datetime, keep: timedelta, unsent: int | None = None) -> int:
    """Remove whole batches that are older than `keep`, from the beginning of the log. Returns how many entries went.

    Args:
        now: what `retention.present` says: a clock that is ahead must not remove what is to be kept.
        unsent: the key beyond which a stream has not sent the log yet; what it has not goes LONGEST_WAIT later.
    """
    older_than, gone = now - max(keep, LEAST_KEPT), 0
    while removal := _remove(older_than, unsent):
        gone += removal.count
        if unsent is not None and removal.last > unsent:
            logger.warning(
                "Entries of the access log up to %s were removed after %s days more; a stream has sent them up to %s.",
                *(removal.last, LONGEST_WAIT.days, unsent),
            )
    return gone


@transaction.atomic
def _remove(older_than: datetime, unsent: int | None) -> AccessRemoval | None:
    lock_table(AccessRemoval, "SHARE ROW EXCLUSIVE")  # one at a time
    done = AccessRemoval.objects.aggregate(last=Max("last"))["last"] or 0
    old = []
    for batch in AccessBatch.objects.filter(last__gt=done).order_by("last")[:MOST_REMOVED]:
        if batch.newest_at >= older_than:
            break
        if unsent is not None and batch.last > unsent and batch.newest_at >= older_than - LONGEST_WAIT:
            break
        old.append(batch)
    if not old:
        return None
    last = old[-1].last
    removal: AccessRemoval = AccessRemoval.objects.create(
        last=last, count=sum(batch.count for batch in old), older_than=older_than, removed_at=timezone.now()
    )
    AccessEntry.objects.filter(pk__lte=last).delete()
    return removal
