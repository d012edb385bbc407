"""Accounts that are watched: asked every WATCH_INTERVAL, within the hour's requests, and else as usual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import SyncRun, SyncState
from events.nexmo.errors import RateLimited
from events.sync import pace, state

NOW = datetime(2026, 3, 15, 12, 20, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
USUAL, FAST = timedelta(minutes=5), timedelta(seconds=15)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, as its only entry."""
    now = [NOW]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


def run(account: NexmoAccount, requests: int = 1, trigger: str = "schedule", **outcome: Any) -> timedelta:
    """One sync; returns how long after its end the next is due."""
    claimed = state.claim(account, trigger)
    assert claimed is not None
    state.count_requests(claimed, requests)
    # Verified up to now, so that it is whole.
    account.covered_spans.update_or_create(start=None, defaults={"end": timezone.now()})
    finished = state.finish(claimed, **outcome)
    due: timedelta = SyncState.objects.get(account=account).due_at - finished.finished_at
    return due


def test_watched_account_is_asked_fast_until_the_end(account: NexmoAccount, clock: list[datetime]) -> None:
    assert run(account) == USUAL
    state.watch(account, NOW + HALF_HOUR)
    assert run(account) == FAST
    clock[0] = NOW + HALF_HOUR
    assert run(account) == USUAL


def test_watching_begins_before_the_next_usual_sync(account: NexmoAccount, clock: list[datetime]) -> None:
    run(account)
    assert state.watch(account, NOW + HALF_HOUR)
    assert SyncState.objects.get(account=account).due_at == NOW + FAST


def test_watching_an_account_that_is_due_sooner_delays_nothing(account: NexmoAccount, clock: list[datetime]) -> None:
    run(account)
    clock[0] = soon = NOW + USUAL - timedelta(seconds=5)
    state.watch(account, soon + HALF_HOUR)
    assert SyncState.objects.get(account=account).due_at == NOW + USUAL
    SyncState.objects.update(due_at=None)
    state.watch(account, soon + HALF_HOUR)
    assert SyncState.objects.get(account=account).due_at is None


def test_other_accounts_keep_their_pace(account: NexmoAccount, clock: list[datetime]) -> None:
    other = NexmoAccount.objects.get(api_key="demo0002")
    run(other)
    state.watch(account, NOW + HALF_HOUR)
    assert run(other) == USUAL


def test_watching_again_changes_its_end_and_none_ends_it(account: NexmoAccount, clock: list[datetime]) -> None:
    assert state.watch(account, NOW + HALF_HOUR)
    assert not state.watch(account, NOW + HALF_HOUR)
    assert state.watch(account, NOW + HALF_HOUR / 2)
    assert SyncState.objects.get(account=account).watched_until == NOW + HALF_HOUR / 2
    assert state.watch(account, None)
    assert not state.watch(account, None)
    assert run(account) == USUAL


def test_an_end_that_is_past_watches_nothing(account: NexmoAccount, clock: list[datetime]) -> None:
    run(account)
    assert not state.watch(account, NOW)
    assert SyncState.objects.get(account=account).due_at == NOW + USUAL


def test_requests_of_the_hour_end_the_fast_pace_until_it_is_over(
    account: NexmoAccount, clock: list[datetime], settings: Any
) -> None:
    settings.WATCH_REQUESTS_PER_HOUR = 10
    state.watch(account, NOW + timedelta(hours=1))
    assert run(account, requests=4) == FAST
    assert run(account, requests=5) == FAST
    assert run(account, requests=1) == USUAL
    assert run(account, requests=1) == USUAL
    clock[0] = datetime(2026, 3, 15, 13, 0, tzinfo=UTC)
    assert run(account, requests=1) == FAST
    assert SyncState.objects.get(account=account).watch_requests == 1


