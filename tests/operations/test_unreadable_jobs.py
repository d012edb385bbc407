"""What others left in the rows of jobs and leases holds up that row alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from events.models import BackgroundJob, SyncState
from events.operations import jobs, tasks
from events.storage import leases
from events.sync import state
from tests.tools.skips import ON_POSTGRES

pytestmark = pytest.mark.django_db

Handle = Callable[..., None]

# What a row may hold that Django cannot read. SQLite stores whatever it is given.
POISON = {
    "sqlite": (
        "attempts = 'x'",
        "attempts = 1.5",
        "created_at = '2026-13-45 00:00:00'",
        "due_at = '0'",
        "due_at = '2026-01-99 00:00:00'",
        "lease_until = '2026-01-99 00:00:00'",
        "subject = CAST(x'ff00' AS TEXT)",
        "problem = CAST(x'ff00' AS TEXT)",
    ),
    "postgresql": (
        "created_at = 'infinity'",
        "created_at = '0044-03-15 BC'",
        "created_at = '20000-01-01'",
        "due_at = '-infinity'",
        "lease_until = '-infinity'",
        "lease_until = 'infinity'",
    ),
}


@pytest.mark.parametrize("number", range(max(map(len, POISON.values()))))
@pytest.mark.parametrize("every", [None, timedelta(hours=1)])
def test_row_that_cannot_be_read_holds_up_no_other(
    handle: Handle, caplog: pytest.LogCaptureFixture, number: int, every: timedelta | None
) -> None:
    if number >= len(POISON[connection.vendor]):
        return
    done: list[str] = []
    handle(lambda claim: done.append("bad"), every=every)
    jobs.handler("other")(lambda claim: done.append("good"))
    jobs.enqueue("work")
    BackgroundJob.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    jobs.enqueue("other")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE events_backgroundjob SET {POISON[connection.vendor][number]} WHERE kind = 'work'")

    assert jobs.run_next()
    assert not jobs.run_next()
    assert done == ["good"]
    assert caplog.text.count("cannot be read") == 1
    if every:
        jobs.schedule_periodic()
    else:
        failed = BackgroundJob.objects.filter(kind="work").values_list("problem", "due_at", "attempts").get()
        assert failed[0] == "Its record could not be read."
        BackgroundJob.objects.update(subject="")
        jobs.enqueue("work")
    assert jobs.run_next()
    assert done == ["good", "bad"]


def test_due_time_in_another_spelling_is_done_once(handle: Handle) -> None:
    done: list[int] = []
    handle(lambda claim: done.append(1))
    jobs.enqueue("work")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_backgroundjob SET due_at = '2026-01-01 00:00:00+00:00'")

    assert jobs.run_next()
    assert not jobs.run_next()
    assert done == [1]
    assert not BackgroundJob.objects.exists()


def test_periodic_job_fails_more_often_than_can_be_counted(handle: Handle) -> None:
    handle(lambda claim: None, every=timedelta(hours=1))
    BackgroundJob.objects.create(kind="work", due_at=timezone.now(), attempts=32_767)

    assert jobs.run_next()
    assert BackgroundJob.objects.get().attempts == 0


def test_database_that_is_away_fails_no_job(handle: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the connection is closed")

    handle(lambda claim: None)
    jobs.enqueue("work")
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_take", away)
        with pytest.raises(OperationalError):
            jobs.run_next()
    assert jobs.run_next()


@pytest.mark.parametrize("owner", ["99999999999999999999:x", f"{'9' * 70}:x"])
def test_lease_of_a_process_that_cannot_be_holds_up_no_other(handle: Handle, account: Any, owner: str) -> None:
    handle(lambda claim: None)
    jobs.enqueue("work")
    jobs.claim_next()
    state.ensure([account])
    held = {"lease_owner": f"{leases.machine()}:{owner}"[:100], "lease_until": timezone.now() + timedelta(minutes=1)}
    for model in (BackgroundJob, SyncState):
        model.objects.update(**held)
    jobs.release_dead_leases()

    assert jobs.run_next()
    assert tasks.queue_due_syncs()


@pytest.mark.skipif(connection.vendor != "sqlite", reason=ON_POSTGRES)
def test_lease_that_cannot_be_read_holds_up_no_other(handle: Handle) -> None:
    handle(lambda claim: None)
    for subject in ("bad", "good"):
        jobs.enqueue("work", subject)
        jobs.claim_next()
    gone = f"{leases.machine()}:4194305:"
    BackgroundJob.objects.update(lease_owner=f"{gone}x")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_backgroundjob SET lease_owner = CAST(%s AS TEXT) WHERE subject = 'bad'",
            [gone.encode() + b"\xff"],
        )
    jobs.release_dead_leases()

    assert jobs.run_next()
    assert not jobs.run_next()
