"""Events by cursor: three orders, two forms, and cursors that hold for ever."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.api import cursors, pages
from events.masking import mask_jsons
from events.reading import rows
from tests.api.conftest import Program
from tests.conftest import event_json
from tests.tools.calls import python_calls
from tests.tools.export import add_many, add_raw, body, exported_ids
from tests.tools.pages import Login
from tests.tools.services import only_sqlite

EVENTS = "/api/v1/events"


def read_all(client: Client, query: str, path: str = EVENTS) -> tuple[list[str], str | None]:
    """All ids from the first page on, and the last cursor."""
    ids: list[str] = []
    cursor = ""
    while True:
        answer = client.get(f"{path}?{query}&cursor={cursor}")
        assert answer.status_code == 200, answer.content
        told = answer.json()
        ids += [event["id"] for event in told.get("events") or told.get("_embedded", {}).get("events", [])]
        if not told["has_more"]:
            return ids, told["cursor"]
        cursor = told["cursor"]


@pytest.fixture
def accounts(cast: dict[str, Any]) -> list[NexmoAccount]:
    """Alice's, with 25 and 10 events."""
    first, second = NexmoAccount.objects.filter(owner=cast["alice"]).order_by("api_key")
    add_many(first, range(0, 50, 2))
    add_many(second, range(101, 121, 2))
    return [first, second]


@pytest.mark.parametrize("query", ["", "event_type=NUMBER_*", "search_text=447700900000", "source=CD&period=9000d"])
@pytest.mark.parametrize("size", [12, 1000])
def test_cursors_give_the_ids_of_the_export(
    accounts: list[NexmoAccount], program: Program, login: Login, query: str, size: int
) -> None:
    exported = exported_ids("ndjson", body(login("alice").get(f"/events/export.ndjson?{query}")))
    client = program("alice")

    assert len(exported) == 35
    assert read_all(client, f"size={size}&{query}") == (exported, None)
    assert read_all(client, f"size={size}&order=oldest&{query}") == (exported[::-1], None)
    assert sorted(read_all(client, f"size={size}&order=arrival&{query}")[0]) == sorted(exported)
    assert read_all(client, f"size={min(size, 100)}&{query}", "/beta/audit/events") == (exported, None)


def test_a_cursor_is_stable_while_events_arrive(accounts: list[NexmoAccount], program: Program) -> None:
    client = program("alice")
    first = client.get(f"{EVENTS}?size=10").json()
    add_many(accounts[0], [9_000, 9_001])
    rest, _ = read_all_from(client, "size=10", first["cursor"])

    ids = [event["id"] for event in first["events"]] + rest
    assert len(ids) == len(set(ids)) == 35


def read_all_from(client: Client, query: str, cursor: str) -> tuple[list[str], str | None]:
    ids: list[str] = []
    place: str | None = cursor
    while place:
        told = client.get(f"{EVENTS}?{query}&cursor={place}").json()
        ids += [event["id"] for event in told["events"]]
        place = told["cursor"] if told["has_more"] else None
    return ids, place


def test_arrivals_are_a_checkpoint_that_misses_no_late_event(accounts: list[NexmoAccount], program: Program) -> None:
    client = program("alice")
    _, cursor = read_all(client, "order=arrival&size=10")
    assert cursor
    again = client.get(f"{EVENTS}?order=arrival&cursor={cursor}").json()
    assert (again["events"], again["has_more"]) == ([], False)

    add_many(accounts[0], [9_000])
    add_many(accounts[1], [3], created_at="2020-01-01T00:00:00")  # older than all that was read
    told = client.get(f"{EVENTS}?cursor={cursor}").json()  # a cursor knows its order

    assert {event["id"] for event in told["events"]} == {event_json(9_000)["id"], event_json(3)["id"]}
    assert client.get(f"{EVENTS}?cursor={told['cursor']}").json()["events"] == []


