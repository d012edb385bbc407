"""What Prometheus is told of reports: what was sent, what fails, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Q
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from events.models import Report, ReportMail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

LABELS = ("report",)  # by number: a name is what people write


class ReportCollector(Collector):
    """As it is at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        sent = CounterMetricFamily("auditsite_report_mails_sent", "Mails that the server took.", labels=LABELS)
        failed = CounterMetricFamily("auditsite_report_attempts_failed", "Attempts that failed.", labels=LABELS)
        lost = CounterMetricFamily("auditsite_report_mails_lost", "Mails given up.", labels=LABELS)
        waiting = GaugeMetricFamily("auditsite_report_mails_waiting", "Mails that are still to be sent.", labels=LABELS)
        left = Count("mails", filter=Q(mails__state=ReportMail.State.WAITING))
        for report in Report.objects.annotate(left=left).order_by("pk"):
            labels = (str(report.pk),)
            sent.add_metric(labels, report.sent_count)
            failed.add_metric(labels, report.failed_count)
            lost.add_metric(labels, report.lost_count)
            waiting.add_metric(labels, report.left)
        yield from (sent, failed, lost, waiting)
