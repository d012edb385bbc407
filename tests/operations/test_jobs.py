"""Background jobs: claimed once, tried again, taken over, and none of them in another's way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from events.models import BackgroundJob
from events.operations import jobs
from events.operations.queue import STOP
from events.storage import leases

pytestmark = pytest.mark.django_db

Handle = Callable[..., None]


def fall_due() -> None:
    BackgroundJob.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_job_is_done_once_with_what_was_asked(handle: Handle, cast: dict[str, Any]) -> None:
    seen: list[Any] = []
    handle(lambda claim: seen.append((claim.subject, claim.payload, claim.requested_by_id)))
    jobs.enqueue("work", "north", payload={"sky": 4}, requested_by=cast["alice"])

    assert jobs.run_next()
    assert not jobs.run_next()
    assert seen == [("north", {"sky": 4}, cast["alice"].pk)]
    assert not BackgroundJob.objects.exists()


def test_urgent_job_is_done_while_all_threads_have_long_ones(handle: Handle) -> None:
    done: list[str] = []
    handle(lambda claim: done.append("long"))
    jobs.HANDLERS["quick"] = replace(jobs.HANDLERS["work"], run=lambda claim: done.append("quick"), urgent=True)
    jobs.enqueue("work")
    fall_due()
    jobs.enqueue("quick")

    assert jobs.run_next(urgent=True)
    assert not jobs.run_next(urgent=True)
    assert done == ["quick"]
    assert jobs.run_next()
    assert done == ["quick", "long"]


def test_payload_that_cannot_be_read_fails_its_own_job_only(handle: Handle) -> None:
    seen: list[Any] = []
    handle(lambda claim: seen.append(claim.payload), attempts=1)
    jobs.enqueue("work", "north")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_backgroundjob SET payload = %s", ["[" * 990 + "]" * 990])
    fall_due()
    jobs.enqueue("work", "south", payload={"sky": 4})

    assert jobs.run_next()
    assert jobs.run_next()
    assert seen == [{"sky": 4}]
    failed = BackgroundJob.objects.defer("payload").get()
    assert (failed.subject, failed.problem) == ("north", "RecursionError")


def test_job_that_is_asked_for_again_is_released_when_the_worker_stops(handle: Handle) -> None:
    def ask_again_and_stop(claim: jobs.Claim) -> None:
        jobs.enqueue("work")
        raise jobs.JobInterrupted

    handle(ask_again_and_stop)
    jobs.enqueue("work")

    assert jobs.run_next()
    assert BackgroundJob.objects.values_list("attempts", "lease_owner", "lease_until").get() == (0, "", None)
    assert jobs.claim_next() is not None


def test_asking_again_before_it_begins_makes_no_second_job(handle: Handle) -> None:
    seen: list[Any] = []
    handle(lambda claim: seen.append(claim.payload))
    for number in range(3):
        jobs.enqueue("work", "north", payload={"number": number})
    while jobs.run_next():
        pass
    assert seen == [{"number": 2}]


def test_asking_again_while_it_runs_has_it_run_once_more(handle: Handle) -> None:
    seen: list[str] = []

    def work(claim: jobs.Claim) -> None:
        seen.append(claim.subject)
        if len(seen) == 1:
            jobs.enqueue("work", claim.subject)
            assert jobs.claim_next() is None, "not while it runs"

    handle(work)
    jobs.enqueue("work", "north")
    while jobs.run_next():
        pass
    assert seen == ["north", "north"]


def test_job_that_is_not_due_waits_and_unknown_kinds_are_left_alone(handle: Handle) -> None:
    handle(lambda claim: None)
    jobs.enqueue("work", due_at=timezone.now() + timedelta(minutes=1))
    jobs.enqueue("of another version")
    assert not jobs.run_next()
    assert BackgroundJob.objects.count() == 2


def test_failure_is_contained_logged_tried_again_and_ends(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def work(claim: jobs.Claim) -> None:
        if claim.subject == "bad":
            raise LookupError("hunter2")
        done.append(claim.subject)

    handle(work, attempts=3)
    jobs.enqueue("work", "bad")
    jobs.enqueue("work", "good")
    while jobs.run_next():
        pass
    assert done == ["good"]
    job = BackgroundJob.objects.get()
    assert (job.attempts, job.problem, job.failed_at, job.lease_until) == (1, "LookupError", None, None)
    assert job.due_at > timezone.now()
    for _ in range(5):
        fall_due()
        jobs.run_next()
    job.refresh_from_db()
    assert job.attempts == 3
    assert job.failed_at is not None
    assert caplog.text.count("Job work of 'bad' failed") == 3
    jobs.enqueue("work", "bad")
    assert jobs.run_next(), "asked for again it has a new life"


def test_failure_in_words_is_for_good_unless_it_says_otherwise(handle: Handle) -> None:
    def work(claim: jobs.Claim) -> None:
        raise jobs.JobFailed("The disk is full.", retry=claim.subject == "again")

    handle(work)
    for subject in ("again", "once"):
        jobs.enqueue("work", subject)
        assert jobs.run_next()
    assert {(job.subject, job.problem, job.failed_at is None) for job in BackgroundJob.objects.all()} == {
        ("again", "The disk is full.", True),
        ("once", "The disk is full.", False),
    }


def test_holder_whose_lease_ended_is_replaced_and_stops(handle: Handle) -> None:
    handle(lambda claim: None)
    jobs.enqueue("work")
    first = jobs.claim_next()
    assert first is not None
    assert jobs.claim_next() is None
    BackgroundJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = jobs.claim_next()
    assert second is not None
    with pytest.raises(jobs.JobInterrupted):
        first.renew()
    second.renew(done=1, total=2)
    assert list(BackgroundJob.objects.values_list("done", "total")) == [(1, 2)]


def test_job_whose_process_is_gone_is_free_at_once(handle: Handle) -> None:
    handle(lambda claim: None)
    jobs.enqueue("work")
    jobs.claim_next()
    BackgroundJob.objects.update(lease_owner=f"{leases.machine()}:4194305:x")  # no pid is so high
    jobs.release_dead_leases()
    assert jobs.run_next()


def test_job_that_ends_its_worker_each_time_is_given_up(handle: Handle) -> None:
    handle(lambda claim: None, attempts=2)
    jobs.enqueue("work")
    for _ in range(2):
        assert jobs.claim_next() is not None
        BackgroundJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs.claim_next() is None
    assert "Its worker ended" in BackgroundJob.objects.exclude(failed_at=None).get().problem


def test_stopping_worker_leaves_its_job_to_the_next(handle: Handle) -> None:
    def work(claim: jobs.Claim) -> None:
        STOP.set()
        claim.renew()

    handle(work, attempts=1)
    jobs.enqueue("work")
    assert jobs.run_next()
    STOP.clear()
    job = BackgroundJob.objects.get()
    assert (job.lease_until, job.attempts, job.failed_at) == (None, 0, None)


def test_periodic_job_comes_back_even_after_failures_and_wrong_clocks(handle: Handle) -> None:
    runs: list[int] = []

    def work(claim: jobs.Claim) -> None:
        runs.append(1)
        if len(runs) < 9:
            raise OSError

    handle(work, every=timedelta(hours=1), attempts=2)
    jobs.schedule_periodic()
    jobs.schedule_periodic()
    for _ in range(9):
        assert jobs.run_next()
        assert not jobs.run_next()
        fall_due()
    BackgroundJob.objects.update(due_at=timezone.now() + timedelta(days=40))
    BackgroundJob.objects.update(lease_until=timezone.now() + timedelta(days=40))
    jobs.schedule_periodic()
    assert jobs.run_next()
    job = BackgroundJob.objects.get()
    assert timedelta(minutes=59) < job.due_at - timezone.now() <= timedelta(hours=1)
    assert job.problem == ""


def test_job_asked_for_under_a_wrong_clock_is_due(handle: Handle) -> None:
    done: list[int] = []
    handle(lambda claim: done.append(1))
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        jobs.enqueue("work")

    assert jobs.run_next()
    assert not jobs.run_next()
    assert done == [1]


def test_job_that_failed_under_a_wrong_clock_is_tried_again(handle: Handle) -> None:
    done: list[bool] = []

    def work(claim: jobs.Claim) -> None:
        done.append(len(done) > 0)
        if not done[-1]:
            raise OSError

    handle(work)
    jobs.enqueue("work")
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        assert jobs.run_next()

    assert jobs.run_next()
    assert done == [False, True]


def test_longest_pause_is_waited_for(handle: Handle) -> None:
    handle(lambda claim: None)
    jobs.enqueue("work", due_at=timezone.now() + jobs.LONGEST_RETRY)

    assert not jobs.run_next()


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_one_gets_the_job(handle: Handle) -> None:
    runs: list[int] = []
    handle(lambda claim: runs.append(1))
    jobs.enqueue("work")
    barrier = threading.Barrier(6)

    def race() -> None:
        barrier.wait()
        try:
            jobs.run_next()
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert runs == [1]


@pytest.mark.django_db(transaction=True)
def test_loop_survives_a_database_that_is_away(
    handle: Handle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done, stop = threading.Event(), threading.Event()
    handle(lambda claim: done.set())
    jobs.enqueue("work")
    claim_next, failures = jobs.claim_next, iter([OSError("away")])

    def away_first(**how: Any) -> jobs.Claim | None:
        if error := next(failures, None):
            raise error
        return claim_next(**how)

    monkeypatch.setattr(jobs, "claim_next", away_first)
    monkeypatch.setattr(jobs, "POLL_EVERY", 0.01)
    with caplog.at_level(logging.ERROR):
        thread = threading.Thread(target=jobs.run_until, args=(stop,))
        thread.start()
        assert done.wait(60)
        while BackgroundJob.objects.exists():
            time.sleep(0.01)
        stop.set()
        thread.join(60)
    assert "could not look for jobs" in caplog.text
