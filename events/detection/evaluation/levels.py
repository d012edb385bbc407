"""A rule's new level, brought to the findings that somebody still has to deal with.

A finding carries its rule's level from when it was found. When somebody saves the rule with another level, or an
upgrade brings one, its open findings follow; settled ones keep theirs, unless they come up again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from events.detection.findings import writing
from events.models import Finding, FindingAccount
from events.operations import jobs

if TYPE_CHECKING:
    from events.detection.rules.ruleset import RuleSet

RAISED = "route_raised"  # of the background job that looks who hears of a rule's findings now; its subject is the rule

_applied: RuleSet | None = None


def apply_levels(rules: RuleSet) -> set[int]:
    """Bring open findings to the level that their rules have now. Costs nothing while the rules are the same.

    Killed at any instant, the next process to look goes on: what is right already is not written again.

    Returns:
        Keys of the accounts with findings that changed.
    """
    global _applied
    if _applied is rules:
        return set()
    changed: set[int] = set()
    for uid, rule in rules.all.items():
        while keys := _outdated(uid, rule.severity):
            changed |= _apply(uid, rule.severity, keys)
    _applied = rules
    return changed


def _outdated(uid: str, severity: int) -> list[int]:
    """Open findings of another level, as many as are changed at once."""
    rows = Finding.objects.filter(rule=uid, state__in=Finding.UNFINISHED).exclude(severity=severity)
    return list(rows.order_by("pk").values_list("pk", flat=True)[: writing.CHUNK])


def _apply(uid: str, severity: int, keys: list[int]) -> set[int]:
    with writing.turn():
        rows = Finding.objects.filter(pk__in=keys, state__in=Finding.UNFINISHED).exclude(severity=severity)
        findings = list(rows.order_by("pk").only("pk", "severity"))
        writing.set_level(findings, severity, timezone.now())
        if any(finding.severity < severity for finding in findings):
            jobs.enqueue(RAISED, uid)
    parts = FindingAccount.objects.filter(finding__in=[finding.pk for finding in findings])
    return set(parts.values_list("account", flat=True))
