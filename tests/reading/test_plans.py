"""How the databases run the queries of the list: by an index, in its order, without sorting what they read.

Checked are the queries that the pages really send. PostgreSQL is forbidden what it would rather do with a small table,
so that what it still does is what it must do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.nexmo.parse import parse_event
from events.nexmo.values import ip_key
from events.reading import candidates, pages, plan, trigrams
from events.reading.conditions import Conditions, is_like_word
from tests.conftest import NOON, event_json
from tests.tools.pages import Login

FILTERS = {
    "none": "",
    "type": "event_type=NUMBER_UPDATED",
    "types": "event_type=NUMBER_UPDATED,APP_CREATE",
    "account": "account=demo0001",
    "accounts": "account=demo0001,demo0002",
    "user": "user_email=user1@example.com",
    "users": "user_email=user1@example.com,user2@example.com",
    "source": "source=CD",
    "address": "source_ip=192.0.2.5",
    "addresses": "source_ip=192.0.2.5,192.0.2.6",
    "network": "source_ip=192.0.2.0/24",
    "country": "source_country=GB",
    "countries": "source_country=GB,ES",
    "from": "date_from=2026-03-15",
    "to": "date_to=2026-03-20",
    "between": "date_from=2026-03-15&date_to=2026-03-20",
    "text": "search_text=needle",
    "short text": "search_text=zq",
    "words": "search_text=needle+updated",
    "words and a short one": "search_text=needle+zq",
    "phrase": "search_text=%22needle%22+GB",
    "refused word": "search_text=-needle",
    "word and a refused one": "search_text=needle+-updated",
    "account and words": "account=demo0001&search_text=needle+updated",
    "account and type": "account=demo0001&event_type=APP_CREATE",
    "accounts and types": "account=demo0001,demo0002&event_type=APP_CREATE,NUMBER_UPDATED",
    "user and country": "user_email=user1@example.com&source_country=GB",
    "user and days": "user_email=user1@example.com&date_from=2026-03-15&date_to=2026-03-20",
    "type and source": "event_type=APP_CREATE&source=DEVAPI",
    "type and network": "event_type=APP_CREATE&source_ip=192.0.2.0/25",
    "account and text": "account=demo0001&search_text=needle",
    "new country": "new=country",
    "new country of a type": "new=country&event_type=NUMBER_UPDATED",
    "new country of a user": "new=country&user_email=user1@example.com",
    "new country and text": "new=country&search_text=needle",
    "new country of an account": "new=country&account=demo0001",
    "new country and days": "new=country&date_from=2026-03-15&date_to=2026-03-20",
    "new country and network": "new=country&source_ip=192.0.2.0/24",
    "country and days": "source_country=ES&date_from=2026-03-15",
    "address and type": "source_ip=192.0.2.5&event_type=APP_CREATE",
    "everything": "account=demo0001&event_type=APP_CREATE&user_email=user1@example.com&source=CD"
    "&source_ip=192.0.2.0/24&source_country=GB&date_from=2026-03-15&date_to=2026-03-20&search_text=needle",
}


@pytest.fixture
def archived(cast: dict[str, Any]) -> None:
    for account in NexmoAccount.objects.order_by("api_key")[:3]:
        events = [
            event_json(
                each,
                event_type=("NUMBER_UPDATED", "APP_CREATE")[each % 2],
                user_email=f"user{each % 7}@example.com",
                source=("CD", "DEVAPI")[each % 3 == 0],
                source_ip=f"192.0.2.{each % 200}",
                source_country=("GB", "ES")[each % 5 == 0],
                context={"note": "needle" if each % 50 == 0 else "zq"},
            )
            for each in range(300)
        ]
        parsed = [parse_event(json.dumps(event), NOON.tzinfo) for event in events]
        add_events(account, parsed, run=None, fetched_at=NOON)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.fixture
def few_is_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walks are looked at too, and not only the short way for few candidates."""
    monkeypatch.setattr("events.reading.candidates.PROBED", 2)
    monkeypatch.setattr(plan, "PROBED", 20)
    monkeypatch.setattr(pages, "FIRST_WALKED", 20)
    monkeypatch.setattr(pages, "MOST_WALKED", 60)


