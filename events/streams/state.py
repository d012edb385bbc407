"""How streams are doing: what pages and metrics tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from events.models import AuditEvent, Stream
from events.streams import access_log, findings, progress, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from accounts.models import AnyUser, NexmoAccount

LATE_AFTER = timedelta(minutes=5)

# Of a cursor: when the next event beyond it was archived.
_OLDEST = Subquery(
    AuditEvent.objects.filter(account=OuterRef("account"), seq__gt=OuterRef("seq"))
    .order_by("seq")
    .values("fetched_at")[:1]
)


@dataclass(frozen=True)
class AccountLag:
    """How far behind a stream is in one account.

    Attributes:
        waiting: events that were not looked at yet.
        oldest: when the first of them was archived; None where nothing waits.
    """

    account: NexmoAccount
    sent_upto: int
    waiting: int
    replaying: bool
    oldest: datetime | None = None


@dataclass(frozen=True)
class StreamState:
    """How a stream is doing.

    Attributes:
        level: "off", "paused", "stopped", "failing", "behind", "ok" or "new".
        waiting: events, or changes of findings, that were not looked at yet.
        accounts: in which of them, of those that the reader may see.
    """

    stream: Stream
    level: str
    waiting: int
    oldest: datetime | None = None
    accounts: Sequence[AccountLag] = field(default_factory=tuple)


def state_of(stream: Stream, *, of_accounts: bool = False) -> StreamState:
    """How a stream is doing now.

    Args:
        of_accounts: how far it is in each of them too.
    """
    stopped = ""
    try:
        accounts = read.accounts_of(stream)
        if stream.contents == Stream.Contents.ACCESS:
            access_log.require_reader(stream)
    except read.NothingMayBeSent as error:
        accounts, stopped = [], str(error)
    if stream.contents in (Stream.Contents.FINDINGS, Stream.Contents.ACCESS):
        cursor = stream.cursors.filter(account=None).first()
        waiting = max(_head(stream) - cursor.seq, 0) if cursor else 0
        return StreamState(stream, _level(stream, waiting, None, stopped), waiting)
    heads = read.heads_of(accounts)
    known: dict[int | None, Any] = {cursor.account_id: cursor for cursor in stream.cursors.annotate(oldest=_OLDEST)}
    lags = []
    for account in accounts:
        cursor, head = known.get(account.pk), heads.get(account.pk, 0)
        if cursor is None:
            continue
        waiting = max(head - cursor.seq, 0)
        oldest = cursor.oldest if waiting else None
        lags.append(AccountLag(account, cursor.sent_seq, waiting, cursor.seq < cursor.replay_upto, oldest))
    waiting = sum(lag.waiting for lag in lags)
    oldest = min((lag.oldest for lag in lags if lag.oldest), default=None)
    level = _level(stream, waiting, oldest, stopped)
    return StreamState(stream, level, waiting, oldest, tuple(lags) if of_accounts else ())


def _head(stream: Stream) -> int:
    return access_log.head() if stream.contents == Stream.Contents.ACCESS else findings.head()


def _level(stream: Stream, waiting: int, oldest: datetime | None, stopped: str) -> str:
    if not stream.is_active:
        return "off"
    if stream.paused_at:
        return "paused"
    if stopped or stream.problem in progress.STOPPING:
        return "stopped"
    if stream.failures:
        return "failing"
    if waiting and oldest and oldest < timezone.now() - LATE_AFTER:
        return "behind"
    return "ok" if stream.last_sent_at or not waiting else "new"


def states_visible_to(user: AnyUser) -> list[StreamState]:
    """All streams that the user may see."""
    streams = Stream.objects.visible_to(user).select_related("owner__profile", "team", "view")
    return [state_of(stream) for stream in streams]
