"""An archive of seven events, and ways to attack it behind Django's back."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import NexmoAccount
from events.archive import verify
from events.storage import triggers
from tests.conftest import add_numbered

SQL = Callable[..., None]


@pytest.fixture
def archive(account: Any) -> NexmoAccount:
    add_numbered(account, range(1, 8))
    return account


@pytest.fixture
def sql(archive: Any) -> SQL:
    """Run SQL as somebody who has the database's password and leaves the triggers alone."""

    def run(statement: str, *parameters: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    return run


@pytest.fixture
def attack(sql: SQL) -> Iterator[SQL]:
    """Run SQL as somebody who has no respect for triggers."""
    triggers.remove(connection)
    yield sql


@pytest.fixture
def tamper(sql: SQL) -> SQL:
    """Run SQL with the triggers taken away before and made again afterwards, as if nothing had been."""

    def run(statement: str, *parameters: Any) -> None:
        triggers.remove(connection)
        sql(statement, *parameters)
        triggers.install(connection)

    return run


def verified(**options: Any) -> str:
    """Everything that `verify_archive` prints; it must agree with its exit code."""
    out = io.StringIO()
    try:
        call_command("verify_archive", stdout=out, **options)
    except CommandError:
        return out.getvalue()
    assert "NOT INTACT" not in out.getvalue()
    return "intact"


def problem(account: NexmoAccount, **kwargs: Any) -> str:
    return verify.verify_account(account, **kwargs).problem
