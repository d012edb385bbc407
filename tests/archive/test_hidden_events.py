"""Events that filters pass over although nothing of them is gone: `verify_archive` says so, and no pack is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import NexmoAccount
from events.evidence.pack import NotIntact, make_pack
from events.models import AuditEvent, EventType
from events.reading.conditions import Conditions
from events.storage import search_check, stored_form
from events.storage.search_index import account_mark
from tests.archive.conftest import SQL, verified
from tests.conftest import NOON

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


# --- evidence packs -------------------------------------------------------------------------------------------------

OVER_ALL = {"start": NOON, "end": NOON + timedelta(days=1)}
HIDE = {
    "respelled": "UPDATE events_auditevent SET created_at = replace(created_at, ' ', 'T') WHERE seq = 4",
    "a first event": "DELETE FROM events_firstseen",
    "a type": "DELETE FROM events_eventtype WHERE code = 'CUSTOM_ONE'",
    "taken out of search": "INSERT INTO events_search(events_search, rowid, text_and_account) "
    "SELECT 'delete', id, raw FROM events_auditevent WHERE seq = 4",
}
ONLY_SQLITE = {"respelled", "taken out of search"}


def pack(file: Path, account: NexmoAccount, **conditions: Any) -> str:
    """What comes of an evidence pack: the number of events, or why there is none."""
    with file.open("w+b") as opened:
        try:
            made = make_pack(opened, Conditions((account.pk,), **conditions), [account], query="", made_by="audrey")
        except NotIntact as error:
            return str(error)
    return str(made.count)


@pytest.mark.parametrize("how", [how for how in HIDE if connection.vendor == "sqlite" or how not in ONLY_SQLITE])
def test_no_pack_is_made_where_events_may_be_hidden_from_its_filter(
    archive: NexmoAccount, add_event: Callable[..., Any], tamper: SQL, tmp_path: Path, how: str
) -> None:
    add_event(archive, 30, event_type="CUSTOM_ONE")
    conditions: dict[str, Any] = {"text": "yourname"} if how == "taken out of search" else OVER_ALL
    file = tmp_path / "pack.zip"
    before = pack(file, archive, **conditions)
    assert before == "8"
    if connection.vendor == "postgresql":
        tamper("SET CONSTRAINTS ALL IMMEDIATE")
    tamper(HIDE[how])
    assert "Run `manage.py verify_archive`" in pack(file, archive, **conditions)
    assert verified() != "intact"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQL cannot touch single entries of PostgreSQL's index")
@pytest.mark.parametrize("hidden", ["name", "an account's mark"])
def test_pack_of_a_large_archive_checks_what_is_searched_for(
    archive: NexmoAccount,
    add_event: Callable[..., Any],
    sql: SQL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hidden: str,
) -> None:
    monkeypatch.setattr(search_check, "WHOLE_UP_TO", 3)
    monkeypatch.setattr(search_check, "_random_pieces", lambda cursor, last: [])
    other = NexmoAccount.objects.get(api_key="demo0003")
    add_event(other, 60, user_email=f"{account_mark(archive.pk)}@example.com")
    assert verified() == "intact"
    piece = account_mark(archive.pk) if hidden == "an account's mark" else "nam"
    fourth = AuditEvent.objects.get(seq=4).pk
    assert pack(tmp_path / "pack.zip", archive, text='"yourname" -else') == "7"
    sql("INSERT INTO events_search(events_search, rowid, text_and_account) VALUES ('delete', %s, %s)", fourth, piece)
    assert "Run `manage.py verify_archive`" in pack(tmp_path / "pack.zip", archive, text='"yourname" -else')


def test_no_pack_is_made_where_an_index_leads_elsewhere(
    archive: NexmoAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        stored_form, "index_problems", lambda models, connection: ["An index does not lead to its rows."]
    )
    assert "Run `manage.py verify_archive`" in pack(tmp_path / "pack.zip", archive)


def test_command_says_why_it_makes_no_pack(archive: NexmoAccount, tamper: SQL, tmp_path: Path) -> None:
    tamper("DELETE FROM events_firstseen")
    file = tmp_path / "pack.zip"
    with pytest.raises(CommandError, match="failed verification"):
        call_command("export_evidence", "-o", str(file))
    assert not file.exists()


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
