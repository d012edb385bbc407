"""What a stream sends next: an account's events in the order of its chain, narrowed as the stream says."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone

from accounts import permissions
from accounts.models import NexmoAccount, profile_of
from events.filters.form import EventFilter
from events.models import AuditEvent, ChainHead, SavedView, Stream, StreamCursor
from events.reading.rows import TABLE, as_time, time_column
from events.streams.batch import Items
from events.streams.formats import FORMATS
from events.streams.record import Lot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from accounts.models import AnyUser

MOST_AT_ONCE = 4_000  # events in a portion: what is read and sent at once
MOST_LOOKED_AT = 20_000  # sequence numbers in one query, where a filter leaves most events out

TIMES = ("created_at", "fetched_at")

# Why a stream sends nothing: its view, or its owner.
HIDDEN, UNREADABLE, NOT_ALLOWED, TOO_MUCH = "hidden", "unreadable", "not_allowed", "too_much"


class NothingMayBeSent(Exception):
    """The stream's view is gone, cannot be read, or its holder may not open it; or its owner may not set up streams any
    more, or not see what this one sends. The text is a code."""


@dataclass(frozen=True)
class Portion:
    """What goes next to a destination.

    Attributes:
        cursor: what moves once it is taken.
        source: whose items they are: an account's API key, or "findings".
        upto: the last sequence number that was looked at.
    """

    cursor: StreamCursor
    source: str
    items: Items
    upto: int


def accounts_of(stream: Stream) -> list[NexmoAccount]:
    """The accounts that the stream sends now: those chosen, as far as its holder still may see them.

    Raises:
        NothingMayBeSent: its owner may not set up streams any more.
    """
    if stream.owner and not stream.owner.has_perm(permissions.MANAGE_STREAMS):
        raise NothingMayBeSent(NOT_ALLOWED)
    if stream.owner and not may_have_whole(stream.owner, stream):
        raise NothingMayBeSent(TOO_MUCH)
    seen = stream.accounts_in_sight()
    if stream.all_accounts:
        return seen
    chosen = set(stream.accounts.values_list("pk", flat=True))
    return [account for account in seen if account.pk in chosen]


def sends_whole(stream: Stream) -> bool:
    """Whether it sends events as received, with the passwords and tokens that they hold."""
    return bool(stream.format == Stream.Format.RAW and stream.contents == Stream.Contents.EVENTS)


def may_have_whole(user: AnyUser, stream: Stream) -> bool:
    """Whether the user may see all that the stream sends of events."""
    return not sends_whole(stream) or NexmoAccount.objects.sees_sensitive(user)


def in_sight(stream: Stream, accounts: Sequence[NexmoAccount]) -> bool:
    """Whether the stream may send all of these accounts still, by what the database says now."""
    now = Stream.objects.select_related("owner").filter(pk=stream.pk).first()
    try:
        return now is not None and {account.pk for account in accounts_of(now)} >= {account.pk for account in accounts}
    except NothingMayBeSent:
        return False


def heads_of(accounts: Sequence[NexmoAccount]) -> dict[int, int]:
    """The last sequence number of each account that has any, by the account's key."""
    pks = [account.pk for account in accounts]
    return dict(ChainHead.objects.filter(account__in=pks).order_by().values_list("account", "seq"))


def narrowing_of(stream: Stream, accounts: list[NexmoAccount]) -> EventFilter | None:
    """The filter of the stream's view, as its holder would see it; None where it has none. Raises NothingMayBeSent."""
    if not stream.narrowed:
        return None
    views = SavedView.objects.filter(pk=stream.view_id or 0)
    own = views.visible_to(stream.owner) if stream.owner else views.filter(team=stream.team_id)
    view = own.first()
    if view is None:
        raise NothingMayBeSent(HIDDEN)
    with timezone.override(profile_of(stream.owner).zone if stream.owner else timezone.get_default_timezone()):
        event_filter = EventFilter(QueryDict(view.query), accounts=accounts)
        if not event_filter.is_valid():
            raise NothingMayBeSent(UNREADABLE)
    return event_filter


def portions(
    stream: Stream,
    accounts: Sequence[NexmoAccount],
    heads: Mapping[int, int],
    cursors: Mapping[int | None, StreamCursor],
) -> Iterator[Portion]:
    """What the stream sends of these accounts, one portion of each in turn. Each is read when it is asked for, as if
    all before it were taken.

    Args:
        heads: up to where; what comes beyond is read another time.
    Raises:
        NothingMayBeSent: the stream's view does not allow it.
    """
    narrowing = narrowing_of(stream, list(accounts))
    reached = {account.pk: copy.copy(cursors[account.pk]) for account in accounts}
    waiting = [account for account in accounts if heads.get(account.pk, 0) > reached[account.pk].seq]
    while waiting:
        for account in list(waiting):
            at, head = reached[account.pk], heads[account.pk]
            items, upto = read(stream, account, at, head, narrowing, MOST_AT_ONCE)
            yield Portion(cursors[account.pk], account.api_key, items, upto)
            at.seq, at.sent_seq = upto, items.seqs[-1] if items else at.sent_seq
            if upto >= head:
                waiting.remove(account)


def read(
    stream: Stream, account: NexmoAccount, cursor: StreamCursor, head: int, narrowing: EventFilter | None, most: int
) -> tuple[Items, int]:
    """The next events of an account beyond a cursor, in the stream's format, and up to which number was looked.

    Args:
        head: up to where.
        narrowing: by the stream's view.
        most: events.
    """
    is_narrowed = narrowing is not None or stream.since is not None or cursor.replay_upto > cursor.seq
    end = min(head, cursor.seq + (MOST_LOOKED_AT if is_narrowed else most))
    found: Any = AuditEvent.objects.filter(account=account, seq__gt=cursor.seq, seq__lte=end)
    if narrowing is not None:
        found = narrowing.filter_queryset(found)
    if stream.since is not None:
        found = found.filter(created_at__gte=stream.since)
    if cursor.replay_upto > cursor.seq and cursor.replay_since is not None:
        # Of what was sent before, only what is asked for again.
        end = min(end, cursor.replay_upto)
        found = found.filter(seq__lte=end, created_at__gte=cursor.replay_since)
    written = FORMATS[stream.format]
    rows = _rows(found.order_by("seq")[:most], written.columns)
    if len(rows) == most:
        end = rows[-1][0]
    pages = f"{settings.SITE_URL}/accounts/{quote(account.api_key, safe='')}/events/"
    lot = Lot(account.api_key, account.name, written.columns, rows, cursor.sent_seq, pages, as_time)
    return (
        Items(account.api_key, [row[0] for row in rows], [row[1] for row in rows], written.event_bodies(lot)),
        end,
    )


def _rows(found: Any, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Columns of events as the driver reads them: Django's conversions take longer than all the rest."""
    read_as = {f"{name}_": RawSQL(_column(name), ()) for name in columns}  # noqa: S611 - constants
    try:
        sql, values = found.annotate(**read_as).values_list(*read_as).query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _column(name: str) -> str:
    column = f"{TABLE}.{name}"
    return time_column(column) if name in TIMES else column
