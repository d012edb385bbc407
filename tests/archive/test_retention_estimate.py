"""What a page says of retention: the same numbers as the plan, without counting the archive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention
from events.archive.retention import Tally
from events.models import DayCount, LegalHold
from tests.conftest import add_numbered

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
KEPT = 10  # days, so that the last of what goes is the morning of March 10
Day = date | None


@pytest.fixture
def kept(account: Any) -> NexmoAccount:
    """An account with an event at 06:00, 12:00 and 18:00 of each day from March 4 to 12."""

    def moment(number: int) -> str:
        day, part = divmod(number - 1, 3)
        return f"2026-03-{4 + day:02}T{6 * (part + 1):02}:00:00"

    add_numbered(account, range(1, 28), created_at=moment)
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=KEPT)
    return NexmoAccount.objects.get(pk=account.pk)


def march(day: int) -> date:
    return date(2026, 3, day)


def estimate(account: NexmoAccount, now: datetime = NOW) -> retention.Estimate:
    return retention.estimate(account, now - timedelta(days=KEPT))


@pytest.mark.parametrize(
    "holds",
    [
        [],
        [(None, None)],
        [(march(5), march(6))],
        [(march(5), march(7)), (march(6), march(8))],  # overlapping
        [(None, march(5)), (march(9), None)],
        [(march(10), march(10))],  # the day that is cut
        [(march(11), None)],  # nothing that would go
        [(march(4), march(10)), (None, None)],
        [(date.min, march(9)), (march(12), date.max)],
    ],
)
def test_estimate_is_what_the_plan_counts(kept: NexmoAccount, holds: list[tuple[Day, Day]]) -> None:
    for number, (first, last) in enumerate(holds):
        LegalHold.objects.create(
            account=kept if number % 2 == 0 else None, first_day=first, last_day=last, reason="Case 7"
        )
    for hour in (0, 6, 12, 23):
        now = NOW.replace(hour=hour)

        plan = retention.plan(kept, now)

        assert plan is not None
        assert estimate(kept, now) == retention.Estimate(Tally(plan.count), Tally(plan.held)), hour


def test_released_holds_and_those_on_others_keep_nothing(kept: NexmoAccount) -> None:
    LegalHold.objects.create(account=kept, reason="Case 7", released_at=timezone.now())
    LegalHold.objects.create(account=NexmoAccount.objects.get(api_key="demo0002"), reason="Case 8")

    assert estimate(kept) == retention.Estimate(Tally(19), Tally(0))


def test_last_day_is_counted_up_to_a_limit(kept: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    evening = NOW.replace(hour=23)
    monkeypatch.setattr(retention, "MOST_OF_A_DAY", 2)  # of its three

    free = estimate(kept, evening)
    LegalHold.objects.create(account=kept, first_day=march(10), reason="Case 7")
    held = estimate(kept, evening)

    assert free == retention.Estimate(Tally(20, at_least=True), Tally(0))
    assert held == retention.Estimate(Tally(18), Tally(2, at_least=True))


def test_old_events_are_not_counted_one_by_one(kept: NexmoAccount) -> None:
    DayCount.objects.filter(account=kept, day=march(4)).update(count=1_000_000)
    LegalHold.objects.create(account=kept, first_day=march(4), last_day=march(4), reason="Case 7")

    with CaptureQueriesContext(connection) as asked:
        found = estimate(kept)

    assert found.held == Tally(1_000_000)
    of_events = [query["sql"] for query in asked if '"events_auditevent"' in query["sql"]]
    assert len(of_events) == 1
    assert "2026-03-10" in of_events[0] and "LIMIT 10001" in of_events[0]
