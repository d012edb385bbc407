"""The database itself refuses to change the archive: triggers on SQLite and PostgreSQL.

They are made after every `migrate`, because changing a table on SQLite means copying it, which loses its triggers.
The one way to remove an event is to leave its place in the chain behind first (`events.retention`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = "the archive is append-only"
EVENTS, CONFLICTS = "events_auditevent", "events_eventconflict"
# Rows that are never changed and never removed.
FIXED = ("events_removedevent", "events_removal", "events_seal")
ALL = (EVENTS, CONFLICTS, *FIXED)

_SEAL_COLUMNS = "id, account_id, seq, digest, sealed_at, statement, signature, key_id"
_LEFT_BEHIND = "EXISTS (SELECT 1 FROM events_removedevent r WHERE r.account_id = OLD.account_id AND r.seq = {seq})"
# A conflict goes with its event, and only then.
_MAY_GO = {
    EVENTS: _LEFT_BEHIND.format(seq="OLD.seq"),
    CONFLICTS: _LEFT_BEHIND.format(seq=f"(SELECT e.seq FROM {EVENTS} e WHERE e.id = OLD.event_id)"),  # noqa: S608
}


def install(connection: Any) -> None:
    """Make the triggers where they are missing."""
    with connection.cursor() as cursor:
        for statement in _postgresql() if connection.vendor == "postgresql" else _sqlite():
            cursor.execute(statement)


def remove(connection: Any) -> None:
    """Take the triggers away: while a migration changes the tables, and in tests, which must empty them."""
    with connection.cursor() as cursor:
        for table, name in names():
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
        if connection.vendor == "postgresql":
            for table in ALL:
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")


def missing(connection: Any) -> list[str]:
    """The names of triggers that are not there, or switched off."""
    catalog = (
        "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(catalog)
        there = {name for (name,) in cursor.fetchall()}
    return [name for _, name in names() if name not in there]


def names() -> Iterator[tuple[str, str]]:
    """Table and name of every trigger that both databases have."""
    for table in ALL:
        yield table, f"{table}_no_update"
        yield table, f"{table}_no_delete"


def _sqlite() -> Iterator[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    for table in ALL:
        # A seal may note afterwards where it was sent, nothing else.
        only = (
            " OF id, account_id, seq, digest, sealed_at, statement, signature, key_id" if table == "events_seal" else ""
        )
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_update BEFORE UPDATE{only} ON {table} {refuse}"
        when = f"WHEN NOT {_MAY_GO[table]} " if table in _MAY_GO else ""
        yield f"CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table} {when}{refuse}"
    # INSERT OR REPLACE deletes without asking the trigger above.
    twin = (
        "e.id = NEW.id OR (e.account_id = NEW.account_id AND e.seq = NEW.seq) "
        "OR (e.account_id = NEW.account_id AND e.event_id_key = NEW.event_id_key)"
    )
    exists = f"EXISTS (SELECT 1 FROM {EVENTS} e WHERE {twin})"  # noqa: S608 - constants
    yield f"CREATE TRIGGER IF NOT EXISTS {EVENTS}_no_replace BEFORE INSERT ON {EVENTS} WHEN {exists} {refuse}"


def _postgresql() -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION auditsite_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$"
    )
    yield (
        "CREATE OR REPLACE FUNCTION auditsite_only_sent_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF to_jsonb(NEW) - 'sent_to' IS DISTINCT FROM to_jsonb(OLD) - 'sent_to' "
        f"THEN RAISE EXCEPTION '{MESSAGE}'; END IF; RETURN NEW; END $$"
    )
    for table, condition in _MAY_GO.items():
        yield (
            f"CREATE OR REPLACE FUNCTION {table}_may_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NOT {condition} THEN RAISE EXCEPTION '{MESSAGE}'; END IF; RETURN OLD; END $$"
        )
    for table in ALL:
        update = "auditsite_only_sent_to" if table == "events_seal" else "auditsite_refuse"
        delete = f"{table}_may_go" if table in _MAY_GO else "auditsite_refuse"
        yield _make(table, "no_update", "UPDATE", "ROW", update)
        yield _make(table, "no_delete", "DELETE", "ROW", delete)
        yield _make(table, "no_truncate", "TRUNCATE", "STATEMENT", "auditsite_refuse")


def _make(table: str, name: str, event: str, level: str, function: str) -> str:
    return (
        f"CREATE OR REPLACE TRIGGER {table}_{name} BEFORE {event} ON {table} "
        f"FOR EACH {level} EXECUTE FUNCTION {function}()"
    )
