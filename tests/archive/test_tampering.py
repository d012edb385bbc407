"""What passed unnoticed once: respelled values, hidden entries, claimed coverage, borrowed removals, lost accounts.

Most attackers here take the triggers away and make them again; some need not even do that.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import proven_coverage, retention, seals, verify
from events.models import (
    AuditEvent,
    Discrepancy,
    EventConflict,
    LedgerEntry,
    LegalHold,
    Removal,
    RemovedEvent,
    SyncRun,
    SyncWindow,
)
from events.operations import tasks
from events.storage import ledger, search_check, search_index, stored_form, triggers
from events.storage.search_index import POSTGRESQL_ACCOUNT, POSTGRESQL_TEXT
from events.sync import coverage
from tests.archive.conftest import SQL, problem, verified
from tests.conftest import NOON

pytestmark = pytest.mark.django_db
only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's columns take values of any type")
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own catalogue")


@pytest.fixture
def read(archive: NexmoAccount) -> NexmoAccount:
    """The archive after a sync that read and verified everything up to now."""
    run = SyncRun.objects.create(account=archive, trigger="command", started_at=NOON, status="succeeded")
    now = timezone.now() - timedelta(minutes=1)
    SyncWindow.objects.create(account=archive, run=run, asked_at=now, verified=True, covered_until=now)
    coverage.add(archive, None, now)
    return archive


def refused(sql: SQL, statement: str, *parameters: Any) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement, *parameters)


# --- D3: values in another form, indexes that lead elsewhere --------------------------------------------------------


@only_sqlite
@pytest.mark.parametrize(
    "respelled",
    [
        "created_at = replace(created_at, ' ', 'T')",
        "created_at = created_at || '.000000'",
        "created_at = created_at || '.0'",
        "fetched_at = replace(fetched_at, ' ', 'T')",
        "digest = CAST(digest AS BLOB)",
        "searchable = CAST(searchable AS BLOB)",
        "run_id = ''",
        *(
            f"{field.column} = CAST({field.column} AS BLOB)"
            for field in AuditEvent._meta.concrete_fields
            if field.column not in ("id", "account_id", "run_id", "digest", "searchable", "seq")
        ),
    ],
)
def test_value_in_another_form_is_found(archive: NexmoAccount, tamper: SQL, respelled: str) -> None:
    tamper(f"UPDATE events_auditevent SET {respelled} WHERE seq = 4")
    assert "(number 4) was altered: a field has a form" in problem(archive)


@only_sqlite
def test_empty_context_is_not_the_same_as_none(archive: NexmoAccount, add_event: Any, tamper: SQL) -> None:
    add_event(archive, 50, context=...)
    tamper("UPDATE events_auditevent SET context = '' WHERE seq = 8")
    assert "(number 8) was altered" in problem(archive)


@only_sqlite
def test_text_that_is_not_utf8_is_found_and_named(archive: NexmoAccount, tamper: SQL) -> None:
    tamper("UPDATE events_auditevent SET event_id = CAST(x'ff41' AS TEXT) WHERE seq = 4")
    assert "A (number 4) was altered" in problem(archive)


@only_sqlite
@pytest.mark.parametrize(
    ("table", "respelled"),
    [
        ("events_daycount", "day = CAST(day AS BLOB)"),
        ("events_firstseen", "created_at = replace(created_at, ' ', 'T')"),
        ("events_firstseen", "user_email = CAST(user_email AS BLOB)"),
        ("events_coveredspan", "\"end\" = replace(\"end\", ' ', 'T')"),
        ("events_syncwindow", "verified = 2"),
    ],
)
def test_form_counts_beside_the_events_too(read: NexmoAccount, tamper: SQL, table: str, respelled: str) -> None:
    tamper("PRAGMA ignore_check_constraints = 1")
    tamper(f"UPDATE {table} SET {respelled}")
    tamper("PRAGMA ignore_check_constraints = 0")
    assert f"of {table} holds a value in a form" in verified()


@only_postgresql
def test_column_of_another_type_is_found(archive: NexmoAccount, attack: SQL) -> None:
    attack("SET CONSTRAINTS ALL IMMEDIATE")
    attack("ALTER TABLE events_auditevent ALTER COLUMN source TYPE text")
    assert any("column source" in said for said in verify.verify_database())


def test_index_that_leaves_rows_out_is_found(archive: NexmoAccount, sql: SQL) -> None:
    sql("DROP INDEX event_user_time") if connection.vendor == "sqlite" else sql(
        "SET CONSTRAINTS ALL IMMEDIATE; DROP INDEX event_user_time"
    )
    assert "index event_user_time of events_auditevent is missing" in verified()
    sql("CREATE INDEX event_user_time ON events_auditevent (user_email, created_at, id) WHERE seq <> 4")
    assert "index event_user_time of events_auditevent is missing, or leaves rows out" in verified()


@only_sqlite
def test_index_whose_entries_say_something_else_is_found(archive: NexmoAccount, tmp_path: Path) -> None:
    """Another index takes its place in the file: same name, same definition, other entries."""
    file = tmp_path / "copy.sqlite3"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as copy:
        with connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'events_auditevent' AND type <> 'trigger'")
            for (statement,) in cursor.fetchall():
                if statement:
                    copy.execute(statement)
            cursor.execute("SELECT * FROM events_auditevent")
            rows = cursor.fetchall()
        values = [[str(value) if isinstance(value, datetime) else value for value in row] for row in rows]
        copy.executemany(f"INSERT INTO events_auditevent VALUES ({', '.join('?' * len(values[0]))})", values)
        assert index_problems_of(file) == []
        copy.execute("CREATE INDEX stale ON events_auditevent (user_email || 'x', created_at, id)")
        copy.execute("PRAGMA writable_schema = 1")
        copy.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'stale') "
            "WHERE name = 'event_user_time'"
        )
        copy.execute("DELETE FROM sqlite_master WHERE name = 'stale'")
    (said,) = index_problems_of(file)
    assert "An index of events_auditevent does not lead to its rows" in said


def index_problems_of(file: Path) -> list[str]:
    opened = DatabaseWrapper({**connection.settings_dict, "NAME": str(file)}, "default")
    try:
        return list(stored_form.index_problems([AuditEvent], opened))
    finally:
        opened.close()


def test_trigger_replaced_by_one_that_does_nothing_is_found(archive: NexmoAccount, sql: SQL) -> None:
    name = "events_auditevent_no_delete"
    if connection.vendor == "sqlite":
        sql(f"DROP TRIGGER {name}")
        sql(f"CREATE TRIGGER {name} BEFORE DELETE ON events_auditevent WHEN 0 BEGIN SELECT 1; END")
    else:
        sql(
            "CREATE OR REPLACE FUNCTION events_auditevent_may_go() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN OLD; END $$"
        )
    assert f"trigger {name} is missing or was replaced" in verified()
    triggers.install(connection)
    assert verified() == "intact"


# --- D4: search -----------------------------------------------------------------------------------------------------


def forget_in_search(sql: SQL, text: str, seq: int = 4) -> None:
    sql(
        "INSERT INTO events_search(events_search, rowid, text_and_account) "
        f"SELECT 'delete', id, {text} FROM events_auditevent WHERE seq = {seq}"
    )


@only_sqlite
@pytest.mark.parametrize("text", ["raw", "'yourname@example.com'", "'447700900000'"])
@pytest.mark.parametrize("whole", [False, True])
def test_entry_taken_out_of_the_search_index_is_found(archive: NexmoAccount, sql: SQL, text: str, whole: bool) -> None:
    forget_in_search(sql, text)
    assert "(number 4) is hidden from search: the index does not lead to it" in verified(search=whole)


@only_sqlite
def test_entry_moved_to_another_event_is_found(archive: NexmoAccount, sql: SQL) -> None:
    sql("INSERT INTO events_search(rowid, text_and_account) VALUES (9999, 'something else')")
    assert "search index does not fit the events" in verified()


@only_sqlite
def test_large_archive_is_probed_at_random(archive: NexmoAccount, sql: SQL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_check, "WHOLE_UP_TO", 3)
    assert verified() == "intact"
    forget_in_search(sql, "raw")
    assert "is hidden from search: the index does not lead to it" in verified()


@only_sqlite
def test_damaged_search_index_is_told(archive: NexmoAccount, sql: SQL) -> None:
    sql("UPDATE events_search_data SET block = x'00' WHERE id > 10")
    assert "search index is damaged" in verified()


@only_sqlite
def test_search_table_of_another_kind_is_found_and_made_anew(archive: NexmoAccount, sql: SQL) -> None:
    sql("DROP TABLE events_search")
    sql("CREATE VIRTUAL TABLE events_search USING fts5(text, content='')")
    assert "events_search is missing or was replaced" in verified()
    search_index.install(connection)
    assert verified() == "intact"


@only_postgresql
@pytest.mark.parametrize(
    "index",
    [
        f"USING gin ({POSTGRESQL_ACCOUNT}, ({POSTGRESQL_TEXT}) gin_trgm_ops) WHERE seq <> 4",
        "USING gin (source gin_trgm_ops)",
    ],
)
def test_search_index_of_other_rows_is_found(archive: NexmoAccount, sql: SQL, index: str) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("DROP INDEX event_account_text")
    sql(f"CREATE INDEX event_account_text ON events_auditevent {index}")
    assert "event_account_text does not lead to every event" in verified()


# --- D4: coverage ---------------------------------------------------------------------------------------------------


def test_coverage_of_a_sync_is_proven(read: NexmoAccount) -> None:
    seals.seal(read)
    assert verified() == "intact"


@pytest.mark.parametrize("end", ["2031-01-01 00:00:00", "now"])
def test_coverage_that_no_reading_proves_is_found_and_not_sealed(read: NexmoAccount, tamper: SQL, end: str) -> None:
    until = timezone.now() if end == "now" else datetime(2031, 1, 1, tzinfo=UTC)
    before = proven_coverage.statement(read)
    tamper('UPDATE events_coveredspan SET "end" = %s', until.strftime("%Y-%m-%d %H:%M:%S.%f"))
    assert "which no verified reading proves" in problem(read)
    assert [list(span) for span in seals.read(*signed(seals.seal(read))).covered] == before


def test_reading_dated_in_the_future_proves_nothing(read: NexmoAccount, tamper: SQL) -> None:
    tamper("UPDATE events_syncwindow SET asked_at = '2031-01-01 00:00:00'")
    tamper("UPDATE events_coveredspan SET \"end\" = '2031-01-01 00:00:00'")
    assert "which no verified reading proves" in problem(read)


def test_coverage_that_was_sealed_cannot_shrink(read: NexmoAccount, sql: SQL) -> None:
    seals.seal(read)
    sql("DELETE FROM events_coveredspan")
    sql("DELETE FROM events_syncwindow")
    assert "which is not covered now" in problem(read)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM events_coveredspan", "UPDATE events_coveredspan SET start = '2026-03-01 00:00:00'"],
)
def test_coverage_that_was_taken_away_is_found(read: NexmoAccount, sql: SQL, statement: str) -> None:
    sql(statement)
    assert "was taken away: a verified reading added it" in verified()


def test_failed_reading_cannot_be_called_verified(read: NexmoAccount, sql: SQL, tamper: SQL) -> None:
    run = SyncRun.objects.get()
    SyncWindow.objects.create(account=read, run=run, asked_at=NOON, verified=False, reason="2 of 3 events")
    assert verified() == "intact"
    refused(sql, "UPDATE events_syncwindow SET verified = NOT verified")
    refused(sql, "UPDATE events_syncwindow SET reason = ''")
    refused(sql, "DELETE FROM events_syncwindow WHERE NOT verified")
    tamper("UPDATE events_syncwindow SET verified = NOT verified WHERE NOT verified")
    assert "is in the ledger, and was removed from the database" in verified()


def test_readings_are_not_redated(read: NexmoAccount, sql: SQL) -> None:
    """Else coverage could be extended with them, and the next seal would state it."""
    for column in ("asked_at", "first_day", "last_day", "covered_until"):
        refused(sql, f"UPDATE events_syncwindow SET {column} = %s", "2026-01-01")
    SyncWindow.objects.update(repeats=1, asked_again_at=timezone.now())


def test_pruned_readings_leave_their_proof_in_the_ledger(read: NexmoAccount) -> None:
    SyncRun.objects.update(started_at=timezone.now() - timedelta(days=40), finished_at=timezone.now())
    tasks.tidy()
    assert not SyncWindow.objects.exists()
    assert verified() == "intact"
    LedgerEntry.objects.get(kind="coverage")


# --- D4: removals and holds -----------------------------------------------------------------------------------------


def borrowed(owner: NexmoAccount, **wrong: Any) -> Removal:
    now = timezone.now()
    values: dict[str, Any] = {"account": owner, "removed_at": now, "older_than": now, "count": 1}
    removal: Removal = Removal.objects.create(reason="x", **(values | wrong))
    return removal


@pytest.mark.parametrize(
    "wrong",
    [
        {"account": "demo0003"},
        {"count": 0},
        {"removed_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"older_than": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_removal_of_another_account_of_nothing_or_of_long_ago_opens_no_door(
    archive: NexmoAccount, sql: SQL, wrong: dict[str, Any]
) -> None:
    if "account" in wrong:
        wrong = {"account": NexmoAccount.objects.get(api_key="demo0003")}
    removal = borrowed(archive, **wrong)
    door = "INSERT INTO events_removedevent (account_id, seq, record_hash, removal_id) VALUES (%s, %s, %s, %s)"
    refused(sql, door, archive.pk, 4, "0" * 64, removal.pk)
    refused(sql, "DELETE FROM events_auditevent WHERE seq = 4")


def test_number_that_is_no_event_cannot_be_called_removed(archive: NexmoAccount, sql: SQL) -> None:
    door = "INSERT INTO events_removedevent (account_id, seq, record_hash, removal_id) VALUES (%s, %s, %s, %s)"
    refused(sql, door, archive.pk, 99, "0" * 64, borrowed(archive).pk)


def test_held_event_cannot_be_called_removed(archive: NexmoAccount, sql: SQL) -> None:
    door = "INSERT INTO events_removedevent (account_id, seq, record_hash, removal_id) VALUES (%s, %s, %s, %s)"
    hold = LegalHold.objects.create(account=archive, first_day=NOON.date(), last_day=NOON.date(), reason="Case 1")
    removal = borrowed(archive)
    refused(sql, door, archive.pk, 4, "0" * 64, removal.pk)
    LegalHold.objects.filter(pk=hold.pk).update(released_at=timezone.now())
    sql(door, archive.pk, 4, "0" * 64, removal.pk)


def test_removal_that_removed_more_than_it_says_is_found(archive: NexmoAccount, tamper: SQL) -> None:
    removal = borrowed(archive, account=NexmoAccount.objects.get(api_key="demo0003"), count=0)
    door = "INSERT INTO events_removedevent (account_id, seq, record_hash, removal_id) VALUES (%s, %s, %s, %s)"
    tamper(door, archive.pk, 8, "0" * 64, removal.pk)
    assert "says it removed 0 events of one account; 1 were removed in its name" in verified()


def test_holds_are_never_deleted_or_rewritten_and_released_once(archive: NexmoAccount, sql: SQL) -> None:
    LegalHold.objects.create(account=archive, reason="Case 1")
    refused(sql, "DELETE FROM events_legalhold")
    refused(sql, "UPDATE events_legalhold SET reason = 'none'")
    refused(sql, "UPDATE events_legalhold SET account_id = NULL")
    LegalHold.objects.update(released_at=timezone.now())
    refused(sql, "UPDATE events_legalhold SET released_at = NULL")
    assert verified() == "intact"


@pytest.mark.parametrize("statement", ["DELETE FROM events_legalhold", "UPDATE events_legalhold SET last_day = NULL"])
def test_tampered_hold_is_found(archive: NexmoAccount, tamper: SQL, statement: str) -> None:
    LegalHold.objects.create(account=archive, last_day=NOON.date(), reason="Case 1")
    assert verified() == "intact"
    tamper(statement)
    assert "Legal hold" in verified()


def test_release_behind_the_ledgers_back_is_found(archive: NexmoAccount, sql: SQL) -> None:
    LegalHold.objects.create(account=archive, reason="Case 1")
    sql("UPDATE events_legalhold SET released_at = '2026-01-01 00:00:00'")
    assert "The release of legal hold" in verified()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO events_legalhold SELECT * FROM events_legalhold",
        "INSERT OR REPLACE INTO events_removal SELECT * FROM events_removal",
        "INSERT OR REPLACE INTO events_seal SELECT * FROM events_seal",
        "INSERT OR REPLACE INTO events_eventconflict SELECT * FROM events_eventconflict",
        "INSERT OR REPLACE INTO events_ledgerentry SELECT * FROM events_ledgerentry WHERE number = 1",
        "INSERT OR REPLACE INTO events_chainhead SELECT * FROM events_chainhead",
        "INSERT OR REPLACE INTO events_discrepancy (id, account_id, event_id, kind, noticed_at) "
        "SELECT id + 100, account_id, event_id, kind, '2020-01-01 00:00:00' FROM events_discrepancy",
    ],
)
@only_sqlite
def test_nothing_guarded_is_replaced(archive: NexmoAccount, add_event: Any, sql: SQL, statement: str) -> None:
    LegalHold.objects.create(reason="Case 1")
    borrowed(archive)
    seals.seal(archive)
    add_event(archive, 3, event_type="OTHER")
    refused(sql, statement)


def test_records_beside_the_events_are_kept_from_change(archive: NexmoAccount, add_event: Any, sql: SQL) -> None:
    add_event(archive, 3, event_type="OTHER")
    assert (EventConflict.objects.count(), Discrepancy.objects.count()) == (1, 1)
    Discrepancy.objects.standing().update(withdrawn_at=timezone.now())
    for statement in (
        "UPDATE events_discrepancy SET kind = 'late'",
        "UPDATE events_discrepancy SET run_id = 77",
        "UPDATE events_discrepancy SET withdrawn_by_id = 77",
        "UPDATE events_discrepancy SET withdrawn_at = NULL",
        "DELETE FROM events_discrepancy",
        "UPDATE events_ledgerentry SET record_hash = ''",
        "DELETE FROM events_ledgerentry",
        "UPDATE events_chainhead SET chain_id = 'x'",
        "UPDATE events_chainhead SET seq = 1",
        "DELETE FROM events_chainhead",
    ):
        refused(sql, statement)


@pytest.mark.parametrize("table", ["events_discrepancy", "events_eventconflict"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = '2020-01-01 00:00:00'"])
def test_tampered_record_beside_the_events_is_found(
    archive: NexmoAccount, add_event: Any, tamper: SQL, table: str, statement: str
) -> None:
    add_event(archive, 3, event_type="OTHER")
    assert verified() == "intact"
    tamper(statement.format(table, "noticed_at" if table == "events_discrepancy" else "seen_at"))
    assert "the ledger says otherwise" in verified() or "was removed from the database" in verified()


def test_records_go_with_their_events_and_the_ledger_stays_intact(
    archive: NexmoAccount, add_event: Any, tamper: SQL
) -> None:
    add_event(archive, 3, event_type="OTHER")
    archive.keep_days = 1
    archive.save()
    planned = retention.plan(archive, timezone.now())
    assert planned
    assert retention.apply(planned)
    assert not Discrepancy.objects.exists()
    seals.seal(archive)
    assert verified() == "intact"


def test_altered_ledger_is_found(archive: NexmoAccount, tamper: SQL) -> None:
    tamper("UPDATE events_ledgerentry SET account_pk = 99 WHERE number = 1")
    assert "Entry 1 of the ledger was altered" in verified()


def test_ledger_computed_anew_is_found_by_a_seal(archive: NexmoAccount, attack: SQL) -> None:
    LegalHold.objects.create(account=archive, reason="Case 1")
    seals.seal(archive)
    attack("DELETE FROM events_legalhold")
    attack("DELETE FROM events_ledgerentry WHERE kind = 'hold'")
    triggers.install(connection)
    assert ledger.head() != ledger.GENESIS.hex()
    assert "does not fit the ledger: it was rewritten or cut" in verified()


# --- D5: accounts ---------------------------------------------------------------------------------------------------


def delete_account(attack: SQL, account: NexmoAccount) -> None:
    """All rows of an account, in whatever table."""
    triggers.remove(connection)
    if connection.vendor == "sqlite":
        attack("PRAGMA defer_foreign_keys = 1")
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.related_model is NexmoAccount:
                attack(f"DELETE FROM {model._meta.db_table} WHERE {field.column} = {account.pk}")
    attack(f"DELETE FROM accounts_nexmoaccount WHERE id = {account.pk}")
    triggers.install(connection)


def signed(seal: Any) -> tuple[str, str]:
    return seal.statement, seal.signature


@pytest.fixture
def other(archive: NexmoAccount, add_event: Callable[..., Any]) -> NexmoAccount:
    other: NexmoAccount = NexmoAccount.objects.get(api_key="demo0003")
    for number in range(20, 23):
        add_event(other, number)
    return other


def test_account_deleted_with_all_its_rows_is_found(other: NexmoAccount, attack: SQL) -> None:
    delete_account(attack, other)
    assert f"Account {other.pk} is in the ledger, and was removed from the database" in verified()


def test_account_deleted_with_its_ledger_entry_is_found_by_another_accounts_seal(
    archive: NexmoAccount, other: NexmoAccount, attack: SQL
) -> None:
    seals.seal(archive)
    attack("DELETE FROM events_ledgerentry WHERE account_pk = %s", other.pk)
    delete_account(attack, other)
    assert "account demo0001 does not fit the ledger" in verified()


def test_account_deleted_with_every_trace_is_found_by_a_seal_kept_elsewhere(
    archive: NexmoAccount, other: NexmoAccount, attack: SQL, tmp_path: Any
) -> None:
    file = tmp_path / "seals.ndjson"
    file.write_text(json.dumps(seals.export(seals.seal(other))))
    attack("DELETE FROM events_ledgerentry WHERE account_pk = %s", other.pk)
    delete_account(attack, other)
    assert verified() == "intact"  # nothing within the database can tell
    said = verified(seals=str(file))
    assert "of account demo0003 speaks of 3 events, but that account is gone" in said
    assert "does not fit the ledger" in said


def test_exchanged_keys_are_found(archive: NexmoAccount, other: NexmoAccount, sql: SQL) -> None:
    for old, new in (("demo0001", "x"), ("demo0003", "demo0001"), ("x", "demo0003")):
        sql("UPDATE accounts_nexmoaccount SET api_key = %s WHERE api_key = %s", new, old)
    assert "was altered: the ledger says otherwise" in verified()


@pytest.mark.parametrize("had", ["nothing", "a seal", "an event"])
def test_exchanged_key_is_found_once_either_account_had_an_event_or_a_seal(
    archive: NexmoAccount, add_event: Callable[..., Any], sql: SQL, had: str
) -> None:
    third = NexmoAccount.objects.get(api_key="demo0003")
    if had == "a seal":
        seals.seal(third)
    if had == "an event":
        add_event(third, 20)
    for old, new in (("demo0003", "x"), ("demo0004", "demo0003"), ("x", "demo0004")):
        sql("UPDATE accounts_nexmoaccount SET api_key = %s WHERE api_key = %s", new, old)
    assert (verified() == "intact") is (had == "nothing")


def test_exchanged_keys_are_found_by_seals_too(archive: NexmoAccount, other: NexmoAccount, sql: SQL) -> None:
    for account in (archive, other):
        seals.seal(account)
    for old, new in (("demo0001", "x"), ("demo0003", "demo0001"), ("x", "demo0003")):
        sql("UPDATE accounts_nexmoaccount SET api_key = %s WHERE api_key = %s", new, old)
    assert "keys or seals were exchanged" in problem(NexmoAccount.objects.get(api_key="demo0001"))


def test_events_of_an_account_that_is_gone_are_found(other: NexmoAccount, attack: SQL) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL checks references")
    attack("PRAGMA defer_foreign_keys = 1")
    attack("DELETE FROM accounts_nexmoaccount WHERE api_key = 'demo0003'")
    triggers.install(connection)
    try:
        assert f"rows of events_auditevent of account {other.pk}, which is gone" in verified()
    finally:
        delete_account(attack, other)  # nothing may be left that refers to it


def test_seal_of_the_first_format_still_counts(archive: NexmoAccount) -> None:
    seal = seals.seal(archive)
    value = json.loads(seal.statement)
    del value["ledger"]
    text = json.dumps(value | {"format": "auditsite seal 1"}, sort_keys=True, separators=(",", ":"))
    old = seals.read(text, seals.sign(text))
    assert (old.count, old.ledger) == (7, "")
    assert problem(archive, outside_seals=[old]) == ""
    assert verify.verify_database(outside_seals=[old]) == []


def test_removed_events_that_come_back_are_found(archive: NexmoAccount, tamper: SQL) -> None:
    archive.keep_days = 1
    archive.save()
    planned = retention.plan(archive, timezone.now())
    assert planned
    retention.apply(planned)
    seals.seal(archive)
    assert RemovedEvent.objects.count() == 7
    tamper("DELETE FROM events_removedevent WHERE seq = 7")
    assert "the newest are gone" in problem(archive)
