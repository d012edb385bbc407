"""Which event types a rule can match is decided before any event is read: never too few."""

from __future__ import annotations

import random

import pytest

from events.detection.sigma.dispatch import MOST_TYPES, Dispatch
from events.detection.sigma.fields import EventFields
from events.detection.sigma.read import read_rules
from tests.detection.sigma.random_rules import random_rule
from tests.detection.sigma.writing import only_rule, selection, with_detection
from tests.tools.sigma_reference import archive, pools_of, selections_of

NAMED = [
    ("  a: {event_type: [APP_CREATE, app_update]}\n  condition: a", {"APP_CREATE", "APP_UPDATE"}),
    ("  a: {event_type: APP_CREATE, source: CD}\n  b: {source: X}\n  condition: a and not b", {"APP_CREATE"}),
    ("  a: {event_type: APP_CREATE}\n  b: {event_type: APP_DELETE}\n  condition: a or b", {"APP_CREATE", "APP_DELETE"}),
    ("  a: {event_type: APP_CREATE}\n  b: {event_type: APP_DELETE}\n  condition: a and b", set()),
    ("  a: {event_type: [X, Y]}\n  b: {event_type: Y}\n  condition: a and not b", {"X"}),
    ("  a: {event_type|neq: X}\n  condition: not a", {"X"}),
    ("  a: {event_type: [X, null]}\n  condition: a", {"X", ""}),
    ("  a: {event_type: X}\n  condition: not a", None),
    ("  a: {source: CD}\n  condition: a", None),
    ("  a: {event_type: 'APP_*'}\n  condition: a", None),
    ("  a: {event_type: X}\n  b: {source: CD}\n  condition: a or b", None),
    ("  a: {event_type|fieldref: context.type}\n  condition: a", None),
]


@pytest.mark.parametrize(("detection", "types"), NAMED)
def test_types_are_named_where_they_can_be(detection: str, types: set[str] | None) -> None:
    rule = only_rule(with_detection(detection))

    assert rule.event_types == types


def test_wildcards_are_decided_type_by_type() -> None:
    chosen = selection("event_type|startswith: NUMBER_", "source: CD")

    assert chosen.takes("NUMBER_ASSIGN") and chosen.takes("number_linked")
    assert not chosen.takes("APP_CREATE")


def test_no_event_that_matches_is_of_a_type_left_out() -> None:
    matched = 0
    for seed in range(60):
        rng = random.Random(seed)
        text = random_rule(seed)
        rules, _ = read_rules(text, "random")
        dispatch = Dispatch(rules)
        for event in archive(rng, pools_of(text, rng), selections_of(text), 15, 0, [1]):
            fields = event.fields()
            event_type = fields.get("event_type") or ""
            tried = {id(candidate.selection) for candidate in dispatch.matches(event_type, fields)}
            for chosen in (chosen for rule in rules for chosen in rule.selections):
                is_match = chosen.matches(fields)
                assert is_match == (id(chosen) in tried)
                if is_match:
                    matched += 1
                    assert chosen.takes(event_type)
                    assert chosen.event_types is None or event_type.upper() in chosen.event_types
    assert matched > 250


def test_selection_of_several_rules_is_tried_once() -> None:
    text = with_detection("  a: {event_type: X}\n  condition: a", top="name: one\n")
    for number in (2, 3):
        text += (
            f"---\ntitle: c\nid: 11111111-2222-4333-8444-00000000000{number}\nlevel: low\ncorrelation:\n"
            "  type: event_count\n  rules: one\n  timespan: 1h\n  condition: {gte: 2}\n"
        )
    rules, _ = read_rules(text, "two.yml")

    (candidate,) = Dispatch(rules).matches("X", EventFields("X"))

    assert [(rule.uid[-1], slot) for rule, slot in candidate.uses] == [("2", 0), ("3", 0)]


def test_hostile_types_are_not_all_remembered() -> None:
    dispatch = Dispatch([only_rule(with_detection("  a: {event_type: X}\n  condition: a"))])

    for number in range(MOST_TYPES + 50):
        dispatch.candidates(f"TYPE_{number}")

    assert len(dispatch._by_type) == MOST_TYPES
    assert dispatch.candidates("x")
