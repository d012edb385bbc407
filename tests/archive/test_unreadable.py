"""Values that nothing here has written are told as such: verifying goes on, and never ends in a traceback."""

from __future__ import annotations

import pytest
from django.db import connection

from accounts.models import NexmoAccount
from events.archive import seals
from events.models import AuditEvent, Discrepancy, LegalHold
from tests.archive.conftest import SQL, verified
from tests.conftest import NOON

pytestmark = pytest.mark.django_db


def test_altered_event_with_a_discrepancy_is_named(archive: NexmoAccount, tamper: SQL) -> None:
    event = AuditEvent.objects.get(account=archive, seq=4)
    Discrepancy.objects.create(account=archive, event=event, kind="late", noticed_at=NOON)
    tamper("UPDATE events_auditevent SET context = '{' WHERE seq = 4")
    assert "(number 4) was altered" in verified()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's columns take values of any type")
def test_record_that_cannot_be_read_is_told(archive: NexmoAccount, tamper: SQL) -> None:
    LegalHold.objects.create(reason="case 1")
    tamper("UPDATE events_legalhold SET created_at = '2026-13-45 99:00:00'")
    said = verified()
    assert "of events_legalhold holds a value in a form in which nothing is stored" in said
    assert "a value cannot be read (ValueError), so it was altered" in said


@pytest.mark.parametrize(
    "altered", ["sealed_at = '2026-11-25 10:00:00'", "key_id = '0123456789abcdef'", "digest = 'x'", "seq = 6"]
)
def test_row_of_a_seal_that_says_something_else_is_found(archive: NexmoAccount, tamper: SQL, altered: str) -> None:
    """By its row the worker goes to see whether a new seal is due."""
    seals.seal(archive)
    assert verified() == "intact"
    tamper(f"UPDATE events_seal SET {altered}")
    assert "does not say what its row says" in verified()


def test_text_put_into_the_ledger_is_found(archive: NexmoAccount, tamper: SQL) -> None:
    tamper("UPDATE events_ledgerentry SET detail = 'x' WHERE number = 1")
    assert "Entry 1 of the ledger was altered: only coverage" in verified()
