"""How soon an account is asked again: usually every SYNC_INTERVAL, and every WATCH_INTERVAL while it is watched.

Who watches an account says until when (`state.watch`). Scheduled syncs meanwhile may make WATCH_REQUESTS_PER_HOUR
requests in each hour of the clock; when they are spent, the account is asked at the usual pace until the hour is over.
Nothing here writes: `events.sync.state` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from events.storage import clock
from events.sync.limits import LONGEST_BACKOFF

if TYPE_CHECKING:
    from datetime import datetime

    from events.models import SyncState

# Nobody watches for longer without saying so again; what ends later was written by a wrong clock.
LONGEST_WATCH = timedelta(hours=2)


@dataclass(frozen=True)
class Watch:
    """An account that is watched now.

    Attributes:
        requests: made this hour by scheduled syncs of it while it was watched.
        budget: how many these may be.
        hour_ends: when the count begins anew.
    """

    until: datetime
    requests: int
    budget: int
    hour_ends: datetime

    @property
    def is_spent(self) -> bool:
        """No more fast syncs in this hour."""
        return self.requests >= self.budget


def hour_of(now: datetime) -> datetime:
    """The beginning of the hour of the clock, UTC."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def fast_interval() -> timedelta:
    """The time between two syncs of an account that is watched."""
    fast: timedelta = min(settings.WATCH_INTERVAL, settings.SYNC_INTERVAL)
    return fast


def watch_of(state: SyncState, now: datetime) -> Watch | None:
    """How an account is watched; None: it is not. An end that a wrong clock wrote counts for nothing."""
    until: datetime | None = state.watched_until
    if until is None or not now < until <= clock.latest_believable(now) + LONGEST_WATCH:
        return None
    hour = hour_of(now)
    requests = state.watch_requests if state.watch_hour == hour else 0
    return Watch(until, requests, settings.WATCH_REQUESTS_PER_HOUR, hour + timedelta(hours=1))


def count(state: SyncState, requests: int, now: datetime) -> None:
    """Note the requests of a run in the state, which the caller saves, where it was made while watched."""
    watch = watch_of(state, now)
    if watch is not None:
        state.watch_hour, state.watch_requests = hour_of(now), watch.requests + requests


def until_next(state: SyncState, now: datetime, retry_after: float | None) -> timedelta:
    """The time from now to the next sync of an account.

    The interval of its pace; after failures the usual one, doubled with each in a row, and never sooner than Nexmo
    asked for.
    """
    usual: timedelta = settings.SYNC_INTERVAL
    longest = max(usual, LONGEST_BACKOFF)
    failures: int = state.failures
    wait = min(usual * 2 ** min(failures, 10), longest) if failures else _interval(state, now)
    return max(wait, min(timedelta(seconds=min(retry_after or 0, 86_400)), longest))


def _interval(state: SyncState, now: datetime) -> timedelta:
    usual: timedelta = settings.SYNC_INTERVAL
    watch = watch_of(state, now)
    if watch is None:
        return usual
    if not watch.is_spent:
        return fast_interval()
    # Where the usual interval is long, the fast pace goes on when the next hour begins.
    return min(usual, max(watch.hour_ends - now, fast_interval())) if watch.until > watch.hour_ends else usual
