"""The site's own paths, and the pages that ours is compared with."""

from __future__ import annotations

from django.urls import include, path

from tests.benchmarks import internals, stock

urlpatterns = [
    path("bench/stock/", stock.stock_page),
    path("bench/bare/", stock.bare_page),
    path("bench/live/", stock.live_page),
    path("events/", internals.events_page),
    path("", include("auditsite.urls")),
]
