"""Migrations with an archive in the database: nothing of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import NexmoAccount
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
