"""django-filter's own way to the filtered events: the same events as the page, as a queryset."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.models import AuditEvent
from tests.reading.oracle import matching
from tests.tools.export import add_many

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 6),
        ("source=CD", 6),
        ("source_ip=192.0.2.0/24&source_country=-GB", 0),
        ("search_text=447700900000", 6),
        ("new=country", 1),
        ("date_from=2026-03-15T12:02:00Z&date_to=2026-03-15T12:04:00Z", 3),
        ("source_ip=nowhere", 0),
    ],
)
def test_queryset_holds_the_filtered_events(account: NexmoAccount, query: str, expected: int) -> None:
    add_many(account, range(6))
    event_filter = EventFilter(QueryDict(query), accounts=[account])
    oracle: Any = matching(AuditEvent.objects.all(), event_filter.conditions)

    assert set(event_filter.qs) == set(oracle)
    assert event_filter.qs.count() == expected
