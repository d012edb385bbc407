"""Migrations with an archive in the database: nothing of it changes."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import NexmoAccount
from events.models import SyncRun, SyncWindow
from events.storage import triggers
from events.sync import coverage, state
from tests.conftest import NOON
from tests.operations.test_backup import empty, full, restore, run, write  # noqa: F401


@pytest.mark.django_db(transaction=True)
def test_archive_can_be_brought_back_to_an_older_version_and_forth(
    full: NexmoAccount,  # noqa: F811
    tmp_path: Path,
    empty: str,  # noqa: F811
) -> None:
    write(tmp_path / "a.backup")
    assert restore(tmp_path / "a.backup", empty).returncode == 0

    for target in ("0005", "0002", "0003"):
        moved = run("migrate", "events", target, database=empty)
        assert moved.returncode == 0, moved.stderr
    assert run("migrate", database=empty).returncode == 0

    verified = run("verify_archive", database=empty)
    assert verified.returncode == 0, verified.stdout
    # Checked with it: the rollups, and the texts that searches look in.
    assert f"{full.api_key} {full.name}: intact. 20 events" in verified.stdout


@pytest.mark.django_db
def test_readings_of_older_versions_added_what_the_coverage_has_of_them(account: Any) -> None:
    state.ensure([account])
    run = SyncRun.objects.create(account=account, trigger="command", started_at=NOON, status="succeeded")
    reading = {"account": account, "run": run, "first_day": NOON.date(), "verified": True}
    read = SyncWindow.objects.create(**reading, asked_at=NOON)
    day = SyncWindow.objects.create(**reading, asked_at=NOON + timedelta(days=9), last_day=NOON.date())
    beyond = SyncWindow.objects.create(**reading, asked_at=NOON + timedelta(days=5))  # a clock was wrong
    coverage.add(account, None, NOON + timedelta(days=2))

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    import_module("events.migrations.0012_coverage_added").fill(apps, SimpleNamespace(connection=connection))
    triggers.install(connection)

    ends = SyncWindow.objects.in_bulk()
    midnight = coverage.midnight(NOON.date() + timedelta(days=1))
    assert [ends[row.pk].covered_until for row in (read, day, beyond)] == [NOON, midnight, None]
