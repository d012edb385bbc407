"""Which accounts are suspicious enough to be asked more often, and why.

Suspicious is what a rule has found, as long as nobody has resolved or suppressed it: from medium severity on for an
hour after it was found or events were added to it, at low severity for a quarter of one. What concerns events that are
older than a day is history, whenever it was found; what has no events (a sync that fails, say) is not settled by more
syncs.

And so is, for half an hour, the first event of a known user from another country. By itself it is no finding, because
people travel; but it is what a takeover begins with, and so its next steps are seen within seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from events.models import Finding, FindingAccount, FirstSeen
from events.models.detection import Severity
from events.storage import clock
from events.sync import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.models import AuditEvent

WATCHED_FOR = {
    Severity.LOW: timedelta(minutes=15),
    Severity.MEDIUM: timedelta(hours=1),
    Severity.HIGH: timedelta(hours=1),
    Severity.CRITICAL: timedelta(hours=1),
}
FIRST_WATCHED_FOR = timedelta(minutes=30)
NEWS = timedelta(days=1)  # the age up to which an event can be part of what goes on now
# A finding that goes on for longer than this is not looked for: it has had a day of watching, and somebody to see it.
LONGEST_FINDING = timedelta(days=7)


@dataclass(frozen=True)
class Reason:
    """Why an account is watched for longest: a finding, or a user's first event from a country."""

    until: datetime
    finding: Finding | None = None
    event: AuditEvent | None = None


def reason(account: NexmoAccount | int, now: datetime | None = None) -> Reason | None:
    """Why an account is watched; None: nothing suspicious was seen in it lately."""
    now = now or timezone.now()
    reasons = [*_findings(account, now), *_firsts(account, now)]
    longest = max(reasons, key=lambda each: (each.until, each.finding is not None), default=None)
    return longest if longest and longest.until > now else None


def _findings(account: NexmoAccount | int, now: datetime) -> Iterator[Reason]:
    parts = FindingAccount.objects.filter(
        account=account,
        state__in=Finding.UNFINISHED,
        severity__in=WATCHED_FOR,
        found_at__gt=now - LONGEST_FINDING,
        last_at__gt=now - NEWS,
        event_count__gt=0,
    )
    since = now - max(WATCHED_FOR.values())
    parts = parts.filter(Q(found_at__gt=since) | Q(finding__extended_at__gt=since))
    for part in parts.select_related("finding").order_by("-severity", "-pk"):
        changed = max(part.found_at, part.finding.extended_at or part.found_at)
        yield Reason(changed + WATCHED_FOR[Severity(part.severity)], finding=part.finding)


def _firsts(account: NexmoAccount | int, now: datetime) -> Iterator[Reason]:
    firsts = FirstSeen.objects.filter(
        account=account, created_at__gt=now - FIRST_WATCHED_FOR, created_at__lte=clock.latest_believable(now)
    )
    earlier = FirstSeen.objects.filter(
        account=OuterRef("account"), user_email=OuterRef("user_email"), created_at__lt=OuterRef("created_at")
    )
    for first in firsts.filter(Exists(earlier)).select_related("event").order_by("-created_at", "-pk")[:1]:
        yield Reason(first.created_at + FIRST_WATCHED_FOR, event=first.event)


def watch(accounts: Iterable[NexmoAccount | int]) -> None:
    """Have these accounts, or those with these keys, watched as long as something in them is suspicious, and no longer.

    To be called when events of them were evaluated, and when findings of them were changed, by rules or people.
    """
    now = timezone.now()
    for key in {account if isinstance(account, int) else account.pk for account in accounts}:
        why = reason(key, now)
        state.watch(key, why.until if why else None)
