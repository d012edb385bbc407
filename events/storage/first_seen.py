"""The first event of each user from each country, by account: kept as events come and go, in whatever order.

The first is the one with the earliest time, and of several with one time the one with the lowest key: the order of the
list, read backwards. Events without a user or a country are first of nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Collection

TABLE, EVENTS = "events_firstseen", "events_auditevent"
COLUMNS = "event_id, account_id, user_email, source_country, created_at"
_VALUES = "id, account_id, user_email, source_country, created_at"
NOTED = f"SELECT {COLUMNS} FROM {TABLE} WHERE account_id = %s"  # noqa: S608 - constants
_INSERT = f"INSERT INTO {TABLE} ({COLUMNS})"
_REPLACE = (
    "ON CONFLICT (account_id, user_email, source_country) "
    "DO UPDATE SET event_id = excluded.event_id, created_at = excluded.created_at"
)
_GONE = f"account_id = %s AND NOT EXISTS (SELECT 1 FROM {EVENTS} e WHERE e.id = {TABLE}.event_id)"  # noqa: S608


def from_events(also: str = "1 = 1") -> str:
    """SQL for what the table should hold of an account. `also`: a further condition on the events."""
    place = "ROW_NUMBER() OVER (PARTITION BY user_email, source_country ORDER BY created_at, id)"
    return (
        f"SELECT {_VALUES} FROM (SELECT {_VALUES}, {place} AS place FROM {EVENTS} "  # noqa: S608 - constants
        f"WHERE account_id = %s AND user_email <> '' AND source_country <> '' AND {also}) AS numbered WHERE place = 1"
    )


def add(account_id: int, places: Collection[int]) -> None:
    """Note events, by their places in the account's chain, where they are earlier than what is noted.

    Of one user and country there may be one at the most.
    """
    if not places:
        return
    # Joined, so that each is looked up by its place: of an account that its statistics do not know yet, PostgreSQL
    # would read all events otherwise.
    listed = ", ".join(f"({account_id}, {place})" for place in places)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH places (its_account, place) AS (VALUES {listed}) "  # noqa: S608 - constants and numbers
            f"{_INSERT} SELECT {_VALUES} FROM places CROSS JOIN {EVENTS} "
            f"WHERE account_id = its_account AND seq = place {_REPLACE} "
            f"WHERE (excluded.created_at, excluded.event_id) < ({TABLE}.created_at, {TABLE}.event_id)"
        )


def replace_removed(account_id: int) -> None:
    """Where the first event was removed, the next one is the first now, if there is one."""
    bereft = f"(user_email, source_country) IN (SELECT user_email, source_country FROM {TABLE} WHERE {_GONE})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT} {from_events(bereft)} {_REPLACE}", [account_id, account_id])
        cursor.execute(f"DELETE FROM {TABLE} WHERE {_GONE}", [account_id])  # noqa: S608 - constants
