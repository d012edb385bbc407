"""Reminders of findings that nobody has acknowledged, and escalation to somebody else.

Findings that went out together, because their rule flooded the channel, are reminded of together too: one message for
all of a subscription that are still open.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from events.alerts import times
from events.alerts.messages.receivers import accounts_of, reader_of
from events.models import Delivery, DigestItem, Finding, FindingAccount, Severity
from events.storage.transactions import write_turn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from events.models import Subscription

BATCH = 500


def follow_up() -> int:
    """Write down the reminders and escalations that are due. Returns how many."""
    now, count = timezone.now(), 0
    for pk in list(Delivery.objects.filter(remind_at__lte=now).values_list("pk", flat=True)[:BATCH]):
        with write_turn():
            count += _remind(pk, now)
    for pk in list(Delivery.objects.filter(escalate_at__lte=now).values_list("pk", flat=True)[:BATCH]):
        with write_turn():
            count += _escalate(pk, now)
    return count


def _locked(pk: int, **due: datetime) -> Delivery | None:
    rows = Delivery.objects.select_for_update(of=("self",)).select_related(
        "subscription__channel__owner", "subscription__escalate_to", "finding"
    )
    delivery: Delivery | None = rows.filter(pk=pk, **due).first()
    return delivery


def _remind(pk: int, now: datetime) -> bool:
    delivery = _locked(pk, remind_at__lte=now)
    if delivery is None:
        return False
    subscription, finding = delivery.subscription, delivery.finding
    row = Delivery.objects.filter(pk=pk)
    if subscription is not None and delivery.kind == Delivery.Kind.DIGEST:
        return _remind_of_many(subscription, now)
    if (
        subscription is None
        or finding is None
        or not subscription.is_active
        or not subscription.remind_every
        or not _is_open(finding, subscription)
    ):
        row.update(remind_at=None)
        return False
    every = timedelta(minutes=subscription.remind_every)
    told = Delivery.objects.filter(subscription=subscription, finding=finding)
    if told.filter(state=Delivery.State.WAITING).exclude(kind=Delivery.Kind.ESCALATED).exists():
        row.update(remind_at=now + every)  # what waits already would only be doubled
        return False
    count = told.filter(kind=Delivery.Kind.REMINDER).count()
    due = _after_quiet(subscription, finding.severity, now)
    row.update(remind_at=None)
    Delivery.objects.create(
        subscription=subscription,
        channel=subscription.channel,
        finding=finding,
        kind=Delivery.Kind.REMINDER,
        occasion=f"reminder {count + 1}",
        created_at=now,
        due_at=due,
        remind_at=due + every,
    )
    return True


def _after_quiet(subscription: Subscription, severity: int, now: datetime) -> datetime:
    if severity == Severity.CRITICAL and subscription.critical_always:
        return now
    return times.after_quiet(subscription, reader_of(subscription.channel).zone, now)


def _remind_of_many(subscription: Subscription, now: datetime) -> bool:
    """One reminder of all findings that a subscription's digests told and that are still open."""
    digests = Delivery.objects.filter(subscription=subscription, kind=Delivery.Kind.DIGEST, remind_at__isnull=False)
    still = Exists(_open_items(OuterRef("pk"), subscription))
    if not subscription.is_active or not subscription.remind_every:
        digests.update(remind_at=None)
        return False
    digests.exclude(still).update(remind_at=None)
    # Those that were not sent yet are told by their digest first.
    told = list(digests.exclude(state=Delivery.State.WAITING).values_list("pk", flat=True))
    every = timedelta(minutes=subscription.remind_every)
    reminders = Delivery.objects.filter(subscription=subscription, kind=Delivery.Kind.REMINDER, finding=None)
    if not told or reminders.filter(state=Delivery.State.WAITING).exists():
        digests.update(remind_at=now + every)  # what waits already would only be doubled
        return False
    worst = _open_items(told, subscription).aggregate(worst=Max("finding__severity"))["worst"] or 0
    due = _after_quiet(subscription, worst, now)
    reminder = Delivery(
        subscription=subscription,
        channel=subscription.channel,
        kind=Delivery.Kind.REMINDER,
        occasion=f"reminder at {now.isoformat()}",
        created_at=now,
        due_at=due,
    )
    reminder.content = told_by(told)
    reminder.save()
    digests.update(remind_at=due + every)
    return True


def told_by(digests: Sequence[int]) -> Any:
    """What a reminder or escalation of many findings keeps: the digests that told them."""
    return {"digests": list(digests)}


def _is_open(finding: Finding, subscription: Subscription) -> bool:
    """Whether a part of a finding that the subscription may see waits for somebody."""
    return bool(_open_parts(subscription).filter(finding=finding).exists())


def _open_parts(subscription: Subscription) -> Any:
    accounts = [account.pk for account in accounts_of(subscription)]
    return FindingAccount.objects.filter(account__in=accounts, state=Finding.State.OPEN)


def _open_items(digests: Any, subscription: Subscription) -> Any:
    """What these digests, or one, told and nobody has dealt with."""
    parts = _open_parts(subscription).filter(finding=OuterRef("finding"))
    items = DigestItem.objects.filter(Exists(parts)).order_by()
    return items.filter(delivery__in=digests) if isinstance(digests, list) else items.filter(delivery=digests)


def _escalate(pk: int, now: datetime) -> bool:
    delivery = _locked(pk, escalate_at__lte=now)
    if delivery is None:
        return False
    Delivery.objects.filter(pk=pk).update(escalate_at=None)
    subscription, finding = delivery.subscription, delivery.finding
    if subscription is None or not subscription.is_active or subscription.escalate_to is None:
        return False
    is_of_many = delivery.kind == Delivery.Kind.DIGEST
    if is_of_many:
        is_open = _open_items(delivery.pk, subscription).exists()
    else:
        is_open = finding is not None and _is_open(finding, subscription)
    if not is_open:
        return False
    escalation = Delivery(
        subscription=subscription,
        channel=subscription.escalate_to,
        finding=finding,
        kind=Delivery.Kind.ESCALATED,
        occasion=f"escalated {pk}" if is_of_many else "escalated",
        created_at=now,
        due_at=now,
    )
    if is_of_many:
        escalation.content = told_by([pk])
    Delivery.objects.bulk_create([escalation], ignore_conflicts=True)
    return True
