"""Removing old events: the one narrow way, recorded, that leaves the chain verifiable.

Each removed event leaves its place in the chain and the hash of its record behind (`RemovedEvent`); the database's
triggers let an event go only when that is there. Legal holds win over retention.

A clock that is ahead would remove what must be kept. So age counts from the latest moment that the archive itself can
show: the end of coverage, which the API's own clock bounds, or the newest event.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from events.models import AuditEvent, CoveredSpan, EventConflict, LegalHold, Removal, RemovedEvent, SyncState
from events.storage import application_names, chain, clock, first_seen, ledger
from events.storage.appending import uncount
from events.storage.transactions import lock_table

if TYPE_CHECKING:
    from accounts.models import NexmoAccount

BATCH = 1_000
SHOWN_WITHIN = timedelta(days=1)  # the archive must show a moment this close to the clock's

DOUBTED = (
    "This machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the archive's newest sync or event is {shown}. Nothing is "
    "removed. Set the clock right, or sync first. If the accounts are no longer synced and the clock is right, use "
    "--trust-clock."
)
CLOCKS_DIFFER = (
    "This machine's clock says {now:%Y-%m-%d %H:%M} UTC and the database server's {other:%Y-%m-%d %H:%M} UTC. Nothing "
    "is removed. Set the clocks right first."
)


class ClockDoubted(Exception):
    """How old events are cannot be told. Its text says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """What retention would remove from an account now."""

    account: NexmoAccount
    older_than: datetime
    count: int
    held: int


def plan(account: NexmoAccount, now: datetime) -> Plan | None:
    """What would be removed, or None for an account whose events are kept forever. `now` is what `present` says."""
    if account.keep_days is None:
        return None
    older_than = now - timedelta(days=account.keep_days)
    old = AuditEvent.objects.filter(account=account, created_at__lt=older_than)
    total, free = old.count(), old.exclude(_held(account)).count()
    return Plan(account, older_than, count=free, held=total - free)


def present(*, trust_clock: bool = False) -> datetime:
    """The time from which age counts.

    Args:
        trust_clock: believe this machine's clock where nothing in the archive bears it out.

    Raises:
        ClockDoubted: the clock may be wrong.
    """
    now = timezone.now()
    if connection.vendor == "postgresql":  # often another machine, with another clock
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            (other,) = cursor.fetchone()
        if abs(now - other) > clock.MOST_SKEW:
            raise ClockDoubted(CLOCKS_DIFFER.format(now=now, other=other))
    if trust_clock:
        return now
    shown = _latest_shown(now)
    if shown is None or now - shown > SHOWN_WITHIN:
        raise ClockDoubted(DOUBTED.format(now=now, shown=f"from {shown:%Y-%m-%d %H:%M} UTC" if shown else "missing"))
    return min(now, shown)


def _latest_shown(now: datetime) -> datetime | None:
    """The latest moment that any account's archive shows to have passed. What is dated after it was fetched, or in the
    future, shows nothing."""
    latest = clock.latest_believable(now)
    covered = CoveredSpan.objects.filter(end__lte=latest).aggregate(end=Max("end"))["end"]
    dated = AuditEvent.objects.filter(created_at__lte=latest, created_at__lt=F("fetched_at"))
    newest = dated.order_by("-created_at", "-pk").values_list("created_at", flat=True).first()
    return max((moment for moment in (covered, newest) if moment), default=None)


def apply(planned: Plan, *, requested_by: Any = None) -> Removal | None:
    """Remove what a plan names, in one transaction. Holds are looked up again: one may have been placed since.

    Returns the record of it, or None when there was nothing to remove.
    """
    account = planned.account
    with transaction.atomic():
        # Nobody adds to the account meanwhile.
        SyncState.objects.get_or_create(account=account)
        SyncState.objects.select_for_update().get(account=account)
        # Until this transaction ends no hold is placed or released; one that is being saved is waited for, and counts.
        lock_table(LegalHold, "SHARE")
        old = AuditEvent.objects.filter(account=account, created_at__lt=planned.older_than)
        doomed = old.exclude(_held(account))
        count = doomed.count()
        if not count:
            return None
        removal = Removal(
            account=account,
            removed_at=timezone.now(),
            older_than=planned.older_than,
            reason=f"Events of this account are kept for {account.keep_days} days.",
            requested_by=requested_by,
            count=count,
            held=old.count() - count,
        )
        removal.save_unrecorded()
        counts: Counter[tuple[str, str]] = Counter()
        seq = 0
        # A part at a time: all of them together may not fit into memory.
        while part := list(doomed.filter(seq__gt=seq).order_by("seq")[:BATCH]):
            seq = part[-1].seq
            left_behind = []
            for event in part:
                counts[chain.moment(event.created_at)[:10], event.event_type] += 1
                digest = chain.record_hash(chain.values_of(event)).hex()
                left_behind.append(RemovedEvent(account=account, seq=event.seq, record_hash=digest, removal=removal))
            RemovedEvent.objects.bulk_create(left_behind, batch_size=BATCH)
            pks = [event.pk for event in part]
            EventConflict.objects.filter(event__in=pks).delete()
            AuditEvent.objects.filter(pk__in=pks).delete()
        SyncState.objects.filter(account=account).update(event_count=F("event_count") - count)
        uncount(account.pk, counts)
        first_seen.replace_removed(account.pk)
        application_names.replace_removed(account.pk)
        ledger.enter(removal.ledger_entries())
    return removal


def _held(account: NexmoAccount) -> Q:
    """The condition of being under a hold; for no hold one that nothing meets."""
    held = Q(pk__in=[])
    holds = LegalHold.objects.filter(Q(account=account) | Q(account=None), released_at=None)
    for hold in holds:
        within = Q(account=account)
        if hold.first_day:
            within &= Q(created_at__gte=datetime.combine(hold.first_day, time(), tzinfo=UTC))
        if hold.last_day:
            within &= Q(created_at__lt=datetime.combine(hold.last_day + timedelta(days=1), time(), tzinfo=UTC))
        held |= within
    return held
