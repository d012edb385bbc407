"""Every parameter of an event list: what it finds, and what it says to a value it cannot read."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events import archive
from events.models import AuditEvent, EventType
from events.nexmo.parse import parse_event
from tests.conftest import NOON, event_json
from tests.test_export import body, exported_ids
from tests.test_scope import error_text, shown_ids

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

DATE_HINT = "Enter a date such as 2026-01-31, or a time such as 2026-01-31T14:05."


def number_of(event_id: str) -> int:
    return int(event_id[-12:])


@pytest.fixture
def client(login: Login) -> Client:
    """Alice, who sees demo0001 and demo0002."""
    return login("alice")


@pytest.fixture
def other(cast: dict[str, Any]) -> NexmoAccount:
    return NexmoAccount.objects.get(api_key="demo0002")


def found(client: Client, query: Any) -> set[int]:
    """The numbers of the events that a query shows; its export must hold the same."""
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    page = client.get(f"/events/?{text}")
    assert page.status_code == 200
    assert 'id="error-' not in page.content.decode()
    ids = shown_ids(page)
    assert exported_ids("ndjson", body(client.get(f"/events/export.ndjson?{text}"))) == ids
    return {number_of(event_id) for event_id in ids}


def refusal(client: Client, query: Any, name: str) -> str:
    """The error that a query gets beside a field; the page must show no rows, and its export must be refused."""
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    page = client.get(f"/events/?{text}")
    assert page.status_code == 200
    assert shown_ids(page) == []
    assert 'data-state="invalid"' in page.content.decode()
    assert re.findall(r'id="error-(\w+)"', page.content.decode()) == [name]
    error = error_text(page, name)
    refused = client.get(f"/events/export.csv?{text}")
    assert refused.status_code == 400
    assert "Content-Disposition" not in refused
    assert not refused.streaming
    assert f": {error}</li>" in html.unescape(refused.content.decode())
    return error


def test_no_filter_shows_everything(client: Client, account: NexmoAccount, other: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    add_event(other, 2)

    assert found(client, "") == {1, 2}


def test_empty_parameters_are_no_filters(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    empty = "account=&event_type=&search_text=&date_from=&date_to=&period=&user_email=&source=&source_ip="
    assert found(client, f"{empty}&source_country=&size=") == {1}
    assert found(client, "event_type=,&account=,%20,&user_email=,&source=,&source_ip=,&source_country=,,") == {1}


def test_unknown_parameters_are_ignored(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert found(client, "utm_source=mail&raw=x&id=5&account_id=demo0003") == {1}


# --- event_type and account -----------------------------------------------------------------------------------


def test_event_types_in_any_spelling(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, code in enumerate(("USER_LOGIN", "NUMBER_ASSIGN", "USER_LOGOUT", "NUMBER_ASSIGNED")):
        add_event(account, number, event_type=code)

    queries = (
        "event_type=USER_LOGIN,NUMBER_ASSIGN",
        "event_type=USER_LOGIN&event_type=NUMBER_ASSIGN",
        "event_type=user_login,Number_Assign",
        "event_type=,USER_LOGIN,,%20NUMBER_ASSIGN%20,",
        "event_type=USER_LOGIN,USER_LOGIN&event_type=NUMBER_ASSIGN,user_login",
        "event_type=&event_type=USER_LOGIN,NUMBER_ASSIGN",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {0, 1})


def test_accounts_in_any_spelling(login: Login, cast: dict[str, Any], add_event: Add) -> None:
    for number in range(1, 6):
        add_event(NexmoAccount.objects.get(api_key=f"demo000{number}"), number)
    client = login("admin")

    queries = (
        "account=demo0001,demo0003",
        "account=demo0001&account=demo0003",
        "account=DEMO0001,Demo0003",
        "account=,demo0001,,%20demo0003%20,",
        "account=demo0001,demo0001&account=demo0003,DEMO0001",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1, 3})


def test_unknown_event_type_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert refusal(client, "event_type=NO_SUCH_TYPE", "event_type") == "There is no event type NO_SUCH_TYPE."
    assert refusal(client, "event_type=NUMBER_UPDATED,NOPE", "event_type") == "There is no event type NOPE."


def test_unknown_account_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert refusal(client, "account=nope", "account") == "There is no account nope that you may see."


def test_type_that_only_events_carry_can_be_chosen(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="BRAND_NEW", event_type_description="Something new")
    add_event(account, 2)

    assert found(client, "event_type=brand_new") == {1}
    page = client.get("/events/").content.decode()
    assert re.search(r'name="event_type" value="BRAND_NEW"> <span>Something new', page)


def test_type_that_nexmo_lists_can_be_chosen_before_any_event(client: Client, cast: dict[str, Any]) -> None:
    EventType.objects.create(code="LISTED_ONLY", description="As listed", listed_at=NOON)

    assert found(client, "event_type=listed_only") == set()
    assert re.search(r'value="LISTED_ONLY"> <span>As listed', client.get("/events/").content.decode())


def test_chosen_boxes_stay_ticked(client: Client, account: NexmoAccount, add_event: Add) -> None:
    page = client.get("/events/?event_type=user_login,NUMBER_ASSIGN&account=demo0001").content.decode()

    ticked = re.findall(r'name="(?:event_type|account)" value="(\w+)" checked', page)
    assert sorted(ticked) == ["NUMBER_ASSIGN", "USER_LOGIN", "demo0001"]


# --- search_text ------------------------------------------------------------------------------------------------


SEARCHED = (
    'say "hello"',
    "it's",
    "100%",
    "50%_off",
    "under_score",
    "back\\slash",
    "C:\\new\\table",
    "\\",
    "emoji 🎉 here",
    "naïve café",
    "語",
    "<script>alert(1)</script>",
    "a/b",
    "tab\there",
    "two\nlines",
    "'; DROP TABLE events_auditevent; --",
    "[a-z]*",
    "x" * 2_000,
)


@pytest.mark.parametrize("ascii_only", [False, True], ids=["as-utf8", "as-escapes"])
def test_search_finds_the_text_however_json_spells_it(client: Client, account: NexmoAccount, ascii_only: bool) -> None:
    for number, text in enumerate(SEARCHED):
        raw = json.dumps(event_json(number, context={"note": f"before {text} after"}), ensure_ascii=ascii_only)
        archive.add_events(account, [parse_event(raw, UTC)], run=None, fetched_at=NOON)

    # The lone backslash stands in other texts too.
    missed = [text for number, text in enumerate(SEARCHED) if number not in found(client, {"search_text": text})]
    assert missed == []
    assert found(client, {"search_text": SEARCHED[0]}) == {0}


@pytest.mark.parametrize(
    ("text", "lookalike"), [("5%5", "5x5"), ("a_b", "axb"), ("a\\_b", "a_b"), ("100%", "1000"), ("a\\b", "ab")]
)
def test_search_takes_wildcards_as_plain_text(
    client: Client, account: NexmoAccount, add_event: Add, text: str, lookalike: str
) -> None:
    add_event(account, 1, context={"note": text})
    add_event(account, 2, context={"note": lookalike})

    assert found(client, {"search_text": text}) == {1}


def test_search_does_not_mind_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"note": "Lisbon"})

    assert found(client, "search_text=LISBON") == found(client, "search_text=lisbon") == {1}


@pytest.mark.parametrize(("stored", "asked"), [("ÄRGER", "ärger"), ("москва", "МОСКВА")])
def test_search_does_not_mind_case_in_any_alphabet(
    client: Client, account: NexmoAccount, stored: str, asked: str
) -> None:
    raw = json.dumps(event_json(1, context={"note": stored}), ensure_ascii=False)
    archive.add_events(account, [parse_event(raw, UTC)], run=None, fetched_at=NOON)

    assert found(client, {"search_text": asked}) == {1}


def test_search_looks_into_every_field(client: Client, account: NexmoAccount) -> None:
    fields = ("id", "event_type", "user_email", "source_ip", "source_description", "context")
    for number, field in enumerate(fields):
        # Ids end in twelve digits, by which these tests know events.
        needle = f"needle{number}" + (f"-{number:012d}" if field == "id" else "")
        event = event_json(number) | {field: {"a": [needle]} if field == "context" else needle}
        archive.add_events(account, [parse_event(json.dumps(event), UTC)], run=None, fetched_at=NOON)

    hits = {field: found(client, f"search_text=needle{number}") for number, field in enumerate(fields)}
    assert hits == {field: {number} for number, field in enumerate(fields)}


def test_blanks_around_the_searched_text_do_not_count(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"note": "word"})

    assert found(client, {"search_text": "  word  "}) == {1}
    assert found(client, {"search_text": "   "}) == {1}


def test_nul_in_the_searched_text_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert refusal(client, "search_text=a%00b", "search_text") == "Null characters are not allowed."


def test_text_longer_than_a_database_can_search_for_breaks_nothing(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)
    page = client.get("/events/", {"search_text": "x" * 60_000})

    assert page.status_code == 200
    assert shown_ids(page) == []


def test_searched_text_stays_in_the_form(client: Client, cast: dict[str, Any]) -> None:
    page = client.get("/events/", {"search_text": '"><script>x'}).content.decode()

    assert 'name="search_text" value="&quot;&gt;&lt;script&gt;x"' in page


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
    "date_from=0001-01-01&date_to=9999-12-31": {3023, 3100, 3114, 3199, 100},
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


def test_days_are_those_of_the_zone_in_force(client: Client, clock: None) -> None:
    with timezone.override("Asia/Tokyo"):
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
    "yesterday",
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


@pytest.mark.parametrize(
    ("zone", "name", "text"),
    [
        ("UTC", "date_from", "0001-01-01T00:00+05:00"),
        ("UTC", "date_to", "9999-12-31T23:59-05:00"),
        ("Asia/Tokyo", "date_from", "0001-01-01"),
        ("Asia/Tokyo", "date_to", "0001-01-01"),
        ("Asia/Tokyo", "date_from", "0001-01-01T00:00"),
        ("America/New_York", "date_from", "9999-12-31"),
        ("America/New_York", "date_to", "9999-12-31"),
        ("America/New_York", "date_to", "9999-12-31T23:00"),
    ],
)
def test_dates_at_the_ends_of_the_calendar_break_nothing(
    client: Client, clock: None, settings: Any, zone: str, name: str, text: str
) -> None:
    settings.TIME_ZONE = zone

    page = client.get("/events/", {name: text})

    assert page.status_code == 200
    # Some zones reach beyond the calendar there: either every event is on the right side, or the field says so.
    if error_text(page, name):
        assert shown_ids(page) == []
    else:
        assert len(shown_ids(page)) == (5 if (name == "date_from") == text.startswith("0001") else 0)


def test_date_field_stays_a_date_field_for_a_day_and_shows_anything_else(client: Client, cast: dict[str, Any]) -> None:
    def kind(text: str) -> Any:
        page = client.get("/events/", {"date_from": text}).content.decode()
        return re.search(r'<input type="([\w-]+)" name="date_from"(?: value="([^"]*)")?', page).groups()  # type: ignore[union-attr]

    assert kind("") == ("date", "")
    assert kind("2026-01-31") == ("date", "2026-01-31")
    assert kind("2026-01-31T14:05") == ("datetime-local", "2026-01-31T14:05:00")
    assert kind("nonsense") == ("text", "nonsense")


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
    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        client = login("alice")
        assert {period: found(client, f"period={period}") for period in expected} == expected


@pytest.mark.parametrize(("zone", "expected"), [("UTC", {2, 3}), ("Asia/Tokyo", {1, 2, 3}), ("America/New_York", {3})])
def test_today_is_the_day_of_the_sites_zone(
    login: Login, account: NexmoAccount, add_event: Add, settings: Any, zone: str, expected: set[int]
) -> None:
    settings.TIME_ZONE = zone
    for number, at in enumerate(("2026-03-14T15:00:00", "2026-03-15T00:00:00", "2026-03-15T04:00:00"), start=1):
        add_event(account, number, created_at=f"{at}Z")

    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        assert found(login("alice"), "period=today") == expected


def test_unknown_period_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for period in ("1y", "TODAY", "24", "all", "-7d"):
        assert refusal(client, {"period": period}, "period") == "Choose one of today, 24h, 7d, 30d, 90d."


def test_period_in_force_is_marked(client: Client, cast: dict[str, Any]) -> None:
    def marked(path: str) -> list[str]:
        page = client.get(path).content.decode()
        return re.findall(r'name="period" value="(\w*)" checked', page)

    assert marked("/events/?period=7d") == ["7d"]
    assert marked("/events/") == [""]


# --- user, source, address, country -------------------------------------------------------------------------------


def test_user_email_in_any_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email="SomeOne@example.com")
    add_event(account, 2, user_email="someone@example.com.evil.test")
    add_event(account, 3, user_email="awesomeone@example.com")

    queries = (
        "user_email=someone@example.com",
        "user_email=SomeOne@Example.COM",
        "user_email=%20someone@example.com%20",
        "user_email=nobody@example.com,someone@example.com",
        "user_email=nobody@example.com&user_email=SOMEONE@example.com",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1})


def test_source_in_any_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source="CD")
    add_event(account, 2, source="DEVAPI")

    queries = ("source=CD", "source=cd", "source=,CD,", "source=CD,NOPE", "source=x&source=Cd")
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1})


@pytest.mark.parametrize("stored", ["Dashboard", "cd", "devApi v2"])
def test_source_is_found_however_nexmo_spells_it(
    client: Client, account: NexmoAccount, add_event: Add, stored: str
) -> None:
    add_event(account, 1, source=stored)
    add_event(account, 2, source="OTHER")

    assert found(client, {"source": stored}) == {1}


def test_source_country_in_any_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source_country="gb")
    add_event(account, 2, source_country="ES")

    queries = (
        "source_country=GB",
        "source_country=gb",
        "source_country=FR,%20gB",
        "source_country=FR&source_country=GB",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1})


ADDRESSES: dict[str, set[int]] = {
    "source_ip=192.0.2.1": {1},
    "source_ip=%20192.0.2.1%20": {1},
    "source_ip=192.0.2.0/24": {1, 2},
    "source_ip=192.0.2.77/24": {1, 2},
    "source_ip=192.0.2.1/32": {1},
    "source_ip=192.0.0.0/16": {1, 2, 3},
    "source_ip=0.0.0.0/0": {1, 2, 3},
    "source_ip=192.0.2.1,192.0.3.1": {1, 3},
    "source_ip=192.0.2.1&source_ip=2001:db8::/32": {1, 4, 5},
    "source_ip=2001:db8::1": {4},
    "source_ip=2001:0DB8:0000:0000:0000:0000:0000:0001": {4},
    "source_ip=2001:db8:0::5": {5},
    "source_ip=2001:db8::/32": {4, 5},
    "source_ip=::/0": {1, 2, 3, 4, 5},
    "source_ip=::ffff:192.0.2.1": {1},
    "source_ip=198.51.100.1": set(),
}


def test_source_ip_as_address_or_network(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, address in enumerate(
        ("192.0.2.1", "192.0.2.255", "192.0.3.1", "2001:db8::1", "2001:0DB8:0:0:0:0:0:5", "unknown", ""), start=1
    ):
        add_event(account, number, source_ip=address)

    assert {query: found(client, query) for query in ADDRESSES} == ADDRESSES


def test_wrong_source_ip_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    wrong = ("nonsense", "192.0.2", "192.0.2.256", "192.0.2.0/33", "2001:db8::/129", "192.0.2.*", "1", "192.0.2.1:80")
    for text in wrong:
        wanted = f"{text} is no IP address or network. Write 192.0.2.7 or 192.0.2.0/24."
        assert refusal(client, {"source_ip": text}, "source_ip") == wanted
        assert refusal(client, {"source_ip": f"192.0.2.1,{text}"}, "source_ip") == wanted


def test_words_stay_in_the_form(client: Client, cast: dict[str, Any]) -> None:
    names = ("user_email", "source", "source_ip", "source_country")
    query = "&".join(f"{name}=192.0.2.1&{name}=%22%3E192.0.2.2" for name in names)

    page = client.get(f"/events/?{query}").content.decode()

    for name in names:
        assert f'name="{name}" value="192.0.2.1, &quot;&gt;192.0.2.2"' in page


def test_nul_in_any_field_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for name in ("user_email", "source", "source_ip", "source_country", "date_from"):
        assert refusal(client, f"{name}=a%00b", name) == "Null characters are not allowed."


def test_nul_in_a_choice_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for name in ("event_type", "account", "period"):
        assert refusal(client, f"{name}=a%00b", name)


# --- together -----------------------------------------------------------------------------------------------------


def test_filters_narrow_one_another(client: Client, account: NexmoAccount, other: NexmoAccount, add_event: Add) -> None:
    matching: dict[str, Any] = {
        "event_type": "USER_LOGIN",
        "created_at": "2026-01-31T14:05:00",
        "user_email": "a@example.com",
        "source": "DEVAPI",
        "source_ip": "198.51.100.7",
        "source_country": "ES",
        "context": {"note": "needle"},
    }
    query = {
        "event_type": "USER_LOGIN",
        "date_from": "2026-01-31",
        "date_to": "2026-01-31",
        "user_email": "a@example.com",
        "source": "DEVAPI",
        "source_ip": "198.51.100.0/24",
        "source_country": "ES",
        "search_text": "needle",
        "account": "demo0001",
    }
    add_event(account, 1, **matching)
    # Each of these fails one condition.
    for number, miss in enumerate(
        (
            {"event_type": "USER_LOGOUT"},
            {"created_at": "2026-01-30T14:05:00"},
            {"created_at": "2026-02-01T14:05:00"},
            {"user_email": "b@example.com"},
            {"source": "CD"},
            {"source_ip": "198.51.101.7"},
            {"source_country": "FR"},
            {"context": {"note": "straw"}},
        ),
        start=2,
    ):
        add_event(account, number, **matching | miss)
    add_event(other, 10, **matching)

    assert found(client, query) == {1}
    # And each condition is needed: without it, its near miss comes back.
    assert {name: found(client, {key: value for key, value in query.items() if key != name}) for name in query} == {
        "event_type": {1, 2},
        "date_from": {1, 3},
        "date_to": {1, 4},
        "user_email": {1, 5},
        "source": {1, 6},
        "source_ip": {1, 7},
        "source_country": {1, 8},
        "search_text": {1, 9},
        "account": {1, 10},
    }


def test_period_narrows_dates(login: Login, account: NexmoAccount, add_event: Add) -> None:
    for number, at in enumerate(("2026-03-01T00:00:00", "2026-03-10T00:00:00", "2026-03-14T00:00:00"), start=1):
        add_event(account, number, created_at=at)

    with time_machine.travel(datetime(2026, 3, 15, 12, 0, tzinfo=UTC), tick=False):
        assert found(login("alice"), "period=7d&date_to=2026-03-12") == {2}


def test_every_wrong_field_is_told_at_once(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    wrong = "event_type=x&account=x&source_ip=x&date_from=x&date_to=x&period=x&search_text=%00"

    page = client.get(f"/events/?{wrong}")

    told = set(re.findall(r'id="error-(\w+)"', page.content.decode()))
    assert told == {"event_type", "account", "source_ip", "date_from", "date_to", "period", "search_text"}
    assert shown_ids(page) == []


def test_one_wrong_value_hides_rows_that_the_others_match(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1)

    assert refusal(client, "search_text=447700900000&source_ip=wrong", "source_ip")


def test_wrong_field_is_marked_for_screen_readers(client: Client, cast: dict[str, Any]) -> None:
    page = client.get("/events/?source_ip=x").content.decode()
    (field,) = re.findall(r'<input[^>]*name="source_ip"[^>]*>', page)

    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="error-source_ip"' in field
    assert page.count('aria-invalid="true"') == 1


def test_conditions_are_counted_and_their_part_of_the_form_is_open(client: Client, cast: dict[str, Any]) -> None:
    plain = client.get("/events/?search_text=x&period=7d").content.decode()
    filtered = client.get("/events/?source=CD&user_email=a@example.com").content.decode()
    wrong = client.get("/events/?period=x").content.decode()

    assert '<details class="more">' in plain
    assert '<span class="badge">' not in plain
    assert '<details class="more" open>' in filtered
    assert '<span class="badge">2</span>' in filtered
    assert '<details class="more" open>' in wrong


def test_filters_work_on_an_accounts_own_page(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source="CD")
    add_event(account, 2, source="DEVAPI")

    assert [number_of(found) for found in shown_ids(client.get("/accounts/demo0001/events/?source=cd"))] == [1]
    assert [number_of(found) for found in shown_ids(client.get("/accounts/demo0001/events/?account=demo0001"))] == [
        2,
        1,
    ]
    assert client.get("/accounts/demo0001/events/export.csv?source_ip=x").status_code == 400
