"""Pages by number: a program that walks from 1 to totalPages has every event, whatever arrives meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.api import walks
from events.archive import retention
from events.reading import numbered
from tests.api.conftest import Program
from tests.conftest import NOON, event_json
from tests.tools.export import add_many, body, exported_ids
from tests.tools.pages import Login

EVENTS = "/beta/audit/events"


def ids_of(answer: Any) -> list[str]:
    return [event["id"] for event in answer.json().get("_embedded", {}).get("events", [])]


def page(client: Client, number: int, query: str = "size=10") -> Any:
    answer = client.get(f"{EVENTS}?page={number}&{query}")
    assert answer.status_code == 200, answer.content
    return answer


def walk(client: Client, query: str = "size=10", between: Any = lambda number: None, *, rereads: bool = True) -> Any:
    """What a client gets that walks up to totalPages: as the first page says, or as each page says anew."""
    ids, number, pages = [], 1, 1
    while number <= pages:
        answer = page(client, number, query)
        ids += ids_of(answer)
        if rereads or number == 1:
            pages = answer.json()["page"]["totalPages"]
        between(number)
        number += 1
    return ids


@pytest.fixture
def accounts(cast: dict[str, Any]) -> list[NexmoAccount]:
    """Alice's, with 45 and 30 events; none of a time that another has."""
    first, second = NexmoAccount.objects.filter(owner=cast["alice"]).order_by("api_key")
    add_many(first, range(0, 90, 2))
    add_many(second, range(101, 161, 2))
    return [first, second]


def test_a_walk_gives_the_ids_of_the_export(accounts: list[NexmoAccount], program: Program, login: Login) -> None:
    exported = exported_ids("ndjson", body(login("alice").get("/events/export.ndjson")))

    assert walk(program("alice")) == exported
    assert walk(program("alice"), "size=100") == exported
    assert len(exported) == 75


@pytest.mark.parametrize("rereads", [True, False])
def test_what_arrives_during_a_walk_hides_nothing(
    accounts: list[NexmoAccount], program: Program, rereads: bool
) -> None:
    present = {event_json(number)["id"] for number in (*range(0, 90, 2), *range(101, 161, 2))}
    arriving = iter(range(1_000, 2_000))

    def arrive(number: int) -> None:
        if number <= 6:  # new ones, late ones, and some that lie between
            add_many(accounts[0], [next(arriving), next(arriving)])
            add_many(accounts[1], [next(arriving)], created_at="2020-01-01T00:00:00")
            add_many(accounts[0], [number * 2 + 1], created_at="2026-03-15T13:40:30")

    ids = walk(program("alice"), between=arrive, rereads=rereads)

    assert present <= set(ids)
    assert len(ids) == len(set(ids))
    if rereads:
        assert len(ids) == 75 + 6 * 4, "what arrived is on the pages after the last"


def test_the_next_walk_begins_with_the_newest(accounts: list[NexmoAccount], program: Program) -> None:
    client = program("alice")
    page(client, 1)
    add_many(accounts[0], [5_000])

    assert ids_of(page(client, 1))[0] == event_json(5_000)["id"]


