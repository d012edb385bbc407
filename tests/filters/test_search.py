"""The filter by text: found however JSON spells it."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.nexmo.parse import parse_event
from events.storage.search_index import Words, words
from tests.conftest import NOON, event_json
from tests.tools.filters import Add, found, refusal
from tests.tools.scope import shown_ids

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
        add_events(account, [parse_event(raw, UTC)], run=None, fetched_at=NOON)

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
    add_events(account, [parse_event(raw, UTC)], run=None, fetched_at=NOON)

    assert found(client, {"search_text": asked}) == {1}


def test_search_looks_into_every_field(client: Client, account: NexmoAccount) -> None:
    fields = ("id", "event_type", "user_email", "source_ip", "source_description", "context")
    for number, field in enumerate(fields):
        # Ids end in twelve digits, by which these tests know events.
        needle = f"needle{number}" + (f"-{number:012d}" if field == "id" else "")
        event = event_json(number) | {field: {"a": [needle]} if field == "context" else needle}
        add_events(account, [parse_event(json.dumps(event), UTC)], run=None, fetched_at=NOON)

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


def test_words_are_found_in_any_order(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"note": "the secret deleted by hand"})
    add_event(account, 2, context={"note": "the secret created by hand"})
    add_event(account, 3, context={"note": "deleted"})

    queries: dict[str, set[int]] = {
        "secret deleted": {1},
        "deleted secret": {1},
        '"secret deleted"': {1},
        '"deleted secret"': set(),
        '"deleted secret': set(),
        "secret -deleted": {2},
        '-"secret created" hand': {1},
        "-secret": {3},
        "-secret -deleted": set(),
        "by se DELE": {1},
        'hand "secret c': {2},
    }
    assert {text: found(client, {"search_text": text}) for text in queries} == queries


def test_passage_of_many_words_is_searched_for_as_it_stands(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    passage = " ".join(f"word{number}" for number in range(200))
    add_event(account, 1, context={"note": passage})

    assert found(client, {"search_text": passage}) == {1}
    assert found(client, {"search_text": f"word199 {passage}"}) == set()


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("a  b\ta", ("a", "b"), ()),
        ('"a b" c', ("a b", "c"), ()),
        ("-a --b - c-d", ("--b", "-", "c-d"), ("a",)),
        ('-"a b" "c', ("c",), ("a b",)),
        ('"n": 30}', ('"n": 30}',), ()),
        ('{"a" b', ('{"a" b',), ()),
        ('a"b c', ('a"b c',), ()),
        ('say \\"a b\\"', ('say \\"a b\\"',), ()),
        ('"', ('"',), ()),
        ('"" a', ("a",), ()),
    ],
)
def test_text_is_read_as_words(text: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> None:
    assert words(text) == Words(wanted, unwanted)


@settings(deadline=None)
@given(text=st.text(alphabet='ab-" \\\t語:', max_size=30))
def test_what_has_no_minus_word_matches_wherever_the_phrase_does(text: str) -> None:
    asked = words(text)

    assert asked.wanted or asked.unwanted or not text.strip()
    assert asked.unwanted or all(word in text for word in asked.wanted)


def test_searched_words_are_named_for_marking(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"note": "<b> by hand"})
    page = client.get("/events/", {"search_text": '"by hand" <b> -x9'}).content.decode()

    assert 'data-words="[&quot;by hand&quot;, &quot;&lt;b&gt;&quot;]"' in page
