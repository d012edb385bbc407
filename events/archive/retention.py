"""Removing old events: the one narrow way, recorded, that leaves the chain verifiable.

Each removed event leaves its place in the chain and the hash of its record behind (`RemovedEvent`); the database's
triggers let an event go only when that is there. Legal holds win over retention.

A clock that is ahead would remove what must be kept. So age counts from the latest moment that the archive itself can
show: the end of coverage, which the API's own clock bounds, or the newest event.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max, Q, Sum
from django.utils import timezone

from events.models import (
    AuditEvent,
    CoveredSpan,
    DayCount,
    EventConflict,
    LegalHold,
    Removal,
    RemovedEvent,
    RetentionChange,
    SyncState,
)
from events.storage import application_names, chain, clock, first_seen, ledger
from events.storage.appending import uncount
from events.storage.transactions import lock_table

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import NexmoAccount

BATCH = 1_000
MOST_OF_A_DAY = 10_000  # events of one day that an estimate counts
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
    days: int
    older_than: datetime
    count: int
    held: int


@dataclass(frozen=True)
class Tally:
    """A number of events; `at_least` says that there may be more."""

    number: int
    at_least: bool = False


@dataclass(frozen=True)
class Estimate:
    """What retention would remove from an account, and what holds would keep from it, for a page that says so."""

    count: Tally
    held: Tally


def plan(account: NexmoAccount, now: datetime) -> Plan | None:
    """What would be removed, or None for an account whose events are kept forever. `now` is what `present` says."""
    days = kept_days(account, now)
    if days is None:
        return None
    older_than = now - timedelta(days=days)
    old = AuditEvent.objects.filter(account=account, created_at__lt=older_than)
    total, free = old.count(), old.exclude(_held(account)).count()
    return Plan(account, days, older_than, count=free, held=total - free)


def kept_days(account: NexmoAccount, now: datetime) -> int | None:
    """How long events of an account are kept now, None: forever. That is the longest of what was chosen and of what the
    shortenings that still wait came from. `now` is what `present` says."""
    wanted = [account.keep_days, *(change.days_before for change in waiting(account, now))]
    return None if None in wanted else max(days for days in wanted if days is not None)


def waiting(account: NexmoAccount, now: datetime) -> list[RetentionChange]:
    """Shortenings of an account's retention that have not taken effect yet and were not undone, the newest first."""
    changes = account.retention_changes.filter(effective_at__gt=now).select_related("changed_by")
    return [change for change in changes if change.waits(now)]


def record_change(account: NexmoAccount, before: int | None, changed_by: Any) -> RetentionChange | None:
    """Record that an account, saved in this transaction, keeps events for another time than `before`. Keeping them
    longer takes effect at once, a shorter time after RETENTION_WAIT. None where nothing changed."""
    if before == account.keep_days:
        return None
    now = timezone.now()
    change = RetentionChange(
        account=account,
        days_before=before,
        days_after=account.keep_days,
        changed_at=now,
        changed_by=changed_by,
        effective_at=now,
    )
    if change.shortens:
        change.effective_at = now + settings.RETENTION_WAIT
    change.save()
    return change


def estimate(account: NexmoAccount, older_than: datetime) -> Estimate:
    """What `plan` counts, as cheap in an archive of millions as in a small one. Holds are of whole days, and so are the
    rollup's sums; only the last day, which may be cut, is counted by event, and not to its end where it is very full.
    """
    last_day = older_than.astimezone(UTC).date()
    held_days, holds = Q(pk__in=[]), list(_holds(account))
    for hold in holds:
        within = Q(day__gte=hold.first_day) if hold.first_day else Q(account=account)
        held_days |= within & Q(day__lte=hold.last_day) if hold.last_day else within
    sums = DayCount.objects.filter(account=account, day__lt=last_day).aggregate(
        total=Sum("count"), held=Sum("count", filter=held_days)
    )
    total, held = sums["total"] or 0, sums["held"] or 0
    cut = AuditEvent.objects.filter(account=account, created_at__lt=older_than).order_by()
    of_last_day = cut.filter(created_at__gte=datetime.combine(last_day, time(), tzinfo=UTC))
    counted = of_last_day[: MOST_OF_A_DAY + 1].count()
    more, counted = counted > MOST_OF_A_DAY, min(counted, MOST_OF_A_DAY)
    if any(_holds_day(hold, last_day) for hold in holds):
        return Estimate(count=Tally(total - held), held=Tally(held + counted, more))
    return Estimate(count=Tally(total - held + counted, more), held=Tally(held))


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
            reason=f"Events of this account are kept for {planned.days} days.",
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


def _holds(account: NexmoAccount) -> QuerySet[LegalHold]:
    """The holds in force on an account, or on all."""
    holds: QuerySet[LegalHold] = LegalHold.objects.filter(Q(account=account) | Q(account=None), released_at=None)
    return holds


def _holds_day(hold: LegalHold, day: date) -> bool:
    return not (hold.first_day and day < hold.first_day) and not (hold.last_day and day > hold.last_day)


def _held(account: NexmoAccount) -> Q:
    """The condition of being under a hold; for no hold one that nothing meets."""
    held = Q(pk__in=[])
    for hold in _holds(account):
        within = Q(account=account)
        if hold.first_day:
            within &= Q(created_at__gte=datetime.combine(hold.first_day, time(), tzinfo=UTC))
        if hold.last_day and hold.last_day < date.max:  # no day comes after that
            within &= Q(created_at__lt=datetime.combine(hold.last_day + timedelta(days=1), time(), tzinfo=UTC))
        held |= within
    return held
