"""Which event named each application of an account last: kept as events come and go, in whatever order.

It is an index and proves nothing: what is shown is read from the named event (`events.reading.applications`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from events.fields import load_json
from events.nexmo.applications import NAMING_TYPES, application

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TABLE, EVENTS = "events_applicationname", "events_auditevent"
BATCH = 1_000


def add(account_id: int, named: Mapping[str, int]) -> None:
    """Note, by the applications' ids, the places in the account's chain of the events that name them, where those are
    newer than what is noted."""
    if not named:
        return
    typed = ("::text", "::bigint") if connection.vendor == "postgresql" else ("", "")
    listed = ", ".join([f"(%s{typed[0]}, %s{typed[1]})"] * len(named))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH places (application_id, place) AS (VALUES {listed}) "  # noqa: S608 - constants
            f"INSERT INTO {TABLE} (account_id, application_id, event_id, created_at) "
            f"SELECT account_id, application_id, id, created_at FROM places CROSS JOIN {EVENTS} "
            "WHERE account_id = %s AND seq = place "
            "ON CONFLICT (application_id, account_id) DO UPDATE "
            "SET event_id = excluded.event_id, created_at = excluded.created_at "
            f"WHERE (excluded.created_at, excluded.event_id) > ({TABLE}.created_at, {TABLE}.event_id)",
            [*(value for pair in named.items() for value in pair), account_id],
        )


def replace_removed(account_id: int) -> None:
    """Where the event that named an application last was removed, the newest of those that are left does, if there is
    one: a legal hold keeps older ones."""
    gone = f"account_id = %s AND NOT EXISTS (SELECT 1 FROM {EVENTS} e WHERE e.id = {TABLE}.event_id)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT application_id FROM {TABLE} WHERE {gone}", [account_id])  # noqa: S608 - constants
        bereft = {row[0] for row in cursor.fetchall()}
        cursor.execute(f"DELETE FROM {TABLE} WHERE {gone}", [account_id])  # noqa: S608 - constants
    if not bereft:
        return
    newest: dict[str, tuple[Any, int]] = {}
    for created_at, seq, app in _naming(account_id):
        if app in bereft:
            newest[app] = max(newest.get(app, (created_at, seq)), (created_at, seq))
    add(account_id, {app: seq for app, (_, seq) in newest.items()})


def _naming(account_id: int) -> Iterator[tuple[Any, int, str]]:
    """The time and place of each event of an account that names an application, and which."""
    types = ", ".join(f"'{code}'" for code in NAMING_TYPES)
    seq = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT created_at, seq, context FROM {EVENTS} WHERE account_id = %s AND seq > %s "  # noqa: S608
                f"AND event_type IN ({types}) ORDER BY seq LIMIT {BATCH}",
                [account_id, seq],
            )
            rows = cursor.fetchall()
        for created_at, seq, context in rows:
            app, name = application(load_json(context))
            if app and name:
                yield created_at, seq, app
        if len(rows) < BATCH:
            return