@pytest.fixture
def stretches(few_is_many: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in an archive of many events, of which a walk looks only at those that the index of texts names."""
    monkeypatch.setattr(trigrams, "SMALL", 1)
    monkeypatch.setattr(candidates, "PROBED", 10)
    monkeypatch.setattr(candidates, "STRETCH", 64)
    trigrams._samples.clear()
    yield
    trigrams._samples.clear()


def queries_of(client: Client, path: str) -> list[str]:
    """The queries on events that a page sends, and those of the next page."""
    sent = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(path)
        assert page.status_code == 200
        sent += [query["sql"] for query in queries if "events_auditevent" in query["sql"]]
        older = page.context["links"]["older"]
        path = f"/events/{older}"
        if not older:
            break
    return [sql for sql in sent if "MAX(id)" not in sql]


def faults(sql: str) -> list[str]:
    return list(_faults_postgresql(sql) if connection.vendor == "postgresql" else _faults_sqlite(sql))


def _faults_sqlite(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}", [])
        nodes = [(parent, detail) for _, parent, _, detail in cursor.fetchall()]
    for parent, detail in nodes:
        beside = [other for place, other in nodes if place == parent]
        if detail.startswith("SCAN events_auditevent") and "INDEX event_" not in detail:
            yield detail
        # The few first rows of each branch may be sorted together. The keys of a walk are only sifted.
        if "TEMP B-TREE" in detail and "SCAN merged" not in beside and detail != "USE TEMP B-TREE FOR DISTINCT":
            yield detail


def _faults_postgresql(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql.replace('%', '%%')}", [])
        (answer,) = cursor.fetchone()
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = on")
    root = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]

    def look(node: dict[str, Any]) -> Iterator[str]:
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "events_auditevent":
            yield "Seq Scan"
        if "Sort" in node["Node Type"] and node["Plans"][0]["Node Type"] != "Append":
            yield "Sort"
        for child in node.get("Plans", []):
            yield from look(child)

    yield from look(root)


@pytest.mark.parametrize("person", ["alice", "audrey"])
@pytest.mark.parametrize("asked", FILTERS.values(), ids=list(FILTERS))
def test_list_is_read_by_an_index_and_in_its_order(
    login: Login, archived: None, few_is_many: None, asked: str, person: str
) -> None:
    sent = queries_of(login(person), f"/events/?{asked}")

    assert sent
    # PostgreSQL's trigram index can only be read as a bitmap: test_reading and the benchmark look after that one.
    sent = [sql for sql in sent if "OFFSET 0" not in sql]
    assert {sql: found for sql in sent if (found := faults(sql))} == {}


@pytest.mark.parametrize("person", ["alice", "audrey"])
def test_walk_looks_only_at_what_the_index_of_texts_names(
    login: Login, archived: None, stretches: None, person: str
) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL's index of texts cannot name candidates of a stretch.")
    client = login(person)
    client.get("/events/?search_text=straw")  # draws the sample
    sent = queries_of(client, "/events/?search_text=needle")

    assert {sql: found for sql in sent if (found := faults(sql))} == {}
    assert any("SELECT DISTINCT id /" in sql for sql in sent)
    # None reads texts but of events that it names.
    assert [sql for sql in sent if "searchable" in sql and "id IN (" not in sql] == []


def test_check_finds_scans_and_sorts(archived: None) -> None:
    assert faults("SELECT id FROM events_auditevent WHERE user_id = 'x'")
    assert faults("SELECT id FROM events_auditevent WHERE event_type = 'x' ORDER BY user_id LIMIT 5")
    assert not faults("SELECT id FROM events_auditevent WHERE event_type = 'x' ORDER BY created_at DESC LIMIT 5")


def test_search_asks_the_trigram_index(archived: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "EXPLAIN QUERY PLAN SELECT rowid FROM events_search WHERE events_search MATCH '\"nee\"' LIMIT 5"
            )
            assert "VIRTUAL TABLE INDEX" in cursor.fetchall()[0][3]
            return
        where, values = is_like_word("needle")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT id FROM events_auditevent WHERE {where}", values)
        assert "event_account_text" in "\n".join(line for (line,) in cursor.fetchall())


def looked_up(text: str) -> str:
    with CaptureQueriesContext(connection) as queries:
        few = candidates.Sought(Conditions(text=text)).find(plan.Span(None, None))

    assert few in (([], 0), None)  # no event has all the words; PostgreSQL may be too slow to say so
    (sql,) = (query["sql"] for query in queries if "MATCH" in query["sql"] or "OFFSET 0" in query["sql"])
    return str(sql)


def test_words_are_looked_up_together_where_the_index_knows_them(archived: None) -> None:
    asked = looked_up("needle updated zq -login")

    if connection.vendor == "sqlite":
        assert all(piece in asked for piece in ('"nee"', '"upd"'))
        assert '"log"' not in asked
    else:  # by some of their pieces, and then looked at whole
        inner, _, outer = asked.partition("OFFSET 0")
        assert "%nee%dle%" in inner and "%upd%ate%" in inner
        assert all(f"'{word}'" in outer for word in ("needle", "updated", "zq", "login"))
        assert "%zq%" not in inner and "%login%" not in inner


def test_short_words_are_looked_up_whole_and_not_looked_at_again(archived: None) -> None:
    if connection.vendor == "postgresql":
        inner, _, outer = looked_up("needle nexmo zq").partition("OFFSET 0")
        assert "%needle%" in inner and "%nexmo%" in inner
        assert "needle" not in outer and "nexmo" not in outer and "'zq'" in outer


def test_large_range_is_not_read_to_its_end_for_a_narrow_span(archived: None, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Conditions(wanted={"source_ip": ((ip_key("192.0.2.0"), ip_key("192.0.2.255")),)})
    some_minutes = plan.Span(NOON + timedelta(minutes=5), NOON + timedelta(minutes=9))  # five events of each account

    few = candidates.Sought(network).find(some_minutes, 4)
    assert few is not None and (len(few.keys), few.number) == (4, 15)
    assert few.keys == sorted(few.keys, reverse=True)
    later = plan.Span(NOON + timedelta(days=2), None)
    assert candidates.Sought(network).find(later, 4) == ([], 0)

    monkeypatch.setattr(candidates, "PROBED", 100)
    with CaptureQueriesContext(connection) as queries:
        assert candidates.Sought(network).find(some_minutes, 4) is None  # there are 900 in the network
    assert "LIMIT 101" in queries[-1]["sql"].partition("FROM events_auditevent")[2]
    assert "created_at <" not in queries[-1]["sql"].partition("FROM events_auditevent")[2]


@pytest.mark.parametrize("asked", [asked for name, asked in FILTERS.items() if "new country" in name])
def test_first_events_are_read_along_their_own_table(
    login: Login, archived: None, few_is_many: None, asked: str
) -> None:
    sent = [sql for sql in queries_of(login("alice"), f"/events/?{asked}") if "first_events" in sql]

    assert sent
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for sql in sent:
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' if on_sqlite else ''}{sql.replace('%', '%%')}", [])
            text = "\n".join(str(row[-1]) for row in cursor.fetchall())
            if on_sqlite:
                assert "SCAN f USING INDEX first_seen_time" in text or "SEARCH f USING INDEX first_seen_time" in text
                assert "SEARCH e USING INTEGER PRIMARY KEY" in text
            else:
                assert re.search(r"events_auditevent_pkey.*\n.*Index Cond: \(id = f.event_id\)", text)
