"""What may be believed of a recorded time: a machine whose clock was wrong leaves dates that lie in the future."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

# Clocks of machines that work together differ by this much at most; what lies further ahead is a fault.
MOST_SKEW = timedelta(minutes=5)


def latest_believable(now: datetime | None = None) -> datetime:
    """No time recorded so far can be later than this."""
    return (now or timezone.now()) + MOST_SKEW


def lies_ahead(moment: datetime | None, now: datetime | None = None) -> bool:
    """Whether a recorded time lies in the future, so that it proves nothing."""
    return moment is not None and moment > latest_believable(now)


def is_within(moment: datetime | None, age: timedelta, now: datetime | None = None) -> bool:
    """Whether something was done at most `age` ago. A time in the future does not count."""
    now = now or timezone.now()
    return moment is not None and now - age < moment <= latest_believable(now)
