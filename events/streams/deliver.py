"""Serving streams: each by itself, in a thread of its own, so that one which hangs or fails holds up nothing else.

A stream is held by a lease while it is served. Its cursors move only after a destination has taken a batch; whoever
dies in between is followed by another attempt with the same events, under the same keys. So a destination gets every
event at least once, in the order of its account's chain, and again only after a failure.
"""

from __future__ import annotations

import atexit
import logging
import time
from functools import cache
from typing import TYPE_CHECKING

from django.db import close_old_connections, connection

from accounts.encryption import SecretUnreadable
from events.export.watch import SightLost, Watch
from events.models import Stream
from events.operations.queue import STOP
from events.outbound.results import Outcome
from events.storage import leases
from events.storage.side_threads import Beside, SideThreads
from events.streams import access_log, findings, progress, read
from events.streams.batch import Batch, Delivered, Items
from events.streams.destinations.destination import Place
from events.streams.destinations.kinds import DESTINATIONS
from events.streams.formats import FORMATS
from events.streams.sample import sample

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from events.streams.destinations.destination import Destination
    from events.streams.read import Portion

logger = logging.getLogger(__name__)

MOST_THREADS = 16
TURN = 30.0  # seconds: then others have theirs, a test is sent, and the view is read anew
AT_HAND = 1.0  # seconds for which a connection to the database is kept while a destination is busy
TOO_LARGE = 413
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
        # Turn by turn, unless others wait for a thread.
        while serve(pk) and not STOP.is_set() and len(_threads.running()) < MOST_THREADS:
            pass
    except Exception:  # the thread of one stream: whatever it is must not be lost with it
        logger.exception("Stream %s failed; it is tried again", pk)
    finally:
        connection.close()


def serve(pk: int) -> int:
    """Send what a stream has, until nothing is left, an attempt fails or its turn is over. Returns how many events
    were taken."""
    stream = progress.claim(pk)
    if stream is None:
        return 0
    try:
        if stream.test_asked_at is not None:
            _test(stream)
        return _follow(stream) if progress.is_due(stream) else 0
    except progress.Lost:
        return 0
    except Exception:
        progress.fail(stream, Outcome(sent=False, problem="crashed"))
        raise
    finally:
        progress.release(stream)


def _follow(stream: Stream) -> int:
    """Send what is there: events account by account, a portion of each in turn, findings, or the access log. While one
    portion is sent the next is read."""
    try:
        accounts = read.accounts_of(stream)
        portions: Iterator[Portion]
        if stream.contents == Stream.Contents.ACCESS:
            access_log.require_reader(stream)
            head = access_log.head()
            cursor = progress.cursors(stream, {None: head}, [None])[None]
            portions = access_log.portions(stream, head, cursor)
        elif stream.contents == Stream.Contents.FINDINGS:
            head = findings.head()
            cursor = progress.cursors(stream, {None: head}, [None])[None]
            portions = findings.portions(stream, accounts, head, cursor)
        else:
            heads = read.heads_of(accounts)
            cursors = progress.cursors(stream, heads, [account.pk for account in accounts])
            portions = read.portions(stream, accounts, heads, cursors)
        portion = next(portions, None)
    except read.NothingMayBeSent as error:
        progress.stop(stream, str(error))
        return 0
    progress.go_on(stream)
    sent, over, watch = 0, time.monotonic() + TURN, Watch(lambda: read.in_sight(stream, accounts))
    while portion is not None and not STOP.is_set() and time.monotonic() < over:
        try:
            watch.look()
        except SightLost:  # the next turn sends what its holder still sees
            break
        following = cache(lambda: next(portions, None))
        if not _send(stream, portion, following):
            break
        sent += len(portion.items)
        portion = following()
    return sent


def _send(stream: Stream, portion: Portion, following: Callable[[], object]) -> bool:
    """Send a portion, and move the cursor as far as it was taken. Returns whether all of it was.

    Args:
        following: reads what comes next; called while the destination has something to do.
    """
    if not portion.items:
        progress.move(stream, portion.cursor, portion.upto)
        return True
    try:
        place = place_of(stream)
    except SecretUnreadable:
        progress.fail(stream, Outcome(sent=False, problem="secret"))
        return False
    destination = DESTINATIONS[stream.kind]
    left, most = portion.items, destination.most_bytes
    while left:
        some = left[: left.fitting(most)]
        batch = Batch(f"{stream.pk}_{portion.source}_{some.seqs[0]}_{some.seqs[-1]}", portion.source, some)
        delivered = _deliver(destination, place, batch, following)
        if delivered.outcome.status == TOO_LARGE:
            most = sum(map(len, some.bodies)) // 2
            # By itself it is refused for good; several go in halves, and so does the rest of the portion.
            delivered = Delivered(1, refused={0: f"http {TOO_LARGE}"}) if len(some) == 1 else Delivered(0)
        taken, left = some[: delivered.taken], left[delivered.taken :]
        if taken:
            refused = {some.seqs[at]: why for at, why in delivered.refused.items()}
            upto = taken.seqs[-1] if left else portion.upto
            progress.move(stream, portion.cursor, upto, sent=len(taken), sent_seq=taken.seqs[-1], refused=refused)
        if not delivered.outcome.sent:
            progress.fail(stream, delivered.outcome)
            logger.warning("Stream %s could not send: %s", stream.pk, delivered.outcome.problem)
            return False
    return True


def _deliver(
    destination: Destination, place: Place, batch: Batch, meanwhile: Callable[[], object] = lambda: None
) -> Delivered:
    """Deliver a batch, and have something else done until the destination answers."""
    delivering = Beside("stream-send", lambda: destination.send(place, batch))
    meanwhile()
    if not delivering.is_done(AT_HAND) and connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()  # not kept from others while somebody else's server takes its time
    return delivering.result()


def place_of(stream: Stream) -> Place:
    """The stream's destination, decrypted. Raises SecretUnreadable."""
    return Place(stream.address, stream.secret, stream.options, name=f"stream {stream.pk}")


def _test(stream: Stream) -> None:
    """Send one event that says that it is none."""
    record = sample(stream)
    body = FORMATS[stream.format].event_json(record).encode()
    items = Items(record.account, [record.sequence], [record.created_at], [body])
    try:
        batch = Batch(f"test_{stream.pk}", record.account, items, is_test=True)
        delivered = _deliver(DESTINATIONS[stream.kind], place_of(stream), batch)
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