def test_pages_begin_where_others_end_whatever_a_process_remembers(
    accounts: list[NexmoAccount], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = program("alice")
    whole = walk(client)
    monkeypatch.setattr(numbered, "STRIDE", 7)
    forgetful = []
    page(client, 1)
    for number in (8, 3, 1, 5, 2, 7, 4, 6):
        monkeypatch.setattr(walks, "_PLACES", walks._Places())  # another process
        forgetful.append((number, ids_of(page(client, number))))

    assert [each for _, ids in sorted(forgetful) for each in ids] == whole


@pytest.mark.parametrize(
    "query",
    [
        "event_type=NUMBER_UPDATED",
        "user_email=yourname@example.com",
        "search_text=447700900000",
        "source_ip=192.0.2.0/24",
        "date_from=2026-03-15T12:20&date_to=2026-03-15T14:00",
        "source=-DEVAPI",
        "order=oldest",
        "account_id=demo0002",
    ],
)
def test_filtered_walks_give_the_ids_of_the_filtered_export(
    accounts: list[NexmoAccount], program: Program, login: Login, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbered, "STRIDE", 7)
    export = query.replace("account_id", "account")
    exported = exported_ids("ndjson", body(login("alice").get(f"/events/export.ndjson?{export}")))

    assert exported
    assert walk(program("alice"), f"size=10&{query}") == exported


def test_relative_times_stand_still_during_a_walk(
    accounts: list[NexmoAccount], program: Program, time_machine: Any
) -> None:
    client = program("alice")
    time_machine.move_to("2026-03-15T15:00:00Z", tick=False)
    first = page(client, 1, "size=10&period=3h").json()
    time_machine.move_to("2026-03-15T16:00:00Z", tick=False)

    assert page(client, 2, "size=10&period=3h").json()["page"]["totalElements"] == first["page"]["totalElements"]


def test_page_object_and_links(accounts: list[NexmoAccount], program: Program) -> None:
    middle = page(program("alice"), 3, "size=10&event_type=NUMBER_UPDATED").json()
    rest = "size=10&event_type=NUMBER_UPDATED"

    assert middle["page"] == {"size": 10, "totalElements": 75, "totalPages": 8, "number": 3}
    assert {name: link["href"] for name, link in middle["_links"].items()} == {
        "self": f"http://testserver{EVENTS}?page=3&{rest}",
        "first": f"http://testserver{EVENTS}?page=1&{rest}",
        "prev": f"http://testserver{EVENTS}?page=2&{rest}",
        "next": f"http://testserver{EVENTS}?page=4&{rest}",
        "last": f"http://testserver{EVENTS}?page=8&{rest}",
    }


def test_past_the_end_there_is_nothing_and_the_totals_are_true(accounts: list[NexmoAccount], program: Program) -> None:
    for number in (9, 1_000_000, 10**40):
        past = page(program("alice"), number).json()
        assert "_embedded" not in past
        assert past["page"]["totalElements"] == 75


def test_a_page_costs_the_same_wherever_it_is(accounts: list[NexmoAccount], program: Program) -> None:
    client, taken = program("alice"), []
    for number in range(1, 9):
        with CaptureQueriesContext(connection) as queries:
            page(client, number)
        taken.append(len(queries))

    assert len(set(taken[1:])) == 1
    assert taken[1] <= 9


def test_what_takes_too_long_is_gone_on_with(accounts: list[NexmoAccount], program: Program) -> None:
    client = program("alice")
    page(client, 1)
    with (
        mock.patch.object(numbered, "STRIDE", 7),
        mock.patch.object(numbered, "SECONDS", 0.0),
        mock.patch.object(walks, "_PLACES", walks._Places()),
    ):
        answers = [client.get(f"{EVENTS}?page=4&size=10&user_email=yourname@example.com") for _ in range(7)]

    statuses = [answer.status_code for answer in answers]
    assert statuses[0] == 503
    assert answers[0].headers["Retry-After"]
    assert statuses[-1] == 200


@pytest.mark.parametrize("rereads", [True, False])
@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("processes", [1, 2, 99])
def test_what_is_removed_during_a_walk_hides_nothing_else(
    accounts: list[NexmoAccount],
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    rereads: bool,
    order: str,
    processes: int,
) -> None:
    """Also while events arrive, and whichever process answers which page."""
    monkeypatch.setattr(numbered, "STRIDE", 7)
    places = [walks._Places() for _ in range(processes)]
    monkeypatch.setattr(walks, "_PLACES", places[0])

    def remove(number: int) -> None:
        monkeypatch.setattr(walks, "_PLACES", places[number % processes])
        if number == 3:
            older_than = NOON + timedelta(minutes=141)  # 20 of the second account's 30, in the middle of all
            assert retention.apply(retention.Plan(accounts[1], 1, older_than, count=20, held=0))
        if number == 5:
            add_many(accounts[0], [1_000])
            assert retention.apply(retention.Plan(accounts[0], 1, NOON + timedelta(minutes=5), count=3, held=0))

    ids = walk(program("alice"), f"size=10&order={order}", remove, rereads=rereads)

    left = {event_json(number)["id"] for number in (*range(6, 90, 2), *range(141, 161, 2))}
    assert left <= set(ids)
    assert len(ids) <= 80 + 20 + 3, "what comes twice is no more than what was removed"
