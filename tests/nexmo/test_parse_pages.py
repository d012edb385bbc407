"""Pages, bodies and lists of types, read whatever their shape."""

from __future__ import annotations

import time
from datetime import UTC
from typing import Any

import pytest

from events.nexmo.errors import MalformedResponse
from events.nexmo.parse import (
    decode_body,
    load_json,
    parse_event_types,
    parse_page,
)
from tests.tools.parse import DEEP, HUGE_NUMBER, assert_storable, page_of, recorded

# --- pages


@pytest.mark.parametrize(
    "hostile",
    [
        "null", "1", '"text"', "[]", "{}", DEEP, '{"a":' * 3000 + "1" + "}" * 3000, f'{{"context":{DEEP}}}',
        HUGE_NUMBER,
        f'{{"id":{HUGE_NUMBER}}}', '{"id":tru}', '{"id" "x"}', '{"id":"x",}', "{'id':1}", '{"id":NaN}', '{"a":1 2}',
        '{"id":"\\x"}', '{"id":"\\ud800"}', '{"id":"a\x00"}', '{"\\ud800":"\ud800"}', "nonsense", "{:}",
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_page_with_one_hostile_event_still_gives_the_others(hostile: str) -> None:
    page = parse_page(page_of('{"id":"first"}', hostile, '{"id":"last"}'), UTC)
    first, odd, last = page.events
    assert (first.event_id, last.event_id) == ("first", "last")
    assert page.total == 3
    assert odd.raw == hostile.replace("\x00", "\ufffd").replace("\ud800", "?")
    assert odd.odd_fields
    assert_storable(odd)


@pytest.mark.parametrize("hostile", ['{"a":[}', '{"id":"x"', '{"id":"x}', "]", ",", ""])
def test_a_page_whose_events_cannot_be_told_apart_is_malformed(hostile: str) -> None:
    with pytest.raises(MalformedResponse):
        parse_page(page_of('{"id":"first"}', hostile, '{"id":"last"}'), UTC)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("40", 40), ("0", 0), ('"40"', 40), ('" 40 "', 40), ("40.0", 40), ("4E1", 40), ("-1", None), ('"-1"', None),
        ("1.5", None), ('"1.5"', None), ("true", None), ("false", None), ("null", None), ("[]", None), ("{}", None),
        ('"many"', None), ('""', None), ("NaN", None), ("Infinity", None), ("1E999", None), (HUGE_NUMBER, None),
        (f'"{HUGE_NUMBER}"', None), ("2147483647", 2147483647), ("2147483648", None),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
@pytest.mark.parametrize(("key", "name"), [("totalElements", "total"), ("totalPages", "total_pages"), ("size", "size")])
def test_F27_F30_figures_of_any_type(key: str, name: str, value: str, read: int | None) -> None:
    page = parse_page(page_of(page=f'{{"{key}":{value}}}'), UTC)
    figures = {"total": None, "total_pages": None, "size": None} | {name: read}
    assert {each: getattr(page, each) for each in figures} == figures
    assert type(getattr(page, name)) is (int if read is not None else type(None))


@pytest.mark.parametrize("value", ["2147483648", '"2147483648"', "999999999999999", "1e300", "-1", '"many"', "[1]"])
def test_total_that_no_account_can_have_is_kept_as_it_was_sent(value: str) -> None:
    page = parse_page(page_of(page=f'{{"totalElements":{value}}}'), UTC)
    assert (page.total, page.bad_total) == (None, value.strip('"').replace("1e300", "1e+300"))
    assert parse_page(page_of(page='{"totalElements":2147483647}'), UTC).total == 2_147_483_647


@pytest.mark.parametrize("depth", [101, 300, 900, 990, 1_100, 100_000])
def test_depth_of_what_is_not_an_event_costs_an_answer_and_no_more(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    assert parse_page(page_of('{"id":"one"}', page='{"totalElements":1}'), UTC).total == 1
    for body in (f'{{"page":{deep}}}', f'{{"page":{{"totalElements":{deep}}}}}'):
        with pytest.raises(MalformedResponse):
            parse_page(body, UTC)
    with pytest.raises(MalformedResponse):
        load_json(f'{{"eventTypes":[{{"type":"A","description":{deep}}}]}}')


@pytest.mark.parametrize("page", ["null", "[]", "7", '"x"', "{}"])
def test_F26_odd_page_object_gives_no_figures_and_all_events(page: str) -> None:
    read = parse_page(page_of('{"id":"one"}', page=page), UTC)
    assert (read.total, read.total_pages, read.size) == (None, None, None)
    assert [event.event_id for event in read.events] == ["one"]


def test_F26_missing_page_object_gives_no_figures_and_all_events() -> None:
    read = parse_page('{"_embedded":{"events":[{"id":"one"}]}}', UTC)
    assert (len(read.events), read.total, read.total_pages, read.size) == (1, None, None, None)


@pytest.mark.parametrize(
    "embedded",
    ["", '"_embedded":{},', '"_embedded":null,', '"_embedded":[],', '"_embedded":{"events":null},',
     '"_embedded":{"events":[]},', '"_embedded":{"events":[ ]},', '"_embedded":{"events":{}},'],
)  # fmt: skip
def test_F24_F25_no_events_but_figures(embedded: str) -> None:
    page = parse_page(f'{{{embedded}"page":{{"size":30,"totalElements":0,"totalPages":0}}}}', UTC)
    assert (page.events, page.total, page.total_pages, page.size) == ((), 0, 0, 30)


@pytest.mark.parametrize(
    "text",
    ["", " ", "{}", "null", "[]", "[{}]", "7", '"x"', "true", "<html></html>", "OK", '{"events":[]}', '{"page":1',
     '{"page":1}}', '{"page":1} trailing', '{"_embedded":{"events":[', '{"_embedded":{"events":[}}', '{"page"}',
     '{"page":}', '{"page":1 "size":2}', '{"page":tru}', '{"_embedded":{"events":[{}]}', '{"_embedded":{"events" []}}',
     recorded("error_500"), recorded("error_404_event")],
)  # fmt: skip
def test_F18_what_is_no_list_is_malformed_and_never_no_events(text: str) -> None:
    with pytest.raises(MalformedResponse) as caught:
        parse_page(text, UTC)
    assert caught.value.status == 200
    assert caught.value.detail.startswith("Expected ")
    assert len(caught.value.detail) < 260


def test_F18_nothing_is_called_nothing() -> None:
    with pytest.raises(MalformedResponse, match="got: nothing"):
        parse_page("", UTC)


def test_F04_a_text_cut_off_within_a_string_is_refused_at_once() -> None:
    """A context may hold JSON as text, so a cut may leave thousands of escaped quotes behind an open one."""
    text = '{"_embedded":{"events":[{"context":"' + '\\"' * 8000
    begin = time.perf_counter()
    with pytest.raises(MalformedResponse):
        parse_page(text, UTC)
    assert time.perf_counter() - begin < 0.5


def test_F40_a_megabyte_page_that_must_be_cut_by_hand_is_still_quick() -> None:
    text = page_of('{"id":"x","a":"' + "y" * 500_000 + '"}', '{"broken":tru}', '{"id":"z"}')
    begin = time.perf_counter()
    assert [event.event_id for event in parse_page(text, UTC).events][::2] == ["x", "z"]
    assert time.perf_counter() - begin < 1


# --- bodies


BODY = '{"page":{"totalElements":1},"_embedded":{"events":[{"id":"é€\U0001f600"}]}}'


@pytest.mark.parametrize(
    "body",
    [
        BODY.encode(),
        b"\xef\xbb\xbf" + BODY.encode(),
        b"\xef\xbb\xbf" * 2 + BODY.encode(),
        BODY.encode("utf-16"),
        BODY.encode("utf-16-le"),
        BODY.encode("utf-16-be"),
        BODY.encode("utf-32"),
        "\ufeff".encode("utf-16-be") + BODY.encode("utf-16-be"),
    ],
)
def test_F07_bodies_are_read_by_their_first_bytes(body: bytes) -> None:
    assert decode_body(body) == BODY
    assert parse_page(decode_body(body), UTC).events[0].event_id == "é€\U0001f600"


def test_F07_latin_1_is_read_where_utf_8_fails() -> None:
    assert decode_body('{"id":"caf\xe9"}'.encode("latin-1")) == '{"id":"caf\xe9"}'


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff", b"\xff\xfe\x00", b"\xfe\xff\xd8\x00", bytes(range(256))])
def test_F07_any_bytes_can_be_read(body: bytes) -> None:
    assert isinstance(decode_body(body), str)


def test_F07_one_bad_byte_leaves_the_other_events_of_its_page_alone() -> None:
    """Else a single event turns the text of ninety-nine others to mojibake, and they conflict with their old copies."""
    body = b'{"_embedded":{"events":[{"id":"bad \xe9 byte"},{"id":"caf\xc3\xa9"}]}}'
    assert parse_page(decode_body(body), UTC).events[1].event_id == "café"


# --- event types


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (None, []),
        ([], []),
        ("x", []),
        ({}, []),
        ({"eventTypes": None}, []),
        ({"eventTypes": {}}, []),
        ({"eventTypes": "APP_CREATE"}, []),
        ({"eventTypes": []}, []),
        ({"eventTypes": ["APP_CREATE", None, 1, [], {}]}, []),
        ({"eventTypes": [{"type": ""}, {"type": None}, {"description": "x"}]}, []),
        ({"eventTypes": [{"type": "A"}, {"type": "B", "description": ""}, {"type": "C", "description": None}]},
         [("A", ""), ("B", ""), ("C", "")]),
        ({"eventTypes": [{"type": "A", "description": "one"}, {"type": "A", "description": "two"}, {"type": "B"}]},
         [("A", "one"), ("B", "")]),
        ({"eventTypes": [{"type": "ESIM_ACTIVATE", "description": "eSIM", "more": 1}], "sourceTypes": [{"type": "CD"}]},
         [("ESIM_ACTIVATE", "eSIM")]),
        ({"eventTypes": [{"type": 7, "description": 8}]}, [("7", "8")]),
        ({"eventTypes": [{"type": "a\x00\ud800", "description": "b\x00\ud800"}]}, [("a\ufffd?", "b\ufffd?")]),
        ({"eventTypes": [{"type": "X" * 300, "description": "y" * 5000}]}, [("X" * 255, "y" * 4000)]),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_F23_odd_lists_of_types(value: Any, types: list[tuple[str, str]]) -> None:
    assert [(each.code, each.description) for each in parse_event_types(value)] == types
