"""Paging by key: every event exactly once, whatever arrives meanwhile."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.display.page_size import read_size
from events.models import AuditEvent
from events.reading import BadCursor, Cursor
from tests.conftest import event_json
from tests.tools.export import add_many
from tests.tools.scope import shown_ids

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

UNREADABLE = "This page marker is invalid; it may have been truncated or altered."


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


def numbers(response: Any) -> list[int]:
    return [int(event_id[-12:]) for event_id in shown_ids(response)]


def link(response: Any, rel: str) -> str:
    """The address of the next (older) or previous (newer) page; empty where there is none."""
    found = {
        html.unescape(address) for address in re.findall(rf'rel="{rel}" href="([^"]*)"', response.content.decode())
    }
    assert len(found) < 2, "the links above and below the table differ"
    return found.pop() if found else ""


def ids_in_order() -> list[int]:
    return [
        int(event_id[-12:])
        for event_id in AuditEvent.objects.order_by("-created_at", "-id").values_list("event_id", flat=True)
    ]


def add_in_same_seconds(account: NexmoAccount, count: int, first: int = 1) -> None:
    """Events of which each seven share a second, so that many pages end within one."""
    for start in range(first, first + count, 7):
        at = f"2026-03-15T12:00:{start // 7 % 60:02d}"
        add_many(account, range(start, min(start + 7, first + count)), created_at=at)


def walk(client: Client, path: str, rel: str, between: Callable[[int], None] = lambda page: None) -> list[list[int]]:
    """Follow a link to the end; `between` is called after each page. Returns the pages' rows."""
    pages = []
    while path:
        response = client.get(path)
        assert response.status_code == 200
        pages.append(numbers(response))
        assert len(pages) < 50
        between(len(pages))
        path = link(response, rel) and "/events/" + link(response, rel)
    return pages


def test_events_are_listed_newest_first(client: Client, account: NexmoAccount) -> None:
    add_many(account, (3, 1, 2))

    assert numbers(client.get("/events/")) == [3, 2, 1]


def test_events_of_one_second_are_listed_in_a_fixed_order(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(1, 10), created_at="2026-03-15T12:00:00")

    assert numbers(client.get("/events/")) == ids_in_order()


@pytest.mark.parametrize("size", [25, 50, 100, 200])
def test_walking_older_and_newer_again_shows_every_event_once(client: Client, account: NexmoAccount, size: int) -> None:
    add_in_same_seconds(account, 2 * size + 3)
    expected = ids_in_order()

    older = walk(client, f"/events/?size={size}", "next")

    assert [len(page) for page in older] == [size, size, 3]
    assert sum(older, []) == expected
    last = client.get(f"/events/?size={size}")
    while link(last, "next"):
        last = client.get("/events/" + link(last, "next"))
    newer = walk(client, "/events/" + link(last, "prev"), "prev")
    assert [len(page) for page in newer] == [size, size]  # and no link leads on to an empty page
    assert sum(reversed(newer), []) + numbers(last) == expected


def test_last_full_page_has_no_link_to_an_empty_one(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(50))

    pages = walk(client, "/events/?size=25", "next")

    assert [len(page) for page in pages] == [25, 25]


def test_events_that_arrive_while_walking_older_neither_repeat_nor_hide_any(
    client: Client, account: NexmoAccount
) -> None:
    add_in_same_seconds(account, 110, first=1000)
    there_before = ids_in_order()
    late: list[int] = []

    def arrive(page: int) -> None:
        add_many(account, [5000 + page], created_at="2026-03-16T00:00:00")  # newer than all
        add_many(account, [page], created_at=f"2026-03-01T00:00:{60 - page:02d}")  # older than all, a late one
        late.append(page)

    pages = walk(client, "/events/?size=25", "next", arrive)

    seen = sum(pages, [])
    assert len(seen) == len(set(seen))
    assert [number for number in seen if number in set(there_before)] == there_before
    assert not [number for number in seen if number >= 5000]
    # The late ones lie ahead, all but the one that came after the last page was read.
    assert sorted(number for number in seen if number < 1000) == late[:-1]


def test_events_that_arrive_while_walking_newer_neither_repeat_nor_hide_any(
    client: Client, account: NexmoAccount
) -> None:
    add_in_same_seconds(account, 110, first=1000)
    last = client.get("/events/?size=25")
    while link(last, "next"):
        last = client.get("/events/" + link(last, "next"))
    there_before = ids_in_order()

    def arrive(page: int) -> None:
        if page < 4:
            add_many(account, [5000 + page], created_at="2026-03-16T00:00:00")
        add_many(account, [page], created_at="2026-03-01T00:00:00")

    pages = walk(client, "/events/" + link(last, "prev"), "prev", arrive)

    seen = sum(reversed(pages), []) + numbers(last)
    assert len(seen) == len(set(seen))
    assert [number for number in seen if number < 5000] == there_before
    assert sorted(number for number in seen if number >= 5000) == [5001, 5002, 5003]


