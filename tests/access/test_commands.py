"""Commands are told when they begin and when they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

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


@pytest.mark.django_db
def test_shell_is_told_and_what_is_typed_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "operator")

    call_command("shell", command="token = 'typed-in-a-shell'", verbosity=0)
    with pytest.raises(SystemExit):
        call_command("shell", command="raise SystemExit", verbosity=0)
    with pytest.raises(ZeroDivisionError):
        call_command("shell", command="1 / 0", verbosity=0)

    entries = list(AccessEntry.objects.order_by("pk"))
    assert {(entry.person, entry.action, entry.via_id) for entry in entries} == {("operator", "ran", "shell")}
    assert [entry.details.get("ok") for entry in entries] == [None, True, None, True, None, False]
    assert "typed-in-a-shell" not in str(list(AccessEntry.objects.values()))


@pytest.mark.django_db
def test_databases_own_shell_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    during = []
    monkeypatch.setattr(type(connection.client), "runshell", lambda *_: during.append(len(told())))

    call_command("dbshell")

    assert during == [1]
    assert [entry.via_id for entry in AccessEntry.objects.all()] == ["dbshell"] * 2


@pytest.mark.django_db
def test_shell_opens_where_the_log_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: record.Entry, **__: Any) -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(record, "add", broken)

    call_command("shell", command="print('mended')", verbosity=0)

    said = capsys.readouterr()
    assert said.out == "mended\n"
    assert said.err.count("This has no entry in the access log, which cannot be written: no such table") == 2


def test_what_is_taken_out_as_fixtures_is_told(events: Any, tmp_path: Path) -> None:
    call_command("dumpdata", "events.eventtype", output=str(tmp_path / "types.json"), verbosity=0)
    call_command("loaddata", str(tmp_path / "types.json"), verbosity=0)

    entries = list(AccessEntry.objects.order_by("pk"))
    assert [entry.action for entry in entries] == ["export_begun", "export_ended", "ran", "ran"]
    assert entries[0].details["names"] == ["events.eventtype"]
    assert entries[3].details["names"] == [str(tmp_path / "types.json")]


@pytest.mark.django_db(transaction=True)
def test_what_is_migrated_is_told_at_its_end() -> None:
    call_command("migrate", verbosity=0)
    assert told() == []

    call_command("migrate", "sessions", "zero", verbosity=0)
    call_command("migrate", verbosity=0)

    entries = list(AccessEntry.objects.order_by("pk"))
    assert [(entry.action, entry.via_id) for entry in entries] == [("ran", "migrate")] * 2
    assert entries[0].details == {"state": "ended", "ok": True, "taken_back": ["sessions.0001_initial"]}
    assert entries[1].details == {"state": "ended", "ok": True, "applied": ["sessions.0001_initial"]}
