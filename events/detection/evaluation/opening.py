"""What a finding is when it comes up, whoever found it: open or suppressed, and news or history."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from events.detection.findings.suppress import matching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact
    from events.detection.findings.suppress import Span
    from events.models import Finding, Suppression

# Findings of events that are older when they are found are history: they are kept, and announced to nobody.
ANNOUNCED_WITHIN = timedelta(days=30)


def come_up(
    finding: Finding,
    group: dict[str, Any],
    facts: Sequence[Fact],
    spans: Mapping[int, Span],
    now: datetime,
    *,
    is_news: bool = False,
    may_suppress: bool = True,
) -> dict[int, Suppression]:
    """Set whether alerts look at a finding that comes up, and say which of its parts are suppressed.

    Args:
        spans: times of the first and last event, by account.
        may_suppress: there are suppressions of its rule.
        is_news: it is told, however old its events are.

    Returns:
        By which suppressions parts are covered, by account.
    """
    is_news = is_news or finding.last_at >= now - ANNOUNCED_WITHIN
    finding.routed_at = None if is_news else now
    return matching(finding.rule, group, facts, spans) if may_suppress else {}
