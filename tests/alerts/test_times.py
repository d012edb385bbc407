"""When a message goes out."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from events.alerts import times
from events.models import Severity, Subscription

MADRID, KOLKATA = ZoneInfo("Europe/Madrid"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 3, 15, 12, 10, tzinfo=UTC)  # 13:10 in Madrid


def of(**values: Any) -> Subscription:
    return Subscription(**values)


def test_at_once_is_now() -> None:
    assert times.due_at(of(), Severity.LOW, MADRID, NOW) == NOW


def test_hourly_is_the_next_full_hour_of_the_persons_clock() -> None:
    subscription = of(pace="hourly")
    assert times.due_at(subscription, 0, MADRID, NOW) == NOW.replace(hour=13, minute=0)
    assert times.due_at(subscription, 0, KOLKATA, NOW) == NOW.replace(hour=12, minute=30)


def test_daily_is_at_the_chosen_time_in_the_persons_zone() -> None:
    assert times.due_at(of(pace="daily", daily_at=time(14)), 0, MADRID, NOW) == NOW.replace(hour=13, minute=0)
    assert times.due_at(of(pace="daily"), 0, MADRID, NOW) == NOW.replace(day=16, hour=7, minute=0)


@pytest.mark.parametrize(
    ("start", "end", "hour", "expected"),
    [
        (time(22), time(7), 21, (15, 21)),
        (time(22), time(7), 23, (16, 7)),
        (time(22), time(7), 3, (15, 7)),
        (time(22), time(7), 7, (15, 7)),
        (time(12), time(14), 13, (15, 14)),
        (time(12), time(14), 14, (15, 14)),
        (time(12), time(12), 12, (15, 12)),
    ],
)
def test_what_comes_up_in_quiet_hours_waits_for_their_end(
    start: time, end: time, hour: int, expected: tuple[int, int]
) -> None:
    subscription = of(quiet_from=start, quiet_until=end)
    at = NOW.replace(hour=hour, minute=0)
    assert times.due_at(subscription, Severity.HIGH, UTC, at) == NOW.replace(
        day=expected[0], hour=expected[1], minute=0
    )


def test_critical_findings_come_through_unless_told_not_to() -> None:
    quiet: dict[str, Any] = {"quiet_from": time(0), "quiet_until": time(23, 59)}
    assert times.due_at(of(**quiet), Severity.CRITICAL, UTC, NOW) == NOW
    assert times.due_at(of(**quiet, critical_always=False), Severity.CRITICAL, UTC, NOW) > NOW


def test_time_that_clocks_skip_is_passed_soon_after() -> None:
    before = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # an hour later Madrid's clocks go from 2:00 to 3:00
    found = times.next_at(time(2, 30), MADRID, before)
    assert timedelta() < found - before <= timedelta(hours=1)
