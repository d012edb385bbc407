"""The one writer of how far streams got and how they are doing."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events.models import Stream, StreamCursor, StreamRefusal
from events.storage import leases
from events.streams import access_log, findings
from events.streams.read import HIDDEN, NOT_ALLOWED, TOO_MUCH, UNREADABLE, accounts_of, heads_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from events.outbound.results import Outcome

LEASE = timedelta(minutes=5)  # more than any batch takes
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
STOPPING = (HIDDEN, UNREADABLE, NOT_ALLOWED, TOO_MUCH)  # problems of the stream's own, not of its destination
JITTER = 0.25  # of a pause, either way
LONGEST_ASKED = timedelta(hours=1)  # that a receiver can ask to be left alone


class Lost(Exception):
    """Another worker holds the stream now, or it was changed or paused: whoever was sending stops."""


def held() -> QuerySet[Stream]:
    """Streams that some process is sending."""
    return Stream.objects.filter(lease_until__gt=timezone.now())


def ready() -> QuerySet[Stream]:
    """Streams that may be served now, the longest unserved first."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + 2 * LEASE)
    asked = Q(test_asked_at__isnull=False)
    return Stream.objects.filter(free).filter(_due() | asked).order_by(F("last_sent_at").asc(nulls_first=True), "id")


def _due() -> Q:
    """What may send: neither off, nor paused, nor waiting for its next attempt."""
    now = timezone.now()
    # Later than any pause can be: written under a wrong clock.
    waited = Q(retry_at=None) | Q(retry_at__lte=now) | Q(retry_at__gt=now + 2 * LONGEST_ASKED)
    return Q(is_active=True, paused_at=None) & waited & (Q(owner=None) | Q(owner__is_active=True))


def claim(pk: int) -> Stream | None:
    """Take a stream, so that nobody else serves it meanwhile."""
    owner, now = leases.new_owner(), timezone.now()
    if not ready().filter(pk=pk).order_by().update(lease_owner=owner, lease_until=now + LEASE):
        return None
    stream: Stream = Stream.objects.select_related("owner__profile", "view").get(pk=pk)
    return stream


def mine(stream: Stream) -> QuerySet[Stream]:
    """The stream's row, as long as this process holds it and nobody has changed or paused it."""
    return Stream.objects.filter(
        pk=stream.pk, lease_owner=stream.lease_owner, updated_at=stream.updated_at, paused_at=stream.paused_at
    )


def release(stream: Stream) -> None:
    """Let others serve it."""
    Stream.objects.filter(pk=stream.pk, lease_owner=stream.lease_owner).update(lease_until=None, lease_owner="")


def cursors(stream: Stream, heads: Mapping[Any, int], wanted: Sequence[int | None]) -> dict[int | None, StreamCursor]:
    """The stream's cursors by account, begun where there is none yet.

    Args:
        heads: where those begin that send only what arrives from now on.
        wanted: keys of accounts; None: the cursor of findings.
    """
    known = {cursor.account_id: cursor for cursor in stream.cursors.all()}
    fresh = [key for key in wanted if key not in known]
    if fresh:
        from_now = stream.start == Stream.Start.NOW
        begun = [StreamCursor(stream=stream, account_id=key, seq=heads.get(key, 0) if from_now else 0) for key in fresh]
        StreamCursor.objects.bulk_create(begun, ignore_conflicts=True)
        known = {cursor.account_id: cursor for cursor in stream.cursors.all()}
    return known


