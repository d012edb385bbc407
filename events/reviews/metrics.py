"""What Prometheus is told of reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from events.models import DueReview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric


class ReviewCollector(Collector):
    """As it is at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        waiting = DueReview.objects.waiting()
        overdue = waiting.filter(due_at__lte=timezone.now()).count()
        yield GaugeMetricFamily(
            "auditsite_reviews_due", "Scheduled reviews that are to be signed off.", waiting.count()
        )
        yield GaugeMetricFamily("auditsite_reviews_overdue", "Those of them that are overdue.", overdue)
