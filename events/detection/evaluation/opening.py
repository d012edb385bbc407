"""What a finding is when it comes up, whoever found it: open or suppressed, and news or history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from events.detection.findings.suppress import matching
from events.models import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact

# Findings of events that are older when they are found are history: they are kept, and announced to nobody.
ANNOUNCED_WITHIN = timedelta(days=30)


def come_up(
    finding: Finding,
    group: dict[str, Any],
    facts: Sequence[Fact],
    accounts: Sequence[int],
    now: datetime,
    *,
    is_news: bool = False,
    may_suppress: bool = True,
) -> dict[str, Any]:
    """Set what a finding is when it comes up: open, or suppressed; and whether alerts look at it.

    Args:
        may_suppress: there are suppressions of its rule.
        accounts: its accounts, where it has no events.
        is_news: it is told, however old its events are.

    Returns:
        What was set.
    """
    suppression = matching(finding, group, facts, accounts) if may_suppress else None
    is_news = is_news or finding.last_at >= now - ANNOUNCED_WITHIN
    values = {
        "state": Finding.State.SUPPRESSED if suppression else Finding.State.OPEN,
        "suppression": suppression,
        "routed_at": None if is_news else now,
    }
    for name, value in values.items():
        setattr(finding, name, value)
    return values
