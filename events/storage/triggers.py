"""The database itself refuses to change the archive: triggers on SQLite and PostgreSQL.

They are made after every `migrate`, because changing a table on SQLite means copying it, which loses its triggers.
The one way to remove an event is to record its removal first (`events.archive.retention`): its place in the chain
stays, and the triggers check that the removal is of that account, of that event, under way now, and under no hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = "the archive is append-only"
EVENTS, CONFLICTS, DISCREPANCIES = "events_auditevent", "events_eventconflict", "events_discrepancy"
REMOVED, REMOVALS, SEALS, LEDGER = "events_removedevent", "events_removal", "events_seal", "events_ledgerentry"
HOLDS, HEADS, WINDOWS = "events_legalhold", "events_chainhead", "events_syncwindow"
RETENTION = "events_retentionchange"
REVIEWS, STATEMENTS = "events_review", "events_reviewstatement"
FINDINGS, FINDING_PARTS, FINDING_HISTORY = "events_finding", "events_findingaccount", "events_findingchange"
ACCESS, ACCESS_BATCHES, ACCESS_REMOVALS = "access_accessentry", "events_accessbatch", "events_accessremoval"

_LEFT_BEHIND = f"EXISTS (SELECT 1 FROM {REMOVED} r WHERE r.account_id = OLD.account_id AND r.seq = {{seq}})"  # noqa: S608
_SEQ_OF_EVENT = f"(SELECT e.seq FROM {EVENTS} e WHERE e.id = OLD.event_id)"  # noqa: S608
# The parts of a finding that lie in accounts with events, of now or before: those keep it from being deleted.
_KEPT_PARTS = (
    f"SELECT 1 FROM {FINDING_PARTS} p JOIN {HEADS} h ON h.account_id = p.account_id "  # noqa: S608 - constants
    "WHERE h.seq > 0 AND p.finding_id = OLD.{column}"
)
_SAME_OR_GONE = "COALESCE(NEW.{0} IS NULL OR NEW.{0} = OLD.{0}, 1 = 0)"


@dataclass(frozen=True)
class Guard:
    """What the database allows with the rows of a table.

    Args:
        columns: all columns but those that may change; none for a table whose rows may change freely.
        may_change: the condition under which a row may change at all, besides leaving `columns` as they are.
        may_go: the condition under which a row may be deleted; none: never. "" for a table without this guard.
        unique: columns that identify a row: INSERT OR REPLACE must not get rid of one silently.
        twin: what else makes an old row `o` and a new one the same, where that holds for some rows only.
    """

    table: str
    columns: tuple[str, ...] = ()
    may_change: str = ""
    may_go: str | None = None
    unique: tuple[tuple[str, ...], ...] = (("id",),)
    twin: str = ""


_SEAL_COLUMNS = ("id", "account_id", "seq", "digest", "sealed_at", "statement", "signature", "key_id")
_HOLD_COLUMNS = ("id", "account_id", "first_day", "last_day", "reason", "created_at", "created_by_id")
_WINDOW_COLUMNS = (
    "id",
    "account_id",
    "run_id",
    "first_day",
    "last_day",
    "asked_at",
    "verified",
    "reason",
    "reported",
    "received",
    "pages",
    "requests",
)
GUARDS = (
    Guard(
        EVENTS,
        may_change="1 = 0",
        may_go=_LEFT_BEHIND.format(seq="OLD.seq"),
        unique=(("id",), ("account_id", "seq"), ("account_id", "event_id_key")),
    ),
    # These two go with their event, and only then.
    Guard(
        CONFLICTS,
        may_change="1 = 0",
        may_go=_LEFT_BEHIND.format(seq=_SEQ_OF_EVENT),
        unique=(("id",), ("event_id", "digest")),
    ),
    Guard(
        DISCREPANCIES,  # its runs may be forgotten; a withdrawn one stays withdrawn, and then
        columns=("id", "account_id", "event_id", "kind", "noticed_at"),
        may_change=f"{_SAME_OR_GONE.format('run_id')} AND (OLD.withdrawn_at IS NULL OR "
        f"COALESCE(NEW.withdrawn_at = OLD.withdrawn_at, 1 = 0) AND {_SAME_OR_GONE.format('withdrawn_by_id')})",
        may_go=_LEFT_BEHIND.format(seq=_SEQ_OF_EVENT),
        twin="o.event_id = NEW.event_id AND o.kind = NEW.kind AND o.withdrawn_at IS NULL AND NEW.withdrawn_at IS NULL",
    ),
    Guard(REMOVED, may_change="1 = 0", unique=(("id",), ("account_id", "seq"))),
    Guard(REMOVALS, may_change="1 = 0"),
    Guard(SEALS, columns=_SEAL_COLUMNS),  # a seal may note afterwards where it was sent
    Guard(REVIEWS, may_change="1 = 0"),
    Guard(STATEMENTS, may_change="1 = 0", unique=(("id",), ("review_id", "account_id"))),
    Guard(LEDGER, may_change="1 = 0", unique=(("number",),)),
    Guard(  # a released one stays released, then and by that person
        HOLDS,
        columns=_HOLD_COLUMNS,
        may_change="OLD.released_at IS NULL OR COALESCE(NEW.released_at = OLD.released_at, 1 = 0) "
        "AND COALESCE(NEW.released_by_id, 0) = COALESCE(OLD.released_by_id, 0)",
    ),
    Guard(
        RETENTION,
        may_change="1 = 0",
        may_go=f"NOT EXISTS (SELECT 1 FROM {HEADS} h WHERE h.account_id = OLD.account_id)",  # noqa: S608
    ),
    Guard(
        HEADS,
        columns=("account_id", "chain_id"),
        may_change="NEW.seq >= OLD.seq",
        may_go="OLD.seq = 0",
        unique=(("account_id",),),
    ),
    # A reading that failed stays on record; those that succeeded long ago are pruned, and coverage is noted first.
    Guard(
        WINDOWS,
        columns=_WINDOW_COLUMNS,
        may_change=_SAME_OR_GONE.format("covered_until"),  # withdrawn after a wrong clock
        may_go=f"OLD.verified OR NOT EXISTS (SELECT 1 FROM {HEADS} h WHERE h.account_id = OLD.account_id)",  # noqa: S608
    ),
    # Who did what goes when it is old, and its batch stays.
    Guard(
        ACCESS,
        may_change="1 = 0",
        may_go=f"EXISTS (SELECT 1 FROM {ACCESS_REMOVALS} r WHERE OLD.id <= r.last AND OLD.at < r.older_than)",  # noqa: S608
    ),
    Guard(ACCESS_BATCHES, may_change="1 = 0", unique=(("id",), ("last",))),
    Guard(ACCESS_REMOVALS, may_change="1 = 0"),
    # What was done with a finding stays as it was written, though its author's login may go. It goes with a finding of
    # accounts that never had an event, when those are deleted.
    Guard(
        FINDING_HISTORY,
        columns=("id", "finding_id", "at", "by_name", "action", "details", "note", "accounts", "seen"),
        may_change=_SAME_OR_GONE.format("by_id"),
        may_go=f"EXISTS (SELECT 1 FROM {FINDING_PARTS} a WHERE a.finding_id = OLD.finding_id) "  # noqa: S608 - constants
        f"AND NOT EXISTS ({_KEPT_PARTS.format(column='finding_id')})",
    ),
    # These two change as people and rules decide; only what the history hangs on is kept.
    Guard(
        FINDINGS,
        columns=("id",),
        may_go=f"NOT EXISTS (SELECT 1 FROM {FINDING_HISTORY} c WHERE c.finding_id = OLD.id)",  # noqa: S608 - constants
        unique=(("id",), ("key",)),
    ),
    Guard(
        FINDING_PARTS,
        columns=("id", "finding_id", "account_id"),
        may_go=f"NOT EXISTS (SELECT 1 FROM {HEADS} o WHERE o.account_id = OLD.account_id AND o.seq > 0) "  # noqa: S608 - constants
        f"OR EXISTS ({_KEPT_PARTS.format(column='finding_id')} AND p.id <> OLD.id)",
        unique=(("id",), ("finding_id", "account_id")),
    ),
)
ALL = tuple(guard.table for guard in GUARDS)

_SOON = {"sqlite": "datetime('now', '+1 hour')", "postgresql": "now() + interval '1 hour'"}
_LATELY = {"sqlite": "datetime('now', '-1 hour')", "postgresql": "now() - interval '1 hour'"}
_LONG_AGO = {"sqlite": "datetime('now', '-29 days')", "postgresql": "now() - interval '29 days'"}
_DAY = {"sqlite": "date(e.created_at)", "postgresql": "(e.created_at AT TIME ZONE 'UTC')::date"}


def _inserts(vendor: str) -> Iterator[tuple[str, str]]:
    """Table, and the condition that its new rows must meet."""
    # The removal is of this account, of this very event, and goes on now; and no hold keeps the event.
    yield (
        REMOVED,
        f"EXISTS (SELECT 1 FROM {REMOVALS} a JOIN {EVENTS} e ON e.account_id = a.account_id "  # noqa: S608 - constants
        "WHERE a.id = NEW.removal_id AND a.account_id = NEW.account_id AND e.seq = NEW.seq "
        f"AND a.count > 0 AND a.removed_at BETWEEN {_LATELY[vendor]} AND {_SOON[vendor]} "
        f"AND e.created_at < a.older_than AND NOT EXISTS (SELECT 1 FROM {HOLDS} h "
        "WHERE h.released_at IS NULL AND (h.account_id IS NULL OR h.account_id = e.account_id) "
        f"AND (h.first_day IS NULL OR h.first_day <= {_DAY[vendor]}) "
        f"AND (h.last_day IS NULL OR h.last_day >= {_DAY[vendor]})))",
    )
    # Nothing of the last month, whatever the settings say, and only what is chained.
    yield (
        ACCESS_REMOVALS,
        f"NEW.older_than < {_LONG_AGO[vendor]} AND EXISTS (SELECT 1 FROM {ACCESS_BATCHES} b WHERE b.last = NEW.last "  # noqa: S608
        "AND b.newest_at < NEW.older_than)",
    )


def install(connection: Any) -> None:
    """Make the triggers where they are missing or are not what they should be."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            schema = _postgresql_schema(cursor)
            for statement in (*_postgresql_functions(schema), *_postgresql_triggers(schema)):
                cursor.execute(statement)
            return
        there = _sqlite_there(cursor)
        for name, (_, statement) in _sqlite().items():
            if there.get(name) != statement:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                cursor.execute(statement)


