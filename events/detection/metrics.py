"""What Prometheus is told of detection: findings, how far evaluation lags, and rules that cannot be read or fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from events.detection.rules.ruleset import current_rules
from events.detection.sigma.rule import LEVELS
from events.models import ChainHead, DetectionCursor, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric


class DetectionCollector(Collector):
    """As it is at the moment of asking. Rules are named by their ids: titles are what people write."""

    def collect(self) -> Iterator[Metric]:
        findings = GaugeMetricFamily(
            "auditsite_findings", "Findings by severity and state.", labels=("severity", "state")
        )
        counts = {
            (severity, state): count
            for severity, state, count in Finding.objects.order_by()
            .values_list("severity", "state")
            .annotate(count=Count("pk"))
        }
        for place, level in enumerate(LEVELS):
            for state in Finding.State.values:
                findings.add_metric((level, state), counts.get((place, state), 0))
        yield findings
        yield from _lag()
        rules = current_rules()
        yield GaugeMetricFamily("auditsite_detection_rules", "Rules that are on.", len(rules.rules))
        yield GaugeMetricFamily(
            "auditsite_detection_rules_unreadable", "Rules that cannot be read.", len(rules.problems)
        )


def _lag() -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "auditsite_detection_lag_events", "Archived events that rules have not seen yet.", labels=("account",)
    )
    heads = ChainHead.objects.order_by().values_list("account", "account__api_key", "seq")
    cursors = {account: rest for account, *rest in DetectionCursor.objects.values_list("account", "seq", "problem")}
    for account, api_key, seq in heads:
        lag.add_metric((api_key,), max(0, seq - cursors.get(account, (0,))[0]))
    yield lag
    yield GaugeMetricFamily(
        "auditsite_detection_accounts_with_failing_rules",
        "Accounts in which rules failed at the last evaluation.",
        sum(bool(problem) for _, problem in cursors.values()),
    )
