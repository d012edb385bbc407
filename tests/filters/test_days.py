"""Days and times where clocks change, and how exactly a time is meant."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.filters.dates import with_times
from events.filters.form import EventFilter
from events.models import AuditEvent
from events.wording.times import is_repeated, is_skipped, parse_moment, period_span, pinned, start_of_day
from tests.tools.filters import Add, Login, found
from tests.tools.scope import shown_ids

# Zones whose clocks change at or about midnight, and the days around each change.
CHANGES = {
    "America/Santiago": (date(2026, 4, 4), date(2026, 9, 5)),
    "Asia/Beirut": (date(2026, 3, 28), date(2026, 10, 24)),
    "Africa/Cairo": (date(2026, 4, 23), date(2026, 10, 29)),
    "America/Havana": (date(2026, 3, 7), date(2026, 10, 31)),
    "America/Scoresbysund": (date(2026, 3, 28), date(2026, 10, 24)),
    "Europe/Madrid": (date(2026, 3, 28), date(2026, 10, 24)),
    "Australia/Lord_Howe": (date(2026, 4, 4), date(2026, 10, 3)),
    "Pacific/Apia": (date(2011, 12, 29),),  # which had no 30th
}
DAYS = [(zone, day) for zone, days in CHANGES.items() for day in days]


def add_quarters(account: NexmoAccount, first: datetime) -> dict[int, datetime]:
    moments = {}
    events = []
    for number in range(0, 4 * 24 * 4):
        at = first + timedelta(minutes=15 * (number // 2)) - timedelta(microseconds=number % 2)
        moments[number] = at
        events.append(
            AuditEvent(
                account=account,
                event_id=f"00000000-0000-4000-8000-{number:012d}",
                event_type="APP_CREATE",
                created_at=at,
                raw=f'{{"id":"00000000-0000-4000-8000-{number:012d}"}}',
            )
        )
    AuditEvent.objects.bulk_create(events)
    return moments


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_every_event_is_in_the_day_that_the_clock_shows_and_in_no_other(
    client: Client, account: NexmoAccount, settings: Any, zone: str, day: date
) -> None:
    settings.TIME_ZONE = zone
    local = ZoneInfo(zone)
    moments = add_quarters(account, datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14))

    for each in (day + timedelta(days=offset) for offset in range(3)):
        query = f"date_from={each}&date_to={each}&size=200"
        expected = {number for number, at in moments.items() if at.astimezone(local).date() == each}
        assert {int(event_id[-12:]) for event_id in shown_ids(client.get(f"/events/?{query}"))} == expected
        assert found(client, query) == expected


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_bars_of_days_are_those_days(
    client: Client, account: NexmoAccount, settings: Any, zone: str, day: date
) -> None:
    settings.TIME_ZONE = zone
    local = ZoneInfo(zone)
    moments = add_quarters(account, datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14))

    page = client.get(f"/events/summary?date_from={day - timedelta(days=2)}&date_to={day + timedelta(days=10)}")

    assert page.context["chart"].unit == "day"
    for label, address, bar in page.context["bars"]:
        inside = [at for at in moments.values() if f"{at.astimezone(local):%Y-%m-%d}" == label]
        assert bar.total == len(inside)
        shown = client.get(f"{address}&size=200")
        assert len(shown_ids(shown)) == bar.total
    assert page.context["chart"].total == len(moments)


@pytest.mark.parametrize(("zone", "day"), DAYS)
def test_today_begins_with_the_day(settings: Any, zone: str, day: date) -> None:
    settings.TIME_ZONE = zone
    local = ZoneInfo(zone)
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14)
    for _ in range(4 * 24 * 4):
        start = period_span("today", now)[0].astimezone(UTC)
        today = now.astimezone(local).date()
        assert start.astimezone(local).date() == today
        assert (start - timedelta(microseconds=1)).astimezone(local).date() < today
        now += timedelta(minutes=15)


# --- as exact as it is written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "text", "included"),
    [
        ("13:05:09.961", "13:05:09", True),
        ("13:05:09.961", "13:05:08", False),
        ("13:05:59.999999", "13:05", True),
        ("13:06:00", "13:05", False),
        ("13:05:09.961999", "13:05:09.961", True),
        ("13:05:09.962", "13:05:09.961", False),
        ("13:59:59.5", "13", True),
        ("13:05:09.961", "13:05:09Z", True),
        ("13:05:09.961", "15:05:09+02:00", True),
        ("13:05:09.961", "15:05+0200", True),
        ("13:05:09.961", "13:05:00", False),
    ],
)
def test_end_is_included_as_exactly_as_it_is_written(
    client: Client, account: NexmoAccount, add_event: Add, at: str, text: str, included: bool
) -> None:
    add_event(account, 1, created_at=f"2026-11-20T{at}Z")

    assert found(client, {"date_to": f"2026-11-20T{text}"}) == ({1} if included else set())
    assert found(client, {"date_from": "2026-11-20T13:00", "date_to": f"2026-11-20T{text}"}) == (
        {1} if included else set()
    )


def test_bare_time_that_comes_twice_is_both(
    client: Client, account: NexmoAccount, add_event: Add, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Madrid"
    add_event(account, 1, created_at="2026-10-25T00:30:00Z")
    add_event(account, 2, created_at="2026-10-25T01:30:00Z")

    assert found(client, "date_from=2026-10-25T02:30&date_to=2026-10-25T02:30") == {1, 2}
    assert found(client, "date_from=2026-10-25T02:30%2B01:00&date_to=2026-10-25T02:30%2B01:00") == {2}


# --- through the form ---------------------------------------------------------------------------------------------


def submitted(page: Any) -> dict[str, str]:
    """The dates that a browser without scripts sends back: from its own fields without offset, and without seconds that
    are zero."""
    field = r'<input type="([\w-]+)" name="((?:date|time)_\w+)"(?: value="([^"]*)")?'
    sent = {}
    for kind, name, value in re.findall(field, page.content.decode()):
        if kind == "date":
            assert re.fullmatch(r"(\d{4}-\d\d-\d\d)?", value)
        if kind == "time" and re.fullmatch(r"\d\d:\d\d:00", value):
            value = value[:-3]
        sent[name] = html.unescape(value)
    return sent


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize(
    "text",
    [
        "2026-10-25",
        "2026-10-25T02:30",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30+01:00",
        "2026-10-25T05:30:00",
        "2026-10-25T05:30",
        "2026-10-25T05:30:07",
        "2026-10-25T05:30:07.5",
        "2026-10-25T05:30:07.999999+01:00",
        "2026-10-25T05",
        "2026-03-29T02:30",
        "2026-10-25T05:30:07+09:00",
    ],
)
def test_date_means_the_same_after_apply(
    client: Client, account: NexmoAccount, settings: Any, name: str, text: str
) -> None:
    settings.TIME_ZONE = "Europe/Madrid"

    sent = submitted(client.get("/events/", {name: text}))

    with timezone.override("Europe/Madrid"):
        before, after = parse_moment(text), parse_moment(with_times(sent)[name])
        # What counts of a start is where it begins, and of an end where it ends.
        edges = [moment.first if name == "date_from" else moment.last for moment in (before, after)]
        assert edges[0].astimezone(UTC) == edges[1].astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-10-25", "2026-10-25", "2026-10-25"),
        ("2026-10-25T02:30", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
        ("2026-10-25T05:30:00", "2026-10-25T05:30:00+01:00", "2026-10-25T05:30:00+01:00"),
        ("2026-10-25T05:30:07.9", "2026-10-25T05:30:07.900000+01:00", "2026-10-25T05:30:07.999999+01:00"),
        ("2026-10-25T05", "2026-10-25T05+01:00", "2026-10-25T05+01:00"),
        ("nonsense", "nonsense", "nonsense"),
    ],
)
def test_pinned_time_means_the_same_in_other_zones(text: str, start: str, end: str) -> None:
    with timezone.override("Europe/Madrid"):
        assert (pinned(text, is_end=False), pinned(text, is_end=True)) == (start, end)
        meant = parse_moment(text).last if text != "nonsense" else None
    if meant and text != "2026-10-25":
        with timezone.override("Asia/Tokyo"):
            # In UTC: where a time comes twice, Python finds it different from every time of another zone.
            assert parse_moment(end).last.astimezone(UTC) == meant.astimezone(UTC)


def test_skipped_and_repeated_times_are_told_apart() -> None:
    madrid = ZoneInfo("Europe/Madrid")

    assert is_skipped(datetime(2026, 3, 29, 2, 30, tzinfo=madrid))
    assert not is_skipped(datetime(2026, 3, 29, 3, 30, tzinfo=madrid))
    assert is_repeated(datetime(2026, 10, 25, 2, 30, tzinfo=madrid, fold=1))
    assert not is_repeated(datetime(2026, 3, 29, 2, 30, tzinfo=madrid))
    assert start_of_day(date(2026, 3, 29), ZoneInfo("Asia/Beirut")).astimezone(UTC).hour == 22


def test_pill_tells_times_as_exactly_as_they_are_meant(login: Login, cast: dict[str, Any]) -> None:
    def pill(name: str, text: str) -> str:
        (only,) = login("alice").get("/events/", {name: text}).context["pills"]
        return str(only.value)

    assert pill("date_to", "2026-01-31") == "2026-01-31"
    assert pill("date_to", "2026-01-31T23:59:59.999999Z") == "2026-01-31"
    assert pill("date_to", "2026-01-31T00:00:00") == "2026-01-31 00:00:00 UTC"
    assert pill("date_to", "2026-01-31T14:05") == "2026-01-31 14:05 UTC"
    assert pill("date_to", "2026-01-31T14:05:09") == "2026-01-31 14:05:09 UTC"
    assert pill("date_from", "2026-01-31T00:00:00Z") == "2026-01-31"
    assert pill("date_from", "2026-01-31T14:05:00Z") == "2026-01-31 14:05 UTC"


def test_time_of_a_zone_without_whole_minutes_is_pinned_in_utc() -> None:
    with timezone.override(ZoneInfo("Africa/Monrovia")):  # 44:30 behind UTC until 1972
        moment = parse_moment("1972-01-06T23:30")
        assert parse_moment(pinned("1972-01-06T23:30", is_end=False)).first == moment.first
        assert parse_moment(pinned("1972-01-06T23:30", is_end=True)).last == moment.last


def test_time_that_comes_twice_may_end_a_stretch_that_begins_in_its_first_pass(cast: dict[str, Any]) -> None:
    with timezone.override("Europe/Madrid"):
        dates = {"date_from": "2026-10-25T02:50", "date_to": "2026-10-25T02:10"}
        event_filter = EventFilter(QueryDict(urlencode(dates)), accounts=[])
        assert not event_filter.form.errors
        conditions = event_filter.conditions
        assert conditions.start is not None and conditions.end is not None
        assert conditions.start.astimezone(UTC).isoformat() == "2026-10-25T00:50:00+00:00"
        assert conditions.end.astimezone(UTC).isoformat() == "2026-10-25T01:10:59.999999+00:00"
