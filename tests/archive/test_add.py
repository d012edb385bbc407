"""Batches that are added: in which order, by how few statements, and found by searches afterwards."""

from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.archive.add import _stored, add_events
from events.archive.verify import verify_account
from events.models import AuditEvent
from events.nexmo.parse import Event, parse_event
from events.reading import read_page
from events.reading.conditions import Conditions
from events.storage import chain
from tests.conftest import NOON, event_json


def batch(numbers: range) -> list[Event]:
    return [
        parse_event(json.dumps(event_json(number, context={"note": f"number-{number:04d}"})), UTC) for number in numbers
    ]


@pytest.mark.parametrize("size", [1, 99, 100, 101, 250])
def test_batch_of_any_size_is_whole_chained_and_found(account: Any, size: int) -> None:
    added = add_events(account, batch(range(size)), run=None, fetched_at=NOON)

    assert (added.new, AuditEvent.objects.count()) == (size, size)
    by_place = AuditEvent.objects.order_by("seq").values_list("seq", "pk", "created_at")
    assert [seq for seq, _, _ in by_place] == list(range(1, size + 1))
    assert sorted(pk for _, pk, _ in by_place) == [pk for _, pk, _ in by_place]
    assert sorted(at for _, _, at in by_place) == [at for _, _, at in by_place]
    assert verify_account(account).problem == ""
    for number in {0, size // 2, size - 1}:
        (row,) = read_page(Conditions(text=f"number-{number:04d}"), 5).rows
        assert f"number-{number:04d}" in (row.context or "")


def test_rows_are_written_by_few_statements(account: Any) -> None:
    """SQLite's search index is written out after each statement."""
    add_events(account, batch(range(1)), run=None, fetched_at=NOON)
    with CaptureQueriesContext(connection) as queries:
        add_events(account, batch(range(1, 251)), run=None, fetched_at=NOON)

    inserts = [query["sql"] for query in queries if query["sql"].startswith(("INSERT INTO events_auditevent", "COPY"))]
    assert len(inserts) == (3 if connection.vendor == "sqlite" else 1)


@pytest.mark.parametrize("microsecond", [0, 1, 100_000, 999_999])
@pytest.mark.parametrize("hours", [0, 5.75, -11])
def test_times_are_stored_as_django_stores_them(db: None, microsecond: int, hours: float) -> None:
    moment = NOON.replace(microsecond=microsecond).astimezone(timezone(timedelta(hours=hours)))

    assert _stored(moment, chain.moment(moment)) == connection.ops.adapt_datetimefield_value(moment)
