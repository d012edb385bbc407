"""The rules that ship: what each file must say, and what other people's tools make of it."""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any
from uuid import UUID

import pytest
import yaml
from sigma.backends.elasticsearch import EqlBackend, ESQLBackend
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection
from sigma.plugins import InstalledSigmaPlugins
from sigma.validation import SigmaValidator

from events.detection.rules.catalogue_page import TACTICS, TECHNIQUES
from events.detection.sigma.fields import PROBLEMS, PlainFields
from events.detection.sigma.read import read_rules
from events.detection.sigma.rule import Rule
from tests.tools.catalogue import CASES, CATALOGUE, Case, cases, found_in
from tests.tools.sigma_reference import assert_finds_the_same

FILES = sorted(CATALOGUE.glob("*.yml"))
# These ask MITRE's servers; `test_every_tag_is_one_of_attack` looks at the tags instead.
ONLINE = {"attacktag", "d3_fendtag"}
BY_TU = re.compile(
    r"\b(tú|tus?|tuy[oa]s?|ti|contigo|borra|comprueba|desactiva el|llama al|puedes|haz)\b",
    re.IGNORECASE,
)


@cache
def rule_of(stem: str) -> Rule:
    rules, problems = read_rules((CATALOGUE / f"{stem}.yml").read_text(encoding="utf-8"), f"{stem}.yml")
    assert not problems
    (rule,) = rules
    return rule


RULES = [rule_of(file.stem) for file in FILES]


def is_narrowed(rule: Rule) -> bool:
    """Whether the archive decides what it finds, and not the events alone."""
    return any(selection.custom for selection in rule.selections)


def of_events(rule: Rule) -> bool:
    return rule.selections[0].service == "audit"


WITHOUT_HISTORY = [rule for rule in RULES if of_events(rule) and not is_narrowed(rule)]


@pytest.fixture(scope="module")
def collection() -> SigmaCollection:
    return SigmaCollection.load_ruleset([CATALOGUE])


def test_there_are_many_rules_each_with_its_own_id_title_and_names() -> None:
    documents = [document for file in FILES for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    ids = [document["id"] for document in documents]
    titles = [document["title"] for document in documents]
    names = [document["name"] for document in documents if "name" in document]

    assert len(FILES) >= 25
    assert {UUID(uid).version for uid in ids} == {4}
    for values in (ids, titles, names):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.origin)
def test_rule_says_what_people_need_in_both_languages(rule: Rule) -> None:
    english, spanish = rule.advice["en"], rule.advice["es"]

    assert rule.status and rule.author == "Auditsite" and rule.tags
    assert len(english.description) > 80
    assert english.next_steps and english.false_positives
    assert not {english.title, english.description, *english.next_steps} & {
        spanish.title, spanish.description, *spanish.next_steps
    }  # fmt: skip
    assert len(spanish.next_steps) == len(english.next_steps)
    assert len(spanish.false_positives) == len(english.false_positives)
    assert not rule.dashboard or rule.dashboard.startswith("https://dashboard.nexmo.com/")
    steps, translated = rule.steps_in("en"), rule.steps_in("es")
    assert not set(steps.values()) & set(translated.values())
    assert len(set(steps.values())) == len(set(translated.values())) == len(steps), "they are told apart"
    texts = (*spanish.false_positives, *spanish.next_steps, *translated.values())
    told = " ".join((spanish.title, spanish.description, *texts))
    assert not BY_TU.search(told), "the site speaks of usted"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.origin)
def test_every_tag_is_one_of_attack(rule: Rule) -> None:
    names = [tag.removeprefix("attack.") for tag in rule.tags]

    assert set(names) <= TACTICS.keys() | TECHNIQUES.keys()
    assert set(names) & TACTICS.keys()


def test_sigma_check_is_clean(collection: SigmaCollection) -> None:
    validators = InstalledSigmaPlugins.autodiscover().validators
    validator = SigmaValidator({kind for name, kind in validators.items() if name.lower() not in ONLINE})

    assert {name.lower() for name in validators} >= ONLINE
    assert not [rule.errors for rule in collection.rules if rule.errors]
    assert validator.validate_rules(iter(collection.rules)) == []


@pytest.mark.parametrize("rule", WITHOUT_HISTORY, ids=lambda rule: rule.origin)
def test_rule_without_history_can_be_converted(rule: Rule) -> None:
    in_order = rule.correlation is not None and rule.correlation.kind == "temporal_ordered"
    # Of these only Elastic's EQL has words for an order; Splunk gets the steps.
    elastic = EqlBackend() if in_order else ESQLBackend()
    documents = list(yaml.safe_load_all(rule.text))
    steps = SigmaCollection.from_dicts([document for document in documents if "detection" in document])

    assert elastic.convert(SigmaCollection.from_yaml(rule.text))
    queries = SplunkBackend().convert(steps if in_order else SigmaCollection.from_yaml(rule.text))
    assert len(queries) == (len(rule.selections) if in_order else 1)
    types = rule.selections[0].event_types
    assert types is None or min(types) in str(queries)


# Of some fields the rules do not say what they match.
EXAMPLES = {
    "context_hosts": ["203.0.113.9", "10.0.0.1", "hooks.example.com", "1.2.3.4.example.com"],
    "context.query": [f"4477009000{number:02}" for number in range(60)],
}


@pytest.mark.parametrize("rule", WITHOUT_HISTORY, ids=lambda rule: rule.origin)
def test_rule_without_history_finds_what_pysigma_finds(rule: Rule) -> None:
    examples = {name: values for name, values in EXAMPLES.items() if name in rule.text}
    most = rule.correlation.minimum if rule.correlation else 1
    denser: dict[str, Any] = {"size": 7 * most, "steps": [0, 1, 5, 15]} if most >= 10 else {}

    assert assert_finds_the_same(rule.text, archives=300, examples=examples, **denser) > 0


def test_each_problem_of_syncing_has_one_rule() -> None:
    told = [rule for rule in RULES if not of_events(rule)]
    found = {
        problem: [rule.origin for rule in told if rule.selections[0].matches(PlainFields({"problem": problem}))]
        for problem in PROBLEMS
    }

    assert {problem: len(rules) for problem, rules in found.items()} == dict.fromkeys(PROBLEMS, 1)
    assert len(told) == len(PROBLEMS)


def test_each_rule_about_events_has_cases_of_both_kinds() -> None:
    wanted = {rule.origin.removesuffix(".yml") for rule in RULES if of_events(rule)}
    found = {case.rule for case in cases() if case.is_found}

    assert {file.stem for file in CASES.glob("*.yml")} == wanted
    assert found == {case.rule for case in cases() if not case.is_found} == wanted


@pytest.mark.parametrize("case", [case for case in cases() if not is_narrowed(rule_of(case.rule))], ids=str)
def test_rule_finds_just_that_whatever_the_order(case: Case) -> None:
    events = list(case.events)
    expected = [case.evidence] if case.is_found else []

    assert found_in(rule_of(case.rule), events) == expected
    assert found_in(rule_of(case.rule), reversed(events)) == expected
    random.Random(1).shuffle(events)
    assert found_in(rule_of(case.rule), events) == expected
    # Each event of a finding is needed for it, or would be missed in it.
    if case.is_found:
        assert found_in(rule_of(case.rule), events[1:]) != expected
