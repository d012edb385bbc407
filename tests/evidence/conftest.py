"""A pack that the command made."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import NexmoAccount


@pytest.fixture
def pack(account: Any, add_event: Callable[..., Any], tmp_path: Path) -> Path:
    """Three of an account's twelve events; another account has as many."""
    other = NexmoAccount.objects.get(api_key="demo0003")
    for number in range(1, 13):
        add_event(account, number, event_type="APP_CREATE" if number % 4 == 0 else "NUMBER_UPDATED")
        add_event(other, number)
    file = tmp_path / "evidence.zip"
    options = ("--event-type=APP_CREATE", "--made-by=audrey", "-o", str(file))
    call_command("export_evidence", *options, stdout=io.StringIO())
    return file


@pytest.fixture(autouse=True)
def evidence_dir(settings: Any, tmp_path: Path) -> Path:
    """An empty place for the packs of each test."""
    settings.EVIDENCE_DIR = tmp_path / "packs"
    return settings.EVIDENCE_DIR
