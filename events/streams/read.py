"""What a stream sends next: an account's events in the order of its chain, narrowed as the stream says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import QueryDict
from django.utils import timezone

from accounts.models import profile_of
from events.filters.form import EventFilter
from events.models import AuditEvent, ChainHead, SavedView, Stream, StreamCursor
from events.streams.record import EventRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import NexmoAccount

MOST_AT_ONCE = 1_000  # events in a batch
MOST_LOOKED_AT = 20_000  # sequence numbers in one query, where a filter leaves most events out

# Why a stream sends nothing: its view, or its owner.
HIDDEN, UNREADABLE, NOT_ALLOWED = "hidden", "unreadable", "not_allowed"

_COLUMNS = (
    "seq",
    "digest",
    "raw",
    "event_id",
    "event_type",
    "event_type_description",
    "created_at",
    "created_at_basis",
    "user_email",
    "user_id",
    "source",
    "source_description",
    "source_ip",
    "source_country",
    "context_text",
    "odd_fields",
    "reported_account",
    "fetched_at",
)


class NothingMayBeSent(Exception):
    """The stream's view is gone, cannot be read, or its holder may not open it; or its owner may not set up streams any
    more. The text is a code."""


@dataclass(frozen=True)
class Piece:
    """What was read of an account.

    Attributes:
        upto: the last sequence number that was looked at.
    """

    records: Sequence[EventRecord]
    upto: int


def accounts_of(stream: Stream) -> list[NexmoAccount]:
    """The accounts that the stream sends now: those chosen, as far as its holder still may see them.

    Raises:
        NothingMayBeSent: its owner may not set up streams any more.
    """
    if stream.owner and not stream.owner.has_perm("events.manage_stream"):
        raise NothingMayBeSent(NOT_ALLOWED)
    seen = stream.accounts_in_sight()
    if stream.all_accounts:
        return seen
    chosen = set(stream.accounts.values_list("pk", flat=True))
    return [account for account in seen if account.pk in chosen]


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


def read(
    stream: Stream, account: NexmoAccount, cursor: StreamCursor, head: int, narrowing: EventFilter | None, most: int
) -> Piece:
    """The next events of an account beyond a cursor.

    Args:
        head: up to where; what comes beyond is read another time.
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
    found = found.annotate(context_text=Cast("context", TextField()))  # as stored: it is written on, not read
    rows = list(found.order_by("seq").values_list(*_COLUMNS)[:most])
    if len(rows) == most:
        end = rows[-1][0]
    return Piece(_records(rows, account, cursor.sent_seq), end)


def _records(rows: Sequence[tuple[Any, ...]], account: NexmoAccount, sent_before: int) -> list[EventRecord]:
    key, name = account.api_key, account.name
    address = f"{settings.SITE_URL}/accounts/{quote(key, safe='')}/events/"
    records, previous = [], sent_before
    for row in rows:  # its columns are in the order of the record's fields; the hash of its record is not read
        records.append(EventRecord(*(key, name, *row, "", previous, f"{address}{quote(row[3], safe='')}/")))
        previous = row[0]
    return records
