"""A pack that the command made."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from accounts.models import NexmoAccount
from tests.conftest import add_numbered, make_cast


@pytest.fixture
def pack(cast: Any, tmp_path: Path) -> Path:
    """Three of an account's twelve events; another account has as many."""
    return make_pack_of_three(tmp_path / "evidence.zip")


@pytest.fixture(scope="session")
def pack_alone(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same, made once for all tests that need only the file: nothing of what it tells is in the database."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_cast()
        file = make_pack_of_three(tmp_path_factory.mktemp("evidence") / "evidence.zip")
        transaction.set_rollback(True)
    return file.read_bytes()


def make_pack_of_three(file: Path) -> Path:
    account, other = (NexmoAccount.objects.get(api_key=api_key) for api_key in ("demo0001", "demo0003"))
    numbers = range(1, 13)
    add_numbered(account, numbers, event_type=lambda number: "NUMBER_UPDATED" if number % 4 else "APP_CREATE")
    add_numbered(other, numbers)
    options = ("--event-type=APP_CREATE", "--made-by=audrey", "-o", str(file))
    call_command("export_evidence", *options, stdout=io.StringIO())
    return file


@pytest.fixture(autouse=True)
def evidence_dir(settings: Any, tmp_path: Path) -> Path:
    """An empty place for the packs of each test."""
    settings.EVIDENCE_DIR = tmp_path / "packs"
    return settings.EVIDENCE_DIR