def test_events_that_arrive_within_the_second_of_a_page_end_are_not_repeated(
    client: Client, account: NexmoAccount
) -> None:
    add_many(account, range(100, 160), created_at="2026-03-15T12:00:00")

    pages = walk(
        client,
        "/events/?size=25",
        "next",
        lambda page: add_many(account, [200 + page], created_at="2026-03-15T12:00:00"),
    )

    seen = sum(pages, [])
    assert sorted(seen) == list(range(100, 160))


def test_walk_over_several_accounts_keeps_one_order(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(0, 60, 2))
    add_many(NexmoAccount.objects.get(api_key="demo0002"), range(1, 60, 2))

    assert sum(walk(client, "/events/?size=25", "next"), []) == list(range(59, -1, -1))


def test_first_page_has_no_newer_and_the_last_no_older_link(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(30))
    first = client.get("/events/?size=25")
    last = client.get("/events/" + link(first, "next"))

    assert (link(first, "prev"), bool(link(first, "next"))) == ("", True)
    assert (bool(link(last, "prev")), link(last, "next")) == (True, "")


def test_page_after_the_newest_is_told(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))
    newest = AuditEvent.objects.newest_first().first()

    response = client.get(f"/events/?after={Cursor.of(newest)}")

    assert numbers(response) == []
    assert 'data-state="past-the-end"' in response.content.decode()
    assert "There are no more events" in response.content.decode()


def test_page_size_is_as_asked(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(105))

    for size, rows in {"": 50, "1": 1, "25": 25, "100": 100, "77": 77, "%2B5": 5}.items():
        response = client.get(f"/events/?size={size}")
        assert len(numbers(response)) == rows
        assert "The page size must" not in response.content.decode()
        assert f'<option value="{rows}" selected>{rows}</option>' in response.content.decode()


NO_NUMBER = "The page size must be a number from 1 to 200; showing 50 rows."
TOO_SMALL = "The page size must be between 1 and 200; showing 50 rows."
TOO_BIG = "The page size must be between 1 and 200; showing 200 rows."
ODD_SIZES = {
    "0": (50, TOO_SMALL),
    "-1": (50, TOO_SMALL),
    "100000": (200, TOO_BIG),
    "abc": (50, NO_NUMBER),
    "-999999999": (50, TOO_SMALL),
    "201": (200, TOO_BIG),
    "9999999999999999999": (50, NO_NUMBER),
    "1.5": (50, NO_NUMBER),
    "25;DROP": (50, NO_NUMBER),
    "all": (50, NO_NUMBER),
}


def test_page_size_out_of_bounds_is_kept_within() -> None:
    assert {size: read_size({"size": size}) for size in ODD_SIZES} == ODD_SIZES


def test_page_size_out_of_bounds_is_told(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(205))

    for size, (rows, message) in list(ODD_SIZES.items())[:4]:
        response = client.get("/events/", {"size": size})
        assert (response.status_code, len(numbers(response))) == (200, rows), size
        assert message in response.content.decode(), size


@pytest.mark.parametrize("size", ["0", "-1", "abc"])
def test_page_size_out_of_bounds_walks_on_all_the_same(client: Client, account: NexmoAccount, size: str) -> None:
    add_many(account, range(60))

    assert sum(walk(client, f"/events/?size={size}", "next"), []) == list(range(59, -1, -1))


TAMPERED = [
    "abc",
    "1",
    "1.",
    ".1",
    ".",
    "1.2.3",
    "1,2",
    "1.-2",
    "1e9.1",
    "0x1.1",
    "1.1abc",
    " 1.1",
    "1.1\n",
    "\x001.1",
    "' OR 1=1 --",
    "<script>",
    "1" * 19 + ".1",
    "1." + "9" * 19,
    "9" * 18 + ".1",
    "-" + "9" * 18 + ".1",
    "253402300800000000.1",  # the first microsecond after the year 9999
    "2026-03-15T12:00:00.1",
    "🎉",
    "x" * 5_000,
]


def test_tampered_page_marker_is_a_bad_one() -> None:
    for marker in TAMPERED:
        with pytest.raises(BadCursor, match=UNREADABLE):
            pytest.fail(f"{marker} was read as {Cursor.parse(marker)!r}")


