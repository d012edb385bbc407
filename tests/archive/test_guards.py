"""What the triggers guard: every column and every key of what is evidence, wherever a session looks for tables."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import UniqueConstraint

from accounts.models import NexmoAccount
from events.models import Discrepancy, Finding, FindingAccount
from events.storage import triggers
from tests.archive.conftest import SQL, verified
from tests.archive.test_tampering import refused
from tests.conftest import NOON

pytestmark = pytest.mark.django_db
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's functions")
only_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="INSERT OR REPLACE is SQLite's")

every_guard = pytest.mark.parametrize("guard", triggers.GUARDS, ids=lambda guard: guard.table)


def model_of(guard: triggers.Guard) -> Any:
    (model,) = (model for model in apps.get_models() if model._meta.db_table == guard.table)
    return model


# What the site itself changes afterwards; each with a condition, or without any weight as evidence.
MAY_CHANGE = {
    "events_discrepancy": {"run", "withdrawn_at", "withdrawn_by"},
    "events_seal": {"sent_to"},
    "events_legalhold": {"released_at", "released_by"},
    "events_chainhead": {"seq", "digest"},
    "events_syncwindow": {"covered_until", "repeats", "asked_again_at"},
    "events_findingchange": {"by"},
    # How findings stand now; their history says how they came to.
    "events_finding": {field.name for field in Finding._meta.concrete_fields} - {"id"},
    "events_findingaccount": {field.name for field in FindingAccount._meta.concrete_fields}
    - {"id", "finding", "account"},
}


@every_guard
def test_every_column_of_a_guarded_table_is_guarded(guard: triggers.Guard) -> None:
    free = {field.name for field in model_of(guard)._meta.concrete_fields if field.column not in guard.columns}
    assert guard.may_change == "1 = 0" or free == MAY_CHANGE[guard.table]


@every_guard
def test_every_key_of_a_guarded_table_is_guarded(guard: triggers.Guard) -> None:
    """INSERT OR REPLACE deletes whatever row has a key of the new one."""
    meta = model_of(guard)._meta
    columns = {field.name: field.column for field in meta.concrete_fields}
    keys = {(field.column,) for field in meta.concrete_fields if field.unique}
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            key = tuple(columns[name] for name in constraint.fields)
            if constraint.condition is None:
                keys.add(key)
            else:
                assert all(f"o.{column} = NEW.{column}" in guard.twin for column in key)
    assert keys == set(guard.unique)


@only_sqlite
def test_withdrawn_discrepancy_does_not_take_the_place_of_a_standing_one(
    archive: NexmoAccount, add_event: Any, sql: SQL
) -> None:
    add_event(archive, 3, event_type="OTHER")
    Discrepancy.objects.standing().update(withdrawn_at=NOON)
    first = Discrepancy.objects.get()
    Discrepancy.objects.create(account=archive, event=first.event, kind=first.kind, noticed_at=NOON)
    refused(sql, "UPDATE OR REPLACE events_discrepancy SET withdrawn_at = NULL WHERE id = %s", first.pk)
    assert verified() == "intact"


# --- PostgreSQL's functions -----------------------------------------------------------------------------------------


@only_postgresql
@pytest.mark.parametrize(
    "change",
    [
        "SET search_path = evil, public",
        "RESET search_path",
        "SET session_replication_role = replica",
        "SECURITY DEFINER",
        "STRICT",
        "STABLE",
        "SET SCHEMA evil",
    ],
)
def test_function_that_was_altered_is_found(archive: NexmoAccount, sql: SQL, change: str) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("CREATE SCHEMA evil")
    sql(f"ALTER FUNCTION events_auditevent_may_go() {change}")
    assert "trigger events_auditevent_no_delete is missing or was replaced" in verified()
    triggers.install(connection)
    assert verified() == "intact"


@only_postgresql
@pytest.mark.parametrize("schema", ["pg_temp", "evil"])
def test_tables_that_a_session_puts_before_ours_open_no_door(archive: NexmoAccount, sql: SQL, schema: str) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    if schema == "evil":
        sql("CREATE SCHEMA evil")
        sql("SET LOCAL search_path = evil, public")
    sql(f"CREATE TABLE {schema}.events_removedevent AS SELECT account_id, seq FROM public.events_auditevent")
    refused(sql, "DELETE FROM public.events_auditevent WHERE seq = 7")
    sql(f"DROP TABLE {schema}.events_removedevent")
