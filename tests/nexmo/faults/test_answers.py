"""The client over real HTTP: statuses, lists, events and filters."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from events.nexmo import errors
from events.sandbox import Sandbox, odd_events
from tests.tools.client import Waits
from tests.tools.client_faults import (
    EMBEDDED,
    KEY,
    LIST,
    SECRET,
    Make,
    Serve,
    new_sandbox,
    numbered,
    statuses,
    whole,
)


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own, for faults that change its events."""
    with new_sandbox() as sandbox:
        yield sandbox


# --- F08 to F20: status


def test_F11_secret_revoked_while_paging_loses_no_page(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_secrets(KEY, [SECRET, "second"])
    sandbox.set_faults("secret-revoked@page=2")
    client = make(sandbox.url, secrets=[SECRET, "second"])
    pages = [client.list_events(page=page, size=20) for page in (1, 2, 3)]
    assert len({event.event_id for page in pages for event in page.events}) == 60
    assert statuses(sandbox) == [200, 401, 200, 200]


def test_F13_missing_event_is_not_found(sandbox: Sandbox, make: Make) -> None:
    with pytest.raises(errors.NotFound, match="no event with this id") as caught:
        make(sandbox.url).get_event("no-such-id")
    assert "no-such-id was not found" in caught.value.detail
    sandbox.set_faults("not-found-event")
    known = make(sandbox.url).list_events(size=1).events[0]
    with pytest.raises(errors.NotFound, match="no event with this id"):
        make(sandbox.url).get_event(known.event_id)


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        ("rate-limit@seconds=7", 7),
        ("rate-limit-service@seconds=7", 7),
        ("rate-limit-absurd", 60),
        ("rate-limit-negative", 1),
        ("rate-limit-garbage", 1),
        ("rate-limit-no-hint", 1),
        ("rate-limit-empty", 1),
        ("rate-limit-html", 1),
    ],
)
def test_F15_retry_after_is_honoured_within_reason(
    sandbox: Sandbox, make: Make, waits: Waits, fault: str, pause: float
) -> None:
    sandbox.set_faults(fault)
    make(sandbox.url).list_events()
    assert waits.seconds == [pause]


def test_F15_retry_after_as_a_date(sandbox: Sandbox, make: Make, waits: Waits) -> None:
    sandbox.set_faults("rate-limit-date@seconds=30")
    make(sandbox.url).list_events()
    assert 25 < waits.seconds[0] <= 30


def test_F16_rate_limit_on_a_late_page_loses_nothing(sandbox: Sandbox, make: Make, waits: Waits) -> None:
    sandbox.set_faults("rate-limit@page=7")
    client = make(sandbox.url)
    ids = [event.event_id for page in range(1, 11) for event in client.list_events(page=page, size=10).events]
    assert ids == [event.event_id for event in client.list_events(size=100).events]
    assert len(waits.seconds) == 1


def test_F17_retry_after_of_503_is_honoured(sandbox: Sandbox, make: Make, waits: Waits) -> None:
    sandbox.set_faults("http-503-retry@seconds=7")
    make(sandbox.url).list_events()
    assert waits.seconds == [7]


@pytest.mark.parametrize("name", ["redirect-host", "redirect-http", "redirect-login"])
def test_F20_redirect_is_followed_by_no_request(serve: Serve, sandbox: Sandbox, make: Make, name: str) -> None:
    host, received = serve(whole(LIST))
    sandbox.set_switches(redirect_target=f"http://{host}")
    sandbox.set_faults(name)
    with pytest.raises(errors.Redirected):
        make(sandbox.url).list_events()
    assert len(sandbox.requests) == 1
    with socket.create_connection(host.split(":")) as probe:  # the other host's one connection is still to be had
        probe.sendall(b"probe\r\n\r\n")
        assert probe.recv(8) == b"HTTP/1.1"
    assert received == [b"probe\r\n\r\n"]


# --- F24 to F38: lists


@pytest.mark.parametrize("name", [numbered(name) for name in (*EMBEDDED, "no-embedded")])
def test_page_without_its_events_still_has_its_total(sandbox: Sandbox, make: Make, name: str) -> None:
    """So that whoever pages sees that something is missing."""
    client = make(sandbox.url)
    total = client.list_events().total
    sandbox.set_faults(name)
    page = client.list_events()
    assert page.events == () and page.total == total and total


@pytest.mark.parametrize("name", [numbered("no-page"), numbered("page-nonsense")])
def test_page_without_figures_still_has_its_events(sandbox: Sandbox, make: Make, name: str) -> None:
    client = make(sandbox.url)
    events = client.list_events().events
    sandbox.set_faults(name)
    page = client.list_events()
    assert (page.total, page.total_pages, page.size) == (None, None, None)
    assert page.events == events


