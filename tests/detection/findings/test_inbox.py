"""Pages of the inbox: each finding once, in order, both ways, whatever is asked; and counts."""

from __future__ import annotations

import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.detection.findings import inbox, writing
from events.models import Finding, FindingAccount, Severity
from events.reading import findings as reading
from events.reading.finding_question import UNFINISHED, Question
from events.reading.standing import standing_of
from tests.conftest import NOON
from tests.detection.conftest import SightOf
from tests.tools.findings import OTHER_RULE, RULE, make_finding, set_parts

Accounts = dict[str, NexmoAccount]


def pages(sight: Any, question: Question, size: int) -> list[list[int]]:
    """All pages from the newest on; each is followed back to the one before, which must be the same."""
    found: list[list[int]] = []
    page = inbox.read_page(sight, question, size)
    while True:
        numbers = [line.pk for line in page.rows]
        found.append(numbers)
        if not page.older:
            return found
        following = inbox.read_page(sight, question, size, before=page.older)
        if numbers and following.newer and not page.searched_back_to:
            back = inbox.read_page(sight, question, size, after=following.newer)
            assert [line.pk for line in back.rows][-len(numbers) :] == numbers
        page = following


@pytest.fixture
def many(accounts: Accounts) -> list[Finding]:
    """Findings of every kind, some at the same instant, some over several accounts, some joined later by one."""
    chance = random.Random(7)  # noqa: S311
    keys = sorted(accounts)
    made = []
    for _ in range(60):
        where = [accounts[key] for key in chance.sample(keys, chance.choice([1, 1, 2, 3]))]
        at = NOON + timedelta(minutes=chance.randrange(30))
        late = {where[-1]: at + timedelta(minutes=chance.randrange(20))} if len(where) > 1 else {}
        made.append(
            make_finding(
                accounts=where,
                found_at=at,
                joined_at=late,
                rule=chance.choice([RULE, OTHER_RULE]),
                title=chance.choice(["Secret created", "100% of numbers", "Allow_list opened"]),
                severity=chance.choice(Severity.values),
                state=chance.choice(Finding.State.values),
            )
        )
    for one in made[::2]:  # not at the same stage everywhere
        for part in one.parts.order_by("account__api_key"):
            state, severity = chance.choice(Finding.State.values), chance.choice(Severity.values)
            # What is unfinished has its rule's severity.
            kept = one.severity if state in Finding.UNFINISHED else severity
            FindingAccount.objects.filter(pk=part.pk).update(state=state, severity=kept)
    writing.settle(one.pk for one in made)
    return made


def expected(sight: Any, question: Question) -> set[int]:
    """The same by Django's own means, slowly."""
    found = set()
    for finding in Finding.objects.visible_to(sight.user):
        parts = [part for part in finding.parts.all() if part.account_id in sight.accounts]
        asked = [part for part in parts if question.accounts is None or part.account_id in question.accounts]
        if not asked:
            continue
        standing = standing_of(asked)
        leading = [part for part in asked if (part.state, part.severity) == (standing.state, standing.severity)]
        if not question.severities:
            leading = [part for part in asked if part.state == standing.state]
        at = min(part.found_at for part in leading) if question.accounts is not None else finding.found_at
        whose = not set(standing.assignees).isdisjoint(question.assignees) or (
            question.unassigned and not standing.assignees
        )
        if (
            asked
            and (not question.states or standing.state in question.states)
            and (not question.severities or standing.severity in question.severities)
            and (not question.rules or finding.rule in question.rules)
            and (not (question.assignees or question.unassigned) or whose)
            and (question.start is None or at >= question.start)
            and (question.end is None or at <= question.end)
        ):
            found.add(finding.pk)
    return found


QUESTIONS: list[dict[str, Any]] = [
    {},
    {"states": ()},
    {"states": ("resolved",)},
    {"severities": (Severity.HIGH, Severity.CRITICAL)},
    {"severities": (Severity.LOW,), "states": ()},
    {"rules": (RULE,)},
    {"rules": (RULE,), "severities": (Severity.HIGH,), "states": ()},
    {"rules": (RULE, OTHER_RULE), "severities": (Severity.HIGH, Severity.LOW)},
    {"rules": (RULE, OTHER_RULE), "unassigned": True},
    {"unassigned": True, "states": ()},
    {"states": (), "start": NOON + timedelta(minutes=5), "end": NOON + timedelta(minutes=25)},
    {"rules": (OTHER_RULE,), "states": (), "start": NOON + timedelta(minutes=5)},
]


@pytest.mark.parametrize("person", ["alice", "bob", "audrey"])
def test_pages_hold_each_finding_once_and_no_other(sight: SightOf, many: list[Finding], person: str) -> None:
    reader = sight(person)
    accounts = None if reader.sees_all else tuple(reader.accounts)

    for asked in QUESTIONS:
        question = Question(accounts=accounts, **asked)
        flat = list(itertools.chain.from_iterable(pages(reader, question, 7)))

        assert len(flat) == len(set(flat)), asked
        assert set(flat) == expected(reader, question), asked
        counted = reading.count(question)
        assert counted is None or (counted.number, counted.at_least) == (len(flat), False), asked


def test_pages_are_in_the_order_of_what_the_reader_may_know(sight: SightOf, many: list[Finding]) -> None:
    reader = sight("alice")
    question = Question(accounts=tuple(reader.accounts), states=())

    lines = [line for numbers in pages(reader, question, 9) for line in inbox.lines(reader, numbers)]

    leading = [[row for row in line.part.rows if row.state == line.standing.state] for line in lines]
    keys = [(min(row.found_at for row in its), line.pk) for line, its in zip(lines, leading, strict=True)]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("person", ["alice", "audrey"])
