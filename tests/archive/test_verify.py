"""Attacks on the archive behind Django's back, and what `verify_archive` says to each."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import NexmoAccount
from events.archive import seal_channels, seals, verify
from events.models import AuditEvent, ChainHead, EventConflict, Seal, SyncState
from events.storage import chain, triggers
from tests.archive.conftest import problem
from tests.tools.services import only_sqlite

pytestmark = pytest.mark.django_db


def rewrite_chain(account: NexmoAccount, rows: list[AuditEvent]) -> None:
    """What a patient attacker does: compute every digest anew."""
    head = ChainHead.objects.get(account=account)
    digest = chain.genesis(head.chain_id)
    AuditEvent.objects.filter(account=account).update(seq=chain_shift())
    for seq, row in enumerate(rows, start=1):
        row.seq = seq
        digest = chain.link(digest, chain.record_hash(chain.values_of(row)))
        row.digest = digest.hex()
        row.save()
    ChainHead.objects.filter(account=account).update(seq=len(rows), digest=digest.hex())
    SyncState.objects.filter(account=account).update(event_count=len(rows))


def chain_shift() -> Any:
    from django.db.models import F

    return F("seq") + 1_000


def test_untouched_archive_is_intact(archive: Any) -> None:
    verdict = verify.verify_account(archive)
    assert (verdict.problem, verdict.events) == ("", 7)
    assert verify.verify_database() == []


def test_empty_account_is_intact(account: Any) -> None:
    assert problem(account) == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("raw", "{}"),
        ("event_type", "APP_DELETE"),
        ("event_id", "another"),
        ("created_at", "2020-01-01 00:00:00+00:00"),
        ("user_email", ""),
        ("source_ip", "192.0.2.99"),
        ("source_ip_key", "0"),
        ("context", '{"a":1}'),
        ("context", None),
        ("fetched_at", "2020-01-01 00:00:00+00:00"),
        ("odd_fields", "id"),
        ("digest", "0" * 64),
    ],
)
def test_altered_field_is_found(archive: Any, attack: Any, column: str, value: Any) -> None:
    attack(f"UPDATE events_auditevent SET {column} = %s WHERE seq = 4", value)
    assert "number 4) was altered" in problem(archive)


def test_event_hidden_from_searches_is_found(archive: Any, attack: Any) -> None:
    attack("UPDATE events_auditevent SET searchable = 'something else' WHERE seq = 4")
    assert "number 4) is hidden from search" in problem(archive)


@pytest.mark.parametrize(("table", "unit"), [("daycount", "day of 2026-03-15"), ("monthcount", "month of 2026-03-01")])
def test_wrong_count_is_found(archive: Any, attack: Any, table: str, unit: str) -> None:
    attack(f"UPDATE events_{table} SET count = count + 1")
    assert f"The count of NUMBER_UPDATED for the {unit} says 8, but 7 are there." in problem(archive)


def test_lost_count_is_found(archive: Any, attack: Any) -> None:
    attack("DELETE FROM events_daycount")
    assert "says 0, but 7 are there" in problem(archive)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events_firstseen SET event_id = (SELECT id FROM events_auditevent WHERE seq = 2)",
        "UPDATE events_firstseen SET created_at = '2026-03-15 12:00:00'",
        "UPDATE events_firstseen SET source_country = 'ES'",
        "DELETE FROM events_firstseen",
    ],
)
def test_wrong_first_event_is_found(archive: Any, attack: Any, statement: str) -> None:
    attack(statement)
    assert "noted as the first event of yourname@example.com from " in problem(archive)


def test_lost_search_index_is_told(archive: Any, attack: Any) -> None:
    attack("DROP INDEX event_account_text" if connection.vendor == "postgresql" else "DROP TRIGGER events_search_add")
    (problem,) = [said for said in verify.verify_database() if "earches miss" in said]
    assert ("event_account_text" if connection.vendor == "postgresql" else "events_search_add") in problem


@pytest.mark.django_db(transaction=True)
@only_sqlite  # which has one lock for all that write
def test_verifying_keeps_nobody_from_writing(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "CHUNK", 2)
    written = []

    def write_meanwhile(_: int) -> None:
        with sqlite3.connect(connection.settings_dict["NAME"], timeout=1) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE events_syncstate SET problem = 'x'")
            written.append(True)

    assert verify.verify_account(archive, progress=write_meanwhile).problem == ""
    assert written


@only_sqlite  # PostgreSQL stores no NUL, so text cannot be moved across one
def test_text_moved_between_fields_is_found(archive: Any, attack: Any) -> None:
    attack("UPDATE events_auditevent SET event_type = event_type || char(0) || event_type_description WHERE seq = 4")
    attack("UPDATE events_auditevent SET event_type_description = '' WHERE seq = 4")
    assert "number 4) was altered" in problem(archive)


def test_removed_row_is_found(archive: Any, attack: Any) -> None:
    attack("DELETE FROM events_auditevent WHERE seq = 4")
    assert "Number 4 is missing" in problem(archive)


def test_removed_row_with_the_rest_renumbered_is_found(archive: Any, attack: Any) -> None:
    attack("DELETE FROM events_auditevent WHERE seq = 4")
    for seq in (5, 6, 7):
        attack("UPDATE events_auditevent SET seq = %s WHERE seq = %s", seq - 1, seq)
    assert "number 4) was altered, inserted or moved" in problem(archive)


def test_inserted_row_is_found(archive: Any, attack: Any) -> None:
    row = AuditEvent.objects.get(seq=7)
    row.pk, row.seq, row.event_id, row.event_id_key = None, 8, "inserted", "inserted"
    row.save(force_insert=True)
    assert "number 8) was altered, inserted or moved" in problem(archive)
    digest = chain.link(bytes.fromhex(row.digest), chain.record_hash(chain.values_of(row)))
    AuditEvent.objects.filter(seq=8).update(digest=digest.hex())
    assert "some were inserted" in problem(archive)


def test_reordered_rows_are_found(archive: Any, attack: Any) -> None:
    for old, new in ((3, 100), (4, 3), (100, 4)):
        attack("UPDATE events_auditevent SET seq = %s WHERE seq = %s", new, old)
    assert "number 3) was altered, inserted or moved" in problem(archive)


def test_truncated_tail_is_found(archive: Any, attack: Any) -> None:
    attack("DELETE FROM events_auditevent WHERE seq > 5")
    assert "the newest are gone" in problem(archive)


def test_truncated_tail_with_the_head_set_back_is_found_by_a_seal(archive: Any, attack: Any) -> None:
    seals.seal(archive)
    rewrite_chain(archive, list(AuditEvent.objects.order_by("seq")[:5]))
    attack("DELETE FROM events_auditevent WHERE seq > 5")
    assert "the newest are gone" in problem(archive)


def test_rewritten_chain_is_found_by_a_seal(archive: Any, attack: Any) -> None:
    seals.seal(archive)
    rows = list(AuditEvent.objects.order_by("seq"))
    rows[3].user_email = "somebody.else@example.com"
    rewrite_chain(archive, rows)
    assert "the chain was rewritten" in problem(archive)


def test_rewritten_chain_whose_seals_were_removed_too_is_found_by_a_seal_kept_outside(
    archive: Any, attack: Any
) -> None:
    seal = seals.seal(archive)
    outside = seals.import_lines(json.dumps(seals.export(seal)))
    rows = list(AuditEvent.objects.order_by("seq"))
    rows[3].user_id = "somebody else"
    rewrite_chain(archive, rows)
    attack("DELETE FROM events_seal")
    assert problem(archive) == ""  # nothing within the database can tell
    assert "the chain was rewritten" in problem(archive, outside_seals=outside)


def test_chain_begun_anew_is_found(archive: Any, attack: Any) -> None:
    seals.seal(archive)
    ChainHead.objects.filter(account=archive).update(chain_id="0" * 32)
    rewrite_chain(archive, list(AuditEvent.objects.order_by("seq")))
    assert "another chain" in problem(archive)


def test_forged_seal_is_found(archive: Any, attack: Any) -> None:
    seals.seal(archive)
    attack("UPDATE events_seal SET statement = REPLACE(statement, 'demo0001', 'demo0002')")
    assert "not genuine" in problem(archive)


def test_lost_head_is_found(archive: Any, attack: Any) -> None:
    attack("DELETE FROM events_chainhead")
    assert "head of their chain is gone" in problem(archive)


def test_missing_trigger_is_told(archive: Any, attack: Any) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_archive", stdout=out)
    assert "trigger events_auditevent_no_delete is missing" in out.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events_auditevent SET raw = '{}' WHERE seq = 3",
        "DELETE FROM events_auditevent WHERE seq = 3",
        "DELETE FROM events_auditevent",
        "UPDATE events_eventconflict SET raw = '{}'",
        "DELETE FROM events_eventconflict",
        "UPDATE events_seal SET digest = ''",
        "DELETE FROM events_seal",
    ],
)
def test_database_refuses_to_change_the_archive(archive: Any, add_event: Any, statement: str) -> None:
    add_event(archive, 1, event_type="OTHER")
    seals.seal(archive)
    assert EventConflict.objects.count() == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_database_refuses_to_replace_or_empty(archive: Any) -> None:
    statement = (
        "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE events_auditevent CASCADE"
        if connection.vendor == "postgresql"
        else "INSERT OR REPLACE INTO events_auditevent SELECT * FROM events_auditevent WHERE seq = 3"
    )
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_command_exits_1_and_names_the_first_bad_event(archive: Any, attack: Any) -> None:
    triggers.install(connection)
    out = io.StringIO()
    call_command("verify_archive", stdout=out)
    assert "demo0001 Quillfern Parcel: intact. 7 events, 0 seal(s)." in out.getvalue()
    triggers.remove(connection)
    attack("UPDATE events_auditevent SET raw = '{}' WHERE seq IN (4, 6)")
    triggers.install(connection)
    with pytest.raises(CommandError) as caught:
        call_command("verify_archive", stdout=(out := io.StringIO()))
    assert caught.value.returncode == 1
    assert "NOT INTACT" in out.getvalue()
    assert "(number 4)" in out.getvalue()


def test_command_checks_seals_kept_in_a_file(archive: Any, tmp_path: Path) -> None:
    file = tmp_path / "seals.ndjson"
    call_command("seal_archive", "--account", "demo0001", "-o", str(file), stdout=io.StringIO())
    call_command("verify_archive", "--seals", str(file), stdout=io.StringIO())
    file.write_text(file.read_text().replace("demo0001", "demo0009"))
    with pytest.raises(CommandError, match="line 1"):
        call_command("verify_archive", "--seals", str(file), stdout=io.StringIO())


# --- seals --------------------------------------------------------------------------------------------------------


def test_seal_can_be_checked_with_nothing_but_the_public_key(archive: Any) -> None:
    seal = seals.seal(archive)
    statement = seals.read(seal.statement, seal.signature, [seals.public_key()])
    assert (statement.account, statement.count, statement.digest) == ("demo0001", 7, seal.digest)
    with pytest.raises(seals.BadSeal):
        seals.read(seal.statement, seal.signature, ["00" * 32])
    with pytest.raises(seals.BadSeal):
        seals.read(seal.statement.replace('"count":7', '"count":6'), seal.signature, [seals.public_key()])


def test_seals_of_an_earlier_key_still_count(archive: Any, settings: Any) -> None:
    seals.seal(archive)
    old = seals.public_key()
    settings.SEAL_KEY = seals.new_key()
    assert "not genuine" in problem(archive)
    settings.SEAL_PUBLIC_KEYS = [old]
    assert problem(archive) == ""


def test_without_a_key_sealing_says_what_to_do(archive: Any, settings: Any) -> None:
    settings.SEAL_KEY = ""
    with pytest.raises(CommandError, match="seal_key"):
        call_command("seal_archive", stdout=io.StringIO())


def test_seal_is_appended_to_a_file_and_failures_are_told(archive: Any, settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "seals.ndjson"
    settings.SEAL_CHANNELS = [str(file), str(tmp_path / "no" / "such"), "jsons://user:hunter2@127.0.0.1:9/x"]
    for _ in range(2):
        seal = seals.seal(archive)
        troubles = seal_channels.send(seal)
    assert len(file.read_text().splitlines()) == 2
    assert len(troubles) == 2
    stored = Seal.objects.get(pk=seal.pk).sent_to
    assert f"{file.name}: sent" in stored
    assert str(tmp_path) not in stored
    assert "hunter2" not in stored + "".join(troubles)


def test_adding_after_a_seal_keeps_it_valid(archive: Any, add_event: Any) -> None:
    seals.seal(archive)
    add_event(archive, 50)
    seals.seal(archive)
    verdict = verify.verify_account(archive)
    assert (verdict.problem, verdict.events, verdict.seals) == ("", 8, 2)
