"""Rules without types of event that name exact values read the events that have them, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.detection.evaluation import hunt, ways
from events.detection.evaluation.hunt import Hunting
from events.detection.evaluation.reader import Reader
from tests.detection.archives import LOGIN, add, correlation, detection, rule_of, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def archive(cast: Any) -> list[NexmoAccount]:
    """Two accounts of a hundred events each; every tenth is Ann's, the others are all from elsewhere."""
    accounts = list(NexmoAccount.objects.order_by("api_key")[:2])
    for account in accounts:
        add(account, [_event(account, number) for number in range(100)])
    return accounts


def _event(account: NexmoAccount, number: int) -> dict[str, Any]:
    is_ann = number % 10 == 0
    return {
        "id": f"{account.api_key}-{number}",
        "event_type": "USER_LOGIN" if number % 2 else "NUMBER_ASSIGN",
        "created_at": f"2026-01-{1 + number // 5:02}T10:{number % 5:02}:00",
        "user_email": "Ann@Example.com" if is_ann else f"user{number}@example.com",
        "source_ip": "2001:db8::1" if is_ann else f"192.0.2.{number}",
        "source": "CD",
    }


def hunted(selection: str, *others: str, **options: Any) -> tuple[Hunting, int]:
    """A rule hunted, and how many events were read for it; agreeing with a walk through all."""
    rule = rule_of(detection("rule", selection), *others)
    read: list[int] = []
    take = Reader.take

    def counted(self: Reader, rows: Any) -> Any:
        listed = list(rows)
        read.append(len(listed))
        return take(self, listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "take", counted)
        hunting = Hunting(rule, **options)
        found = hunting.run()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunt, "ways_to", lambda rule: None)
        patch.setattr(hunt, "accounts_of", lambda rule, keys: None)
        assert told(found) == told(Hunting(rule, **options).run())
    assert (hunting.done, hunting.total) == (sum(read), sum(read))
    return hunting, sum(read)


@pytest.mark.parametrize(
    ("selection", "read"),
    [
        ("user_email: ANN@example.com", 20),
        ("source_ip: '2001:DB8::1'", 20),
        ("user_email: [ann@example.com, user3@example.com, nobody@example.com]", 22),
        ("user_email: ann@example.com, source_ip|cidr: 192.0.2.0/24", 20),
        ("account: DEMO0001", 100),
        ("account: demo0001, user_email: ann@example.com", 10),
        ("account: demo0001, event_type: NUMBER_ASSIGN", 50),
        ("account: none", 0),
        # What tells no list of values.
        ("user_email|contains: ann@example.com", 200),
        ("user_email: [null, ann@example.com]", 200),
        ("source_ip: nowhere", 200),
        ("user_email: änn@example.com", 200),
    ],
)
def test_events_with_the_values_are_read_and_no_others(archive: Any, selection: str, read: int) -> None:
    assert hunted(selection)[1] == read


def test_period_and_accounts_narrow_it_further(archive: list[NexmoAccount]) -> None:
    period = {"since": datetime(2026, 1, 5, tzinfo=UTC), "until": datetime(2026, 1, 11, tzinfo=UTC)}
    assert hunted("user_email: ann@example.com", accounts=[archive[0].pk], **period)[1] == 3


def test_condition_that_need_not_hold_leads_nowhere() -> None:
    text = detection("rule", "user_email: ann@example.com")
    other = "  other: {source: CD}"
    for condition, is_led in (
        ("selection and other", True),
        ("selection and not other", True),
        ("selection or other", False),
        ("not selection and other", False),
    ):
        rule = rule_of(text.replace("  condition: selection", f"{other}\n  condition: {condition}"))
        assert (ways.ways_to(rule) is not None) is is_led, condition


def test_correlation_is_led_by_the_values_of_each_of_its_rules(archive: Any) -> None:
    ann, other = detection("ann", "user_email: ann@example.com"), detection("other", "source_ip: 192.0.2.3")
    rule = rule_of(ann, other, correlation("temporal", ["ann", "other"], "account", "7d"))
    assert [way.value[:3] for way in ways.ways_to(rule) or ()] == ["ann", "000"]
    mixed = rule_of(ann, LOGIN, correlation("temporal", ["ann", "login"], "account", "7d"))
    assert ways.ways_to(mixed) is None


def test_the_index_of_the_value_serves_it(archive: Any) -> None:
    """By the database's own plan."""
    with CaptureQueriesContext(connection) as queries:
        hunted("user_email: ann@example.com")
    (sql,) = {query["sql"] for query in queries if "ORDER BY created_at" in query["sql"] and "ann@" in query["sql"]}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of 200 rows is read whole
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        assert "event_user_time" in str(cursor.fetchall())