def test_most_severe_come_first_and_then_the_newest(sight: SightOf, many: list[Finding], person: str) -> None:
    reader = sight(person)
    accounts = None if reader.sees_all else tuple(reader.accounts)
    for asked in QUESTIONS:
        question = Question(accounts=accounts, worst_first=True, **asked)

        flat = list(itertools.chain.from_iterable(pages(reader, question, 4)))

        assert len(flat) == len(set(flat)), asked
        assert set(flat) == expected(reader, question), asked
        severities = [line.standing.severity for line in inbox.lines(reader, flat)]
        assert severities == sorted(severities, reverse=True), asked


def test_account_asked_for_by_who_sees_all(sight: SightOf, accounts: Accounts, many: list[Finding]) -> None:
    reader = sight("audrey")
    question = Question(accounts=(accounts["demo0002"].pk, accounts["demo0005"].pk), states=())

    flat = list(itertools.chain.from_iterable(pages(reader, question, 5)))

    assert sorted(flat) == sorted(expected(reader, question))


def test_assignee_is_found(sight: SightOf, many: list[Finding], cast: dict[str, Any]) -> None:
    set_parts([many[3], many[8]], assigned_to=cast["alice"])

    for person in ("audrey", "alice"):
        reader = sight(person)
        accounts = None if reader.sees_all else tuple(reader.accounts)
        question = Question(accounts=accounts, states=(), assignees=(cast["alice"].pk,))
        flat = list(itertools.chain.from_iterable(pages(reader, question, 5)))
        assert set(flat) == expected(reader, question)


def test_walk_has_an_end_and_goes_on_there(
    sight: SightOf, accounts: Accounts, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FIRST_WALKED", 6)
    monkeypatch.setattr(reading, "MOST_WALKED", 10)
    monkeypatch.setattr(reading, "LEAST_WALKED", 5)
    for number in range(40):
        key = ("demo0001", "demo0002")[number % 2]
        make_finding(accounts=[accounts[key]], found_at=NOON + timedelta(minutes=number))
    sought = sorted(Finding.objects.values_list("pk", flat=True))[0:22:21]
    set_parts(Finding.objects.exclude(pk__in=sought), assigned_to=cast["bob"])
    reader = sight("alice")
    question = Question(accounts=tuple(reader.accounts), states=(), unassigned=True)

    first = inbox.read_page(reader, question, 5)
    everything = list(itertools.chain.from_iterable(pages(reader, question, 5)))

    assert first.rows == []
    assert first.searched_back_to is not None
    assert everything == sought[::-1]
    assert reading.count(question) is None


def test_one_rule_is_counted_by_its_index(sight: SightOf, many: list[Finding]) -> None:
    for person in ("audrey", "alice"):
        reader = sight(person)
        accounts = None if reader.sees_all else tuple(reader.accounts)
        for states in ((), UNFINISHED):
            question = Question(accounts=accounts, states=states, rules=(RULE,))
            assert reading.count(question) == reading.Count(len(expected(reader, question)))


def test_many_rules_are_found_along_another_index(
    sight: SightOf, monkeypatch: pytest.MonkeyPatch, many: list[Finding]
) -> None:
    monkeypatch.setattr(reading, "MOST_STRETCHES_BY_RULE", 1)
    for person in ("audrey", "alice"):
        reader = sight(person)
        accounts = None if reader.sees_all else tuple(reader.accounts)
        for asked in ({}, {"states": ()}, {"severities": (Severity.HIGH, Severity.LOW)}, {"unassigned": True}):
            question = Question(accounts=accounts, rules=(RULE, OTHER_RULE), **asked)
            assert set(itertools.chain.from_iterable(pages(reader, question, 7))) == expected(reader, question)


def test_many_accounts_are_narrowed_to_those_whose_newest_can_be_on_the_page(
    sight: SightOf, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, many: list[Finding]
) -> None:
    reader = sight("alice")
    question = Question(accounts=tuple(reader.accounts), states=())
    usual = pages(reader, question, 3)
    monkeypatch.setattr(reading, "MOST_BRANCHES", 1)
    monkeypatch.setattr(reading, "MOST_TOGETHER", 1)

    assert pages(reader, question, 3) == usual


def test_count_ends_at_a_thousand(sight: SightOf, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_COUNTED", 4)
    for number in range(6):
        make_finding(accounts=[accounts["demo0001"]], found_at=NOON + timedelta(minutes=number))
    reader = sight("alice")

    counted = reading.count(Question(accounts=tuple(reader.accounts)))
    assert counted
    assert (counted.number, counted.at_least) == (4, True)


def test_no_accounts_no_findings(sight: SightOf, many: list[Finding]) -> None:
    assert pages(sight("alice"), Question(accounts=()), 5) == [[]]
    assert reading.count(Question(accounts=())) == reading.Count(0)


def test_contradiction_matches_nothing(sight: SightOf, many: list[Finding]) -> None:
    assert pages(sight("audrey"), Question(nothing=True), 5) == [[]]


def test_cursor_that_no_page_gave_out_is_refused(sight: SightOf, many: list[Finding]) -> None:
    page, error = inbox.read_page_at({"before": "x"}, sight("alice"), Question(), 5)

    assert page.rows == []
    assert "marker" in error


def test_instants_are_read_as_they_are(sight: SightOf, accounts: Accounts) -> None:
    at: datetime = NOON + timedelta(microseconds=1)
    finding = make_finding(accounts=[accounts["demo0001"]], found_at=at)
    reader = sight("audrey")

    assert pages(reader, Question(start=at, end=at), 5) == [[finding.pk]]
    assert pages(reader, Question(start=at + timedelta(microseconds=1)), 5) == [[]]
