"""What Prometheus reads at /metrics: page times of this machine, and what the database knows of all of them.

Under gunicorn each process counts page times in a file of its own (PROMETHEUS_MULTIPROC_DIR, which
auditsite/gunicorn.py sets), so that whichever process is asked tells the sum.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)

PAGE_SECONDS = Histogram(
    "auditsite_page_seconds",
    "Time to answer a request, an export until its end.",
    ("view", "method", "status"),
    buckets=BUCKETS,
    registry=None,
)
CSP_REPORTS = Counter(
    "auditsite_csp_reports",
    "What browsers reported of pages that tried something against their content security policy.",
    ("directive",),
    registry=None,
)


def note_page(view: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. Every label is of a closed set: whoever asks cannot make new ones."""
    PAGE_SECONDS.labels(view, method if method in METHODS else "other", f"{status // 100}xx").observe(seconds)


def text(*collectors: Collector) -> bytes:
    """All figures in Prometheus's text format."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(PAGE_SECONDS)
        registry.register(CSP_REPORTS)
    for collector in collectors:
        registry.register(collector)
    return generate_latest(registry)
