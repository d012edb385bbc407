"""What a stream of the access log sends next: its entries as they were written, in the order of their keys, up to where
they are chained: what comes later can still appear out of order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accounts import permissions
from accounts.access.models import AccessEntry
from events.archive import access_chain
from events.streams.batch import Items
from events.streams.formats import FORMATS
from events.streams.read import NOT_ALLOWED, NothingMayBeSent, Portion
from events.streams.record import AccessRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.models import Stream, StreamCursor

SOURCE = "access"  # what batches come from, in place of an account, and what keys of their items begin with
MOST_AT_ONCE = 1_000


def head() -> int:
    """The key of the last entry that is chained."""
    return access_chain.chained_upto()


def require_reader(stream: Stream) -> None:
    """Raise NothingMayBeSent unless the stream's holder may read the access log: of a team, what all its members may by
    being in it."""
    if not (stream.owner.has_perm(permissions.VIEW_ACCESS_LOG) if stream.owner else may_team_read(stream.team)):
        raise NothingMayBeSent(NOT_ALLOWED)


def may_team_read(team: Any) -> bool:
    """Whether the members of a team may read the access log by being in it."""
    app, codename = permissions.VIEW_ACCESS_LOG.split(".")
    return bool(team.permissions.filter(content_type__app_label=app, codename=codename).exists())


def portions(stream: Stream, upto: int, cursor: StreamCursor) -> Iterator[Portion]:
    """What the stream sends, each portion read when it is asked for, as if all before it were taken."""
    at = cursor.seq
    while at < upto:
        items, at = read(stream, at, upto)
        yield Portion(cursor, SOURCE, items, at)


def read(stream: Stream, beyond: int, upto: int) -> tuple[Items, int]:
    """The next entries beyond a key, and up to which key was looked at."""
    rows = AccessEntry.objects.filter(pk__gt=beyond, pk__lte=upto)
    if stream.since is not None:
        rows = rows.filter(at__gte=stream.since)
    found = list(rows.order_by("pk")[:MOST_AT_ONCE])
    written = FORMATS[stream.format]
    bodies = [written.access_json(record_of(entry)).encode() for entry in found]
    end = found[-1].pk if len(found) == MOST_AT_ONCE else upto
    return Items(SOURCE, [entry.pk for entry in found], [entry.at for entry in found], bodies), end


def record_of(entry: AccessEntry) -> AccessRecord:
    """An entry as plain values."""
    return AccessRecord(
        number=entry.pk,
        at=entry.at,
        action=entry.action,
        what=entry.kind,
        object_id=entry.object_id,
        object_name=entry.object_name,
        accounts=tuple(entry.api_keys),
        person=entry.person,
        via=entry.via,
        via_id=entry.via_id,
        address=entry.address,
        agent=entry.agent,
        status=entry.status,
        request_id=entry.request_id,
        detail=entry.detail,
        record_hash=entry.record_hash,
    )
