"""What is looked for around a batch is found along an index, whatever a database's planner guesses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.detection.evaluation.neighbours import COLUMNS
from events.detection.evaluation.reader import Reader
from tests.conftest import NOON
from tests.tools.export import add_many
from tests.tools.services import only_postgres

pytestmark = pytest.mark.django_db

EVENTS = 3_000


def _plan(captured: CaptureQueriesContext) -> str:
    how = "EXPLAIN (ANALYZE)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{how} {captured[-1]['sql']}")
        return "\n".join(row[-1] for row in cursor.fetchall())


@pytest.fixture
def reader(account: NexmoAccount) -> Any:
    add_many(account, range(EVENTS))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_auditevent")
    return Reader({account.pk: EVENTS})


@only_postgres
def test_spans_are_not_compared_with_all_events_of_the_account(reader: Reader, account: NexmoAccount) -> None:
    spans = [(NOON + timedelta(hours=hours), NOON + timedelta(hours=hours, minutes=10)) for hours in range(100)]

    with CaptureQueriesContext(connection) as captured:
        reader.around_batch([account.pk], None, spans)

    plan = _plan(captured)
    assert "Rows Removed by Join Filter" not in plan
    assert "event_account_time" in plan


@only_postgres
def test_what_counts_tempts_to_no_index(reader: Reader, account: NexmoAccount) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX event_user_time")  # the one that serves: without it any other would be welcome
    with CaptureQueriesContext(connection) as captured:
        reader.moments(account.pk, "yourname@example.com", NOON - timedelta(days=90), NOON + timedelta(days=90))

    plan = _plan(captured)
    assert "account_id" in plan, "it is looked at"
    assert not [line for line in plan.splitlines() if "Index Cond" in line and ("account_id" in line or "seq" in line)]


@pytest.mark.parametrize("name", COLUMNS)
def test_neighbours_are_found_along_their_index(reader: Reader, account: NexmoAccount, name: str) -> None:
    column, index = COLUMNS[name]
    points = [(number, 1 if column == "account_id" else "a", NOON) for number in range(3)]

    with CaptureQueriesContext(connection) as captured:
        reader.neighbours(column, index, reader.counting(account.pk, index), points)

    plan = _plan(captured)
    assert not re.search(r"SCAN e\b|Seq Scan on events", plan)
    if connection.vendor == "sqlite":
        assert plan.count(f"SEARCH e USING INDEX {index} ({'account_id=?' if 'account' in index else column}") == 2
