"""Commands are told when they begin and when they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from accounts.access import record
from accounts.access.models import AccessEntry
from accounts.access.words import Via
from tests.tools.access import told


def test_export_is_told_with_filter_and_rows(events: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "operator")

    call_command("export_events", format="csv", account=["demo0001"], source=["CD"], output=str(tmp_path / "x.csv"))

    assert told() == [("operator", "export_begun", "event"), ("operator", "export_ended", "event")]
    begun, ended = AccessEntry.objects.order_by("pk")
    assert (begun.via, begun.via_id, begun.accounts) == (Via.COMMAND, "export_events", "demo0001")
    assert begun.details["source"] == ["CD"] and begun.details["state"] == "begun"
    assert (ended.details["rows"], ended.details["ok"]) == (1, True)


def test_command_that_fails_is_told_to_have_failed(events: Any) -> None:
    with pytest.raises(CommandError):
        call_command("export_events", format="csv", source_ip=["nonsense"])

    assert [entry.details.get("ok") for entry in AccessEntry.objects.order_by("pk")] == [None, False]


def test_command_that_cannot_be_told_does_not_begin(
    events: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entry: record.Entry, **_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(record, "add", full)
    target = tmp_path / "x.csv"

    with pytest.raises(CommandError, match="Nothing was done: the access log cannot be written"):
        call_command("export_events", format="csv", output=str(target))
    assert not target.exists()


@pytest.mark.parametrize(
    ("command", "action"), [("verify_archive", "verified"), ("seal_archive", "sealed"), ("apply_retention", "ran")]
)
def test_work_on_the_archive_is_told(events: Any, command: str, action: str) -> None:
    call_command(command)

    assert [(entry[1], entry[2]) for entry in told()] == [(action, "archive")] * 2


@pytest.mark.django_db
def test_djangos_own_commands_for_people_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "not-to-be-kept")

    call_command("createsuperuser", interactive=False, username="founder", email="f@example.com", verbosity=0)

    entry = AccessEntry.objects.order_by("-pk")[0]
    assert (entry.action, entry.kind, entry.details["username"], entry.details["ok"]) == (
        "created",
        "person",
        "founder",
        True,
    )
    assert "not-to-be-kept" not in str(list(AccessEntry.objects.values()))
