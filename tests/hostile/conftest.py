"""How many examples of each surface are tried: 300 in the suite (100 on PostgreSQL), 10,000 by `make hostile`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from hypothesis import HealthCheck, Phase, settings

from accounts.models import NexmoAccount
from auditsite.middleware import time_limits
from tests.tools.export import add_many, add_raw

# The same examples on every run of the suite; without shrinking, which would send thousands of requests more.
settings.register_profile(
    "hostile",
    max_examples=300 if connection.vendor == "sqlite" else 100,  # half of them never come as far as the database
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("nightly", settings.get_profile("hostile"), max_examples=10_000, derandomize=False)
LIMIT = 5  # seconds that a statement may take on a busy machine; what runs away takes minutes


@pytest.fixture
def archive(cast: dict[str, Any]) -> Iterator[None]:
    """A few events, some of them odd; and a limit for statements, as in a process that serves pages."""
    first, second = NexmoAccount.objects.filter(owner=cast["alice"]).order_by("api_key")
    add_many(first, range(60))
    add_raw(second, '{"id":"bare"}')
    add_raw(
        second, '{"id":"odd/../\\u0007","created_at":"2026-01-01T00:00:00","context":null,"user_email":"a@b\\u202e"}'
    )
    if connection.vendor == "sqlite":
        time_limits.limit_statements(connection, LIMIT)
    else:
        connection.cursor().execute(f"SET LOCAL statement_timeout = {LIMIT * 1000}")
    yield
    if connection.vendor == "sqlite":
        connection.execute_wrappers.clear()
        connection.connection.set_progress_handler(None, 0)
    cache.clear()
