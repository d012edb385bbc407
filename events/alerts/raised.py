"""Findings whose rule got a higher level: told to those whose level they reach by that for the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef
from django.utils import timezone

from events.alerts.route import Listeners, tell, was_told
from events.detection.evaluation.opening import ANNOUNCED_WITHIN
from events.detection.findings import writing
from events.models import Finding, FindingAccount, FindingChange, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 100


def route_raised(rule: str, still: Callable[[], None] | None = None) -> int:
    """Write down what is to be sent of a rule's findings that were raised. Safe to begin again. Returns of how many.

    Args:
        still: called now and then; may raise to stop.
    """
    done, last = 0, 0
    raised = FindingChange.objects.filter(finding=OuterRef("pk"), action=FindingChange.Action.LEVELLED)
    waiting = Finding.objects.filter(Exists(raised), rule=rule, state__in=Finding.UNFINISHED).order_by("pk")
    while keys := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        listeners = Listeners.now(what=Subscription.What.SEVERITY)
        for pk in keys:
            with writing.turn():
                done += _route(pk, listeners)
        last = keys[-1]
        if still:
            still()
    return done


def _route(pk: int, listeners: Listeners) -> bool:
    """One finding, within a transaction. One that is not routed yet is told with the level that it has then."""
    now, told = timezone.now(), False
    recent = Finding.objects.filter(last_at__gte=now - ANNOUNCED_WITHIN, state__in=Finding.UNFINISHED)
    finding = recent.exclude(routed_at=None).filter(pk=pk).first()
    if finding is None:
        return False
    levelled = finding.changes.filter(action=FindingChange.Action.LEVELLED)
    lines = list(levelled.values_list("accounts", "details"))
    parts = list(FindingAccount.objects.filter(finding=finding).order_by("account_id"))
    for subscription in listeners.of(parts) if parts else ():
        seen = listeners.accounts(subscription)
        before = [writing.levels_of(said)[0] for about, said in lines if about is None or not seen.isdisjoint(about)]
        if before and max(before) < subscription.severity and not was_told(subscription, finding):
            tell(finding, subscription, listeners.reader(subscription), now)
            told = True
    return told
