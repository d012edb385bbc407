"""Open findings follow the level of their rule; what is settled keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.detection.evaluation import jobs as detection_jobs  # noqa: F401 - declares jobs
from events.detection.evaluation import levels
from events.detection.evaluation.follow import follow
from events.detection.evaluation.levels import apply_levels
from events.detection.findings import triage, writing
from events.detection.rules import own_rules, ruleset
from events.detection.rules.ruleset import current_rules
from events.models import BackgroundJob, Finding, FindingAccount, FindingChange, OwnRule
from events.operations import jobs
from tests.detection.archives import add, detection
from tests.detection.conftest import SightOf
from tests.tools.findings import version_of

pytestmark = pytest.mark.django_db
MEDIUM = detection("secrets", "event_type: ACCOUNT_SECRET_CREATE", "merge: 1h")
HIGH = MEDIUM.replace("level: medium", "level: high")


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "_applied", None)


def secret(number: int, at: str) -> dict[str, Any]:
    return {"id": f"s{number}", "event_type": "ACCOUNT_SECRET_CREATE", "created_at": at, "user_email": "a@example.com"}


@pytest.fixture
def rule(cast: dict[str, Any], account: NexmoAccount) -> OwnRule:
    """A rule of medium level that has found three things: one open, one acknowledged, one resolved."""
    own = own_rules.save(MEDIUM, cast["admin"], enable=True)
    add(account, [secret(day, f"2026-01-0{day}T10:00:00") for day in (1, 2, 3)])
    follow(rules=[current_rules().all[own.uid]])
    apply_levels(current_rules())
    for finding, state in zip(Finding.objects.order_by("pk"), ("open", "acknowledged", "resolved"), strict=True):
        writing.update(finding, state=state)
    return own


def severities(model: type[Any]) -> list[int]:
    return list(model.objects.order_by("pk").values_list("severity", flat=True))


def lines() -> list[tuple[int, str]]:
    rows = FindingChange.objects.filter(action="levelled").order_by("pk")
    return [(change.finding_id, change.details) for change in rows]


def raised() -> list[str]:
    """The rules whose findings are to be told."""
    return [job.subject for job in BackgroundJob.objects.filter(kind=levels.RAISED)]


def test_open_findings_and_their_parts_follow_a_rule_that_is_saved_with_another_level(
    rule: OwnRule, account: NexmoAccount, cast: dict[str, Any]
) -> None:
    own_rules.save(HIGH, cast["admin"], own=rule)
    jobs.enqueue("detect")
    assert jobs.run_next()

    assert severities(Finding) == severities(FindingAccount) == [3, 3, 2]
    first, second, _ = Finding.objects.order_by("pk")
    assert lines() == [(first.pk, "2>3"), (second.pk, "2>3")]
    assert raised() == [rule.uid]
    assert first.routed_at is None or first.extended_at is None, "to routing it is as it was"

    assert apply_levels(current_rules()) == set()
    assert len(lines()) == 2


def test_lower_level_is_told_to_nobody(rule: OwnRule, cast: dict[str, Any]) -> None:
    own_rules.save(MEDIUM.replace("medium", "low"), cast["admin"], own=rule)
    apply_levels(current_rules())
    assert severities(Finding) == [1, 1, 2]
    assert raised() == []


def test_upgraded_catalogue_counts_in_the_next_process(
    rule: OwnRule, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = ruleset.shipped()[0][0]
    Finding.objects.update(rule=shipped.uid, severity=0)
    monkeypatch.setattr(levels, "_applied", None)  # it begins

    assert apply_levels(current_rules()) == {account.pk}

    assert severities(Finding) == [shipped.severity, shipped.severity, 0]


def test_many_are_changed_in_parts_and_a_killed_process_is_followed_by_another(
    rule: OwnRule, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    own_rules.save(HIGH, cast["admin"], own=rule)
    monkeypatch.setattr(writing, "CHUNK", 1)
    done: list[int] = []
    set_level = writing.set_level

    def once(findings: Any, severity: int, at: datetime) -> None:
        if done:
            raise SystemExit
        done.append(1)
        set_level(findings, severity, at)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "set_level", once)
        with pytest.raises(SystemExit):
            apply_levels(current_rules())
    assert severities(Finding) == severities(FindingAccount) == [3, 2, 2]

    apply_levels(current_rules())
    assert severities(Finding) == severities(FindingAccount) == [3, 3, 2]
    assert len(lines()) == 2


def test_settled_finding_gets_the_level_when_it_comes_up_again(
    rule: OwnRule, account: NexmoAccount, cast: dict[str, Any], sight: SightOf
) -> None:
    own_rules.save(HIGH, cast["admin"], own=rule)
    settled = Finding.objects.get(state="resolved")
    add(account, [secret(9, "2026-01-03T10:20:00")])
    follow(rules=[current_rules().all[rule.uid]])

    settled.refresh_from_db()
    assert (settled.state, settled.severity, settled.parts.get().severity) == ("open", 3, 3)
    assert lines() == [(settled.pk, "2>3")]

    writing.update(settled, state="resolved", severity=1)
    deed = triage.Deed(FindingChange.Action.REOPENED)
    triage.act(sight("admin"), deed, {settled.pk: version_of(settled)})
    settled.refresh_from_db()
    assert (settled.state, settled.severity, settled.parts.get().severity) == ("open", 3, 3)


def test_history_says_so_in_words(rule: OwnRule, login: Callable[[str], Client]) -> None:
    finding = Finding.objects.get(state="open")
    writing.set_level([finding], 4, datetime(2026, 1, 5, tzinfo=UTC))

    page = login("alice").get(finding.get_absolute_url()).content.decode()

    assert "<b>Severity changed with the rule</b>" in page
    assert "Medium → Critical" in page
