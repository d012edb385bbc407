"""Reading anything at all: no JSON and no text is too odd."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from events.nexmo.errors import MalformedResponse
from events.nexmo.parse import (
    Event,
    json_items,
    json_members,
    parse_event,
    parse_page,
)
from tests.tools.parse import assert_storable, page_of

NAMES = [each.name for each in dataclasses.fields(Event)] + ["id", "_links", "\x00", "\ud800"]
any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # half surrogates and NUL too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(NAMES) | any_text, inner, max_size=8)
    | st.builds(lambda value, levels: json.loads("[" * levels + json.dumps(value) + "]" * levels), inner,
                st.sampled_from((1, 60, 120))),
    max_leaves=20,
)  # fmt: skip
spellings = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from((None, 0, 2, "\t")),
        "separators": st.sampled_from(((",", ":"), (" , ", " : "), (",\r\n", ":\t"))),
    }
)
# The same examples on every run, and no shrinking: values of 120 levels take minutes to shrink.
quickly = settings(
    deadline=None, max_examples=60, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)


@quickly
@given(value=json_values | st.dictionaries(st.sampled_from(NAMES), json_values, max_size=12), spelling=spellings)
def test_no_json_is_too_odd_for_an_event(value: Any, spelling: dict[str, Any]) -> None:
    event = parse_event(json.dumps(value, **spelling), UTC)
    assert_storable(event)
    assert event.created_at is None or event.created_at.tzinfo is UTC


@quickly
@given(text=any_text | st.text(st.sampled_from('{}[]",:\\ \n\x001.eEtu\ud800'), max_size=40))
def test_no_text_is_too_odd_for_an_event(text: str) -> None:
    assert_storable(parse_event(text, UTC))


@quickly
@given(text=st.text(st.sampled_from('{}[]",:\\ \n\x001.eEtu\ud800'), max_size=40) | any_text)
def test_no_text_brings_a_page_anything_but_events_or_malformed(text: str) -> None:
    for body in (text, f'{{"page":{text}}}', f'{{"_embedded":{text}}}', page_of(text)):
        try:
            page = parse_page(body, UTC)
        except MalformedResponse:
            continue
        for event in page.events:
            assert_storable(event)


@quickly
@given(values=st.lists(json_values, max_size=6), ascii_only=st.booleans())
def test_items_of_a_list_concatenate_back(values: list[Any], ascii_only: bool) -> None:
    text = json.dumps(values, ensure_ascii=ascii_only, separators=(",", ":"))
    assert "[" + ",".join(json_items(text)) + "]" == text


@quickly
@given(value=st.dictionaries(any_text, json_values, max_size=6), spelling=spellings)
def test_members_of_an_object_keep_their_values(value: dict[str, Any], spelling: dict[str, Any]) -> None:
    cut = json_members(json.dumps(value, **spelling))
    assert {name: json.loads(text) for name, text in cut.items()} == value


@quickly
@given(values=st.lists(json_values, max_size=6), spelling=spellings, total=st.integers(0, 10**9))
def test_slices_of_a_page_mean_what_the_page_says(values: list[Any], spelling: dict[str, Any], total: int) -> None:
    body = {"_embedded": {"events": values}, "_links": {}, "page": {"totalElements": total}}
    text = json.dumps(body, **spelling | {"ensure_ascii": True})
    page = parse_page(text, UTC)
    assert [json.loads(event.raw) for event in page.events] == values
    assert page.total == total
    position = 0
    for event in page.events:
        position = text.index(event.raw, position) + len(event.raw)
