"""Which event named each application of an account last: kept as events come and go, in whatever order.

It is an index and proves nothing: what is shown is read from the named event (`events.reading.applications`). The words
are those of the name as it is shown: what is masked in a name must not be found by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from events.masking import shown
from events.nexmo.applications import NAMING_TYPES, application, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TABLE, EVENTS = "events_applicationname", "events_auditevent"
BATCH = 1_000


def add(account_id: int, named: Mapping[str, tuple[int, str]]) -> None:
    """Note, by the applications' ids, the places in the account's chain of the events that name them and the words of
    the names, where those events are newer than what is noted."""
    if not named:
        return
    row = "(%s::text, %s::bigint, %s::text)" if connection.vendor == "postgresql" else "(%s, %s, %s)"
    listed = ", ".join([row] * len(named))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH places (application_id, place, words) AS (VALUES {listed}) "  # noqa: S608 - constants
            f"INSERT INTO {TABLE} (account_id, application_id, event_id, created_at, words) "
            f"SELECT account_id, application_id, id, created_at, words FROM places CROSS JOIN {EVENTS} "
            "WHERE account_id = %s AND seq = place "
            "ON CONFLICT (application_id, account_id) DO UPDATE "
            "SET event_id = excluded.event_id, created_at = excluded.created_at, words = excluded.words "
            f"WHERE (excluded.created_at, excluded.event_id) > ({TABLE}.created_at, {TABLE}.event_id)",
            [*(value for app, noted in named.items() for value in (app, *noted)), account_id],
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
    newest: dict[str, tuple[Any, int, str]] = {}
    for created_at, seq, app, words in _naming(account_id):
        if app in bereft:
            newest[app] = max(newest.get(app, (created_at, seq, words)), (created_at, seq, words))
    add(account_id, {app: (seq, words) for app, (_, seq, words) in newest.items()})


def misnoted(account_id: int) -> str:
    """An application of the account for which not the newest of the events that name it is noted, with the words of its
    name; "" where there is none."""
    newest: dict[str, tuple[Any, int, str]] = {}
    for created_at, seq, app, words in _naming(account_id):
        newest[app] = max(newest.get(app, (created_at, seq, words)), (created_at, seq, words))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.application_id, e.seq, n.words FROM {TABLE} n "  # noqa: S608 - constants
            f"LEFT JOIN {EVENTS} e ON e.id = n.event_id AND e.account_id = n.account_id WHERE n.account_id = %s",
            [account_id],
        )
        noted = set(cursor.fetchall())
    wrong = noted ^ {(app, seq, words) for app, (_, seq, words) in newest.items()}
    return min((app for app, _, _ in wrong), default="")


def _naming(account_id: int) -> Iterator[tuple[Any, int, str, str]]:
    """The time and place of each event of an account that names an application, which, and the words of its name."""
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
            app, name = application(shown(context))
            if app and name:
                yield created_at, seq, app, words_of(name)
        if len(rows) < BATCH:
            return
