"""The rollups: kept with every event that comes and goes, and what is counted out of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum

from accounts.models import NexmoAccount
from events.archive import retention
from events.archive.add import add_events
from events.models import AuditEvent, DayCount, MonthCount
from events.nexmo.parse import parse_event
from events.reading import count, counts, rollups
from events.reading.conditions import Conditions
from tests.conftest import NOON, event_json
from tests.reading.oracle import matching


def add_on(account: NexmoAccount, moments: list[datetime], types: tuple[str, ...] = ("APP_CREATE",)) -> None:
    events = [
        parse_event(
            json.dumps(
                event_json(
                    number,
                    id=f"{account.api_key}-{number}-{moment:%s}",
                    created_at=moment.strftime("%Y-%m-%dT%H:%M:%S"),
                    event_type=types[number % len(types)],
                )
            ),
            UTC,
        )
        for number, moment in enumerate(moments)
    ]
    add_events(account, events, run=None, fetched_at=NOON)


def kept() -> tuple[Counter[Any], Counter[Any]]:
    found = []
    for model, unit in ((DayCount, "day"), (MonthCount, "month")):
        rows = model.objects.values_list("account__api_key", unit, "event_type", "count")
        found.append(Counter({(key, str(start), code): number for key, start, code, number in rows}))
    return found[0], found[1]


def real() -> tuple[Counter[Any], Counter[Any]]:
    days: Counter[Any] = Counter()
    months: Counter[Any] = Counter()
    for event in AuditEvent.objects.select_related("account"):
        day = event.created_at.astimezone(UTC).date()
        days[event.account.api_key, str(day), event.event_type] += 1
        months[event.account.api_key, str(day.replace(day=1)), event.event_type] += 1
    return days, months


@pytest.fixture
def years(cast: dict[str, Any]) -> list[NexmoAccount]:
    """Events of two accounts over a year and a half."""
    accounts = list(NexmoAccount.objects.order_by("api_key")[:2])
    for number, account in enumerate(accounts):
        moments = [NOON - timedelta(hours=each * (37 + 14 * number)) for each in range(300)]
        add_on(account, moments, ("APP_CREATE", "USER_LOGIN", "NUMBER_ASSIGN"))
    return accounts


def test_rollups_count_what_is_archived(years: list[NexmoAccount]) -> None:
    assert kept() == real()
    add_on(years[0], [NOON + timedelta(days=1)] * 3 + [NOON - timedelta(days=600)])
    assert kept() == real()


def test_event_seen_again_is_not_counted_again(years: list[NexmoAccount]) -> None:
    before = kept()
    add_on(years[0], [NOON - timedelta(hours=each * 37) for each in range(300)])
    assert kept() == before == real()


def test_event_created_by_hand_is_counted(account: NexmoAccount) -> None:
    AuditEvent.objects.create(account=account, event_id="by-hand", event_type="X", created_at=NOON, raw="{}")
    assert kept() == real()
    assert kept()[0].total() == 1


def test_batch_that_fails_is_not_counted(account: NexmoAccount, add_event: Callable[..., AuditEvent]) -> None:
    add_event(account, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.bulk_create(
            [AuditEvent(account=account, event_id=event_id, created_at=NOON, raw="{}") for event_id in ("x", "X")]
        )
    assert kept() == real()


def test_retention_takes_what_it_removes_out_of_the_counts(years: list[NexmoAccount]) -> None:
    years[0].keep_days = 100
    years[0].save()
    found = retention.plan(years[0], NOON)
    assert found and retention.apply(found)
    assert kept() == real()
    assert not DayCount.objects.filter(count=0).exists()


@pytest.mark.parametrize("accounts", [None, 1, 2])
@pytest.mark.parametrize("types", [(), ("USER_LOGIN",), ("USER_LOGIN", "APP_CREATE")])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        (NOON - timedelta(days=300), None),
        (None, NOON - timedelta(days=10)),
        (NOON - timedelta(days=200), NOON - timedelta(days=3)),
        (NOON - timedelta(hours=50), NOON - timedelta(hours=1)),
        (NOON - timedelta(hours=3), NOON),
        (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (NOON, NOON - timedelta(days=1)),
    ],
)
def test_counts_by_rollup_are_exact(
    years: list[NexmoAccount],
    accounts: int | None,
    types: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A limit that the pieces of days at both ends stay under, and the whole does not.
    monkeypatch.setattr(rollups, "MOST_IN_A_PIECE", 12)
    asked = Conditions(
        accounts=None if accounts is None else tuple(account.pk for account in years[:accounts]),
        wanted={"event_type": types},
        start=start,
        end=end,
    )

    assert count(asked) == counts.Count(matching(AuditEvent.objects.all(), asked).count())


def test_counting_reads_no_more_days_than_it_must(years: list[NexmoAccount]) -> None:
    assert MonthCount.objects.aggregate(total=Sum("count"))["total"] == 600
    assert MonthCount.objects.count() < DayCount.objects.count() / 3