def move(
    stream: Stream,
    cursor: StreamCursor,
    upto: int,
    *,
    sent: int = 0,
    sent_seq: int = 0,
    refused: Mapping[int, str] | None = None,
) -> None:
    """Note that everything up to a sequence number was taken, or was not to be sent.

    Args:
        sent: how many events were taken.
        sent_seq: the last of them.
        refused: those that the receiver will never take, by their sequence numbers.
    Raises:
        Lost: nothing was noted.
    """
    now, refused = timezone.now(), refused or {}
    values: dict[str, Any] = {"lease_until": now + LEASE}
    if sent:
        values |= {
            "failures": 0,
            "problem": "",
            "status": None,
            "retry_at": None,
            "last_sent_at": now,
            "sent_count": F("sent_count") + sent - len(refused),
            "refused_count": F("refused_count") + len(refused),
        }
    moved: dict[str, Any] = {"seq": upto, "moved_at": now}
    if sent:
        moved["sent_seq"] = sent_seq
    with transaction.atomic():
        if not mine(stream).update(**values):
            raise Lost
        row = StreamCursor.objects.filter(pk=cursor.pk, seq=cursor.seq, replay_upto=cursor.replay_upto)
        if not row.update(**moved):
            raise Lost
        StreamRefusal.objects.bulk_create(
            [
                StreamRefusal(stream=stream, account_id=cursor.account_id, seq=seq, at=now, problem=why[:300])
                for seq, why in refused.items()
            ],
            update_conflicts=True,
            unique_fields=["stream", "account", "seq"],
            update_fields=["at", "problem"],
        )
    cursor.seq, cursor.moved_at = upto, now
    if sent:
        cursor.sent_seq = sent_seq
        stream.failures = 0


def fail(stream: Stream, outcome: Outcome) -> None:
    """Note that an attempt failed, and when the next one is made. Whatever it was, the stream waits and tries again:
    nothing is ever left out because a receiver is away or set up wrongly."""
    now = timezone.now()
    failures = stream.failures + 1
    mine(stream).update(
        failures=failures,
        problem=outcome.problem[:300],
        status=outcome.status,
        last_failed_at=now,
        failed_count=F("failed_count") + 1,
        retry_at=now + pause_after(failures, outcome.pause),
    )


def is_due(stream: Stream) -> bool:
    """Whether a stream that is held may send: one may also be held for a test alone."""
    return Stream.objects.filter(_due(), pk=stream.pk).exists()


def stop(stream: Stream, problem: str) -> None:
    """Note why a stream has nothing that it may send. It is looked at again at the next turn."""
    if stream.problem != problem:
        mine(stream).update(problem=problem)


def go_on(stream: Stream) -> None:
    """Note that what had stopped a stream does so no more."""
    if stream.problem in STOPPING:
        mine(stream).update(problem="")


def pause_after(failures: int, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many failures in a row; longer where the receiver asked for that."""
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 12), LONGEST_PAUSE)
    pause = pause * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311 - no secret
    return max(pause, min(asked, LONGEST_ASKED)) if asked else pause


def ask_for_test(stream: Stream) -> None:
    """Have one event sent that says that it is a test. Asking again before it went changes nothing."""
    Stream.objects.filter(pk=stream.pk, test_asked_at=None).update(
        test_asked_at=timezone.now(), tested_at=None, test_problem=""
    )


def note_test(stream: Stream, problem: str) -> None:
    """Note how a test went."""
    Stream.objects.filter(pk=stream.pk, lease_owner=stream.lease_owner).update(
        test_asked_at=None, tested_at=timezone.now(), test_problem=problem[:300]
    )


def begin(stream: Stream) -> None:
    """Set a new stream's cursors, so that “from now on” means the moment at which it was made."""
    if stream.contents == Stream.Contents.ACCESS:
        cursors(stream, {None: access_log.head()}, [None])
    elif stream.contents == Stream.Contents.FINDINGS:
        cursors(stream, {None: findings.head()}, [None])
    else:
        accounts = accounts_of(stream)
        cursors(stream, heads_of(accounts), [account.pk for account in accounts])


def pause(stream: Stream) -> None:
    """Send nothing until it is resumed. Whoever is sending a batch stops after that."""
    Stream.objects.filter(pk=stream.pk, paused_at=None).update(paused_at=timezone.now())


def resume(stream: Stream) -> None:
    """Go on where it stood, at once."""
    Stream.objects.filter(pk=stream.pk).update(paused_at=None, retry_at=None, failures=0, problem="", status=None)


def replay(stream: Stream, since: datetime) -> None:
    """Send again what happened since a moment, of what was sent already; then go on."""
    with transaction.atomic():
        for cursor in stream.cursors.select_for_update().exclude(account=None):
            # A replay that has not ended goes back no less far than this one.
            earlier = cursor.replay_since if cursor.replay_upto > cursor.seq else None
            StreamCursor.objects.filter(pk=cursor.pk).update(
                replay_upto=max(cursor.seq, cursor.replay_upto),
                replay_since=min(earlier, since) if earlier else since,
                seq=0,
                sent_seq=0,
            )
