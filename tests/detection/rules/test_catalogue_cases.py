"""What the rules that ship find in an archive with a history, by the same functions as in production."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC

import pytest

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting
from events.detection.sigma.read import read_rules
from events.detection.sigma.rule import Rule
from events.models import Finding, FindingEvent
from events.nexmo.parse import parse_event
from tests.conftest import NOON
from tests.tools.catalogue import BEFORE, CATALOGUE, Case, Told, cases, told


def rule_of(stem: str) -> Rule:
    (rule,), _ = read_rules((CATALOGUE / f"{stem}.yml").read_text(encoding="utf-8"), f"{stem}.yml")
    return rule


WITH_HISTORY = [case for case in cases() if any(selection.custom for selection in rule_of(case.rule).selections)]


@pytest.fixture
def before(cast: None) -> None:
    archive(told(BEFORE))


def archive(events: Iterable[Told]) -> None:
    """As a sync does, in the order in which they come."""
    by_account: dict[str, list[Told]] = {}
    for one in events:
        by_account.setdefault(one.account, []).append(one)
    for api_key, several in by_account.items():
        account = NexmoAccount.objects.get(api_key=api_key)
        parsed = [parse_event(json.dumps(one.event), UTC) for one in several]
        add_events(account, parsed, run=None, fetched_at=NOON)


def in_inbox() -> list[set[str]]:
    found = []
    for finding in Finding.objects.exclude(state=Finding.State.WITHDRAWN).order_by("first_at"):
        found.append(set(FindingEvent.objects.filter(finding=finding).values_list("nexmo_id", flat=True)))
    return found


@pytest.mark.parametrize("case", WITH_HISTORY, ids=str)
def test_rule_finds_just_that_late_events_too(case: Case, before: None) -> None:
    rule = rule_of(case.rule)
    expected = [case.evidence] if case.is_found else []

    follow(rules=[rule])
    assert in_inbox() == [], "the usual is no finding"

    backwards = case.events[::-1]
    for arriving in [[one] for one in backwards] if case.is_found else [backwards]:
        archive(arriving)
        follow(rules=[rule])
    assert in_inbox() == expected

    found = [{fact.event_id for fact, _ in found.events} for found in Hunting(rule).run()]
    assert found == expected, "as they came in time"
