"""Both orders: pages by key from either end, with all that goes with a list."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import SavedView
from events.reading import Conditions, plan
from events.reading.filterable import DIMENSIONS
from tests.reading.test_paging import link, numbers
from tests.tools.export import add_many, body
from tests.tools.pages import Add, Login, text_of

# Answered by an index in order, by a walk, by an index of words, by one of addresses, by the first of users.
FILTERS = ("", "source=CD", "source=CD&search_text=44770090", "search_text=447700900000", "source_ip=192.0.2.0/24")


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


def walk(client: Client, query: str, start: str = "/events/") -> list[list[int]]:
    """The pages from a list's beginning to its end, as one goes on by its links."""
    path, pages = f"{start}?{query}", []
    for _ in range(20):
        response = client.get(path)
        pages.append(numbers(response))
        following = link(response, "next")
        if not following:
            return pages
        path = f"{start}{following}"
    pytest.fail("the pages have no end")


@pytest.mark.parametrize("query", FILTERS)
def test_oldest_first_is_newest_first_read_backwards(client: Client, account: NexmoAccount, query: str) -> None:
    add_many(account, range(25))
    newest = [number for page in walk(client, f"size=10&{query}") for number in page]

    oldest = [number for page in walk(client, f"size=10&order=oldest&{query}") for number in page]

    assert oldest == newest[::-1]
    assert oldest


def test_pages_of_the_oldest_first_lead_back_as_they_came(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(25))
    second = client.get(f"/events/{link(client.get('/events/?size=10&order=oldest'), 'next')}")
    assert numbers(second) == list(range(10, 20))

    first = client.get(f"/events/{link(second, 'prev')}")

    assert numbers(first) == list(range(10))
    assert link(first, "prev") == ""
    assert numbers(client.get(f"/events/{link(first, 'next')}")) == list(range(10, 20))


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_beyond_the_last_page_the_way_back_misses_no_event(client: Client, account: NexmoAccount, order: str) -> None:
    add_many(account, range(3))
    marker = "before=0.1" if order == "newest" else "after=253402300799999999.1"

    beyond = client.get(f"/events/?order={order}&{marker}")

    assert numbers(beyond) == []
    assert re.search(r'<a class="button" href="\?order=\w+">Show the (newest|oldest) events', beyond.content.decode())


def test_order_is_switched_where_the_count_and_the_heading_say_it(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))
    newest = client.get("/events/?source=CD&before=253402300799999999.1").content.decode()
    oldest = client.get("/events/?source=CD&order=oldest").content.decode()

    assert newest.count('href="?source=CD&amp;order=oldest" title="Show the oldest first"') == 2
    assert 'class="when" aria-sort="descending"' in newest
    assert oldest.count('href="?source=CD" title="Show the newest first"') == 2
    assert 'class="when" aria-sort="ascending"' in oldest
    assert '<input type="hidden" name="order" value="oldest">' in oldest, "filtering further keeps it"
    assert 'id="news"' not in oldest, "what is new is not on this page"


def test_order_is_no_condition(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    page = client.get("/events/?order=oldest").content.decode()

    assert 'class="pills"' not in page
    assert 'class="badge"' not in page


def test_files_have_the_order_of_their_list(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    rows = list(csv.DictReader(io.StringIO(body(client.get("/events/export.csv?order=oldest&bom=no")).decode())))

    times = [row["created_at"] for row in rows]
    assert times == sorted(times)
    assert len(times) == 3
    assert "order=oldest" in client.get("/events/?order=oldest").content.decode().split("export.csv")[1][:60]


def test_views_keep_their_order(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))
    client.post("/views/new", {"name": "From the beginning", "query": "source=CD&order=oldest"})
    client.post("/views/new", {"name": "As usual", "query": "source=CD&order=newest"})

    assert SavedView.objects.get(name="From the beginning").query == "order=oldest&source=CD"
    assert SavedView.objects.get(name="As usual").query == "source=CD"


def test_box_takes_the_order_too(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    response = client.get("/events/", {"search_text": "order:oldest source:CD"})

    assert numbers(response) == [0, 1, 2]
    page = response.content.decode()
    assert 'id="news"' not in page
    (turned,) = set(re.findall(r'href="([^"]*)" title="Show the newest first"', page))
    assert numbers(client.get("/events/" + turned.replace("&amp;", "&"))) == [2, 1, 0]


def test_walk_of_the_oldest_first_takes_the_sparsest_index(
    account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its counterpart does from now on, this one reckons from the first event on, however long ago that is."""
    monkeypatch.setattr(plan, "PROBED", 4)
    for number in range(30):
        rare = {"user_email": "rare@example.com"} if number % 5 == 0 else {}
        moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)
        add_event(account, number, source="CD", created_at=moment.isoformat(), **rare)
    wanted = {"source": ("CD",), "user_email": ("rare@example.com",)}
    conditions = Conditions(accounts=(account.pk,), wanted=wanted, text="447700900000")

    plans = [plan.choose(conditions, plan.Span(None, None, newest_first=newest), 10) for newest in (True, False)]

    assert {chosen.index for chosen in plans} == {DIMENSIONS["user_email"].index}


def test_unknown_order_is_told(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(3))

    page = client.get("/events/?order=sideways")

    assert numbers(page) == []
    assert "Order is either newest or oldest: order=oldest." in text_of(page)


def test_day_is_in_sight_where_it_changes(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, moment in enumerate(("2026-03-14T23:59:00Z", "2026-03-15T00:01:00Z", "2026-03-15T08:00:00Z")):
        add_event(account, number, created_at=moment)

    days: list[Any] = re.findall(
        r'<time [^>]*>(?:<span class="same">)?(\S+?)(</span>)? <b>', client.get("/events/").content.decode()
    )

    assert days == [("2026-03-15", ""), ("2026-03-15", "</span>"), ("2026-03-14", "")]


def test_offset_is_told_where_it_is_not_the_headings(client: Client, account: NexmoAccount, add_event: Add) -> None:
    client.post("/profile/display", {"time_zone": "Europe/Madrid"})
    for number, moment in enumerate(("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z")):  # clocks change in between
        add_event(account, number, created_at=moment)

    page = client.get("/events/").content.decode()

    rows = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    assert rows[0].startswith("When ↓ +02:00")
    assert rows[1].startswith("2026-03-29 14:00:00 Quillfern")
    assert rows[2].startswith("2026-03-28 13:00:00 +01:00")
