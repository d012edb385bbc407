"""Reminders of findings that nobody has acknowledged, and escalation to somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from events.alerts import times
from events.alerts.messages.receivers import reader_of
from events.models import Delivery, Finding, Severity
from events.storage.transactions import write_turn

if TYPE_CHECKING:
    from datetime import datetime

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
    if (
        subscription is None
        or finding is None
        or not subscription.is_active
        or not subscription.remind_every
        or finding.state != Finding.State.OPEN
    ):
        row.update(remind_at=None)
        return False
    every = timedelta(minutes=subscription.remind_every)
    told = Delivery.objects.filter(subscription=subscription, finding=finding)
    if told.filter(state=Delivery.State.WAITING).exclude(kind=Delivery.Kind.ESCALATED).exists():
        row.update(remind_at=now + every)  # what waits already would only be doubled
        return False
    count = told.filter(kind=Delivery.Kind.REMINDER).count()
    due = now
    if not (finding.severity == Severity.CRITICAL and subscription.critical_always):
        due = times.after_quiet(subscription, reader_of(subscription.channel).zone, now)
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


def _escalate(pk: int, now: datetime) -> bool:
    delivery = _locked(pk, escalate_at__lte=now)
    if delivery is None:
        return False
    Delivery.objects.filter(pk=pk).update(escalate_at=None)
    subscription, finding = delivery.subscription, delivery.finding
    if subscription is None or finding is None or not subscription.is_active or subscription.escalate_to is None:
        return False
    if finding.state != Finding.State.OPEN:
        return False
    Delivery.objects.bulk_create(
        [
            Delivery(
                subscription=subscription,
                channel=subscription.escalate_to,
                finding=finding,
                kind=Delivery.Kind.ESCALATED,
                occasion="escalated",
                created_at=now,
                due_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return True
