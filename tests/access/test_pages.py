"""The pages of the access log: who may read it, its filter, its files, and that reading it is told."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access.words import Action, Kind, Via
from tests.tools.access import add, told
from tests.tools.export import body
from tests.tools.scope import Login
from tests.tools.services import only_sqlite

NOON = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


def people(page: Any) -> list[str]:
    """The people of the rows on a page, in order."""
    return re.findall(r'<td data-column="person"[^>]*>([^<]*)</td>', page.content.decode())


@pytest.fixture
def audrey(login: Login) -> Client:
    return login("audrey")


def test_auditors_read_it_and_others_only_what_they_did(login: Login) -> None:
    add(person="bob")
    add(person="alice", person_pk=get_user_model().objects.get(username="alice").pk, object_id="mine")
    add(person="alice", person_pk=99_999, object_id="of somebody else who had the name")
    add(person="alice", via=Via.COMMAND, object_id="of the system's user")

    assert login("audrey").get("/access/").status_code == 200
    alice = login("alice")
    assert alice.get("/access/").status_code == alice.get("/access/export.csv").status_code == 403
    own = alice.get("/profile/activity/").content.decode()
    assert "mine" in own and "bob" not in own and "of the system" not in own and "of somebody else" not in own
    assert told()[4:] == [
        ("audrey", "listed", "access_log"),
        ("alice", "refused", "access_log"),
        ("alice", "refused", "access_log"),
        ("alice", "listed", "access_log"),
    ]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("person=carol", ["carol"]),
        ("action=deleted", ["bob"]),
        ("kind=rule", ["bob"]),
        ("via=command", ["dave"]),
        ("account=demo0001", ["carol", "alice"]),
        ("account=demo000", []),
        ("address=192.0.2.", ["hugo", "bob"]),
        ("address=192.0.2.7", ["bob"]),
        ("address=2001:DB8:0::7", ["erin"]),
        ("address=2001:DB8::", ["frank", "erin"]),
        ("since=2026-03-16&until=2026-03-16", ["carol", "bob"]),
        ("until=2026-03-15", ["alice"]),
        ("since=2099-01-01", []),
    ],
)
def test_filter(audrey: Client, query: str, shown: list[str]) -> None:
    add(person="alice", accounts=("demo0001",), at=NOON)
    add(person="bob", action=Action.DELETED, kind=Kind.RULE, address="192.0.2.7", at=NOON + timedelta(days=1))
    add(person="carol", accounts=("demo0002", "demo0001"), at=NOON + timedelta(days=1, hours=1))
    add(person="dave", via=Via.COMMAND, at=NOON + timedelta(days=2))
    add(person="hugo", address="192.0.2.77", at=NOON + timedelta(days=3))
    add(person="erin", address="2001:db8::7", at=NOON + timedelta(days=3))
    add(person="frank", address="2001:db8::77", at=NOON + timedelta(days=4))

    assert people(audrey.get(f"/access/?{query}")) == shown


def test_each_of_many_accounts_is_found(audrey: Client) -> None:
    keys = tuple(f"key{number:05}" for number in range(1_000))
    entry = add(person="bob", accounts=keys)

    assert entry.api_keys == list(keys)
    assert people(audrey.get("/access/?account=key00999")) == ["bob"]


NO_SENSE = ("since=2026-03-17&until=2026-03-16", "address=300.1.1", "address=host", "address=1.2.3.4.")


@pytest.mark.parametrize(
    "query", ["action=nonsense", "since=yesterday", "until=9999-12-31", "since=0001-01-01", "person=%00", *NO_SENSE]
)
def test_wrong_filters_are_said_and_show_nothing(audrey: Client, query: str) -> None:
    add(person="bob")

    page = audrey.get(f"/access/?{query}")

    assert page.status_code == 200 and people(page) == []
    assert 'class="error"' in page.content.decode()
    assert audrey.get(f"/access/export.csv?{query}").status_code == 400


@pytest.mark.parametrize("place", ["nonsense", "_1", "2026-01-01_1", "0001-01-01T00:00:00+00:00_1"])
def test_places_that_nobody_gave_are_none(audrey: Client, place: str) -> None:
    add(person="bob")

    page = audrey.get("/access/", {"before": place})

    assert people(page) == ["bob"] and "These are the newest entries" in page.content.decode()


@pytest.mark.parametrize("address", ["192.0.2.7", "192.0.2.", "192.0", "2001:db8::1", "2001:db8:", "2001:db8::", "::"])
def test_half_an_address_will_do(audrey: Client, address: str) -> None:
    assert 'class="error"' not in audrey.get("/access/", {"address": address}).content.decode()


def test_refused_file_names_the_wrong_field(audrey: Client) -> None:
    answer = audrey.get("/access/export.csv?since=2026-13-45")

    assert answer.status_code == 400 and answer.content.decode() == "From (since): Enter a valid date."


def test_pages_follow_each_other(audrey: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.views.access_log.SIZE", 2)
    for number in range(5):
        add(person=f"p{number}", at=NOON)  # all at the same time

    address, seen = "?until=2026-03-16", []
    while address:
        page = audrey.get(f"/access/{address}")
        seen += people(page)
        more = re.search(r'rel="next" href="([^"]*)"', page.content.decode())
        address = more[1].replace("&amp;", "&") if more else ""

    assert seen == ["p4", "p3", "p2", "p1", "p0"]


def test_search_without_an_index_looks_back_in_steps(audrey: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.views.access_log.LOOK_BACK", 4)
    for number in range(8):
        add(person=f"p{number}", address="192.0.2.7" if number in (0, 2, 6) else "", at=NOON)  # all at the same time

    address, seen = "?address=192.0.2.7&until=2026-03-16", []
    while address:
        page = audrey.get(f"/access/{address}").content.decode()
        seen.append(re.findall(r'<td data-column="person"[^>]*>([^<]*)</td>', page))
        more = re.search(r'rel="next" href="([^"]*)"', page)
        assert bool(more) == ("Searched back to" in page)
        address = more[1].replace("&amp;", "&") if more else ""

    assert seen == [["p6"], ["p2", "p0"]]
    assert "Searched back" not in audrey.get("/access/?person=p0").content.decode()


@only_sqlite
@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("/access/?before=2026-03-15T12:00:00%2B00:00_9", "access_time (at<?)"),
        ("/access/?kind=rule", "access_kind_time (kind=?)"),
        ("/access/?person=bob&before=2026-03-15T12:00:00%2B00:00_9", "access_person_time (person=? AND at<?)"),
        ("/profile/activity/", "access_person_pk_time (person_pk=?)"),
        ("/access/export.csv?person=bob", "access_person_time (person=?)"),
    ],
)
def test_pages_and_files_are_read_along_an_index(audrey: Client, path: str, index: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        body(audrey.get(path))

    asked = [query["sql"] for query in queries if 'FROM "access_accessentry"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert plan == [f"SEARCH access_accessentry USING INDEX {index}"]


def test_files_hold_all_that_is_stored_and_are_told(audrey: Client) -> None:
    add(person="=alice", accounts=("demo0001",), detail={"filter": "source=CD"}, at=NOON)
    add(person="bob", at=NOON)

    sheet = list(csv.DictReader(io.StringIO(body(audrey.get("/access/export.csv?kind=event")).decode("utf-8-sig"))))
    lines = [json.loads(line) for line in body(audrey.get("/access/export.ndjson?kind=event")).splitlines()]

    assert [row["person"] for row in sheet] == ["bob", "'=alice"]
    assert [line["person"] for line in lines] == ["bob", "=alice"]
    assert lines[1]["detail"] == {"filter": "source=CD"} and lines[1]["accounts"] == ["demo0001"]
    assert len(lines[1]["record_hash"]) == 64
    assert told()[2:] == [("audrey", "export_begun", "access_log"), ("audrey", "export_ended", "access_log")] * 2


def test_hostile_text_is_shown_as_text(audrey: Client) -> None:
    add(person="<script>", object_name="\u202eevil", agent="<b>", detail={"filter": "user_email=%3Cimg%3E"})

    page = audrey.get("/access/").content.decode()

    assert "<script>" not in page.split("<main")[1].split("<script src")[0].replace("&lt;script&gt;", "")
    assert "\u202e" not in page and "<img>" not in page


def test_entries_are_told_in_words(audrey: Client) -> None:
    add(action=Action.EXPORT_ENDED, detail={"filter": "source=CD&user_email=a%40b", "rows": 1234, "whole": False})
    add(action=Action.REFUSED, status=404, detail={"action": "secret_shown"})
    add(action=Action.REFUSED, status=418, detail={"action": "sealed"})
    add(action=Action.LISTED, kind=Kind.EVENT)
    add(action=Action.SESSION_ENDED, kind=Kind.SESSION, detail={"count": 1})
    add(action=Action.LOGIN, kind=Kind.SESSION, detail={"methods": ["password", "mfa"]})

    page = audrey.get("/access/").content.decode()

    assert "1,234 rows; cut off; source=CD, user_email=a@b" in page
    assert "tried to see a secret; 404: not found" in page and "tried: Sealed; 418" in page
    assert ">Events<" in page and ">1 session<" in page and ">password, second factor<" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Filter: none, all entries."),
        ("?person=alice&action=login&until=2026-11-30", "Filter: Person: alice; Action: Logged in; Until: 2026-11-30."),
        ("?person=<b>\u202ex", "Filter: Person: &lt;b&gt;"),
    ],
)
def test_paper_says_what_it_holds(audrey: Client, query: str, said: str) -> None:
    page = audrey.get(f"/access/{query}").content.decode()
    head = page.split('class="printed paper-head"', 1)[1].split("</p>", 1)[0]

    assert said in head
    assert "\u202e" not in head
