"""When a message goes out: at once or together with others, and not in quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from events.models import Severity, Subscription

if TYPE_CHECKING:
    from datetime import tzinfo

MORNING = time(8)  # when a daily digest goes out, unless another time is chosen


def due_at(subscription: Subscription, severity: int, zone: tzinfo, now: datetime, pace: str = "") -> datetime:
    """When something of this severity that comes up now is to be told.

    Args:
        pace: instead of the subscription's own.
    """
    pace = pace or subscription.pace
    if pace == Subscription.Pace.AT_ONCE:
        at = now
    elif pace == Subscription.Pace.HOURLY:
        local = now.astimezone(zone)
        # By the clock on the wall, which in some zones is not at the full hour when UTC is.
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        at = now - past + timedelta(hours=1)
    else:
        at = next_at(subscription.daily_at or MORNING, zone, now)
    if severity == Severity.CRITICAL and subscription.critical_always:
        return at
    return after_quiet(subscription, zone, at)


def after_quiet(subscription: Subscription, zone: tzinfo, at: datetime) -> datetime:
    """A moment, or the end of the quiet hours that it falls into."""
    start, end = subscription.quiet_from, subscription.quiet_until
    if start is None or end is None or start == end:
        return at
    clock = at.astimezone(zone).time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    return next_at(end, zone, at) if is_quiet else at


def next_at(clock: time, zone: tzinfo, now: datetime) -> datetime:
    """The next moment after `now` at which a clock of this zone shows a time; just after it, where clocks skip that."""
    local = now.astimezone(zone)
    for days in (0, 1, 2):
        at = datetime.combine(local.date() + timedelta(days=days), clock, tzinfo=zone).astimezone(UTC)
        if at > now:
            return at
    raise AssertionError("no day has this time")
