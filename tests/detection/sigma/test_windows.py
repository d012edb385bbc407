"""How hits become findings."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from events.detection.sigma.fields import EventFields
from events.detection.sigma.windows import Episode, Hit, findings_of, group_of, value_of
from tests.detection.sigma.writing import hit, only_rule, with_correlation, with_detection, with_items

if TYPE_CHECKING:
    from events.detection.sigma.rule import Rule

COUNT = "type: event_count\ntimespan: 10m\ngroup-by: account\ncondition: {gte: 3}"
VALUES = "type: value_count\ntimespan: 10m\ngroup-by: account\ncondition: {field: source_ip, gte: 2}"
TOGETHER = "type: temporal\ntimespan: 10m\ngroup-by: account"
ORDERED = "type: temporal_ordered\ntimespan: 10m\ngroup-by: account"


def found(section: str, *hits: Hit, rules: int = 1) -> list[list[tuple[float, int]]]:
    """The hits of each finding as minutes and slots."""
    return [shape(episode) for episode in findings_of(only_rule(with_correlation(section, rules=rules)), hits)]


def shape(episode: Episode) -> list[tuple[float, int]]:
    return [(float(one.key.split("-")[0]), one.slot) for one in episode.hits]


def test_window_has_both_its_ends() -> None:
    assert found(COUNT, hit(0), hit(5), hit(10)) == [[(0, 0), (5, 0), (10, 0)]]
    assert found(COUNT, hit(0), hit(5), hit(10.01)) == []


def test_windows_that_share_hits_are_one_finding() -> None:
    assert found(COUNT, *map(hit, (0, 1, 2, 11, 12, 40, 41, 42))) == [
        [(0, 0), (1, 0), (2, 0), (11, 0), (12, 0)],
        [(40, 0), (41, 0), (42, 0)],
    ]


def test_windows_side_by_side_are_two_findings() -> None:
    assert found(COUNT, *map(hit, (0, 1, 2, 13, 14, 15))) == [[(0, 0), (1, 0), (2, 0)], [(13, 0), (14, 0), (15, 0)]]


def test_event_is_counted_once_whatever_it_matches() -> None:
    twice = [hit(minute, slot, key=f"{minute}-x") for minute in (0, 1) for slot in (0, 1)]

    assert found(COUNT, *twice, rules=2) == []


def test_groups_are_apart_and_letters_case_is_not() -> None:
    hits = [hit(0, account="abcd"), hit(1, account="ABCD"), hit(2, account="efgh"), hit(3, account="Abcd")]

    assert found(COUNT, *hits) == [[(0, 0), (1, 0), (3, 0)]]


def test_number_and_its_text_are_one_group() -> None:
    assert found(COUNT, hit(0, number=7), hit(1, number="7"), hit(2, number=7)) == [[(0, 0), (1, 0), (2, 0)]]


def test_group_is_spelled_as_its_first_hit_does() -> None:
    rule = only_rule(with_correlation(COUNT))
    hits = [hit(1, account="ABCD"), hit(0, account="aBcd"), hit(2, account="abcd")]

    (episode,) = findings_of(rule, hits)

    assert episode.group == (("account", "aBcd"),)
    assert episode.identity == (("account", "abcd"),)
    assert episode.figure == 3


def test_different_values_are_counted() -> None:
    assert found(VALUES, hit(0, value="a"), hit(1, value="A"), hit(2)) == []
    assert found(VALUES, hit(0, value="a"), hit(1, value="b"), hit(2)) == [[(0, 0), (1, 0), (2, 0)]]


def test_each_of_several_values_is_counted() -> None:
    assert found(VALUES, hit(0, value=("a", "b"))) == [[(0, 0)]]


def test_values_that_left_the_window_are_counted_no_more() -> None:
    assert found(VALUES, hit(0, value="a"), hit(11, value="b")) == []


def test_all_rules_must_have_hits() -> None:
    assert found(TOGETHER, hit(0, 1), hit(1, 1), rules=2) == []
    assert found(TOGETHER, hit(0, 1), hit(1, 0), rules=2) == [[(0, 1), (1, 0)]]


def test_condition_can_ask_for_some_of_the_rules() -> None:
    section = f"{TOGETHER}\ncondition: {{gte: 2}}"

    assert found(section, hit(0, 2), hit(1, 0), rules=3) == [[(0, 2), (1, 0)]]


def test_order_must_be_strict() -> None:
    assert found(ORDERED, hit(1, 0), hit(1, 1), rules=2) == []
    assert found(ORDERED, hit(2, 0), hit(1, 1), rules=2) == []
    assert found(ORDERED, hit(1, 0), hit(2, 1), rules=2) == [[(1, 0), (2, 1)]]


def test_evidence_of_an_order_is_its_chain() -> None:
    hits = [hit(0, 1), hit(1, 0), hit(2, 0), hit(3, 1), hit(4, 2), hit(4, 2, key="4-same")]

    (chain,) = found(ORDERED, *hits, rules=3)

    assert chain == [(1, 0), (3, 1), (4, 2), (4, 2)]


def test_late_hit_completes_an_order() -> None:
    assert found(ORDERED, hit(1, 0), hit(9, 2), rules=3) == []
    assert found(ORDERED, hit(1, 0), hit(9, 2), hit(5, 1), rules=3) == [[(1, 0), (5, 1), (9, 2)]]


def test_chains_that_share_an_event_are_one_finding() -> None:
    hits = [hit(0, 0), hit(9, 1), hit(5, 0), hit(14, 1)]

    # The second window begins with the hit at 5: its chain shares the hit at 9.
    assert found(ORDERED, *hits, rules=2) == [[(0, 0), (5, 0), (9, 1)]]


def test_some_of_an_order_may_be_asked_for() -> None:
    section = f"{ORDERED}\ncondition: {{gte: 2}}"

    assert found(section, hit(0, 1), hit(1, 2), hit(2, 0), rules=3) == [[(0, 1), (1, 2)]]


def test_several_bounds_hold_together() -> None:
    section = COUNT.replace("{gte: 3}", "{gte: 2, lte: 3, neq: 2}")

    assert found(section, hit(0), hit(1)) == []
    assert found(section, hit(0), hit(1), hit(2)) == [[(0, 0), (1, 0), (2, 0)]]


def test_minimum_is_the_smallest_figure_that_is_enough() -> None:
    section = COUNT.replace("{gte: 3}", "{gt: 4, neq: 5}")

    correlation = only_rule(with_correlation(section)).correlation

    assert correlation is not None
    assert correlation.minimum == 6
    assert not correlation.compare(5) and correlation.compare(6)


@pytest.mark.parametrize("section", [COUNT, VALUES, TOGETHER, ORDERED])
def test_order_of_arrival_decides_nothing(section: str) -> None:
    rng = random.Random(7)
    rule = only_rule(with_correlation(section, rules=2))
    hits = [
        hit(rng.randrange(200), rng.randrange(2), key=f"{number:03}", value=rng.choice("abc"), account=rng.choice("xy"))
        for number in range(60)
    ]
    expected = findings_of(rule, hits)
    assert len(expected) > 1
    for _ in range(5):
        rng.shuffle(hits)
        assert findings_of(rule, hits + hits[:10]) == expected


def test_matches_of_a_plain_rule_merge_while_they_go_on() -> None:
    rule = only_rule(with_items("source: CD"))
    hits = [hit(minute, account="abcd", user_email="ann") for minute in (0, 60, 120, 181)]

    assert [shape(episode) for episode in findings_of(rule, hits)] == [[(0, 0), (60, 0), (120, 0)], [(181, 0)]]


def test_merging_can_be_said() -> None:
    text = with_detection("  a: {source: CD}\n  condition: a", top="custom: {merge: 0s}\n")
    hits = [hit(0, key="1"), hit(0, key="2"), hit(1, key="3")]

    assert [len(episode.hits) for episode in findings_of(only_rule(text), hits)] == [2, 1]


def test_plain_rule_groups_by_user_or_else_by_address() -> None:
    rule = only_rule(with_items("source: CD"))
    ann = EventFields(account="abcd", user_email="ann@example.com", source_ip="192.0.2.1")
    key = EventFields(account="abcd", source_ip="192.0.2.1")

    assert group_of(rule, 0, ann) == (("account", "abcd"), ("user_email", "ann@example.com"))
    assert group_of(rule, 0, key) == (("account", "abcd"), ("source_ip", "192.0.2.1"))
    assert not rule.spans_accounts


def test_plain_rule_loses_no_event_that_lacks_its_group() -> None:
    text = with_detection("  a: {source: CD}\n  condition: a", top="custom: {group_by: [source_country]}\n")
    rule = only_rule(text)

    assert group_of(rule, 0, EventFields(account="abcd")) == (("source_country", None),)
    assert rule.spans_accounts


def test_correlation_leaves_out_what_lacks_its_group() -> None:
    rule = only_rule(with_correlation(COUNT.replace("account", "[account, user_email]")))

    assert group_of(rule, 0, EventFields(account="abcd")) is None


def test_alias_names_the_field_of_each_rule() -> None:
    aliases = "aliases:\n  person: {one: context.email, two: user_email}"
    section = f"{ORDERED.replace('account', '[account, person]')}\n{aliases}"
    rule = only_rule(with_correlation(section, rules=2))
    made = EventFields(account="a", user_email="boss@example.com", context={"email": "New@example.com"})
    came = EventFields(account="a", user_email="new@example.com")
    groups = [group_of(rule, slot, fields) for slot, fields in enumerate((made, came))]

    (episode,) = findings_of(rule, [Hit(hit(n).at, n, n, group) for n, group in enumerate(groups) if group])

    assert episode.identity == (("account", "a"), ("person", "new@example.com"))


def test_values_of_a_list_can_be_counted() -> None:
    rule = only_rule(with_correlation(VALUES.replace("source_ip", "context_hosts")))
    fields = EventFields(context={"a": "https://one.example/", "b": "sip:x@two.example"})

    assert value_of(rule, fields) == ("one.example", "two.example")
    assert hash(hit(0, value=value_of(rule, fields)))


def test_chains_that_meet_later_become_one_finding() -> None:
    # Each chain is a hit of the first rule and the next of the second: what shares no hit stays apart.
    first = [hit(minute / 10, 0) for minute in range(0, 1000)]
    second = [hit(minute + 0.05, 1) for minute in range(2, 100, 7)]

    episodes = found(ORDERED, *first, *second, rules=2)

    assert len(episodes) == len(second)
    assert all(sum(slot for _, slot in episode) == 1 for episode in episodes)
    assert sum(map(len, episodes)) > 900


def evidence_of(rule: Rule, hits: list[Hit], last: Hit) -> set[Hit]:
    """What the window that ends with a hit shows, told as plainly as it can be."""
    correlation = rule.correlation
    assert correlation is not None
    window = [one for one in hits if last.at - correlation.timespan <= one.at <= last.at]
    if correlation.kind == "event_count":
        return {*window} if correlation.compare(len({one.key for one in window})) else set()
    slots = sorted({one.slot for one in window})
    if not correlation.compare(len(slots)):
        return set()
    if correlation.kind == "temporal":
        return {*window}
    evidence: set[Hit] = set()
    for wanted in combinations(slots, correlation.required):
        chain: list[Hit] = []
        for slot in wanted:
            later = [one for one in window if one.slot == slot and (not chain or one.at > chain[-1].at)]
            chain += [one for one in later if one.at == min(each.at for each in later)]
            if not later:
                break
        else:
            evidence |= {*chain}
    return evidence


@pytest.mark.parametrize("section", [COUNT, TOGETHER, ORDERED, f"{ORDERED}\ncondition: {{gte: 2}}"])
def test_findings_are_the_windows_that_share_events(section: str) -> None:
    rule = only_rule(with_correlation(section, rules=3))
    rng = random.Random(3)
    joined = 0
    for _ in range(25):
        end, slots = rng.choice([(90, (0, 1, 2)), (40, (0, 1, 0, 1, 0, 2))])
        hits = [
            hit(rng.randrange(end), rng.choice(slots), key=f"{number:02}") for number in range(rng.randrange(4, 60))
        ]
        parts: list[set[Hit]] = []
        for last in hits:
            evidence = evidence_of(rule, hits, last)
            met = [part for part in parts if {one.key for one in part} & {one.key for one in evidence}]
            joined += len(met) > 1
            if evidence:
                parts = [part for part in parts if part not in met] + [evidence.union(*met)]

        assert sorted(map(key_of, parts)) == sorted(key_of(episode.hits) for episode in findings_of(rule, hits))
    assert joined or section == ORDERED  # chains of all the rules hardly ever join two findings


def key_of(hits: Iterable[Hit]) -> list[str]:
    return sorted(one.key for one in hits)
