"""What Prometheus is told of reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Q
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
        overdue = Count("pk", filter=Q(due_at__lte=timezone.now()))
        waiting = DueReview.objects.waiting().aggregate(due=Count("pk"), overdue=overdue)
        yield GaugeMetricFamily("auditsite_reviews_due", "Scheduled reviews that are to be signed off.", waiting["due"])
        yield GaugeMetricFamily("auditsite_reviews_overdue", "Those of them that are overdue.", waiting["overdue"])