@pytest.mark.parametrize("name", ["before", "after"])
def test_tampered_page_marker_is_told_and_shows_no_rows(client: Client, account: NexmoAccount, name: str) -> None:
    add_many(account, range(3))

    for marker in TAMPERED[::4]:
        response = client.get("/events/", {name: marker, "source": "CD"})
        assert response.status_code == 200, marker
        assert UNREADABLE in response.content.decode(), marker
        assert numbers(response) == [], marker
        assert 'href="?source=CD">Show the first page of this filter</a>' in response.content.decode(), marker


def test_page_markers_at_the_ends_of_time_break_nothing(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))
    past = ("-62135596800000000.1", "0.0", "-1.999999999999999999")
    future = "253402300799999999.1"
    everything = [2, 1, 0]
    expected = {f"before={marker}": [] for marker in past} | {f"after={marker}": everything for marker in past}
    expected |= {f"before={future}": everything, f"after={future}": []}

    assert {query: numbers(client.get(f"/events/?{query}")) for query in expected} == expected


def test_empty_page_markers_are_none(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    assert numbers(client.get("/events/?before=&after=")) == [2, 1, 0]


def test_wrong_filter_beside_a_page_marker_shows_no_rows(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    assert numbers(client.get("/events/?before=253402300799999999.1&source_ip=x")) == []


def test_page_marker_round_trips_to_the_microsecond(account: NexmoAccount, add_event: Add) -> None:
    for at in ("2026-03-15T12:00:00.123456Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"):
        event = add_event(account, int(at[17:19]) + int(at[:4]), created_at=at)

        assert Cursor.parse(str(Cursor.of(event))) == Cursor(event.created_at, event.pk)


def test_links_keep_the_filter_and_the_size(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(90))
    query = "event_type=NUMBER_UPDATED,USER_LOGIN&event_type=APP_CREATE&search_text=a%26b%3D%22c%22&size=25"
    add_many(account, range(100, 190), context={"note": 'a&b="c"'})

    first = client.get(f"/events/?{query}")
    second = client.get("/events/" + link(first, "next"))

    kept = {
        "event_type": ["NUMBER_UPDATED,USER_LOGIN", "APP_CREATE"],
        "search_text": ['a&b="c"'],
        "size": ["25"],
    }
    older, newer = (parse_qs(urlsplit(link(second, rel)).query) for rel in ("next", "prev"))
    assert older.pop("before")
    assert newer.pop("after")
    assert older == newer == kept
    assert numbers(first) + numbers(second) == list(range(189, 139, -1))
    newest = html.unescape(re.findall(r'<a href="([^"]*)">Newest</a>', second.content.decode())[0])
    assert parse_qs(urlsplit(newest).query) == kept


def test_exports_on_a_page_keep_the_filter_but_neither_page_nor_size(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(60))
    first = client.get("/events/?source=CD&size=25")
    second = client.get("/events/" + link(first, "next"))

    links = re.findall(r'<a href="(/events/export[^"]*)" download', second.content.decode())

    assert links == [f"/events/export.{kind}?source=CD" for kind in ("csv", "ndjson", "xlsx")]


def test_pages_of_one_account_stay_with_it(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(0, 60, 2))
    add_many(NexmoAccount.objects.get(api_key="demo0002"), range(1, 60, 2))
    first = client.get("/accounts/demo0001/events/?size=25")

    second = client.get("/accounts/demo0001/events/" + link(first, "next"))

    assert numbers(first) + numbers(second) == list(range(58, -1, -2))
    assert "/accounts/demo0001/events/export.csv?" in first.content.decode()


def test_count_is_told_and_ends_at_a_limit(
    client: Client, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(60))

    assert '<strong id="count">60</strong> events' in client.get("/events/").content.decode()
    assert '<strong id="count">60</strong> events' in client.get("/events/?size=100").content.decode()
    monkeypatch.setattr("events.reading.counts.MOST_COUNTED", 59)
    assert '<strong id="count">60</strong> events' in client.get("/events/").content.decode()  # known without counting
    assert '<strong id="count">59+</strong> events' in client.get("/events/?source=CD").content.decode()


def test_no_page_counts_without_a_limit_or_skips_rows(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(130))

    with CaptureQueriesContext(connection) as queries:
        walk(client, "/events/?size=25", "next")

    on_events = [query["sql"] for query in queries if "FROM events_auditevent" in query["sql"]]
    assert on_events
    assert [sql for sql in on_events if "LIMIT" not in sql] == []
    assert [sql for sql in on_events if "OFFSET" in sql] == []


def test_one_event_is_one_event(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert '<strong id="count">1</strong> event,' in client.get("/events/").content.decode()
    assert event_json(1)["id"] in shown_ids(client.get("/events/"))