def remove(connection: Any) -> None:
    """Take the triggers away: while a migration changes the tables, and in tests, which must empty them."""
    with connection.cursor() as cursor:
        for table, name in names():
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing(connection: Any) -> list[str]:
    """The names of triggers that are not there, switched off, or not what this version makes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _postgresql_missing(cursor)
        there = _sqlite_there(cursor)
    return [name for name, (_, statement) in _sqlite().items() if there.get(name) != statement]


def names() -> Iterator[tuple[str, str]]:
    """Table and name of every trigger that either database has."""
    seen = dict.fromkeys((table, name) for name, (table, _) in _sqlite().items())
    seen |= dict.fromkeys((table, name) for table, name, *_ in _postgresql_wanted())
    yield from seen


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _sqlite_there(cursor: Any) -> dict[str, str]:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return dict(cursor.fetchall())


def _sqlite() -> dict[str, tuple[str, str]]:
    """Table and statement of each trigger, by name; spelled as SQLite keeps them."""
    made: dict[str, tuple[str, str]] = {}

    def trigger(table: str, name: str, event: str, refused_when: str) -> None:
        when = f"WHEN {refused_when} " if refused_when else ""
        refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        made[f"{table}_{name}"] = (table, f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}{refuse}")

    for guard in GUARDS:
        changed = [f"NEW.{column} IS NOT OLD.{column}" for column in guard.columns]
        changed += [f"NOT ({guard.may_change})"] if guard.may_change else []
        trigger(guard.table, "no_update", "UPDATE", " OR ".join(changed))
        trigger(guard.table, "no_delete", "DELETE", f"NOT ({guard.may_go})" if guard.may_go else "")
        # INSERT OR REPLACE deletes without asking the trigger above.
        twins = [" AND ".join(f"o.{column} = NEW.{column}" for column in columns) for columns in guard.unique]
        twins += [guard.twin] if guard.twin else []
        twin = " OR ".join(f"({twin})" for twin in twins)
        trigger(guard.table, "no_replace", "INSERT", f"EXISTS (SELECT 1 FROM {guard.table} o WHERE {twin})")  # noqa: S608
    for table, condition in _inserts("sqlite"):
        trigger(table, "checked", "INSERT", f"NOT ({condition})")
    return made


# --- PostgreSQL -----------------------------------------------------------------------------------------------------

# As pg_trigger.tgtype counts them.
_ROW, _BEFORE = 1, 2
_EVENTS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}


def _postgresql_bodies() -> dict[str, str]:
    """The body of each function, by name."""

    def refuse_unless(condition: str, row: str) -> str:
        return f" BEGIN IF NOT ({condition}) THEN RAISE EXCEPTION '{MESSAGE}'; END IF; RETURN {row}; END "

    bodies = {"auditsite_refuse": f" BEGIN RAISE EXCEPTION '{MESSAGE}'; END "}
    for guard in GUARDS:
        same = [f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in guard.columns]
        condition = " AND ".join([*same, *([f"({guard.may_change})"] if guard.may_change else [])])
        bodies[f"{guard.table}_may_change"] = refuse_unless(condition, "NEW")
        if guard.may_go:
            bodies[f"{guard.table}_may_go"] = refuse_unless(guard.may_go, "OLD")
    for table, condition in _inserts("postgresql"):
        bodies[f"{table}_may_come"] = refuse_unless(condition, "NEW")
    return bodies


def _postgresql_schema(cursor: Any) -> str:
    """The schema that holds the archive, as PostgreSQL writes its name."""
    cursor.execute("SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = %s::regclass", [EVENTS])
    (schema,) = cursor.fetchone()
    return str(schema)


def _postgresql_path(schema: str) -> str:
    """Where the functions look for tables, whatever the session's own path is. Unless named last, temporary tables
    would come first."""
    return f"{schema}, pg_temp"


def _postgresql_functions(schema: str) -> Iterator[str]:
    for name, body in _postgresql_bodies().items():
        yield (
            f"CREATE OR REPLACE FUNCTION {schema}.{name}() RETURNS trigger LANGUAGE plpgsql "
            f"SET search_path = {_postgresql_path(schema)} AS $${body}$$"
        )


def _postgresql_wanted() -> Iterator[tuple[str, str, str, str, int]]:
    """Table, name, event, function and type of each trigger."""
    for guard in GUARDS:
        table = guard.table
        yield table, f"{table}_no_update", "UPDATE", f"{table}_may_change", _ROW | _BEFORE
        delete = f"{table}_may_go" if guard.may_go else "auditsite_refuse"
        yield table, f"{table}_no_delete", "DELETE", delete, _ROW | _BEFORE
        yield table, f"{table}_no_truncate", "TRUNCATE", "auditsite_refuse", _BEFORE
    for table, _ in _inserts("postgresql"):
        yield table, f"{table}_checked", "INSERT", f"{table}_may_come", _ROW | _BEFORE


def _postgresql_triggers(schema: str) -> Iterator[str]:
    for table, name, event, function, kind in _postgresql_wanted():
        yield (
            f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON {schema}.{table} "
            f"FOR EACH {'ROW' if kind & _ROW else 'STATEMENT'} EXECUTE FUNCTION {schema}.{function}()"
        )


def _postgresql_missing(cursor: Any) -> list[str]:
    schema = _postgresql_schema(cursor)
    # Whatever ALTER FUNCTION can change counts, but for the owner, the cost and who may call it.
    cursor.execute(
        "SELECT t.tgname, c.relname, p.proname, t.tgtype, p.prosrc, p.proconfig, l.lanname, "
        "p.prosecdef, p.proisstrict, p.provolatile, p.pronamespace = c.relnamespace "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid "
        "JOIN pg_language l ON l.oid = p.prolang WHERE c.relnamespace = %s::regnamespace "
        "AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL AND t.tgattr = ''::int2vector",
        [schema],
    )
    there = {row[0]: row[1:] for row in cursor.fetchall()}
    bodies = _postgresql_bodies()
    usual = [f"search_path={_postgresql_path(schema)}"], "plpgsql", False, False, "v", True
    return [
        name
        for table, name, event, function, kind in _postgresql_wanted()
        if there.get(name) != (table, function, kind | _EVENTS[event], bodies[function], *usual)
    ]