def test_long_usual_interval_does_not_outlast_the_hour_whose_requests_are_spent(
    account: NexmoAccount, clock: list[datetime], settings: Any
) -> None:
    settings.WATCH_REQUESTS_PER_HOUR, settings.SYNC_INTERVAL = 3, timedelta(hours=6)
    state.watch(account, NOW + timedelta(hours=1))
    assert run(account, requests=3) == timedelta(minutes=40)
    state.watch(account, NOW + HALF_HOUR)  # over before the next hour
    assert run(account, requests=1) == timedelta(hours=6)


def test_watching_with_spent_requests_hastens_nothing(
    account: NexmoAccount, clock: list[datetime], settings: Any
) -> None:
    settings.WATCH_REQUESTS_PER_HOUR = 3
    state.watch(account, NOW + HALF_HOUR)
    run(account, requests=3)
    state.watch(account, NOW + timedelta(hours=1))
    assert SyncState.objects.get(account=account).due_at == NOW + USUAL


def test_no_requests_for_watching_is_the_usual_pace(
    account: NexmoAccount, clock: list[datetime], settings: Any
) -> None:
    settings.WATCH_REQUESTS_PER_HOUR = 0
    run(account)
    state.watch(account, NOW + HALF_HOUR)
    assert SyncState.objects.get(account=account).due_at == NOW + USUAL
    assert run(account) == USUAL


def test_only_scheduled_syncs_of_watched_accounts_count(account: NexmoAccount, clock: list[datetime]) -> None:
    run(account, requests=7)
    state.watch(account, NOW + HALF_HOUR)
    run(account, requests=5, trigger=SyncRun.Trigger.PERSON)
    run(account, requests=2)
    found = SyncState.objects.get(account=account)
    assert (found.watch_requests, found.watch_hour) == (2, datetime(2026, 3, 15, 12, 0, tzinfo=UTC))


def test_watching_is_never_slower_than_usual(account: NexmoAccount, clock: list[datetime], settings: Any) -> None:
    settings.SYNC_INTERVAL = timedelta(seconds=5)
    state.watch(account, NOW + HALF_HOUR)
    assert run(account) == timedelta(seconds=5)


def test_failures_are_spaced_out_as_if_nobody_watched(account: NexmoAccount, clock: list[datetime]) -> None:
    assert run(account, error=Exception("no")) == 2 * USUAL
    state.watch(account, NOW + HALF_HOUR)
    assert SyncState.objects.get(account=account).due_at == NOW + 2 * USUAL
    assert run(account, error=Exception("no")) == 4 * USUAL


def test_nexmo_may_ask_for_more_time(account: NexmoAccount, clock: list[datetime]) -> None:
    state.watch(account, NOW + HALF_HOUR)
    error = RateLimited("slow down", retry_after=1200)
    assert run(account, error=error) == timedelta(seconds=1200)


def test_what_a_wrong_clock_wrote_counts_for_nothing(account: NexmoAccount, clock: list[datetime]) -> None:
    state.ensure([account])
    SyncState.objects.update(watched_until=NOW + timedelta(days=400))
    assert run(account) == USUAL
    SyncState.objects.update(
        watched_until=NOW + HALF_HOUR, watch_hour=NOW + timedelta(days=400), watch_requests=1_000_000
    )
    assert run(account) == FAST
    state.watch(account, NOW + timedelta(days=400))
    assert SyncState.objects.get(account=account).watched_until == NOW + pace.LONGEST_WATCH


def test_what_is_shown_is_what_holds(account: NexmoAccount, clock: list[datetime], settings: Any) -> None:
    settings.WATCH_REQUESTS_PER_HOUR = 3
    state.ensure([account])
    assert pace.watch_of(SyncState.objects.get(account=account), NOW) is None
    state.watch(account, NOW + HALF_HOUR)
    run(account, requests=2)
    watch = pace.watch_of(SyncState.objects.get(account=account), NOW)
    assert watch is not None
    assert (watch.until, watch.requests, watch.budget, watch.is_spent) == (NOW + HALF_HOUR, 2, 3, False)
    run(account, requests=2)
    watch = pace.watch_of(SyncState.objects.get(account=account), NOW)
    assert watch is not None and watch.is_spent
