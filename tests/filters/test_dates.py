"""Filters by date and by period, in the site's zone."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.http import QueryDict
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.saved import canonical
from tests.tools.export import body
from tests.tools.filters import Add, Login, found, refusal
from tests.tools.scope import shown_ids

OUT_OF_RANGE = "The year must be from 1969 to 9998."
DATE_HINT = "Enter a date such as 2026-01-31, or a time such as 2026-01-31T14:05."


# --- dates --------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(account: NexmoAccount, add_event: Add) -> None:
    """Events named by their day and hour: 3100 is the 31st at 00:00, 3199 the last second of it."""
    for number, at in {
        3023: "2026-01-30T23:59:59.999999",
        3100: "2026-01-31T00:00:00",
        3114: "2026-01-31T14:05:00",
        3199: "2026-01-31T23:59:59.999999",
        100: "2026-02-01T00:00:00",
    }.items():
        add_event(account, number, created_at=f"{at}Z")


DATES: dict[str, set[int]] = {
    "date_from=2026-01-31": {3100, 3114, 3199, 100},
    "date_to=2026-01-31": {3023, 3100, 3114, 3199},
    "date_from=2026-01-31&date_to=2026-01-31": {3100, 3114, 3199},
    "date_from=%202026-01-31%20": {3100, 3114, 3199, 100},
    "date_from=2026-01-31T14:05": {3114, 3199, 100},
    "date_from=2026-01-31T14:05:01": {3199, 100},
    "date_to=2026-01-31T14:05": {3023, 3100, 3114},
    "date_to=2026-01-31T14:04:59": {3023, 3100},
    "date_from=2026-01-31T14:05&date_to=2026-01-31T14:05": {3114},
    "date_from=2026-01-31%2014:05": {3114, 3199, 100},
    "date_from=2026-01-31+14:05": {3114, 3199, 100},
    "date_from=2026-01-31T14:05:00Z": {3114, 3199, 100},
    "date_from=2026-01-31T14:05:00.000001Z": {3199, 100},
    "date_from=2026-01-31T16:05:00%2B02:00": {3114, 3199, 100},
    "date_from=2026-01-31T16:05:00+02:00": {3114, 3199, 100},
    "date_from=2026-01-31T16:05+0200": {3114, 3199, 100},
    "date_from=2026-01-31T12:05:00-02:00": {3114, 3199, 100},
    "date_from=2026-01-31T12:05:01-02:00": {3199, 100},
    "date_to=2026-02-01T00:00:00": {3023, 3100, 3114, 3199, 100},
    "date_from=2027-01-01": set(),
    "date_from=1969-01-01&date_to=9998-12-31": {3023, 3100, 3114, 3199, 100},
}


def test_dates_and_times(client: Client, clock: None) -> None:
    assert {query: found(client, query) for query in DATES} == DATES


@pytest.mark.parametrize(
    ("zone", "query", "expected"),
    [
        # East of Greenwich the day begins earlier: the 31st in Tokyo ends at 15:00 UTC.
        ("Asia/Tokyo", "date_from=2026-01-31&date_to=2026-01-31", {3023, 3100, 3114}),
        ("Asia/Tokyo", "date_from=2026-01-31T23:05&date_to=2026-01-31T23:05", {3114}),
        ("America/New_York", "date_from=2026-01-31&date_to=2026-01-31", {3114, 3199, 100}),
        ("America/New_York", "date_to=2026-01-30", {3023, 3100}),
        # A zone in the text outweighs the reader's.
        ("Asia/Tokyo", "date_from=2026-01-31T14:05Z&date_to=2026-01-31T14:05Z", {3114}),
    ],
)
def test_days_and_bare_times_are_those_of_the_sites_zone(
    client: Client, clock: None, settings: Any, zone: str, query: str, expected: set[int]
) -> None:
    settings.TIME_ZONE = zone

    assert found(client, query) == expected


def test_days_are_those_of_the_zone_in_force(client: Client, clock: None, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"

    assert found(client, "date_from=2026-01-31&date_to=2026-01-31") == {3023, 3100, 3114}


def test_day_on_which_clocks_change_is_whole(
    client: Client, account: NexmoAccount, add_event: Add, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    add_event(account, 1, created_at="2026-03-28T22:59:59Z")
    add_event(account, 2, created_at="2026-03-28T23:00:00Z")
    add_event(account, 3, created_at="2026-03-29T21:59:59Z")
    add_event(account, 4, created_at="2026-03-29T22:00:00Z")

    assert found(client, "date_from=2026-03-29&date_to=2026-03-29") == {2, 3}


@pytest.mark.parametrize(
    "query",
    [
        "date_from=2026-02-01&date_to=2026-01-31",
        "date_from=2026-01-31T14:06&date_to=2026-01-31T14:05",
        "date_from=2026-01-31T14:05Z&date_to=2026-01-31T14:05%2B01:00",
    ],
)
def test_end_before_start_is_told_beside_the_end(client: Client, clock: None, query: str) -> None:
    assert refusal(client, query, "date_to") == "This is before the start: swap the two dates."


UNREADABLE = (
    "the day before",
    "2026",
    "2026-1-31",
    "2026-02-30",
    "31.01.2026",
    "01/31/2026",
    "2026-01-31T25:00",
    "2026-01-31T14:05 UTC",
    "2026-01-31T14:05+99:00",
    "20260131",
    "2026-W05-6",
    "1769868300",
    "٢٠٢٦-٠١-٣١",
    "2026-01-31T14:05:00; DROP",
    "0000-00-00",
)


@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_unreadable_date_is_told(client: Client, clock: None, name: str) -> None:
    assert {text: refusal(client, {name: text}, name) for text in UNREADABLE} == dict.fromkeys(UNREADABLE, DATE_HINT)


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01",
        "0001-01-01T00:00Z",
        "0001-01-01T00:00+05:00",
        "1968-12-31",
        "9999-01-01",
        "9999-12-31",
        "9999-12-31T23:59Z",
        "9999-12-31T23:59-05:00",
    ],
)
def test_dates_at_the_ends_of_the_calendar_are_refused(
    client: Client, clock: None, settings: Any, zone: str, text: str
) -> None:
    settings.TIME_ZONE = zone

    for name in ("date_from", "date_to"):
        assert refusal(client, {name: text}, name) == OUT_OF_RANGE
        assert client.get("/events/export", {name: text}).status_code == 400
        assert client.get("/events/summary", {name: text}).status_code == 200


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
def test_dates_about_the_ends_of_events_times_break_nothing(
    client: Client, account: NexmoAccount, add_event: Add, settings: Any, zone: str
) -> None:
    settings.TIME_ZONE = zone
    add_event(account, 100, created_at="1970-01-01T00:00:00")
    add_event(account, 101, created_at="9998-12-31T23:59:59")

    for first, last, numbers in (
        ("1969-01-01", "9998-12-31T23:59:59Z", {100, 101}),
        ("9998-12-31T23:59Z", "", {101}),
        ("", "1970-01-01T00:00Z", {100}),
    ):
        query = {"date_from": first, "date_to": last}
        assert found(client, query) == numbers
        for page in ("/events/export", "/events/summary"):
            response = client.get(page, query)
            assert response.status_code == 200
        for _, address, bar in response.context["bars"]:
            assert not bar.total or len(shown_ids(client.get(address))) == bar.total


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("date_from", "", ("date", "", "")),
        ("date_from", "2026-01-31", ("date", "2026-01-31", "")),
        ("date_from", "2026-01-31T14:05", ("date", "2026-01-31", "14:05")),
        ("date_from", "2026-01-31T14:05:09+01:00", ("date", "2026-01-31", "13:05:09")),
        ("date_from", "2026-01-31T00:00:00+00:00", ("date", "2026-01-31", "")),  # as the chart's bars have it
        ("date_to", "2026-01-31T23:59:59.999999+00:00", ("date", "2026-01-31", "")),
        ("date_to", "2026-01-31T14:59:59.999999+00:00", ("date", "2026-01-31", "14:59")),
        ("date_to", "2026-01-31T14:05:00", ("text", "2026-01-31T14:05:00", None)),  # a browser would leave out the 00
        ("date_from", "2026-01-31T14:05:09.5", ("text", "2026-01-31T14:05:09.5", None)),
        ("date_from", "nonsense", ("text", "nonsense", None)),
    ],
)
def test_a_moment_is_shown_as_a_day_and_a_time_or_as_it_was_typed(
    client: Client, cast: dict[str, Any], name: str, text: str, shown: tuple[str, str, str | None]
) -> None:
    page = client.get("/events/", {name: text}).content.decode()
    (day,) = re.findall(rf'<input type="([\w-]+)" name="{name}"(?: value="([^"]*)")?', page)
    times = re.findall(rf'<input type="time" name="{name.replace("date", "time")}"(?: value="([^"]*)")?', page)

    assert (*day, *(times or [None])) == shown


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date_from=2026-01-31&time_from=14:05", "date_from=2026-01-31T14:05"),
        ("date_to=2026-01-31&time_to=14:05&time_from=", "date_to=2026-01-31T14:05"),
        (
            "date_from=2026-01-31&time_from=14:05&date_to=2026-01-31&time_to=14:05:00",
            "date_from=2026-01-31T14:05&date_to=2026-01-31T14:05:00",
        ),
    ],
)
def test_time_of_the_form_belongs_to_its_day(client: Client, clock: None, query: str, expected: str) -> None:
    assert found(client, query) == found(client, expected)
    assert canonical(QueryDict(query)) == canonical(QueryDict(expected))
    for path in ("/events/export.csv", "/events/summary"):
        pages = [client.get(f"{path}?{each}") for each in (query, expected)]
        assert len({body(page) if page.streaming else page.context["words"] for page in pages}) == 1


@pytest.mark.parametrize("query", ["time_from=14:05", "date_from=2026-01-31&time_from=25:00", "time_from=x"])
def test_time_that_cannot_be_is_refused_and_kept(client: Client, clock: None, query: str) -> None:
    page = client.get(f"/events/?{query}").content.decode()

    assert refusal(client, query, "date_from") == DATE_HINT
    assert '<details class="menu boxes when" open>' in page
    assert QueryDict(query)["time_from"] in re.findall(r'name="date_from" value="([^"]*)"', page)[0]


def test_control_says_which_time_is_chosen(client: Client, cast: dict[str, Any]) -> None:
    def said(query: str) -> str:
        page = client.get(f"/events/?{query}").content.decode()
        (text,) = re.findall(r'class="sr-only">Period:</span><span>(.*?)</span></summary>', page)
        return html.unescape(re.sub("</?bdi>", "", text))

    assert said("") == "Any time"
    assert said("period=7d") == "Last 7 days"
    assert said("search_text=last:36h") == "Last 36 hours"
    assert said("date_from=2026-01-31&date_to=2026-01-31") == "2026-01-31"
    assert said("date_from=2026-01-31T14:05&date_to=2026-02-01") == "2026-01-31 14:05 UTC – 2026-02-01"
    assert said("date_from=2026-01-31") == "From 2026-01-31"
    assert said("date_to=2026-01-31") == "Up to 2026-01-31"
    assert said("period=last-week&date_to=2026-01-31") == "Last week, Up to 2026-01-31"
    assert said("period=%3Cb%3E") == "<b>"


# --- period -------------------------------------------------------------------------------------------------------


def test_periods_reach_back_from_now(login: Login, account: NexmoAccount, add_event: Add) -> None:
    for number, at in enumerate(
        (
            "2026-03-15T00:00:00",
            "2026-03-14T12:00:00",
            "2026-03-08T12:00:00",
            "2026-02-13T12:00:00",
            "2025-12-15T12:00:00",
            "2025-12-15T11:59:59",
        ),
        start=1,
    ):
        add_event(account, number, created_at=f"{at}Z")

    expected = {"today": {1}, "24h": {1, 2}, "7d": {1, 2, 3}, "30d": {1, 2, 3, 4}, "90d": {1, 2, 3, 4, 5}}
    expected |= {"12h": {1}, "3d": {1, 2}, "1w": {1, 2, 3}, "9999d": {1, 2, 3, 4, 5, 6}}
    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        client = login("alice")
        assert {period: found(client, f"period={period}") for period in expected} == expected


@pytest.mark.parametrize(
    ("zone", "period", "first", "last"),
    [
        ("UTC", "today", "2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z"),
        ("UTC", "yesterday", "2026-02-28T00:00:00Z", "2026-02-28T23:59:59.999999Z"),
        ("UTC", "this-week", "2026-02-23T00:00:00Z", "2026-03-01T12:00:00Z"),  # the 1st is a Sunday
        ("UTC", "last-week", "2026-02-16T00:00:00Z", "2026-02-22T23:59:59.999999Z"),
        ("UTC", "this-month", "2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z"),
        ("UTC", "last-month", "2026-02-01T00:00:00Z", "2026-02-28T23:59:59.999999Z"),
        ("Asia/Tokyo", "yesterday", "2026-02-27T15:00:00Z", "2026-02-28T14:59:59.999999Z"),
        ("America/New_York", "last-month", "2026-02-01T05:00:00Z", "2026-03-01T04:59:59.999999Z"),
    ],
)
def test_periods_of_the_calendar_begin_and_end_with_its_days(
    login: Login, account: NexmoAccount, add_event: Add, settings: Any, zone: str, period: str, first: str, last: str
) -> None:
    settings.TIME_ZONE = zone
    instant = timedelta(microseconds=1)
    edges = [datetime.fromisoformat(text) for text in (first, last)]
    for number, at in enumerate((edges[0] - instant, edges[0], edges[1], edges[1] + instant), start=1):
        add_event(account, number, created_at=at.isoformat())

    with time_machine.travel(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), tick=False):
        inside = found(login("alice"), f"period={period}")

    # What is dated a moment ahead of now is in periods that last: clocks differ.
    assert inside - {4} == {2, 3}
    assert 4 not in inside or last == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(("zone", "expected"), [("UTC", {2, 3}), ("Asia/Tokyo", {1, 2, 3}), ("America/New_York", {3})])
def test_today_is_the_day_of_the_sites_zone(
    login: Login, account: NexmoAccount, add_event: Add, settings: Any, zone: str, expected: set[int]
) -> None:
    settings.TIME_ZONE = zone
    for number, at in enumerate(("2026-03-14T15:00:00", "2026-03-15T00:00:00", "2026-03-15T04:00:00"), start=1):
        add_event(account, number, created_at=f"{at}Z")

    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        assert found(login("alice"), "period=today") == expected


def test_days_have_names(login: Login, account: NexmoAccount, add_event: Add) -> None:
    for number, day in enumerate((13, 14, 15), start=1):
        add_event(account, number, created_at=f"2026-03-{day}T12:00:00Z")

    with time_machine.travel(datetime(2026, 3, 15, 20, 0, tzinfo=UTC), tick=False):
        client = login("alice")
        assert found(client, "search_text=since:yesterday") == {2, 3}
        assert found(client, "search_text=from:ayer+to:ayer") == {2}
        assert found(client, "date_from=today") == {3}
        page = client.get("/events/?date_from=yesterday&period=3d")
        assert [(pill.label, pill.value) for pill in page.context["pills"]] == [
            ("From", "2026-03-14"),
            ("Period", "Last 3 days"),
        ]
        assert 'type="text" name="date_from" value="yesterday"' in page.content.decode()
        assert 'name="period" value="3d" checked' in page.content.decode()


def test_unknown_period_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for period in ("1y", "TODAY", "24", "all", "-7d", "0d", "00012d", "99999d"):
        wanted = (
            "Choose one of today, yesterday, 24h, 7d, 30d, 90d, this-week, last-week, this-month, last-month, "
            "or write a number of hours, days or weeks: 36h, 3d, 2w."
        )
        assert refusal(client, {"period": period}, "period") == wanted


def test_period_in_force_is_marked(client: Client, cast: dict[str, Any]) -> None:
    def marked(path: str) -> list[str]:
        page = client.get(path).content.decode()
        return re.findall(r'name="period" value="(\w*)" checked', page)

    assert marked("/events/?period=7d") == ["7d"]
    assert marked("/events/") == [""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1800-01-01", OUT_OF_RANGE),
        ("9999-12-31T10:00", OUT_OF_RANGE),
        ("2026-02-30", DATE_HINT),
        ("31/01/2026", DATE_HINT),
    ],
)
def test_what_is_wrong_with_a_date_is_said(client: Client, account: NexmoAccount, text: str, said: str) -> None:
    assert refusal(client, {"date_from": text}, "date_from") == said