def test_arrivals_go_on_beyond_what_does_not_match(
    accounts: list[NexmoAccount], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.reading.arrivals.MOST_LOOKED_AT", 4)
    add_many(accounts[0], [700], event_type="USER_LOGIN")

    ids, _ = read_all(program("alice"), "order=arrival&size=10&event_type=USER_LOGIN")

    assert ids == [event_json(700)["id"]]


def test_lines(accounts: list[NexmoAccount], program: Program) -> None:
    add_raw(accounts[0], json.dumps(event_json(8_000), indent=2))
    client = program("alice")
    by_format = client.get(f"{EVENTS}?size=10&format=ndjson")
    by_header = client.get(f"{EVENTS}?size=10", headers={"Accept": "application/x-ndjson"})

    assert by_format.headers["Content-Type"] == "application/x-ndjson"
    assert by_format.content == by_header.content
    lines = by_format.content.decode().splitlines()
    assert [json.loads(line)["id"] for line in lines][0] == event_json(8_000)["id"]
    assert len(lines) == 10
    assert by_format.headers["X-Has-More"] == "true"
    assert by_format.headers["X-Total-Count"] == "36"
    following = client.get(f"{EVENTS}?size=10&format=ndjson&cursor={by_format.headers['X-Cursor']}")
    assert not set(following.content.splitlines()) & set(by_format.content.splitlines())
    assert following.headers["Link"].endswith('rel="next"')


def test_events_are_as_received_and_name_their_account(accounts: list[NexmoAccount], program: Program) -> None:
    raw = '{ "id":"x-1", "created_at":"2026-09-01T00:00:00" ,"context":{"account_id":"inner"},"n":1.50}'
    sub = '{"id":"x-2","created_at":"2026-09-01T00:00:01","account_id":"suba1","context":{"a":"}{"}}'
    add_raw(accounts[1], raw)
    add_raw(accounts[1], sub)
    text = program("alice").get(f"{EVENTS}?size=2").content.decode()

    assert sub in text, "a sub-account stays what it is"
    assert raw[:-1] + ',"account_id":"demo0002"}' in text


def test_account_is_named_whatever_stands_before(accounts: list[NexmoAccount], program: Program) -> None:
    link = '{"_links":{"self":{"href":"http://api.nexmo.com/beta/audit/events/e"}},"created_at":"2026-09-01T00:00:0'
    own = f'{link}0","id":"x-1","account_id":"suba1","context":{{"a":1}}}}'
    inner = f'{link}1","id":"x-2","context":{{"account_id":"inner"}}}}'
    bare = f'{link}2","id":"x-3"}}'
    for raw in (own, inner, bare):
        add_raw(accounts[1], raw)
    text = program("alice").get(f"{EVENTS}?size=3").content.decode()

    assert own in text
    assert inner[:-1] + ',"account_id":"demo0002"}' in text
    assert bare[:-1] + ',"account_id":"demo0002"}' in text


@pytest.mark.parametrize("order", ["newest", "arrival"])
def test_events_are_masked_only_for_who_may_not_see_all_of_them(
    accounts: list[NexmoAccount], program: Program, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    add_raw(accounts[1], '{"id":"x-1","created_at":"2026-09-01T00:00:00","context":{"password":"hunter2","é":1}}')
    add_raw(accounts[1], '{"id":"x-2","created_at":"2026-09-01T00:00:00","context":{"password":"hunter2"}}')
    masked: list[str] = []

    def note(texts: Iterable[str]) -> Iterator[str]:
        texts = list(texts)
        masked.extend(texts)
        return mask_jsons(texts)

    monkeypatch.setattr(rows, "mask_jsons", note)
    monkeypatch.setattr(pages, "mask_jsons", note)
    alices = program("alice").get(f"{EVENTS}?size=90&order={order}").content.decode()

    assert alices.count('"password":"•••"') == 2
    assert "hunter2" not in alices
    assert len(masked) == (2 if order == "newest" else 37), "what a page may hide is known of each event"
    masked.clear()
    assert program("audrey").get(f"{EVENTS}?size=90&order={order}").content.decode().count("hunter2") == 2
    assert masked == []


@only_sqlite  # the adapters of databases call different functions
def test_a_page_takes_its_calls(accounts: list[NexmoAccount], program: Program) -> None:
    """The same for 9 events and for 19, but for what shows each."""
    client = program("audrey")
    client.get(f"{EVENTS}?size=19")
    short, long = (python_calls(lambda size=size: client.get(f"{EVENTS}?size={size}")) for size in (9, 19))

    assert long - short <= 10 * 2
    assert short <= 2_000


def test_a_page_costs_a_handful_of_queries_wherever_it_is(accounts: list[NexmoAccount], program: Program) -> None:
    client, cursor, taken = program("alice"), "", []
    for _ in range(4):
        with CaptureQueriesContext(connection) as queries:
            told = client.get(f"{EVENTS}?size=9&cursor={cursor}")
        taken.append(len(queries))
        cursor = told.json()["cursor"]

    # Token, permissions, accounts (and once a minute when the token was used, and its limit); events; the access log.
    assert taken[1:] == [5, 5, 5]


@pytest.mark.parametrize("cursor", ["x", "a.b", "YXJyaXZhbCAB.x", "é", "%00"])
def test_cursors_that_were_not_given_out_are_refused(cast: Any, program: Program, cursor: str) -> None:
    answer = program("alice").get(f"{EVENTS}?cursor={cursor}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "cursor"


def test_a_cursor_of_another_order_is_refused(accounts: list[NexmoAccount], program: Program) -> None:
    client = program("alice")
    cursor = client.get(f"{EVENTS}?size=1").json()["cursor"]

    assert "order=newest" in client.get(f"{EVENTS}?order=arrival&cursor={cursor}").json()["detail"]
    assert client.get(f"/api/v1/findings/?cursor={cursor}").status_code == 400


def test_places_of_many_accounts_fit_a_cursor() -> None:
    places = {account * 3: account * 1_000 + 1 for account in range(1, cursors.MOST_ACCOUNTS + 1)}
    text = str(cursors.Place(cursors.ARRIVAL, places=places))

    assert cursors.parse(text).places == places
    assert len(text) < 6_000
