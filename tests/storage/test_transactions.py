"""On SQLite, who answers a person writes before what goes on behind the pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from events.storage import transactions
from events.storage.transactions import impatient, write_turn

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's writers share no lock"),
]


@pytest.fixture
def impatience() -> Iterator[threading.Event]:
    """Somebody is impatient until this is set."""
    begun, over = threading.Event(), threading.Event()

    def wait() -> None:
        with impatient(1_000):
            begun.set()
            over.wait(10)
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    assert begun.wait(10)
    yield over
    over.set()
    thread.join()


def slept(monkeypatch: pytest.MonkeyPatch, and_then: Any = lambda: None) -> list[float]:
    """How often and how long somebody gave way from now on."""
    times: list[float] = []

    def sleep(seconds: float) -> None:
        times.append(seconds)
        and_then()

    monkeypatch.setattr(transactions, "time", type("clock", (), {"sleep": sleep, "monotonic": time.monotonic}))
    return times


def test_turn_begins_at_once_where_nobody_is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    times = slept(monkeypatch)

    with write_turn():
        assert connection.in_atomic_block
    assert times == []


def test_turn_begins_when_nobody_is_impatient_any_more(
    impatience: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "MOST_GIVEN_WAY", 60.0)
    times = slept(monkeypatch, and_then=lambda: (impatience.set(), time.sleep(0.01)))

    with write_turn():
        assert impatience.is_set()
    assert times


def test_turn_begins_after_a_moment_however_impatient_others_are(
    impatience: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = slept(monkeypatch, and_then=lambda: time.sleep(0.005))

    with write_turn():
        assert not impatience.is_set()
    assert 1 < len(times) < 50


def test_turn_within_a_turn_waits_for_nobody(impatience: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MOST_GIVEN_WAY", 0.0)
    with write_turn():
        monkeypatch.setattr(transactions, "MOST_GIVEN_WAY", 60.0)
        times = slept(monkeypatch)
        with write_turn():
            pass
    assert times == []


@pytest.mark.parametrize("name", [":memory:", "file:memory?mode=memory", "/nowhere/at/all.sqlite3"])
def test_database_without_a_directory_is_written_to_all_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(connection.settings_dict, "NAME", name)
        with impatient(1_000), write_turn():
            assert connection.in_atomic_block
