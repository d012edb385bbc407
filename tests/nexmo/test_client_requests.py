"""What the client asks, and where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from tests.tools.client import EMPTY_LIST, URL, Faked, Make, asked, recorded

# --- where it asks


@pytest.mark.parametrize(
    "url",
    [
        "http://api.nexmo.com/beta/audit", "http://127.0.0.1.example.com/", "http://localhost.example.com/",
        "http://localhost@example.com/", "http://192.0.2.1/", "http://10.0.0.1/", "http://0.0.0.0/", "http://[2001:db8::1]/",
        "ftp://127.0.0.1/", "file:///etc/passwd", "api.nexmo.com/beta/audit", "//127.0.0.1/", "", "http://",
        "http://example.com\\@127.0.0.1/", "http://example.com#@127.0.0.1/", "http://example.com?@127.0.0.1/",
    ],
)  # fmt: skip
def test_F56_plain_http_is_for_this_machine_only(url: str, make: Make) -> None:
    with pytest.raises(ValueError, match="https"):
        make(base_url=url)


@pytest.mark.parametrize(
    "url",
    ["https://api.nexmo.com/beta/audit", "http://127.0.0.1:8801/beta/audit", "http://127.9.9.9/", "http://[::1]:8801/",
     "http://localhost:8801/beta/audit", "HTTP://LOCALHOST/"],
)  # fmt: skip
def test_https_and_this_machine_are_allowed(url: str, make: Make) -> None:
    assert make(base_url=url).base_url == url


def test_without_a_secret_there_is_no_client(make: Make) -> None:
    with pytest.raises(ValueError, match="secret"):
        make(secrets=[])


def test_requests_have_timeouts_and_ask_for_json(faked: Faked, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    faked.answer(EMPTY_LIST)
    make().list_events()
    make(timeout=0.5).list_events()
    slow, quick = faked.requests
    assert slow.req_kwargs["timeout"] == (10.0, 30.0)
    assert quick.req_kwargs["timeout"] == (0.5, 0.5)
    assert slow.headers["Accept"] == "application/json"
    assert slow.headers["User-Agent"] == "Auditsite"
    assert slow.req_kwargs["verify"] is True


def test_leaving_the_client_closes_its_connections(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    with make() as client:
        monkeypatch.setattr(client._session, "close", lambda: closed.append(client))
        assert not closed
    assert closed == [client]


# --- what it asks


def test_parameters_without_filters(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    make().list_events()
    make().list_events(page=7, size=30)
    assert [asked(request) for request in faked.requests] == [
        {"page": "1", "size": "100"},
        {"page": "7", "size": "30"},
    ]
    assert urlsplit(faked.requests[0].url).path == "/beta/audit/events"


def test_F48_event_types_are_one_list_with_commas(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    make().list_events(event_types=("APP_CREATE", "APP_DELETE"))
    make().list_events(event_types=["APP_CREATE"])
    make().list_events(event_types=())
    assert [asked(request).get("event_type") for request in faked.requests] == [
        "APP_CREATE,APP_DELETE",
        "APP_CREATE",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("password", "password"),
        ('say "hi"', r"say \"hi\""),
        (r"back\slash", r"back\\slash"),
        (r"\"", r"\\\""),
        ("100% _ + & # = ; ? / {x} [y]", "100% _ + & # = ; ? / {x} [y]"),
        ("é € \U0001f600", "é € \U0001f600"),
        ("x" * 2000, "x" * 2000),
        (" ", " "),
    ],
    ids=lambda text: text[:12].encode("ascii", "replace").decode(),
)
def test_F49_search_text_arrives_as_part_of_a_json_string(faked: Faked, make: Make, text: str, sent: str) -> None:
    faked.answer(EMPTY_LIST)
    make().list_events(search_text=text)
    assert asked(faked.requests[0]) == {"page": "1", "size": "100", "search_text": sent}
    assert json.loads(f'"{sent}"') == text


BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 7, 1, 23, 30, 15, 999_999, tzinfo=timezone(timedelta(hours=-1)))  # 2 July, 00:30 UTC


@pytest.mark.parametrize(
    ("style", "zone", "sent"),
    [
        ("zulu", UTC, "2026-07-02T00:30:15Z"),
        ("zulu", BERLIN, "2026-07-02T00:30:15Z"),
        ("naive", UTC, "2026-07-02T00:30:15"),
        ("naive", BERLIN, "2026-07-02T02:30:15"),
        ("date", UTC, "2026-07-02"),
        ("date", timezone(timedelta(hours=-3)), "2026-07-01"),
    ],
)
@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_F50_dates_in_three_styles(faked: Faked, make: Make, name: str, style: str, zone: Any, sent: str) -> None:
    faked.answer(EMPTY_LIST)
    make(date_style=style, zone=zone).list_events(**{name: MOMENT})
    assert asked(faked.requests[0]) == {"page": "1", "size": "100", name: sent}


def test_all_filters_together(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    day = datetime(2026, 3, 1, tzinfo=UTC)
    make().list_events(
        page=2, size=1, event_types=["A", "B"], search_text="x", date_from=day, date_to=day + timedelta(days=1)
    )
    assert asked(faked.requests[0]) == {
        "page": "2", "size": "1", "event_type": "A,B", "search_text": "x",
        "date_from": "2026-03-01T00:00:00Z", "date_to": "2026-03-02T00:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("bad", [{"page": 0}, {"page": -1}, {"size": 0}, {"size": 101}, {"size": -1}])
def test_page_and_size_out_of_bounds_are_not_asked_for(faked: Faked, make: Make, bad: dict[str, int]) -> None:
    client = make()
    with pytest.raises(ValueError, match="page starts at 1"):
        client.list_events(**bad)
    assert client.requests_made == 0 and not faked.requests


@pytest.mark.parametrize(
    ("event_id", "path"),
    [
        ("aaaaaaaa-bbbb-cccc-dddd-0123456789ab", "/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab"),
        ("evt/../?x=1&y=<b>#z", "/events/evt%2F..%2F%3Fx%3D1%26y%3D%3Cb%3E%23z"),
        ("a b%41", "/events/a%20b%2541"),
    ],
)
def test_F45_an_id_stays_one_part_of_the_path(faked: Faked, make: Make, event_id: str, path: str) -> None:
    faked.answer(recorded("event_devapi"), path=path)
    make().get_event(event_id)
    assert faked.requests[0].url == URL + path


def test_zone_applies_to_lists_and_single_events(faked: Faked, make: Make) -> None:
    faked.answer(recorded("list"))
    faked.answer(recorded("event_devapi"), path="/events/one")
    client = make(zone=BERLIN)
    assert client.list_events().events[0].created_at == datetime(2018, 5, 16, 14, 34, 22, tzinfo=UTC)
    assert client.get_event("one").created_at == datetime(2018, 8, 13, 8, 15, 31, tzinfo=UTC)


def test_F33_links_are_never_followed(faked: Faked, make: Make) -> None:
    faked.answer(recorded("list"))
    page = make().list_events()
    assert len(page.events) == 1 and page.total_pages == 2
    assert len(faked.requests) == 1


def test_requests_are_counted(faked: Faked, make: Make) -> None:
    faked.answer(503, 503, EMPTY_LIST)
    client = make()
    client.list_events()
    client.list_events()
    assert client.requests_made == 4 == len(faked.requests)
