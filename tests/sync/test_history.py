"""How long runs and windows are kept: what is quiet does not grow for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from events.models import SyncRun, SyncState, SyncWindow
from events.operations import tasks
from events.sandbox import Sandbox
from events.sync import history, state
from events.sync.engine import sync_account

pytestmark = pytest.mark.django_db

MakeSandbox = Callable[..., Sandbox]


def finished(account: Any, age: timedelta, **fields: Any) -> SyncRun:
    moment = timezone.now() - age
    values = {"trigger": "schedule", "status": "incomplete", "started_at": moment, "finished_at": moment} | fields
    run: SyncRun = SyncRun.objects.create(account=account, **values)
    return run


def test_month_of_an_account_with_a_gap_leaves_few_rows(account: Any, make_sandbox: MakeSandbox) -> None:
    """Twelve runs a day instead of 288, each through the real sync; a gap that Nexmo's counts never verify."""
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", 3)
    sync_account(account)
    sandbox.set_switches(totals="off")
    start = timezone.now()
    for number in range(1, 60):
        with time_machine.travel(start + timedelta(hours=2 * number)):
            sync_account(account, trigger=SyncRun.Trigger.SCHEDULE)
            tasks.tidy()
    windows = SyncWindow.objects.filter(verified=False)
    assert [window.repeats for window in windows] == [58]
    runs = SyncRun.objects.filter(status="incomplete", started_at__lt=start + timedelta(days=3))
    assert runs.count() <= 6
    state_now = SyncState.objects.get(account=account)
    assert state_now.last_run is not None and state_now.problem_code == "unverified"


@pytest.mark.parametrize("status", ["succeeded", "incomplete", "failed", "interrupted"])
def test_quiet_runs_in_a_row_are_folded_to_the_first_and_the_last(account: Any, status: str) -> None:
    old = [finished(account, timedelta(days=5, minutes=-number), status=status).pk for number in range(10)]
    recent = [finished(account, timedelta(hours=5, minutes=-number), status=status).pk for number in range(10)]
    assert history.forget_quiet_runs(timezone.now()) == 8
    assert list(SyncRun.objects.order_by("pk").values_list("pk", flat=True)) == [old[0], old[-1], *recent]
    assert history.forget_quiet_runs(timezone.now()) == 0


def test_what_differs_or_brought_something_or_was_asked_for_is_not_folded(account: Any, cast: Any) -> None:
    age = timedelta(days=5)
    kinds: list[dict[str, Any]] = [{}, {"problem_code": "unverified"}, {}, {"status": "failed"}, {"added": 1}]
    kinds += [{"trigger": "person"}] * 3 + [{"conflicts_found": 1}]
    for number, fields in enumerate(kinds):
        finished(account, age - timedelta(minutes=number), **fields)
    assert history.forget_quiet_runs(timezone.now()) == 0


def test_old_runs_go_whatever_came_of_them_but_for_what_still_counts(account: Any) -> None:
    state.ensure([account])
    age = timedelta(days=31)
    gone = [finished(account, age, status=status) for status in ("succeeded", "incomplete", "failed", "interrupted")]
    kept = [finished(account, age, added=1), finished(account, age, conflicts_found=1), finished(account, age)]
    unverified = finished(account, age)
    SyncWindow.objects.create(account=account, run=unverified, asked_at=timezone.now() - age, verified=False)
    SyncState.objects.update(last_run=kept[-1])
    assert history.forget_quiet_runs(timezone.now()) == len(gone)
    assert set(SyncRun.objects.all()) == {*kept, unverified}


def test_window_that_fails_in_another_way_is_another_record(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sandbox.set_switches(page_object=False)
    sandbox.add_events("demo0001", 2)
    run = sync_account(account)
    assert run is not None and run.windows_unverified == 1
    run = sync_account(account)
    assert run is not None and run.windows_unverified == 1  # counted in each run, recorded once
    (window,) = SyncWindow.objects.all()
    assert (window.repeats, window.verified) == (1, False) and window.asked_again_at > window.asked_at
    sandbox.set_switches(page_object=True, totals="off")
    sync_account(account)
    assert [window.repeats for window in SyncWindow.objects.order_by("pk")] == [1, 0]


def unverified(account: Any, reported: int, received: int = 2, more: str = "") -> None:
    """What a run records of a gap, a little later each time."""
    run = finished(account, timedelta())
    reason = f"Nexmo counts {reported:,} events here and sent {received:,}.{more}"
    window = SyncWindow(account=account, run=run, asked_at=timezone.now(), verified=False, reason=reason)
    window.reported, window.received = reported, received
    state.record_window(run, window)


def test_gap_whose_count_goes_up_and_down_is_recorded_once_for_each_count(account: Any) -> None:
    for number in range(12):
        unverified(account, 4 + number % 2)
    windows = SyncWindow.objects.order_by("pk")
    assert [(window.reported, window.repeats) for window in windows] == [(4, 5), (5, 5)]
    assert all(window.asked_again_at for window in windows)


def test_lowest_and_highest_count_of_a_gap_are_on_record(account: Any) -> None:
    for reported in (1_000, 2_000, 1_500, 1_200, 900, 2_000):
        unverified(account, reported)
    assert [(window.reported, window.repeats) for window in SyncWindow.objects.order_by("pk")] == [
        (1_000, 0),
        (2_000, 3),
        (900, 0),
    ]


def test_another_reason_is_another_record_and_a_growing_count_not_for_ever(account: Any) -> None:
    unverified(account, 4)
    unverified(account, 4, more=" Page 2 came back empty.")
    assert SyncWindow.objects.count() == 2
    for reported in range(5, 60):
        unverified(account, reported)
    assert SyncWindow.objects.count() == 1 + state.MOST_RECORDS
