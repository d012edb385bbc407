"""Which accounts are suspicious enough to be asked more often, and why.

Suspicious is what a rule has found, as long as nobody has resolved or suppressed it: from medium severity on for an
hour after it was found or events were added to it, at low severity for a quarter of one. So a login from a new
country, of low severity when it stands alone, already brings the next step of a takeover within seconds. What concerns
events that are older than a day is history, whenever it was found; what has no events (a sync that fails, say) is not
settled by more syncs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from events.models import Finding, FindingAccount
from events.models.detection import Severity
from events.sync import state

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import NexmoAccount

WATCHED_FOR = {
    Severity.LOW: timedelta(minutes=15),
    Severity.MEDIUM: timedelta(hours=1),
    Severity.HIGH: timedelta(hours=1),
    Severity.CRITICAL: timedelta(hours=1),
}
NEWS = timedelta(days=1)  # the age up to which an event can be part of what goes on now
# A finding that goes on for longer than this is not looked for: it has had a day of watching, and somebody to see it.
LONGEST_FINDING = timedelta(days=7)


@dataclass(frozen=True)
class Reason:
    """The finding for which an account is watched for longest."""

    finding: Finding
    until: datetime


def reason(account: NexmoAccount | int, now: datetime | None = None) -> Reason | None:
    """Why an account is watched; None: nothing suspicious was found in it lately."""
    now = now or timezone.now()
    parts = FindingAccount.objects.filter(
        account=account,
        state__in=Finding.UNFINISHED,
        severity__in=WATCHED_FOR,
        found_at__gt=now - LONGEST_FINDING,
        last_at__gt=now - NEWS,
        event_count__gt=0,
    )
    since = now - max(WATCHED_FOR.values())
    parts = parts.filter(Q(found_at__gt=since) | Q(finding__extended_at__gt=since)).select_related("finding")
    reasons = (
        Reason(
            part.finding,
            max(part.found_at, part.finding.extended_at or part.found_at) + WATCHED_FOR[Severity(part.severity)],
        )
        for part in parts
    )
    longest = max(reasons, key=lambda each: (each.until, each.finding.severity, each.finding.pk), default=None)
    return longest if longest and longest.until > now else None


def watch(accounts: Iterable[NexmoAccount | int]) -> None:
    """Have these accounts, or those with these keys, watched as long as something in them is suspicious, and no longer.

    To be called whenever findings of them were made, extended, withdrawn, or changed by people.
    """
    now = timezone.now()
    for key in {account if isinstance(account, int) else account.pk for account in accounts}:
        why = reason(key, now)
        state.watch(key, why.until if why else None)
