"""Backup and restore: the whole archive, while it is written to, verified afterwards; on SQLite and on PostgreSQL."""

from __future__ import annotations

import ast
import io
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import NexmoAccount
from events.models import AuditEvent
from events.operations import backup
from events.storage import triggers
from tests.conftest import event_json
from tests.tools.processes import ROOT, environment
from tests.tools.services import on_postgres, only_postgres, only_sqlite, postgres_database
from tests.tools.skips import NO_POSTGRES_CLIENT

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_postgres and not shutil.which("pg_dump"), reason=NO_POSTGRES_CLIENT),
]


def write(target: Path) -> str:
    out = io.StringIO()
    call_command("backup", str(target), stdout=out)
    return out.getvalue()


def restore(source: Path, database: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run("restore", str(source), database=database, **more)


def run(*arguments: str, database: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tests/scripts/run_command.py", "http://127.0.0.1:9/none", database, *arguments],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
    )


def restores_in(database: str) -> list[tuple[bool, str]]:
    """What the restored database's access log says of restoring: whether it was intact, and from which file."""
    code = (
        "from accounts.access.models import AccessEntry; "
        "print([(e.details['ok'], e.details['file']) for e in AccessEntry.objects.filter(via_id='restore')])"
    )
    said = run("shell", "--no-imports", "--verbosity=0", "--command", code, database=database)
    found: list[tuple[bool, str]] = ast.literal_eval(said.stdout.strip())
    return found


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """The name of a database with nothing in it."""
    if on_postgres:
        with postgres_database() as url:
            yield url.rpartition("/")[2]
    else:
        yield str(tmp_path / "restored.sqlite3")


@pytest.fixture
def full(cast: Any, add_event: Callable[..., AuditEvent]) -> NexmoAccount:
    account: NexmoAccount = NexmoAccount.objects.get(api_key="demo0001")
    for number in range(1, 21):
        add_event(account, number)
    return account


def test_what_was_backed_up_is_restored_and_verified(full: NexmoAccount, tmp_path: Path, empty: str) -> None:
    said = write(tmp_path / "a.backup")

    restored = restore(tmp_path / "a.backup", empty)

    assert restored.returncode == 0, restored.stderr
    assert f"demo0001 {full.name}: intact. 20 events" in restored.stdout
    assert "The archive is intact." in restored.stdout
    assert "20 events" in said
    again = run("verify_archive", database=empty)
    assert again.returncode == 0, again.stdout + again.stderr  # the triggers are there too
    assert run("migrate", "--check", database=empty).returncode == 0
    assert restores_in(empty) == [(True, "a.backup")]


def test_file_is_its_owners_and_keys_are_remembered(full: NexmoAccount, tmp_path: Path) -> None:
    said = write(tmp_path / "a.backup")

    assert stat.S_IMODE((tmp_path / "a.backup").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["a.backup"]
    assert "CREDENTIAL_KEYS" in said
    assert "SEAL_KEY" in said
    data = (tmp_path / "a.backup").read_bytes()
    assert full.api_secret.encode() not in data


def test_existing_file_is_not_overwritten(full: NexmoAccount, tmp_path: Path) -> None:
    (tmp_path / "a.backup").write_text("precious")

    with pytest.raises(CommandError, match="already exists and is not overwritten"):
        write(tmp_path / "a.backup")

    assert (tmp_path / "a.backup").read_text() == "precious"


@pytest.mark.parametrize("name", ["no/such/directory/a.backup", ""])
def test_file_that_cannot_be_written_is_told(full: NexmoAccount, tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError):
        write(tmp_path / name)


def test_database_that_is_not_empty_is_refused(full: NexmoAccount, tmp_path: Path) -> None:
    write(tmp_path / "a.backup")

    with pytest.raises(CommandError, match="Nothing was restored. The database is not empty") as caught:
        call_command("restore", str(tmp_path / "a.backup"))

    assert caught.value.returncode == 1
    assert AuditEvent.objects.count() == 20


def test_altered_archive_is_told_with_exit_code_2(full: NexmoAccount, tmp_path: Path, empty: str) -> None:
    triggers.remove(connection)
    AuditEvent.objects.filter(event_id=event_json(7)["id"]).update(source_ip="c0000263".rjust(32, "0"))
    triggers.install(connection)
    write(tmp_path / "a.backup")

    restored = restore(tmp_path / "a.backup", empty)

    assert restored.returncode == 2
    assert "NOT INTACT" in restored.stdout
    assert "This backup was altered" in restored.stderr
    assert restores_in(empty) == [(False, "a.backup")]
    assert "Traceback" not in restored.stderr


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 a zip, say"])
def test_file_that_is_no_backup_is_told(db: None, tmp_path: Path, empty: str, content: bytes) -> None:
    (tmp_path / "a.backup").write_bytes(content)

    restored = restore(tmp_path / "a.backup", empty)

    assert restored.returncode == 1
    assert "is not a backup" in restored.stderr
    assert "Traceback" not in restored.stderr


def test_backup_of_the_other_database_is_told(db: None, tmp_path: Path, empty: str) -> None:
    (tmp_path / "a.backup").write_bytes(backup.SQLITE if on_postgres else backup.POSTGRES + b"0123456789abcdef")

    restored = restore(tmp_path / "a.backup", empty)

    assert restored.returncode == 1
    assert "a different kind of database" in restored.stderr


def test_damaged_backup_leaves_nothing_behind(full: NexmoAccount, tmp_path: Path, empty: str) -> None:
    write(tmp_path / "a.backup")
    data = (tmp_path / "a.backup").read_bytes()
    (tmp_path / "half.backup").write_bytes(data[: len(data) // 2])

    restored = restore(tmp_path / "half.backup", empty)

    assert restored.returncode == 1, restored.stdout
    assert "Nothing was restored." in restored.stderr
    assert "Traceback" not in restored.stderr
    assert restore(tmp_path / "a.backup", empty).returncode == 0  # the database is still empty


def test_backup_of_a_later_version_is_told(full: NexmoAccount, tmp_path: Path, empty: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('events', '9999_later', CURRENT_TIMESTAMP)"
        )
    try:
        write(tmp_path / "a.backup")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")

    restored = restore(tmp_path / "a.backup", empty)

    assert restored.returncode == 2
    assert "later version of Auditsite (it has events.9999_later)" in restored.stderr


def test_copy_shows_one_moment_while_events_arrive(
    full: NexmoAccount, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch, add_event: Any
) -> None:
    monkeypatch.setattr(backup, "PAGES", 5)
    reports: list[tuple[int, int | None]] = []
    number = 100
    done = threading.Event()

    def add_more() -> None:
        nonlocal number
        try:
            while not done.is_set():
                number += 1
                add_event(full, number)
        finally:
            connection.close()

    def report(*progress: Any) -> None:
        reports.append(progress)
        patience = time.monotonic() + 60
        while len(reports) == 1 and number < 103 and time.monotonic() < patience:
            time.sleep(0.01)  # however busy the machine: some arrive while the copy is under way

    writer = threading.Thread(target=add_more)
    writer.start()
    try:
        backup.write(tmp_path / "a.backup", report)
    finally:
        done.set()
        writer.join()

    assert reports
    assert number > 101, "events arrived meanwhile"
    assert AuditEvent.objects.count() > 21
    restored = restore(tmp_path / "a.backup", empty)
    assert restored.returncode == 0, restored.stdout + restored.stderr


@only_sqlite
def test_copy_of_sqlite_is_one_plain_file_and_does_not_begin_again_at_each_write(
    full: NexmoAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add_event: Any
) -> None:
    monkeypatch.setattr(backup, "PAGES", 5)
    reports: list[int] = []

    def report(copied: int, total: int | None) -> None:
        reports.append(copied)
        add_event(full, 1000 + len(reports))

    backup.write(tmp_path / "a.backup", report)

    assert reports == sorted(reports), "it began again"
    with sqlite3.connect(f"file:{tmp_path}/a.backup?mode=ro&immutable=1", uri=True) as copy:
        assert copy.execute("SELECT count(*) FROM events_auditevent").fetchone() == (20,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()


@only_sqlite
def test_log_of_an_older_database_is_not_mixed_in(full: NexmoAccount, tmp_path: Path, empty: str) -> None:
    write(tmp_path / "a.backup")
    Path(f"{empty}-wal").write_bytes(b"something")

    restored = restore(tmp_path / "a.backup", empty)

    assert restored.returncode == 1
    assert "that an older database left behind" in restored.stderr


@only_postgres
def test_missing_tool_is_told_with_what_to_install(
    full: NexmoAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(CommandError, match="pg_dump is missing.*postgresql-client"):
        write(tmp_path / "a.backup")

    assert list(tmp_path.iterdir()) == []


@only_postgres
def test_password_goes_by_environment_and_no_key_goes_along(
    full: NexmoAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []
    popen = subprocess.Popen

    def note(command: list[str], **options: Any) -> Any:
        seen.append((command, options["env"]))
        return popen(command, **options)

    monkeypatch.setattr(subprocess, "Popen", note)
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "hunter2")
    backup.write(tmp_path / "a.backup", lambda *_: None)

    ((command, values),) = seen
    assert "hunter2" not in " ".join(command)
    assert values["PGPASSWORD"] == "hunter2"
    assert not {"CREDENTIAL_KEYS", "SECRET_KEY", "SEAL_KEY"} & values.keys()
    assert os.environ["CREDENTIAL_KEYS"] not in str(values)


@only_postgres
def test_failure_of_the_tool_is_told_in_its_words(full: NexmoAccount, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", "9")

    with pytest.raises(backup.BackupError, match="pg_dump failed: .*"):
        backup.write(tmp_path / "a.backup", lambda *_: None)

    assert list(tmp_path.iterdir()) == []
