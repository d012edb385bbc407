"""/readyz: what is well, what is not, and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from events.models import WorkerBeat
from events.operations import tasks


def ask(client: Client, **more: Any) -> tuple[int, list[str]]:
    answer = client.get("/readyz", **more)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    return answer.status_code, answer.content.decode().splitlines()


@pytest.fixture
def beat(db: None) -> WorkerBeat:
    return WorkerBeat.objects.create(name="somewhere:1", seen_at=timezone.now())


def test_all_well_is_200(client: Client, beat: WorkerBeat) -> None:
    status, lines = ask(client)

    assert status == 200
    assert lines[:2] == ["database: ok", "migrations: ok"]
    assert lines[2].startswith("worker: ok, seen ")


def test_no_worker_is_503_and_says_how_to_start_one(client: Client, db: None) -> None:
    status, lines = ask(client)

    assert status == 503
    assert lines[2] == "worker: never seen. Start one with `manage.py worker`."


def test_worker_that_fell_silent_is_503(client: Client, beat: WorkerBeat) -> None:
    WorkerBeat.objects.update(seen_at=timezone.now() - tasks.ALIVE_WITHIN - timedelta(seconds=5))

    status, lines = ask(client)

    assert status == 503
    assert lines[2].startswith("worker: last seen 35 s ago. Start one")


@pytest.mark.parametrize("ahead", [timedelta(seconds=10), timedelta(minutes=5), timedelta(days=40)])
def test_beat_of_the_future_is_not_believed(client: Client, beat: WorkerBeat, ahead: timedelta) -> None:
    """Its clock was ahead, and it may have ended since."""
    WorkerBeat.objects.update(seen_at=timezone.now() + ahead)

    status, lines = ask(client)

    assert status == 503
    assert lines[2].startswith("worker: seen ")
    assert "s in the future. Set the clocks right" in lines[2]
    assert not tasks.worker_is_alive()
    assert tasks.workers_alive() == 0


def test_worker_that_ended_with_its_clock_a_little_ahead_is_missed_34_seconds_later(
    client: Client, beat: WorkerBeat
) -> None:
    ended = timezone.now()
    WorkerBeat.objects.update(seen_at=ended + tasks.CLOCKS_DIFFER)
    with time_machine.travel(ended + timedelta(seconds=34), tick=False):
        assert ask(client)[0] == 503


def test_worker_beside_one_of_the_future_is_seen(client: Client, beat: WorkerBeat) -> None:
    WorkerBeat.objects.create(name="ahead:1", seen_at=timezone.now() + timedelta(days=400))

    assert ask(client)[0] == 200
    assert tasks.workers_alive() == 1
    tasks.tidy()
    assert [other.name for other in WorkerBeat.objects.all()] == ["somewhere:1"]


def test_missing_migration_is_503_and_says_what_to_run(client: Client, beat: WorkerBeat) -> None:
    MigrationRecorder.Migration.objects.filter(app="events", name="0001_initial").delete()

    status, lines = ask(client)

    assert status == 503
    assert lines[1] == "migrations: 1 to apply. Run `manage.py migrate`."


def test_unreachable_database_is_503_without_details(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise DatabaseError('connection to server at "10.1.2.3" failed: password authentication failed for user "joe"')

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", fail)
    status, lines = ask(client)

    assert status == 503
    assert lines[0] == "database: cannot be reached. Check that it runs, and DATABASE_URL."
    assert "10.1.2.3" not in str(lines)
    assert "joe" not in str(lines)


def test_asks_the_same_few_queries_each_time(client: Client, beat: WorkerBeat, django_assert_num_queries: Any) -> None:
    ask(client)
    with django_assert_num_queries(3):  # is there a table of migrations, which are applied, when was a worker seen
        ask(client)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_over_plain_http_are_answered_and_not_redirected(
    client: Client, beat: WorkerBeat, settings: Any, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path).status_code == {"/metrics": 401}.get(path, 200)
    assert client.get("/login/").status_code == 301


def test_probes_on_the_machine_itself_need_no_allowed_host(beat: WorkerBeat) -> None:
    assert Client(headers={"host": "127.0.0.1:8000"}).get("/readyz").status_code == 200


def test_only_reading_is_allowed(client: Client, beat: WorkerBeat) -> None:
    assert client.post("/readyz").status_code == 405
    assert client.post("/metrics").status_code == 405
