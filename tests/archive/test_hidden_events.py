"""Events that filters pass over although nothing of them is gone: `verify_archive` says so, and no pack is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import NexmoAccount
from events.models import AuditEvent, EventType
from events.storage import search_check
from tests.archive.conftest import SQL, verified

pytestmark = pytest.mark.django_db


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQL cannot touch single entries of PostgreSQL's index")
@pytest.mark.parametrize("whole", [True, False])
def test_entries_moved_so_that_all_sums_agree_are_found(
    archive: NexmoAccount, add_event: Callable[..., Any], sql: SQL, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """1, 5, 6 and 2, 3, 7 are as many, and have the same sum and the same sum of squares."""
    for number in range(1, 8):
        add_event(archive, 100 + number, user_email="zqj@example.com" if number in (1, 5, 6) else "x@example.com")
    if not whole:
        monkeypatch.setattr(search_check, "WHOLE_UP_TO", 3)
        monkeypatch.setattr(search_check, "trigrams", lambda text: ["zqj"])
    assert verified() == "intact"
    last = AuditEvent.objects.latest("pk").pk
    for place in (1, 5, 6):
        sql(
            "INSERT INTO events_search(events_search, rowid, text_and_account) VALUES ('delete', %s, 'zqj')",
            last - 7 + place,
        )
    for place in (2, 3, 7):
        sql("INSERT INTO events_search(rowid, text_and_account) VALUES (%s, 'zqj')", last - 7 + place)
    assert "is hidden from search: the index does not lead to it" in verified(search=whole)


# --- types that no list names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["DELETE FROM {}", "UPDATE {} SET code = 'custom_two'"])
def test_type_taken_from_the_list_is_found_and_listed_again(
    archive: NexmoAccount, add_event: Callable[..., Any], sql: SQL, how: str
) -> None:
    for number, code in enumerate(("CUSTOM_ONE", "CUSTOM_TWO"), start=30):
        add_event(archive, number, event_type=code)
    assert verified() == "intact"
    sql(how.format(EventType._meta.db_table) + " WHERE code = 'CUSTOM_TWO'")
    assert "The event type CUSTOM_TWO of 1 event(s) is not on the list" in verified()
    if connection.vendor == "postgresql":
        sql("SET CONSTRAINTS ALL IMMEDIATE")
    call_command("migrate", verbosity=0)
    assert EventType.objects.filter(code="CUSTOM_TWO").exists()
    assert verified() == "intact"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's columns take values of any type")
def test_type_on_the_list_in_another_form_is_found(archive: NexmoAccount, add_event: Any, sql: SQL) -> None:
    add_event(archive, 30, event_type="CUSTOM_ONE")
    sql("UPDATE events_eventtype SET code = CAST(code AS BLOB)")
    assert "of events_eventtype holds a value in a form" in verified()
    sql("DELETE FROM events_eventtype")
