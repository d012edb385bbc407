"""What items and conditions mean."""

from __future__ import annotations

import re
from typing import Any

import pytest

from events.detection.sigma.fields import EventFields, PlainFields
from tests.detection.sigma.writing import matches, only_rule, selection, with_detection, with_items

ANN = {"user_email": "Ann@Example.com", "source_ip": "192.0.2.7", "event_type": "USER_LOGIN"}
ITEMS: list[tuple[str, dict[str, Any], bool]] = [
    ("user_email: ann@example.COM", ANN, True),
    ("user_email: ann@example", ANN, False),
    ("user_email: 'ann@*'", ANN, True),
    ("user_email: 'an?@example.com'", ANN, True),
    ("user_email: 'an?n@example.com'", ANN, False),
    ("user_email: '*'", {"user_email": ""}, False),
    ("user_email: [bob@example.com, ann@example.com]", ANN, True),
    ("user_email|contains: N@EX", ANN, True),
    ("user_email|startswith: ann", ANN, True),
    ("user_email|startswith: nn", ANN, False),
    ("user_email|endswith: .com", ANN, True),
    ("user_email|endswith: '*.com'", ANN, True),
    ("user_email|contains|all: [ann, com]", ANN, True),
    ("user_email|contains|all: [ann, org]", ANN, False),
    ("user_email|cased: ann@example.com", ANN, False),
    ("user_email|cased: Ann@Example.com", ANN, True),
    ("user_email|contains|cased: Ex", ANN, True),
    ("user_email|contains|cased: ex", ANN, False),
    ("user_email|neq: ann@example.com", ANN, False),
    ("user_email|neq: ann@example.com", {}, True),
    ("user_email|endswith|neq: example.com", {"user_email": "zoe@evil.test"}, True),
    ("user_email: null", {}, True),
    ("user_email: null", ANN, False),
    ("user_email: [null, ann@example.com]", {}, True),
    ("user_email|exists: true", ANN, True),
    ("user_email|exists: false", {"user_email": ""}, True),
    ("user_email|re: '^Ann@'", ANN, True),
    ("user_email|re: '^ann@'", ANN, False),
    ("user_email|re|i: '^ann@'", ANN, True),
    ("context.text|re|m: '^two$'", {"context": {"text": "one\ntwo"}}, True),
    ("context.text|re: '^two$'", {"context": {"text": "one\ntwo"}}, False),
    ("context.text|re|s: 'one.two'", {"context": {"text": "one\ntwo"}}, True),
    ("context.text|re: 'one.two'", {"context": {"text": "one\ntwo"}}, False),
    ("context.text|re: 'a.c'", {"context": {"text": "a\ud800c"}}, True),
    ("context.text: 'one*two'", {"context": {"text": "one\ntwo"}}, True),
    ("context.text: 'a*a'", {"context": {"text": "a"}}, False),
    ("context.text: '*a*b*'", {"context": {"text": "xbxaxbx"}}, True),
    ("context.text: '*a*b*'", {"context": {"text": "xbxax"}}, False),
    ("source_ip|cidr: 192.0.2.0/24", ANN, True),
    ("source_ip|cidr: 192.0.3.0/24", ANN, False),
    ("source_ip|cidr: 192.0.2.0/24", {"source_ip": "::ffff:192.0.2.9"}, True),
    ("source_ip|cidr: 192.0.2.0/24", {"source_ip": "unknown"}, False),
    ("source_ip|cidr: 2001:db8::/32", {"source_ip": "2001:0DB8:0:0::1"}, True),
    ("source_ip|cidr: 2001:db8::/32", ANN, False),
    ("source_ip|cidr: [10.0.0.0/8, 192.0.2.7/32]", ANN, True),
    ("context.amount|gt: 10", {"context": {"amount": 11}}, True),
    ("context.amount|gt: 10", {"context": {"amount": 10}}, False),
    ("context.amount|gte: 10", {"context": {"amount": "10"}}, True),
    ("context.amount|lt: 10", {"context": {"amount": 9.5}}, True),
    ("context.amount|lte: 10", {"context": {"amount": "a lot"}}, False),
    ("context.amount|gt: 1", {"context": {"amount": True}}, False),
    ("context.msisdn: 447700900000", {"context": {"msisdn": "447700900000"}}, True),
    ("context.msisdn: '447700900000'", {"context": {"msisdn": 447700900000}}, True),
    ("context.msisdn: 447700900000", {"context": {"msisdn": "447700900001"}}, False),
    ("context.msisdn|startswith: 4477", {"context": {"msisdn": 447700900000}}, True),
    ("context.on: true", {"context": {"on": True}}, True),
    ("context.on: true", {"context": {"on": False}}, False),
    ("context.on: true", {"context": {"on": "true"}}, True),
    ("source_country|fieldref: context.country", {"source_country": "GB", "context": {"country": "gb"}}, True),
    ("source_country|fieldref: context.country", {"source_country": "GB"}, False),
    ("source_country|fieldref|cased: context.country", {"source_country": "GB", "context": {"country": "gb"}}, False),
    ("user_email|fieldref|endswith: context.host", {**ANN, "context": {"host": "example.COM"}}, True),
    ("context.list: two", {"context": {"list": ["one", "two"]}}, True),
    ("context.list|contains|all: [one, two]", {"context": {"list": ["one", "two"]}}, True),
    ("context.list|neq: two", {"context": {"list": ["one", "two"]}}, False),
    (r"context.path: 'C:\\\\x\*\?'", {"context": {"path": r"c:\x*?"}}, False),
    (r"context.path: 'C:\x\*\?'", {"context": {"path": r"c:\x*?"}}, True),
    (r"context.path: 'C:\x\*\?'", {"context": {"path": r"c:\xyz"}}, False),
    ("context.name: überweisung", {"context": {"name": "überWEISUNG"}}, True),
]


