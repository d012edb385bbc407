"""Every switch of the sandbox, over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from events.sandbox import Sandbox, Switches
from tests.tools.sandbox import Client, lend, small_sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with small_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(running: Sandbox) -> Iterator[Client]:
    yield from lend(running)


@pytest.fixture
def sandbox(client: Client) -> Sandbox:
    return client.sandbox


def switched(client: Client, **changes: object) -> None:
    client.sandbox.set_switches(**changes)


def test_switches_of_order_and_zone(client: Client) -> None:
    newest = client.rows(size=1)[0]
    switched(client, zone="+02:00")
    moved = client.rows(size=1)[0]
    assert moved["id"] == newest["id"]
    ahead = datetime.fromisoformat(moved["created_at"]) - datetime.fromisoformat(newest["created_at"])
    assert ahead == timedelta(hours=2)
    assert client.rows(date_from=moved["created_at"])[0]["id"] == newest["id"]
    switched(client, zone="UTC", order="oldest_first")
    times = [row["created_at"] for row in client.rows()]
    assert times == sorted(times)


def test_switches_of_dates(client: Client) -> None:
    when = client.rows(size=1)[0]["created_at"]
    switched(client, end="exclusive")
    assert client.rows(date_from=when, date_to=when) == []
    switched(client, end="inclusive", date_only="midnight")
    assert client.rows(date_from=when[:10], date_to=when[:10]) == []
    switched(client, offsets=False, reversed_dates="400")
    assert client.listing(date_from="2024-01-01T00:00:00+01:00").status_code == 400
    assert client.listing(date_from="2024-01-02", date_to="2024-01-01").status_code == 400


def test_switches_of_retention_and_delay(client: Client) -> None:
    switched(client, retention_days=30)
    total = client.listing().json()["page"]["totalElements"]
    assert 0 < total < 100
    switched(client, retention_days=0, ingestion_delay=86_400 * 40)
    assert client.rows(date_from="2026-10-20") == []


def test_switches_of_size_and_page(client: Client) -> None:
    assert len(client.rows(size=500)) == 100
    assert len(client.rows(size="abc")) == 30 and len(client.rows(page="-1", size=0)) == 30
    switched(client, max_size=30)
    assert client.listing(size=100).json()["page"]["size"] == 30
    switched(client, size_over_100="400", bad_size="400", bad_page="400")
    for params in ({"size": "101"}, {"size": "0"}, {"size": "abc"}, {"page": "0"}, {"page": "abc"}):
        assert client.listing(**params).status_code == 400


def test_switch_of_the_page_past_the_end(client: Client) -> None:
    body = client.listing(page=999).json()
    assert "_embedded" not in body and body["page"]["totalElements"] > 0 and body["page"]["number"] == 999
    switched(client, past_end="404")
    assert client.listing(page=999).status_code == 404
    switched(client, past_end="last_page")
    body = client.listing(page=999).json()
    assert body["_embedded"] and body["page"]["number"] == body["page"]["totalPages"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("first_prev", "http://api.nexmo.com/beta/audit/events?page=3&size=30&event_type=USER_LOGIN"),
        ("https", "https://api.nexmo.com/beta/audit/events?page=3&size=30&event_type=USER_LOGIN"),
        ("relative", "/beta/audit/events?page=3&size=30&event_type=USER_LOGIN"),
        ("wrong", "http://audit.example.net/beta/audit/events?page=3&size=30&event_type=USER_LOGIN"),
        ("no_filters", "http://api.nexmo.com/beta/audit/events?page=3&size=30"),
        ("self_loop", "http://api.nexmo.com/beta/audit/events?page=2&event_type=USER_LOGIN"),
    ],
)
def test_switch_of_links(client: Client, form: str, expected: str) -> None:
    switched(client, links=form)
    links = client.listing(page=2, event_type="USER_LOGIN").json()["_links"]
    assert links["next"]["href"] == expected
    assert ("prev" in links) == (form == "first_prev")


def test_other_switches_of_links(client: Client) -> None:
    switched(client, links="none")
    assert "_links" not in client.listing().json()
    switched(client, links="no_next")
    assert "next" not in client.listing().json()["_links"]
    switched(client, links="templated")
    assert client.listing().json()["_links"]["self"]["templated"] is True


def test_switches_of_the_page_object(client: Client) -> None:
    switched(client, number="zero_based", numbers_as_text=True)
    assert client.listing().json()["page"]["number"] == "0"
    switched(client, number="page_key", numbers_as_text=False)
    assert client.listing().json()["page"]["page"] == 1
    total = client.listing().json()["page"]["totalElements"]
    switched(client, totals="off", totals_off=-2)
    assert client.listing().json()["page"]["totalElements"] == total - 2
    switched(client, totals="missing", number="one_based")
    assert client.listing().json()["page"] == {"size": 30, "number": 1}
    switched(client, page_object=False)
    assert "page" not in client.listing().json()


@pytest.mark.parametrize(
    ("form", "embedded"), [("no_events", {}), ("null", {"events": None}), ("empty", {"events": []})]
)
def test_switch_of_the_empty_page(client: Client, form: str, embedded: object) -> None:
    switched(client, empty_embedded=form)
    assert client.listing(event_type="NO_SUCH").json()["_embedded"] == embedded


def test_switches_of_search_and_filters(client: Client) -> None:
    switched(client, search_case="sensitive")
    assert client.rows(search_text="MSISDN") == []
    switched(client, search_case="insensitive", search_scope="context")
    assert client.rows(search_text="event_type") == [] and client.rows(search_text="msisdn")
    switched(client, search_wildcards=True, search_scope="event")
    assert client.rows(search_text="m_i%n")
    switched(client, unknown_type="400")
    assert client.listing(event_type="NO_SUCH").status_code == 400
    switched(client, repeated_type="last")
    rows = client.rows(event_type=["APP_CREATE", "APP_DELETE"])
    assert {row["event_type"] for row in rows} == {"APP_DELETE"}
    switched(client, ignored_filters="all")
    assert len(client.rows(date_from="2030-01-01", search_text="zzz", event_type="APP_CREATE")) == 100


def test_switches_of_premium_and_id_case(client: Client) -> None:
    row = client.rows(size=1)[0]
    switched(client, id_case="upper")
    upper = client.rows(size=1)[0]
    assert upper["id"] == row["id"].upper() and upper["_links"]["self"]["href"].endswith(upper["id"])
    assert client.one(upper["id"]).json() == upper
    switched(client, premium=False)
    assert client.rows(event_type="USER_LOGIN,USER_LOGOUT") == []


def test_switch_of_error_family(client: Client) -> None:
    client.session.auth = ("demo0001", "wrong")
    switched(client, unauthorized_text="missing")
    assert client.listing().json()["message"] == "Missing credentials"
    switched(client, errors="rfc7807")
    assert client.listing().json()["title"] == "Unauthorized"
    switched(client, errors="gateway")
    assert client.listing().text.startswith("<html>")


@pytest.mark.parametrize("hint", ["seconds", "date", "none"])
def test_switch_of_the_rate_limit(client: Client, hint: str) -> None:
    switched(client, requests_per_second=2, retry_after=hint)
    client.sandbox._tokens.clear()
    answers = [client.listing(size=1) for _ in range(6)]
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert answers[0].status_code == 200
    assert ("Retry-After" in limited.headers) == (hint != "none")


@pytest.mark.parametrize("form", ["204", "intercepted", "empty", "duplicates", "extra_key", "new_type",
                                  "missing_type", "no_description"])  # fmt: skip
def test_switch_and_fault_of_options_agree(client: Client, form: str) -> None:
    switched(client, options=form)
    by_switch = client.options()
    switched(client, options="normal")
    by_fault = client.options(f"options-{form.replace('_', '-')}")
    assert (by_switch.status_code, by_switch.content) == (by_fault.status_code, by_fault.content)
    assert by_switch.content != client.options().content


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": "random"}, "order must be one of newest_first, oldest_first"),
        ({"max_size": 0}, "max_size must be at least 1"),
        ({"max_size": "many"}, "max_size must be a number"),
        ({"premium": "perhaps"}, "premium must be true or false"),
        ({"zone": "Mars/Olympus"}, "zone must be"),
        ({"no_such": 1}, "unknown switch 'no_such'; the switches are bad_date"),
    ],
)
def test_bad_switches_are_refused_with_the_allowed_values(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Switches().changed(**changes)


def test_switches_are_parsed_from_texts() -> None:
    parsed = Switches.parse(["order=oldest_first", "premium=off", "max_size=30", "ingestion_delay=1.5"])
    assert parsed == Switches(order="oldest_first", premium=False, max_size=30, ingestion_delay=1.5)
    with pytest.raises(ValueError, match="NAME=VALUE"):
        Switches.parse(["order"])
