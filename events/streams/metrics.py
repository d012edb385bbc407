"""What Prometheus is told of streams: how far they are behind, what was taken, and what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from events.models import Stream
from events.streams.state import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

LABELS = ("stream", "kind")  # by number: a name is what people write


class StreamCollector(Collector):
    """As it is at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        sent = CounterMetricFamily("auditsite_stream_events_sent", "Events or findings that were taken.", labels=LABELS)
        failed = CounterMetricFamily("auditsite_stream_attempts_failed", "Attempts that failed.", labels=LABELS)
        refused = CounterMetricFamily(
            "auditsite_stream_events_refused", "Events that the receiver refused for good.", labels=LABELS
        )
        waiting = GaugeMetricFamily("auditsite_stream_waiting", "Events that were not looked at yet.", labels=LABELS)
        lag = GaugeMetricFamily(
            "auditsite_stream_lag_seconds", "How long the first of them has been archived.", labels=LABELS
        )
        up = GaugeMetricFamily("auditsite_stream_up", "1 where nothing keeps it from sending.", labels=LABELS)
        now = timezone.now()
        streams = Stream.objects.select_related("owner").order_by("pk")
        for stream in streams:
            labels, state = (str(stream.pk), stream.kind), state_of(stream)
            sent.add_metric(labels, stream.sent_count)
            failed.add_metric(labels, stream.failed_count)
            refused.add_metric(labels, stream.refused_count)
            waiting.add_metric(labels, state.waiting)
            lag.add_metric(labels, max((now - state.oldest).total_seconds(), 0.0) if state.oldest else 0.0)
            up.add_metric(labels, state.level in ("ok", "new", "behind"))
        yield from (sent, failed, refused, waiting, lag, up)
