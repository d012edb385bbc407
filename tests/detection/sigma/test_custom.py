"""What stands under `custom` arrives checked, with what holds where nothing is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from events.detection.sigma.read import read_rules
from tests.detection.sigma.writing import UID, only_rule, with_correlation, with_detection

DETECTION = "  selection: {source: CD}\n  condition: selection"
COUNT = "type: event_count\ntimespan: 1h\ncondition: {gte: 2}"
NARROWING: list[tuple[str, dict[str, Any]]] = [
    ("first_seen: {fields: [user_email, source_ip]}", {"fields": ("user_email", "source_ip"), "history": 30}),
    ("first_seen: {fields: context_hosts, history: 2w}", {"fields": ("context_hosts",), "history": 14}),
    ("unusual_hours: {}", {"share": 0.02, "history": 30}),
    ("unusual_hours:", {"share": 0.02, "history": 30}),
    ("unusual_hours: {share: 0.1}", {"share": 0.1, "history": 30}),
    ("impossible_travel: {within: 2d}", {"within": 2}),
    ("dormant: {}", {"field": "user_email", "for": 90}),
    ("dormant: {field: account, for: 30d}", {"field": "account", "for": 30}),
    ("shared_without_team: {field: source_ip}", {"field": "source_ip", "within": 30}),
    ("raised: {field: autoreload_amount}", {"field": "autoreload_amount", "factor": 2.0}),
    ("raised: {field: autoreload_threshold, factor: 1.5}", {"field": "autoreload_threshold", "factor": 1.5}),
]


@pytest.mark.parametrize(("written", "expected"), NARROWING)
def test_narrowing_keys_reach_the_selection(written: str, expected: dict[str, Any]) -> None:
    rule = only_rule(with_detection(DETECTION, top=f"custom:\n  {written}\n"))
    days = {name: value.days if isinstance(value, timedelta) else value for name, value in expected.items()}
    ((name, options),) = rule.selections[0].custom.items()

    assert name == written.split(":")[0]
    assert {key: value.days if isinstance(value, timedelta) else value for key, value in options.items()} == days


def test_findings_are_shaped_as_told() -> None:
    rule = only_rule(
        with_detection(
            DETECTION,
            top="custom:\n  merge: 2d\n  group_by: [account, source_ip]\n  dashboard: https://dashboard.example/x\n"
            "  next_steps: [Look., Call.]\n",
        )
    )

    assert (rule.merge, rule.group_by) == (timedelta(days=2), ("account", "source_ip"))
    assert rule.dashboard == "https://dashboard.example/x"
    assert rule.advice_in("en").next_steps == ("Look.", "Call.")
    assert rule.selections[0].custom == {}


def test_what_is_not_translated_stays_english() -> None:
    rule = only_rule(
        with_detection(
            DETECTION,
            top="description: What it is.\nfalsepositives: [Nobody]\n"
            "custom:\n  es: {title: Regla, next_steps: [Mira.]}\n  next_steps: [Look.]\n",
        )
    )
    spanish = rule.advice_in("es-mx")

    assert (spanish.title, spanish.description) == ("Regla", "What it is.")
    assert (spanish.false_positives, spanish.next_steps) == (("Nobody",), ("Mira.",))
    assert rule.advice_in("fr").title == "Rule 1"


def test_rules_named_by_a_correlation_make_no_findings_unless_asked() -> None:
    quiet, _ = read_rules(with_correlation(COUNT), "quiet.yml")
    loud, _ = read_rules(with_correlation(f"{COUNT}\ngenerate: true"), "loud.yml")

    assert [rule.title for rule in quiet] == ["Together"]
    assert [rule.title for rule in loud] == ["Rule 1", "Together"]
    assert loud[0].selections[0] is loud[1].selections[0]


def test_text_of_a_rule_is_all_that_it_needs() -> None:
    alone = with_detection(DETECTION, number=7)
    text = f"{with_correlation(COUNT, rules=2)}---\n{alone}"
    together, other = read_rules(text, "three.yml")[0]

    assert other.text == alone
    assert "Rule 7" not in together.text
    again = only_rule(together.text)
    assert (again.uid, len(again.selections)) == (together.uid, 2)
    assert again.text == together.text


def test_correlation_can_name_rules_of_other_files() -> None:
    base = only_rule(with_detection(DETECTION, top="name: other\n")).selections[0]
    text = with_correlation(COUNT).split("---\n")[1].replace("[one]", "[other]")
    rules, problems = read_rules(text, "mine.yml", {"other": base})

    assert not problems
    assert rules[0].selections == (base,)


def test_metadata_arrives() -> None:
    rule = only_rule(
        with_detection(
            DETECTION,
            top="status: stable\nauthor: Ann\ntags: [attack.t1078, attack.initial-access]\ndate: 2026-11-26\n"
            "references: https://example.com/x\nlicense: MIT\n",
        )
    )

    assert (rule.uid, rule.level, rule.severity) == (f"{UID}1", "low", 1)
    assert (rule.status, rule.author, rule.tags[0]) == ("stable", "Ann", "attack.t1078")
    assert rule.references == ("https://example.com/x",)
    assert rule.origin == "test.yml"


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    text = "\ufeff---\n" + with_detection(DETECTION)

    assert only_rule(text.replace("\n", "\r\n")).title == "Rule 1"
