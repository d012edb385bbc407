"""What is added to the archive's tables is found, where it can keep rows out or hide them; nothing is taken away."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.access.models import AccessEntry
from accounts.models import NexmoAccount
from events.archive import verify
from events.models import RetentionChange
from events.models.ledger import Recorded
from events.storage import triggers
from tests.archive.conftest import SQL, verified

pytestmark = pytest.mark.django_db
only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's triggers and tables")
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's rules and policies")


def entry(sql: SQL) -> None:
    sql(
        "INSERT INTO access_accessentry (at, action, kind, object_id, object_name, accounts, person, via, via_id, "
        "address, agent, request_id, detail, record_hash) "
        "VALUES (CURRENT_TIMESTAMP, 'opened', 'event', '', '', '', 'mallory', 'session', '', '', '', '', '', '')"
    )


@only_sqlite
def test_trigger_that_passes_over_a_persons_entries_is_found(archive: NexmoAccount, sql: SQL) -> None:
    sql(
        "CREATE TRIGGER quiet BEFORE INSERT ON access_accessentry WHEN NEW.person = 'mallory' "
        "BEGIN SELECT RAISE(IGNORE); END"
    )
    entry(sql)
    assert not AccessEntry.objects.filter(person="mallory").exists()  # without an error
    assert "The trigger quiet of access_accessentry is not one of Auditsite's" in verified()


@only_sqlite
def test_table_that_leaves_rows_out_is_found(archive: NexmoAccount, attack: SQL) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'events_eventtype'")
        (made,) = cursor.fetchone()
    attack("DROP TABLE events_eventtype")
    attack(made.replace("PRIMARY KEY", "PRIMARY KEY ON CONFLICT IGNORE"))
    assert any("events_eventtype was made anew" in said for said in verify.verify_database())


@only_postgresql
def test_trigger_that_passes_over_rows_is_found_on_postgresql_too(archive: NexmoAccount, sql: SQL) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
    sql("CREATE TRIGGER quiet BEFORE INSERT ON access_accessentry FOR EACH ROW EXECUTE FUNCTION quiet()")
    entry(sql)
    assert not AccessEntry.objects.filter(person="mallory").exists()
    assert "The trigger quiet of access_accessentry is not one of Auditsite's" in verified()


@only_postgresql
def test_rule_that_writes_nothing_is_found(archive: NexmoAccount, sql: SQL) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("CREATE RULE quiet AS ON INSERT TO access_accessentry WHERE NEW.person = 'mallory' DO INSTEAD NOTHING")
    entry(sql)
    assert not AccessEntry.objects.filter(person="mallory").exists()
    assert "The rule quiet of access_accessentry is not one of Auditsite's" in verified()


@only_postgresql
def test_row_security_is_found(archive: NexmoAccount, sql: SQL) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE events_coveredspan ENABLE ROW LEVEL SECURITY")
    assert "Row security is on for events_coveredspan" in verified()


@only_postgresql
def test_triggers_that_are_switched_off_for_the_session_are_told(archive: NexmoAccount, sql: SQL) -> None:
    """As `ALTER ROLE ... SET session_replication_role = replica` does it for all sessions to come."""
    sql("SET LOCAL session_replication_role = replica")
    sql("DELETE FROM access_accessentry")  # nobody refuses
    assert "session_replication_role is replica" in verified()


def test_everything_that_is_guarded_or_recorded_is_looked_at() -> None:
    recorded = {model._meta.db_table for model in apps.get_models() if issubclass(model, Recorded)}
    assert recorded | set(triggers.ALL) <= set(verify.TABLES)


@only_sqlite
def test_retention_in_another_order_is_found(archive: NexmoAccount, tamper: SQL) -> None:
    """The last change counts. A time with a T is later than every other of its day."""
    for before, after in ((None, 400), (400, None)):
        now = timezone.now()
        RetentionChange.objects.create(
            account=archive, days_before=before, days_after=after, changed_at=now, effective_at=now
        )
    tamper("UPDATE events_retentionchange SET changed_at = replace(changed_at, ' ', 'T') WHERE days_after = 400")
    tamper("UPDATE accounts_nexmoaccount SET keep_days = 400")
    assert "of events_retentionchange holds a value in a form in which nothing is stored" in verified()
