"""What applications are called, for events that tell an application's id alone."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import connection

from events.fields import load_json
from events.nexmo.applications import ABOUT_TYPES, NAMING_TYPES, application, nameless_application
from events.reading.rows import TABLE
from events.storage import application_names
from events.storage.search_index import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.models import AuditEvent
    from events.reading.rows import Row

# By account and application, in lower case.
Names = dict[tuple[int, str], str]
MOST_NAMED = 3
LONGEST_KEPT = 4_000  # characters of a context that is kept with what was read from it: there may be thousands


def nameless(event_type: str, context: str | None) -> str:
    """The id of the application that an event is about without naming it; "" where there is none."""
    if event_type not in ABOUT_TYPES or not context:
        return ""
    return _read(context) if len(context) <= LONGEST_KEPT else _read.__wrapped__(context)


@lru_cache(maxsize=4096)
def _read(context: str) -> str:
    return nameless_application(load_json(context))


def names_for(rows: Iterable[Row | AuditEvent]) -> Names:
    """What the applications of these events are called, as the newest event that named each says. At most one query."""
    wanted = {(row.account_id, app) for row in rows if (app := nameless(row.event_type, row.context))}
    return names_of(wanted)


def names_of(wanted: Iterable[tuple[int, str]]) -> Names:
    """The same of these applications, by account and id."""
    wanted = set(wanted)
    if not wanted:
        return {}
    accounts, apps = (sorted(set(column)) for column in zip(*wanted, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.account_id, n.application_id, e.context FROM {application_names.TABLE} n "
            f"JOIN {TABLE} e ON e.id = n.event_id AND e.account_id = n.account_id "
            f"WHERE n.application_id IN ({', '.join(['%s'] * len(apps))}) "
            f"AND n.account_id IN ({', '.join(['%s'] * len(accounts))})",
            [*apps, *accounts],
        )
        rows = cursor.fetchall()
    names: Names = {}
    for account, app, context in rows:
        told, name = application(load_json(context)) if (account, app) in wanted else ("", "")
        if name and told == app:
            names[account, app] = name
    return names


def named_by(rows: Iterable[Row], text: str) -> dict[str, str]:
    """Applications whose name holds all the words of a search, by id, out of the events that it found: those that name
    an application are among them."""
    wanted = [word.casefold() for word in words(text).wanted]
    names: dict[str, str] = {}
    for row in rows:
        if row.event_type in NAMING_TYPES and len(names) < MOST_NAMED:
            app, name = application(load_json(row.context))
            if app and wanted and all(word in name.casefold() for word in wanted):
                names.setdefault(app, name)
    return names
