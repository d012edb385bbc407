"""Events in the order in which they were archived, each account by the places in its chain.

Whoever notes how far he came in each account finds exactly what was archived since, late events too: an account's
events are archived one batch after the other, so no place is filled once a later one can be seen. Keys promise less:
on PostgreSQL a lower key may become visible after a higher one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from events.models import ChainHead
from events.reading.conditions import joined
from events.reading.plan import db_time
from events.reading.rows import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from events.reading.conditions import Conditions, Sql

MOST_LOOKED_AT = 8_000  # events of all accounts together, for one batch


class Arrival(NamedTuple):
    """One event, verbatim, and its place in its account's chain."""

    account_id: int
    seq: int
    raw: str


@dataclass(frozen=True)
class Batch:
    """What was archived next.

    Attributes:
        places: how far each account has been looked through now.
        more: there may be more at once.
    """

    arrivals: list[Arrival]
    places: dict[int, int]
    more: bool


def heads(accounts: Sequence[int] | None) -> dict[int, int]:
    """The last place of each account's chain; None for all accounts there are."""
    rows = ChainHead.objects.order_by("account")
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    return dict(rows.values_list("account", "seq"))


def read_arrivals(conditions: Conditions, places: Mapping[int, int], size: int) -> Batch:
    """The next `size` events that match, beyond these places; an account that has none is read from its beginning.

    It may hold fewer, though there are more: after so many events that do not match it says how far it came.
    """
    reached, arrivals, left = dict(places), list[Arrival](), MOST_LOOKED_AT
    if conditions.is_empty:
        return Batch([], reached, more=False)
    behind = [
        (account, reached.get(account, 0), head)
        for account, head in heads(conditions.accounts).items()
        if head > reached.get(account, 0)
    ]
    for account, place, head in behind:
        if len(arrivals) >= size or left <= 0:
            return Batch(arrivals, reached, more=True)
        rows, looked_at, end = _read(conditions, account, place, min(head, place + left), size - len(arrivals))
        arrivals += rows
        left -= looked_at
        reached[account] = end
        if end < head:
            return Batch(arrivals, reached, more=True)
    return Batch(arrivals, reached, more=False)


def _read(conditions: Conditions, account: int, place: int, upto: int, wanted: int) -> tuple[list[Arrival], int, int]:
    """Of one account: what matches among the places up to `upto`, how many were looked at, and the last of them."""
    where, values = joined([*_times(conditions), *conditions.rest(("account",))])
    with connection.cursor() as cursor:
        # The inner limit keeps the databases from choosing any index but that of the places.
        cursor.execute(
            f"SELECT seq, raw FROM (SELECT seq, raw, ({where}) AS matches FROM {TABLE} "
            f"WHERE account_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT {upto - place}) AS walked "
            f"WHERE matches LIMIT {wanted}",
            [*values, account, place, upto],
        )
        rows = [Arrival(account, seq, raw) for seq, raw in cursor.fetchall()]
    end = rows[-1].seq if len(rows) >= wanted else upto
    return rows, end - place, end


def _times(conditions: Conditions) -> list[Sql]:
    times: list[Sql] = []
    if conditions.start:
        times.append(("created_at >= %s", [db_time(conditions.start)]))
    if conditions.end:
        times.append(("created_at <= %s", [db_time(conditions.end)]))
    return times
