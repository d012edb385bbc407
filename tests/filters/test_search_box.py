"""The search box's language and "is not", wherever they are written."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.filters import search_box
from tests.tools.filters import Add, found, refusal


@pytest.mark.parametrize(
    ("text", "values", "rest"),
    [
        ("", {}, ""),
        ("plain words", {}, "plain words"),
        ('say "hello"', {}, 'say "hello"'),
        ("http://example.com/?a=b", {}, "http://example.com/?a=b"),
        ("12:30:00", {}, "12:30:00"),
        ('"event_id":"x"', {}, '"event_id":"x"'),
        ("type:APP_CREATE", {"event_type": ["APP_CREATE"]}, ""),
        ("TYPE:APP_CREATE,APP_DELETE", {"event_type": ["APP_CREATE", "APP_DELETE"]}, ""),
        ("-source:CD", {"source": ["-CD"]}, ""),
        ("-country:GB,ES", {"source_country": ["-GB", "-ES"]}, ""),
        ("ip:192.0.2.0/24 bob", {"source_ip": ["192.0.2.0/24"]}, "bob"),
        ("ip:2001:db8::1", {"source_ip": ["2001:db8::1"]}, ""),
        ('user:a@b.example "free text" more', {"user_email": ["a@b.example"]}, '"free text" more'),
        ('"type:x" -"by hand" -login', {}, '"type:x" -"by hand" -login'),
        ('one type:A  "two  blanks" -type:B -three', {"event_type": ["A", "-B"]}, 'one "two  blanks" -three'),
        ('type:A "n": 30}', {"event_type": ["A"]}, '"n": 30}'),
        ('type:A "not closed type:B', {"event_type": ["A"]}, '"not closed type:B'),
        ('account:"Quillfern Parcel"', {"account": ["Quillfern Parcel"]}, ""),
        ('account:"Quillfern Parcel","Marrowby', {"account": ["Quillfern Parcel", "Marrowby"]}, ""),
        ("number:447700900000 bob", {}, "447700900000 bob"),
        ('-number:"+44 (7700) 900-000"', {}, "-447700900000"),
        ('search_text:"by hand"', {}, '"by hand"'),
        ("since:2026-01-31 until:2026-02-01", {"date_from": ["2026-01-31"], "date_to": ["2026-02-01"]}, ""),
        ("after:2026-01-31 before:2026-02-01", {"date_from": ["2026-01-31"], "date_to": ["2026-02-01"]}, ""),
        ("period:7d", {"period": ["7d"]}, ""),
        ("source_country:GB", {"source_country": ["GB"]}, ""),
        ("from:2026-01-31T14:05 to:2026-02-01", {"date_from": ["2026-01-31T14:05"], "date_to": ["2026-02-01"]}, ""),
        ('source:"API"', {"source": ["API"]}, ""),
        ("type:A type:B", {"event_type": ["A", "B"]}, ""),
        ("last:3d user:zoe", {"period": ["3d"], "user_email": ["zoe"]}, ""),
        ("new:country type:A", {"new": ["country"], "event_type": ["A"]}, ""),
    ],
)
def test_text_is_read(text: str, values: dict[str, list[str]], rest: str) -> None:
    assert search_box.read(text) == search_box.Query(values, rest)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tpye:APP_CREATE", "tpye: is not supported; did you mean type:?"),
        ("contry:GB", "did you mean country:?"),
        ("untill:2026-01-01", "did you mean until:?"),
        ("since:2026-01-01,2026-02-01", "since: takes one value."),
        ("since:2026-01-01 from:2026-02-01", "from: takes one value."),
        ("-since:2026-01-01", "since: cannot be negated; use from: and to:"),
        ("-period:7d", "period: cannot be negated."),
        ("number:one", "number: takes one number"),
        ("number:1,2", "number: takes one number"),
        ("-from:2026-01-01", "from: cannot be negated"),
        ("-new:country", "new: cannot be negated"),
    ],
)
def test_slip_is_told_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(search_box.BadQuery, match=said.replace("?", r"\?")):
        search_box.read(text)


@pytest.fixture
def events(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="NUMBER_ASSIGN", source="CD", source_country="GB", source_ip="192.0.2.1")
    add_event(account, 2, event_type="NUMBER_LINKED", source="DEVAPI", source_country="ES", source_ip="192.0.2.200")
    add_event(account, 3, event_type="APP_CREATE", source="DEVAPI", source_country="GB", source_ip="198.51.100.1")
    add_event(
        account, 4, event_type="APP_CREATE", source="", source_country="", source_ip="", user_email="b@example.com"
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"search_text": "type:NUMBER_*"}, {1, 2}),
        ({"search_text": "type:number_* -source:CD"}, {2}),
        ({"event_type": "NUMBER_*"}, {1, 2}),
        ({"event_type": "-NUMBER_*"}, {3, 4}),
        ({"event_type": "NUMBER_*,-NUMBER_LINKED"}, {1}),
        ({"source": "-CD"}, {2, 3, 4}),
        ({"source": "-Dashboard"}, {2, 3, 4}),
        ({"source_country": "-GB"}, {2, 4}),
        ({"source_country": "-gb,-es"}, {4}),
        ({"source_ip": "-192.0.2.0/24"}, {3, 4}),
        ({"source_ip": "192.0.2.0/24,-192.0.2.1"}, {2}),
        ({"user_email": "-B@example.com"}, {1, 2, 3}),
        ({"account": "-demo0001"}, set()),
        ({"account": "-demo0002"}, {1, 2, 3, 4}),
        ({"search_text": "-ip:192.0.2.1 yourname"}, {2, 3}),
        ({"search_text": 'country:GB "yourname@example.com"'}, {1, 3}),
        ({"search_text": "country:GB", "source": "CD"}, {1}),
        ({"search_text": "from:2026-03-15T12:03 -source:CD"}, {3, 4}),
    ],
)
def test_conditions_hold_on_list_and_export(client: Client, events: None, asked: Any, expected: set[int]) -> None:
    assert found(client, asked) == expected


def test_slip_shows_nothing_and_says_why(client: Client, events: None) -> None:
    assert "did you mean type:?" in refusal(client, "search_text=tpye:APP_CREATE", "search_text")


def test_unknown_group_is_told(client: Client, events: None) -> None:
    assert refusal(client, "event_type=NOTHING_*", "event_type") == "There is no event type NOTHING_*."
    assert refusal(client, "event_type=-NOTHING", "event_type") == "There is no event type NOTHING."
    assert "No account demo0003" in refusal(client, "account=-demo0003", "account")


def test_box_keeps_what_was_typed_and_pills_say_what_was_read(client: Client, events: None) -> None:
    page = client.get("/events/", {"search_text": "type:APP_CREATE -source:CD example"})
    text = page.content.decode()

    assert 'name="search_text" value="type:APP_CREATE -source:CD example"' in text
    assert [(pill.label, pill.title) for pill in page.context["pills"]] == [
        ("Text contains", "example"),
        ("Type", "APP_CREATE"),
        ("Source", "-CD".removeprefix("-")),
    ]
    assert page.context["pills"][1].without == "?search_text=example&source=-CD"
    # Otherwise what is taken out of the box would go on holding.
    assert 'APP_CREATE" checked' not in text
    assert 'value="-CD"' not in text
