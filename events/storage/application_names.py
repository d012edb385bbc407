"""Which event named each application of an account last: kept as events come and go, in whatever order.

It is an index and proves nothing: what is shown is read from the named event (`events.reading.applications`). The
name beside it is for looking an application up by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE, EVENTS = "events_applicationname", "events_auditevent"


def add(account_id: int, named: Mapping[str, tuple[str, int]]) -> None:
    """Note names by the applications' ids, each with its event's place in the account's chain, where they are newer
    than what is noted."""
    if not named:
        return
    listed = ", ".join(["(%s, %s, %s, %s)"] * len(named))
    values = [value for application, (name, place) in named.items() for value in (account_id, application, name, place)]
    cast = ("::bigint", "::text", "::text", "::bigint") if connection.vendor == "postgresql" else ("",) * 4
    columns = f"its_account{cast[0]}, application_id{cast[1]}, name{cast[2]}, id, created_at"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH places (its_account, application_id, name, place) AS (VALUES {listed}) "  # noqa: S608 - constants
            f"INSERT INTO {TABLE} (account_id, application_id, name, event_id, created_at) "
            f"SELECT {columns} FROM places CROSS JOIN {EVENTS} "
            f"WHERE account_id = its_account{cast[0]} AND seq = place{cast[3]} "
            "ON CONFLICT (account_id, application_id) DO UPDATE "
            "SET name = excluded.name, event_id = excluded.event_id, created_at = excluded.created_at "
            f"WHERE (excluded.created_at, excluded.event_id) > ({TABLE}.created_at, {TABLE}.event_id)",
            values,
        )


def forget_removed(account_id: int) -> None:
    """Forget names whose event was removed. Those that went before it were older, and are removed too."""
    gone = f"NOT EXISTS (SELECT 1 FROM {EVENTS} e WHERE e.id = {TABLE}.event_id)"  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE account_id = %s AND {gone}", [account_id])  # noqa: S608 - constants
