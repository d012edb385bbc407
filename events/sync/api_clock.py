"""What the API's answers say of the time: this machine's clock may be wrong, and coverage must not rest on it alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from events.models import AuditEvent
from events.storage.clock import MOST_SKEW

if TYPE_CHECKING:
    from accounts.models import NexmoAccount


def earlier(ours: datetime, theirs: datetime | None) -> datetime:
    """The earlier of two clocks. A Date header names a second, and may have been written at its end."""
    return min(ours, theirs + timedelta(seconds=1)) if theirs else ours


def proven_until(account: NexmoAccount, asked_at: datetime, sent_at: datetime | None) -> datetime | None:
    """How far the API's clock had got when it answered: never later than ours.

    By its Date header; without one by its newest event, which it dated itself; None where there is neither. An event
    dated in the future proves nothing of the clock that dated it.
    """
    if sent_at:
        return earlier(asked_at, sent_at)
    dated = AuditEvent.objects.filter(account=account, created_at__lte=asked_at).exclude(created_at_basis="fetched")
    newest: datetime | None = dated.order_by("-created_at", "-pk").values_list("created_at", flat=True).first()
    return newest


def describe_skew(now: datetime, sent_at: datetime | None) -> str:
    """What is wrong with this machine's clock, by the API's; empty when they agree, or nothing is known."""
    ahead = now - sent_at if sent_at else timedelta()
    if abs(ahead) <= MOST_SKEW:
        return ""
    direction = "ahead of" if ahead > timedelta() else "behind"
    return (
        f"This machine's clock is {_in_words(abs(ahead))} {direction} Nexmo's. Set it right; until then "
        "the account counts as complete up to the earlier of both, and syncs may come at the wrong time."
    )


def _in_words(length: timedelta) -> str:
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if length >= 2 * unit:
            return f"{round(length / unit):,} {name}"
    return f"{round(length / timedelta(minutes=1))} minutes"