@pytest.mark.parametrize(("item", "values", "expected"), ITEMS, ids=[f"{item} {values}" for item, values, _ in ITEMS])
def test_item_means(item: str, values: dict[str, Any], expected: bool) -> None:
    assert matches(item, **values) is expected


CONDITIONS = [
    ("a", "a", True),
    ("a and b", "a", False),
    ("a and b", "ab", True),
    ("a or b and c", "a", True),
    ("(a or b) and c", "a", False),
    ("a and not b", "a", True),
    ("not a and b", "ab", False),
    ("not (a and b)", "a", True),
    ("not not a", "a", True),
    ("1 of x*", "xb", True),
    ("any of them", "", False),
    ("all of them", "abc", True),
    ("all of them", "ab", False),
    ("not 1 of x*", "xb", False),
    ("a and all of x*", "axb", False),
    ("a and all of x*", "axbxc", True),
]


@pytest.mark.parametrize(("condition", "present", "expected"), CONDITIONS)
def test_condition_means(condition: str, present: str, expected: bool) -> None:
    names = ["a", "b", "c"] if "them" in condition else [*{*re.findall(r"\b[abc]\b", condition)}]
    names += ["xb", "xc"] if "x*" in condition else []
    lines = "".join(f"  {name}: {{context.{name}|exists: true}}\n" for name in names)
    rule = only_rule(with_detection(f"{lines}  condition: {condition}"))
    there = re.findall("x?[abc]", present)

    assert rule.selections[0].matches(EventFields(context=dict.fromkeys(there, "yes"))) is expected


def test_list_of_maps_means_any_of_them() -> None:
    rule = only_rule(
        with_detection("  selection:\n  - {source: CD, user_id: 7}\n  - {source: API}\n  condition: selection")
    )
    (chosen,) = rule.selections

    assert chosen.matches(EventFields(source="CD", user_id="7"))
    assert not chosen.matches(EventFields(source="CD"))
    assert chosen.matches(EventFields(source="api"))


def test_them_are_not_those_whose_names_begin_with_an_underscore() -> None:
    names = "  a: {source: CD}\n  _b: {source: API}\n  condition: "
    them = only_rule(with_detection(f"{names}1 of them or (_b and a)")).selections[0]
    like = only_rule(with_detection(f"{names}a or 1 of _*")).selections[0]

    assert them.matches(EventFields(source="CD")) and not them.matches(EventFields(source="API"))
    assert like.matches(EventFields(source="API"))


def test_several_conditions_mean_any_of_them() -> None:
    rule = only_rule(with_detection("  a: {source: CD}\n  b: {source: API}\n  condition: [a, b]"))

    assert rule.selections[0].matches(EventFields(source="API"))
    assert not rule.selections[0].matches(EventFields(source="X"))


def test_keywords_are_found_anywhere_in_the_event() -> None:
    rule = only_rule(with_detection("  words: [evil, 'bad*host']\n  condition: words"))
    (chosen,) = rule.selections

    assert chosen.matches(EventFields(user_email="zoe@EVIL.test"))
    assert chosen.matches(EventFields(context='{"a":{"b":"a bad old host"}}'))
    assert not chosen.matches(EventFields(user_email="ann@example.com", context='{"a":1}'))


def test_all_keywords_can_be_asked_for() -> None:
    rule = only_rule(with_detection("  words:\n    '|all': [evil, host]\n  condition: words"))

    assert rule.selections[0].matches(EventFields(user_email="evil@example.com", context={"a": "host"}))
    assert not rule.selections[0].matches(EventFields(user_email="evil@example.com"))


def test_pseudo_events_of_syncing_are_selected_by_their_problem() -> None:
    rule = only_rule(with_items("problem: [silent, gap]", service="sync"))
    (chosen,) = rule.selections

    assert chosen.service == "sync" and chosen.event_types is None
    assert chosen.matches(PlainFields({"problem": "gap", "account": "abcd1234"}))
    assert not chosen.matches(PlainFields({"problem": "failing", "account": "abcd1234"}))
    assert rule.group_by == ("account",)


def test_letters_beyond_ascii_are_as_they_stand() -> None:
    """As in SQLite, which is what rules are measured against."""
    assert not selection("context.name: ÜBER").matches(EventFields(context={"name": "über"}))
