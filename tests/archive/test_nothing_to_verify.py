"""Where there is nothing to compare nothing is intact: an empty or half-restored database, a file without seals."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import NexmoAccount
from events.archive import seals
from events.models import SyncState
from events.storage import triggers
from tests.archive.conftest import SQL, verified

pytestmark = pytest.mark.django_db


def test_empty_database_is_not_intact() -> None:
    NexmoAccount.objects.all().delete()
    with pytest.raises(CommandError, match="no account in this database, so nothing was verified"):
        call_command("verify_archive", stdout=io.StringIO())


def test_account_without_anything_is_not_called_intact(archive: NexmoAccount) -> None:
    out = io.StringIO()
    call_command("verify_archive", stdout=out)
    lines = {line.split()[0]: line for line in out.getvalue().splitlines()}
    assert "intact. 7 events" in lines[archive.api_key]
    other = NexmoAccount.objects.exclude(pk=archive.pk).first()
    assert other and "nothing to verify. It has no events and no seals." in lines[other.api_key]


def test_account_that_counts_events_of_which_none_are_there_is_found(archive: NexmoAccount, attack: SQL) -> None:
    """As after restoring a backup without its large tables."""
    assert SyncState.objects.get(account=archive).event_count == 7
    for table in ("auditevent", "chainhead", "ledgerentry", "daycount", "monthcount", "firstseen"):
        attack(f"DELETE FROM events_{table}")
    triggers.install(connection)
    assert "The account's count says 7 events, but neither they nor their chain are there." in verified()


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_file_without_a_seal_is_refused(archive: NexmoAccount, tmp_path: Path, text: str) -> None:
    file = tmp_path / "seals.ndjson"
    file.write_text(text)
    with pytest.raises(CommandError, match="holds no seal, so there is nothing to compare"):
        call_command("verify_archive", stdout=io.StringIO(), seals=str(file))


@pytest.mark.parametrize("nested", ["line", "statement"])
def test_seal_nested_too_deep_is_told_by_its_line(archive: NexmoAccount, tmp_path: Path, nested: str) -> None:
    deep, file = "[" * 100_000, tmp_path / "seals.ndjson"
    seal = json.dumps({"statement": deep, "signature": seals.sign(deep), "key": ""})
    file.write_text(deep if nested == "line" else seal)
    with pytest.raises(CommandError, match="line 1"):
        call_command("verify_archive", stdout=io.StringIO(), seals=str(file))
