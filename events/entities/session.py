"""What one user did, or what came from one address, in one go: read forwards, in all accounts, with the pauses.

A session ends where its actor pauses for longer than a given time. Beside it stand the events that share its addresses
or its users without being its own: what a program did with a secret that was made a minute before names no user.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from events.nexmo.values import ip_key
from events.reading import Conditions, Cursor, Page, read_page
from events.reading.users import spellings_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from events.entities.entity import Entity
    from events.reading import Row

MOST = 200  # events to either side of the one that is asked for, and beside them
MOST_VALUES = 10  # addresses or users that are looked for beside
AROUND = timedelta(minutes=10)  # before and after it, where others are looked for


@dataclass(frozen=True)
class Session:
    """Events of one actor between two pauses.

    Attributes:
        rows: its own, oldest first.
        beside: those of others that share an address or a user with it, oldest first.
        pauses: how long before each of its own events the one before was, by key.
        before, after: the nearest event before and after what is shown, if there is one.
        cut: it has, or may have, more events of its own than are shown.
        beside_cut: more stands beside it than is shown.
    """

    rows: list[Row]
    beside: list[Row]
    pauses: dict[int, timedelta]
    before: Cursor | None
    after: Cursor | None
    cut: bool
    beside_cut: bool

    @property
    def start(self) -> datetime:
        return self.rows[0].created_at

    @property
    def end(self) -> datetime:
        return self.rows[-1].created_at

    @property
    def merged(self) -> list[Row]:
        """All of it, oldest first."""
        return sorted((*self.rows, *self.beside), key=lambda row: (row.created_at, row.pk))


def session(actor: Entity, accounts: tuple[int, ...] | None, pause: timedelta, at: Cursor | None) -> Session | None:
    """The session that holds the actor's newest event up to `at`, or simply its newest; None where there is none.

    Args:
        accounts: those that the reader may see; None for all.
    """
    own = replace(actor.conditions, accounts=accounts)
    upto = Cursor(at.created_at, at.pk + 1) if at else None
    back = read_page(own, MOST + 1, before=upto)
    if not back.rows:
        return None
    anchor = back.rows[0]
    onward = read_page(own, MOST + 1, after=Cursor.of(anchor)) if at else Page([])
    earlier, older, cut_before = _until_pause(back.rows, pause)
    later, newer, cut_after = _until_pause([anchor, *onward.rows[::-1]], pause)
    rows = [*earlier[::-1], *later[1:]]
    beside = _beside(actor, accounts, rows)
    return Session(
        rows,
        beside[:MOST],
        {row.pk: row.created_at - former.created_at for former, row in zip(rows, rows[1:], strict=False)},
        Cursor.of(older) if older else None,
        Cursor.of(newer) if newer else None,
        cut=cut_before or cut_after or _may_go_on(back, older) or _may_go_on(onward, newer),
        beside_cut=len(beside) > MOST,
    )


def _until_pause(rows: list[Row], pause: timedelta) -> tuple[list[Row], Row | None, bool]:
    """The rows up to a pause or to the most that are shown, the one beyond, and whether that one belongs to them."""
    for number, (former, row) in enumerate(zip(rows, rows[1:], strict=False), start=1):
        pauses = abs(row.created_at - former.created_at) > pause
        if pauses or number >= MOST:
            return rows[:number], row, not pauses
    return rows, None, False


def _may_go_on(page: Page, beyond: Row | None) -> bool:
    """Whether the search ended before it came to a pause."""
    return beyond is None and bool(page.searched_back_to or page.searched_up_to)


def _beside(actor: Entity, accounts: tuple[int, ...] | None, rows: list[Row]) -> list[Row]:
    """Events around it from its addresses without its user, or of its users from elsewhere."""
    wanted: dict[str, tuple[Any, ...]]
    if actor.slug == "user":
        keys = _first(ip_key(row.source_ip) for row in rows)
        wanted = {"source_ip": tuple((key, key) for key in keys)}
    else:
        users = _first(row.user_email for row in rows)
        wanted = {"user_email": tuple(dict.fromkeys(name for user in users for name in spellings_of(user)))}
    if not any(wanted.values()):
        return []
    start, end = rows[0].created_at - AROUND, rows[-1].created_at + AROUND
    around = Conditions(
        accounts=accounts, wanted=wanted, unwanted=actor.conditions.wanted, start=start, end=end, oldest_first=True
    )
    return read_page(around, MOST + 1).rows


def _first(values: Iterable[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value][:MOST_VALUES]
