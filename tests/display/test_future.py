"""Events dated in the future: told as odd, in no list of the last days, and named beside a chart that ends now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.nexmo.values import CAPPED, LATEST, parse_time
from tests.tools.pages import Add, text_of
from tests.tools.scope import shown_ids

FUTURES = ["9999-12-31T23:59:59Z", "9999-01-01T00:00:00-11:00", "9998-12-31T23:59:59Z", "2999-05-06T07:08:09"]


@pytest.fixture(params=FUTURES)
def dated(request: pytest.FixtureRequest, account: NexmoAccount, add_event: Add) -> str:
    """The address of an event dated then, beside one of an hour ago."""
    past = timezone.now() - timedelta(hours=1)
    add_event(account, 1, id="past", created_at=past.isoformat())
    return add_event(account, 2, id="future", created_at=request.param).get_absolute_url()


@pytest.mark.parametrize("period", ["today", "24h", "7d", "90d"])
def test_it_is_in_no_period_that_ends_now(client: Client, dated: str, period: str) -> None:
    assert "future" not in shown_ids(client.get(f"/events/?period={period}"))
    assert "past" in shown_ids(client.get(f"/events/?period={period}")) or period == "today"


def test_it_is_in_the_list_and_told_as_odd(client: Client, dated: str) -> None:
    page = client.get("/events/")

    assert shown_ids(page) == ["future", "past"]
    assert page.content.decode().count(">in the future</span>") == 1
    assert "This event is dated in the future, so it is not listed under today" in text_of(client.get(dated))


def test_the_chart_names_it_beside_itself(client: Client, dated: str) -> None:
    page = text_of(client.get("/events/summary"))

    assert page.count("1 event is dated in the future, beyond the chart.") >= 2
    assert "9998" not in page and "2999" not in page


def test_nothing_is_said_where_there_is_none(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)

    for path in ("/events/", "/events/summary", event.get_absolute_url()):
        assert "in the future" not in text_of(client.get(path))


@pytest.mark.parametrize("text", FUTURES[:2])
def test_last_year_of_the_calendar_is_capped(text: str) -> None:
    assert parse_time(text, UTC) == (LATEST, CAPPED)


def test_hours_ahead_are_no_future(client: Client, account: NexmoAccount, add_event: Add) -> None:
    """Times carry no zone: read in another, they may lie ahead of the clock."""
    ahead = datetime.now(UTC) + timedelta(hours=13)
    add_event(account, 1, id="ahead", created_at=ahead.isoformat())

    page = client.get("/events/?period=24h")

    assert shown_ids(page) == ["ahead"]
    assert "in the future" not in text_of(page)