def test_F29_size_clamped_by_the_server_is_told(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_switches(max_size=30)
    page = make(sandbox.url).list_events(size=100)
    assert page.size == 30 == len(page.events)


@pytest.mark.parametrize("form", ["empty", "404"])
def test_F31_page_past_the_end(sandbox: Sandbox, make: Make, form: str) -> None:
    sandbox.set_switches(past_end=form)
    client = make(sandbox.url)
    if form == "404":
        with pytest.raises(errors.NotFound):
            client.list_events(page=99)
    else:
        page = client.list_events(page=99)
        assert page.events == () and page.total


@pytest.mark.parametrize(
    "links", ["first_prev", "https", "relative", "wrong", "self_loop", "no_next", "no_filters", "templated", "none"]
)
def test_F26_F32_F33_links_change_nothing(sandbox: Sandbox, make: Make, links: str) -> None:
    client = make(sandbox.url)
    expected = client.list_events(page=2, size=10)
    sandbox.set_switches(links=links)
    assert client.list_events(page=2, size=10) == expected
    assert [request.params for request in sandbox.requests] == [{"page": "2", "size": "10"}] * 2


def test_F34_short_page_is_what_came(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_faults("short-page@rows=4")
    page = make(sandbox.url).list_events(size=10)
    assert len(page.events) == 6 and page.size == 10


@pytest.mark.parametrize("switches", [{"errors": "rfc7807"}, {"errors": "gateway"}, {"unauthorized_text": "missing"}])
def test_F08_F09_F10_wrong_secret_in_any_words(sandbox: Sandbox, make: Make, switches: dict[str, str]) -> None:
    sandbox.set_switches(**switches)
    with pytest.raises(errors.CredentialsRefused):
        make(sandbox.url, secrets=["wrong", "wrong too"]).list_events()
    assert statuses(sandbox) == [401, 401]


# --- F39 to F49: events and filters


def test_F39_to_F47_every_odd_event_comes_through(own_sandbox: Sandbox, make: Make) -> None:
    client = make(own_sandbox.url)
    total = client.list_events().total
    assert total
    own_sandbox.set_faults("odd-events")
    first = client.list_events()
    pages = range(2, (first.total_pages or 0) + 1)
    events = [*first.events, *(event for page in pages for event in client.list_events(page=page).events)]
    assert len(events) == first.total == total + len(odd_events())
    for event in events:
        for name in (each.name for each in dataclasses.fields(event)):
            if isinstance(text := getattr(event, name), str) and name != "context":
                text.encode()
                assert "\x00" not in text
    raw = {event.raw for event in events}
    assert {text for text in odd_events() if isinstance(text, str)} <= raw
    assert sum(bool(event.odd_fields) for event in events) >= 15


def test_F45_same_id_with_other_content_comes_as_two_events(sandbox: Sandbox, make: Make) -> None:
    client = make(sandbox.url)
    before = client.list_events(size=10).events
    sandbox.set_faults("duplicate-id", "altered-event")
    doubled = client.list_events(size=10).events
    altered = client.list_events(size=10).events
    assert doubled[:-1] == before == client.list_events(size=10).events
    assert doubled[-1].identity == before[0].identity == altered[0].identity
    assert before[0].digest not in (doubled[-1].digest, altered[0].digest)


def test_F48_types_filter_arrives(sandbox: Sandbox, make: Make) -> None:
    page = make(sandbox.url).list_events(event_types=["USER_LOGIN", "APP_UPDATE"])
    assert {event.event_type for event in page.events} == {"USER_LOGIN", "APP_UPDATE"}
    sandbox.set_faults("unasked-events")
    assert len({event.event_type for event in make(sandbox.url).list_events(event_types=["APP_UPDATE"]).events}) > 1


@pytest.mark.parametrize(
    "text", ['say "hi"', "back\\slash", "{x}", "100%", "a_b", "1+1", "a&b", "#1", "\U0001f600", "žluť"]
)
def test_F49_search_text_finds_what_it_says(own_sandbox: Sandbox, make: Make, text: str) -> None:
    name = 'say "hi" back\\slash {x} 100% a_b 1+1 a&b #1 \U0001f600 žluť'
    own_sandbox.add_events(KEY, [{"id": "wanted", "event_type": "APP_UPDATE", "context": {"name": name}}])
    found = make(own_sandbox.url).list_events(search_text=text).events
    assert [event.event_id for event in found] == ["wanted"]


@pytest.mark.parametrize("style", ["zulu", "naive", "date"])
def test_F50_dates_arrive_in_every_style(sandbox: Sandbox, make: Make, style: str) -> None:
    day = datetime(2026, 3, 2, tzinfo=UTC)
    client = make(sandbox.url, date_style=style)
    events = client.list_events(date_from=day, date_to=day + timedelta(days=30)).events
    assert events
    assert all(event.created_at and day <= event.created_at < day + timedelta(days=32) for event in events)
