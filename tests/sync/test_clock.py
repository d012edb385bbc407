"""A machine whose clock is wrong, or was: nothing of the future is ever believed, and nothing is lost by it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import proven_coverage
from events.health.completeness import completeness, coverage_sentence
from events.health.status import statuses
from events.models import AuditEvent, CoveredSpan, Seal, SyncRun, SyncState, SyncWindow, WorkerBeat
from events.operations import metrics, sealing, tasks
from events.operations.queue import QUEUE
from events.sandbox import Sandbox
from events.storage import triggers
from events.sync import state
from events.sync.clients import SharedPacer
from events.sync.engine import SyncOptions, sync_account
from events.sync.limits import LONGEST_BACKOFF

pytestmark = pytest.mark.django_db

MakeSandbox = Callable[..., Sandbox]
FAR = timedelta(days=40)
SECOND = timedelta(seconds=1)


@contextlib.contextmanager
def wrong_clock(sandbox: Sandbox, ahead: timedelta) -> Iterator[None]:
    """This machine's clock is wrong, Nexmo's is right."""
    sandbox.set_switches(clock_ahead=-ahead.total_seconds())
    with time_machine.travel(timezone.now() + ahead):
        yield
    sandbox.set_switches(clock_ahead=0)


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """What an older version wrote, the database itself may refuse today."""
    triggers.remove(connection)
    yield
    triggers.install(connection)


def sync(account: NexmoAccount, **options: Any) -> SyncRun:
    run = sync_account(account, SyncOptions(**options))
    assert run is not None
    return run


def at(moment: datetime, number: int) -> dict[str, Any]:
    return {"id": f"e{number}", "event_type": "APP_CREATE", "created_at": f"{moment:%Y-%m-%dT%H:%M:%S}"}


def archived() -> set[str]:
    return set(AuditEvent.objects.values_list("event_id", flat=True))


def healthy(account: NexmoAccount) -> bool:
    (status,) = statuses([account], worker_alive=True)
    return status.health.level == "ok"


# --- while the clock is wrong -------------------------------------------------------------------------------------


def test_sync_with_a_clock_ahead_believes_nexmo_s(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", [at(timezone.now() - timedelta(hours=1), 1), {"id": "undated"}])
    with wrong_clock(sandbox, FAR):
        run = sync(account)
        assert run.status == "succeeded" and run.problem_code == "clock"
        assert "40 days ahead of Nexmo's" in run.problem
        (status,) = statuses([account], worker_alive=True)
        assert (status.health.level, status.health.label) == ("problem", "Clock is wrong")
    now = timezone.now()
    assert CoveredSpan.objects.get().end <= now + SECOND
    assert SyncWindow.objects.get().asked_at <= now + SECOND
    assert max(AuditEvent.objects.values_list("fetched_at", flat=True)) <= now + SECOND
    assert AuditEvent.objects.get(event_id="undated").created_at <= now + SECOND
    # Right again: due at once, and what came meanwhile is fetched.
    sandbox.add_events("demo0001", [at(now, 2)])
    assert account in state.due(NexmoAccount.objects.all(), now)
    run = sync(account)
    assert (run.status, run.problem_code, run.added) == ("succeeded", "", 1)
    assert "dated in the future" in run.problem  # its last success was
    assert healthy(account)


def test_sync_with_a_clock_behind_loses_nothing(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sync(account)
    known = CoveredSpan.objects.get().end
    sandbox.add_events("demo0001", [at(timezone.now(), 1)])
    with wrong_clock(sandbox, -FAR):
        run = sync(account)
        assert (run.added, run.problem_code) == (1, "clock")
        assert "40 days behind Nexmo's" in run.problem
        assert coverage_sentence(completeness([account])) == "Not known to be complete yet."
    assert CoveredSpan.objects.get().end == known
    sandbox.add_events("demo0001", [at(timezone.now(), 2)])
    run = sync(account)
    assert (run.added, run.problem, archived()) == (1, "", {"e1", "e2"})
    assert healthy(account)


@pytest.mark.parametrize("offset", [-240, 240])
def test_clocks_that_differ_by_minutes_are_no_trouble(account: Any, make_sandbox: MakeSandbox, offset: int) -> None:
    make_sandbox().set_switches(clock_ahead=offset)
    assert sync(account).problem == ""
    assert CoveredSpan.objects.get().end <= timezone.now() + timedelta(seconds=min(offset, 0) + 1)


def test_without_a_date_header_coverage_ends_at_the_newest_event(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sandbox.set_switches(date_header=False)
    assert sync(account).status == "succeeded"
    assert not CoveredSpan.objects.exists()  # nothing tells what time it is there
    newest = (timezone.now() - timedelta(hours=3)).replace(microsecond=0)
    sandbox.add_events("demo0001", [at(newest, 1), {"id": "undated"}])
    with wrong_clock(sandbox, FAR):
        sync(account)
    assert CoveredSpan.objects.get().end == newest == SyncWindow.objects.latest("pk").covered_until
    assert proven_coverage.problem_of(account) == ""
    sandbox.add_events("demo0001", [at(timezone.now() + timedelta(days=400), 2)])
    sync(account)
    assert CoveredSpan.objects.get().end <= timezone.now()  # even if Nexmo dates an event in the future


# --- what a wrong clock left in the state --------------------------------------------------------------------------


@pytest.fixture
def left_behind(account: Any, make_sandbox: MakeSandbox) -> Sandbox:
    """Last read rightly ten days ago, then once with a clock far ahead; an event since is older than any overlap."""
    sandbox = make_sandbox()
    now = timezone.now()
    sandbox.add_events("demo0001", [at(now - timedelta(days=20), 1)])
    run = sync(account)
    sandbox.add_events("demo0001", [at(now - timedelta(days=6), 2)])
    with unguarded():
        SyncWindow.objects.update(asked_at=now - timedelta(days=10), covered_until=now - timedelta(days=10))
        beyond = {"asked_at": now + FAR, "covered_until": now + FAR}
        SyncWindow.objects.create(account=account, run=run, first_day=now.date(), verified=True, reported=0, **beyond)
        # Read by hand afterwards, which the wrong span made look complete.
        by_hand = {"first_day": now.date() - timedelta(days=1), "asked_at": now, "covered_until": now}
        SyncWindow.objects.create(account=account, run=run, verified=True, reported=0, **by_hand)
        CoveredSpan.objects.update(end=now + FAR)
    SyncState.objects.update(
        last_success_at=now + FAR, due_at=now + FAR, checked_at=now + FAR, types_asked_at=now + FAR
    )
    return sandbox


@pytest.mark.parametrize("options", [{}, {"full": True}, {"since": (timezone.now() - timedelta(days=1)).date()}])
def test_coverage_of_the_future_is_withdrawn_said_and_read_again(
    account: Any, left_behind: Sandbox, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    run = sync(account, **options)
    assert "It counted as complete until" in run.problem and "Withdrawn, because a clock was wrong" in run.problem
    assert "withdrawn" in caplog.text
    assert all(end <= timezone.now() for end in CoveredSpan.objects.values_list("end", flat=True))
    assert proven_coverage.problem_of(account) == ""
    if "since" in options:
        spans = CoveredSpan.objects.order_by("end")
        assert [timezone.now() - spans[0].end > timedelta(days=9), len(spans)] == [True, 2]  # the hole shows
        sync(account)
    assert archived() == {"e1", "e2"}
    (span,) = CoveredSpan.objects.all()
    assert span.start is None
    assert sync(account).problem == ""  # it is said once


def test_coverage_that_no_believable_reading_proves_is_read_again_from_the_beginning(
    account: Any, left_behind: Sandbox
) -> None:
    with unguarded():
        SyncWindow.objects.filter(asked_at__lt=timezone.now() + timedelta(days=1)).delete()
    left_behind.add_events("demo0001", [at(timezone.now() - timedelta(days=300), 3)])
    sync(account)
    assert archived() == {"e1", "e2", "e3"}


def test_machine_whose_clock_is_still_wrong_withdraws_by_nexmo_s(account: Any, left_behind: Sandbox) -> None:
    with wrong_clock(left_behind, FAR + timedelta(days=5)):
        run = sync(account)
    assert run.problem_code == "clock" and "It counted as complete until" in run.problem
    assert archived() == {"e1", "e2"}


def test_pages_and_metrics_claim_nothing_before_the_dates_are_withdrawn(
    account: Any, login: Any, left_behind: Sandbox
) -> None:
    (status,) = statuses([account], worker_alive=True)
    assert (status.complete_until, status.last_success_at, status.checked_at, status.due_at) == (None,) * 4
    page = login("alice").get("/accounts/demo0001/").content.decode()
    assert "Clock is wrong" in page and "dated in the future" in page
    assert "Up to date" not in page and "from now" not in page
    assert coverage_sentence(completeness([account])) == "Not known to be complete yet."
    told = {
        (metric.name, sample.labels.get("account")): sample.value
        for metric in metrics.ArchiveCollector().collect()
        for sample in metric.samples
    }
    assert told["auditsite_sync_seconds_since_success", "demo0001"] == float("inf")
    assert told["auditsite_sync_seconds_since_complete", "demo0001"] == float("inf")


def test_full_check_dated_in_the_future_is_made_now(account: Any, left_behind: Sandbox) -> None:
    sync(account)
    age = timezone.now() - SyncState.objects.get(account=account).checked_at
    assert timedelta(0) <= age < timedelta(minutes=5)
    assert any(request.kind == "options" for request in left_behind.requests)  # the types were asked for too


def test_due_time_in_the_future_is_due_now(account: Any) -> None:
    state.ensure([account])
    now = timezone.now()
    due = state.due(NexmoAccount.objects.filter(pk=account.pk), now)
    for wait, is_due in ((FAR, True), (LONGEST_BACKOFF, False), (timedelta(minutes=1), False), (timedelta(0), True)):
        SyncState.objects.update(due_at=now + wait)
        assert due.exists() is is_due, wait


def test_lease_that_ends_later_than_any_can_is_no_lease(account: Any) -> None:
    run = state.claim(account, "command")
    assert run is not None and state.claim(account, "command") is None
    SyncState.objects.update(lease_until=timezone.now() + FAR, lease_owner="elsewhere:1:x", due_at=None)
    (status,) = statuses([account], worker_alive=True)
    assert status.health.level != "working"
    assert account in state.due(NexmoAccount.objects.all(), timezone.now())
    assert state.claim(account, "command") is not None
    with pytest.raises(state.LeaseLost):
        state.renew(run)


def test_pace_of_the_future_holds_nobody_up(account: Any) -> None:
    state.ensure([account])
    SyncState.objects.update(next_request_at=timezone.now() + FAR)
    assert SharedPacer(account, 1).delay() == 0
    assert 0 < SharedPacer(account, 1).delay() <= 1


def test_gap_that_was_tried_in_the_future_is_tried_now(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    run = sync(account)
    now = timezone.now()
    with unguarded():
        SyncWindow.objects.create(
            account=account, run=run, last_day=now.date() - timedelta(days=9), asked_at=now + FAR, verified=False
        )
        CoveredSpan.objects.update(start=now - timedelta(days=8))
    before = len(sandbox.requests)
    assert sync(account).status == "succeeded"
    assert len(sandbox.requests) - before == 2
    assert CoveredSpan.objects.get().start is None


def test_seal_dated_in_the_future_holds_up_none(account: Any, add_event: Any) -> None:
    add_event(account, 1)
    with time_machine.travel(timezone.now() + FAR):
        sealing.seal_what_is_due()
    add_event(account, 2)
    sealing.seal_what_is_due()
    assert Seal.objects.count() == 2
    add_event(account, 3)
    sealing.seal_what_is_due()  # the interval counts from the second
    assert Seal.objects.count() == 2


def test_worker_that_was_seen_in_the_future_is_not_alive(db: None) -> None:
    WorkerBeat.objects.create(name="wrong", seen_at=timezone.now() + FAR)
    assert (tasks.worker_is_alive(), tasks.workers_alive(), tasks.worker_last_seen().at) == (False, 0, None)
    WorkerBeat.objects.create(name="right", seen_at=timezone.now())
    assert (tasks.worker_is_alive(), tasks.workers_alive()) == (True, 1)
    tasks.tidy()
    assert [beat.name for beat in WorkerBeat.objects.all()] == ["right"]


def test_worker_with_a_wrong_clock_for_a_while_leaves_nothing_that_lasts(
    account: Any, make_sandbox: MakeSandbox
) -> None:
    """The reproduction as people met it, through the worker's own steps."""
    sandbox = make_sandbox()
    with wrong_clock(sandbox, FAR):
        tasks.beat("wrong")
        tasks.sync_now_if_due(account.pk)
        sealing.seal_what_is_due()
    sandbox.add_events("demo0001", [at(datetime.now(UTC), 1)])
    QUEUE.flush()
    tasks.beat("right")
    assert tasks.queue_due_syncs() >= 1
    run = tasks.sync_now_if_due(account.pk)
    assert run is not None and run.added == 1
    sealing.seal_what_is_due()
    assert Seal.objects.filter(account=account, seq=1, sealed_at__lte=timezone.now()).exists()
    assert healthy(account)
