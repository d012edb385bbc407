"""Serving streams: each by itself, in a thread of its own, so that one which hangs or fails holds up nothing else.

A stream is held by a lease while it is served. Its cursors move only after a destination has taken a batch; whoever
dies in between is followed by another attempt with the same events, under the same keys. So a destination gets every
event at least once, in the order of its account's chain, and again only after a failure.
"""

from __future__ import annotations

import atexit
import logging
import time
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection

from accounts.fields import SecretUnreadable
from events.models import Stream
from events.operations.queue import STOP
from events.outbound.results import Outcome
from events.storage import leases
from events.storage.side_threads import SideThreads
from events.streams import findings, progress, read
from events.streams.batch import Batch, Item
from events.streams.destinations.destination import Place
from events.streams.destinations.kinds import DESTINATIONS
from events.streams.formats import FORMATS
from events.streams.sample import sample

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from accounts.models import NexmoAccount
    from events.models import StreamCursor
    from events.streams.record import EventRecord

logger = logging.getLogger(__name__)

MOST_THREADS = 16
LAST_WAIT = 5.0  # seconds, when the process ends

_threads = SideThreads("stream")


def start_ready() -> list[threading.Thread]:
    """Have all streams served that can be, each in a thread of its own, and return at once."""
    leases.release_gone(progress.held(), lease_owner="")
    started = []
    for pk in list(progress.ready().values_list("pk", flat=True)):
        if len(_threads.running()) >= MOST_THREADS or STOP.is_set():
            break
        thread = _threads.start(pk, lambda pk=pk: _serve(pk))  # type: ignore[misc]
        if thread:
            started.append(thread)
    return started


def _serve(pk: int) -> None:
    close_old_connections()
    try:
        serve(pk)
    except Exception:  # the thread of one stream: whatever it is must not be lost with it
        logger.exception("Stream %s failed; it is tried again", pk)
    finally:
        connection.close()


def serve(pk: int) -> int:
    """Send all that a stream has, until nothing is left or an attempt fails. Returns how many events were taken."""
    stream = progress.claim(pk)
    if stream is None:
        return 0
    try:
        if stream.test_asked_at is not None:
            _test(stream)
        if stream.is_active and stream.paused_at is None:
            return _follow(stream)
        return 0
    except progress.Lost:
        return 0
    except Exception:
        progress.fail(stream, Outcome(sent=False, problem="crashed"))
        raise
    finally:
        progress.release(stream)


def _follow(stream: Stream) -> int:
    """Send what is there: events account by account, a batch of each in turn, or findings."""
    try:
        accounts = read.accounts_of(stream)
        narrowing = read.narrowing_of(stream, accounts)
    except read.NothingMayBeSent as error:
        progress.stop(stream, str(error))
        return 0
    if stream.contents == Stream.Contents.FINDINGS:
        return _follow_findings(stream, accounts)
    heads = read.heads_of(accounts)
    known = progress.cursors(stream, heads, [account.pk for account in accounts])
    sent = 0
    waiting = [account for account in accounts if heads.get(account.pk, 0) > known[account.pk].seq]
    while waiting and not STOP.is_set():
        for account in list(waiting):
            cursor, head = known[account.pk], heads[account.pk]
            piece = read.read(stream, account, cursor, head, narrowing, read.MOST_AT_ONCE)
            taken = _send(stream, cursor, account.api_key, events_as_items(stream, piece.records), piece.upto)
            if taken is None:
                return sent
            sent += taken
            if cursor.seq >= head:
                waiting.remove(account)
    return sent


def _follow_findings(stream: Stream, accounts: Sequence[NexmoAccount]) -> int:
    head = findings.head()
    cursor = progress.cursors(stream, {None: head}, [None])[None]
    sent = 0
    while cursor.seq < head and not STOP.is_set():
        items, upto = findings.read(stream, accounts, cursor.seq)
        taken = _send(stream, cursor, findings.SOURCE, items, upto)
        if taken is None:
            break
        sent += taken
    return sent


def _send(stream: Stream, cursor: StreamCursor, source: str, items: list[Item], upto: int) -> int | None:
    """Send items, and move the cursor as far as they were taken. Returns how many were; None where an attempt failed.

    Args:
        source: whose they are.
        upto: where the cursor stands once all are taken.
    """
    if not items:
        progress.move(stream, cursor, upto)
        return 0
    try:
        place = place_of(stream)
    except SecretUnreadable:
        progress.fail(stream, Outcome(sent=False, problem="secret"))
        return None
    destination = DESTINATIONS[stream.kind]
    count, left = 0, items
    while left:
        some, left = _fitting(left, destination.most_bytes)
        if connection.vendor != "sqlite" and not connection.in_atomic_block:
            connection.close()  # not kept from others while somebody else's server takes its time
        delivered = destination.send(place, Batch(f"{stream.pk}_{source}_{some[0].seq}_{some[-1].seq}", source, some))
        taken, left = some[: delivered.taken], some[delivered.taken :] + left
        if taken:
            refused = {some[at].seq: why for at, why in delivered.refused.items()}
            end = taken[-1].seq if left else upto
            progress.move(stream, cursor, end, sent=len(taken), sent_seq=taken[-1].seq, refused=refused)
            count += len(taken)
        if not delivered.outcome.sent:
            progress.fail(stream, delivered.outcome)
            logger.warning("Stream %s could not send: %s", stream.pk, delivered.outcome.problem)
            return None
    return count


def events_as_items(stream: Stream, records: Sequence[EventRecord]) -> list[Item]:
    """Events, written in the stream's format."""
    written = FORMATS[stream.format]
    return [
        Item(
            f"{record.account}-{record.sequence}",
            record.sequence,
            record.created_at,
            written.event_json(record).encode(),
        )
        for record in records
    ]


def place_of(stream: Stream) -> Place:
    """The stream's destination, decrypted. Raises SecretUnreadable."""
    return Place(stream.address, stream.secret, stream.options, name=f"stream {stream.pk}")


def _fitting(items: list[Item], most_bytes: int) -> tuple[list[Item], list[Item]]:
    """As many of the first items as fit, and the others; one at least."""
    size, count = 0, 0
    for item in items:
        size += len(item.body)
        if count and size > most_bytes:
            break
        count += 1
    return items[:count], items[count:]


def _test(stream: Stream) -> None:
    """Send one event that says that it is none."""
    record = sample(stream)
    try:
        batch = Batch(f"test_{stream.pk}", record.account, events_as_items(stream, [record]), is_test=True)
        delivered = DESTINATIONS[stream.kind].send(place_of(stream), batch)
        problem = delivered.outcome.problem or next(iter(delivered.refused.values()), "")
    except SecretUnreadable:
        problem = "secret"
    progress.note_test(stream, problem)


@atexit.register
def _finish() -> None:
    """Let what is being sent be noted, when the process ends: not for long."""
    deadline = time.monotonic() + LAST_WAIT
    while _threads.running() and time.monotonic() < deadline:
        time.sleep(0.05)
