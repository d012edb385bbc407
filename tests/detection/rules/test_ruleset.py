"""Which rules there are: shipped, from a folder, and people's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from events.detection.rules.ruleset import current_rules, read
from events.models import OwnRule, RuleSwitch
from tests.detection.archives import LOGIN, SECRET, detection

pytestmark = pytest.mark.django_db

SHIPPED = "bc7eccd2-ce3c-45da-b0ce-b50c0999768c"


def own(text: str, **values: Any) -> OwnRule:
    (rule,) = read(text, "own")[0]
    given: dict[str, Any] = {"uid": rule.uid, "title": rule.title, "text": text, "is_enabled": True}
    created: OwnRule = OwnRule.objects.create(**(given | {"changed_at": timezone.now()} | values))
    return created


def test_what_ships_is_on_and_can_be_read() -> None:
    rules = current_rules()
    assert len(rules.rules) >= 25
    assert rules.problems == []
    assert rules.origin_of(SHIPPED) == "shipped"
    assert rules.is_on(SHIPPED)
    assert current_rules() is rules, "nothing changed"


def test_rule_that_is_switched_off_is_still_known() -> None:
    switch = RuleSwitch.objects.create(uid=SHIPPED, is_enabled=False, changed_at=timezone.now())
    assert not current_rules().is_on(SHIPPED)
    assert current_rules().get(SHIPPED.upper()) is not None

    switch.is_enabled = True
    switch.save()

    assert current_rules().is_on(SHIPPED)


def test_folder_is_read_again_when_a_file_changes(tmp_path: Path, settings: Any) -> None:
    settings.DETECTION_RULES = tmp_path
    (tmp_path / "login.yml").write_text(LOGIN)
    (tmp_path / "notes.txt").write_text("not a rule")
    (login,) = read(LOGIN, "")[0]
    assert current_rules().origin_of(login.uid) == "folder"
    assert current_rules().named("LOGIN.yml") == [current_rules().get(login.uid)]

    (tmp_path / "login.yml").write_text(LOGIN.replace("medium", "critical"))
    (tmp_path / "broken.yaml").write_text("title: [")

    found = current_rules().get(login.uid)
    assert found is not None
    assert found.level == "critical"
    assert [problem.origin for problem in current_rules().problems] == ["broken.yaml"]


def test_files_that_cannot_be_read_are_told(tmp_path: Path, settings: Any) -> None:
    settings.DETECTION_RULES = tmp_path
    (tmp_path / "latin.yml").write_bytes("título: x".encode("latin-1"))
    assert str(current_rules().problems[0]) == "latin.yml, line 1: The file cannot be read: UnicodeDecodeError."

    settings.DETECTION_RULES = tmp_path / "gone"
    assert "The folder cannot be read" in str(current_rules().problems[0])
    assert current_rules().is_on(SHIPPED)


def test_own_rule_counts_while_it_is_enabled() -> None:
    rule = own(LOGIN)
    off = own(SECRET, is_enabled=False)
    assert current_rules().is_on(rule.uid)
    assert current_rules().origin_of(rule.uid) == "own"
    assert not current_rules().is_on(off.uid)
    assert current_rules().get(off.uid) is not None

    rule.text, rule.version = LOGIN.replace("medium", "low"), 2
    rule.save()

    found = current_rules().get(rule.uid)
    assert found is not None
    assert found.level == "low"


def test_id_that_is_taken_is_a_problem_and_the_first_one_counts(tmp_path: Path, settings: Any) -> None:
    settings.DETECTION_RULES = tmp_path
    (tmp_path / "login.yml").write_text(LOGIN)
    rule = own(LOGIN)
    (problem,) = current_rules().problems
    assert str(problem) == f"login, line 1: The id {rule.uid} is already used by “login” (login.yml)."
    assert current_rules().origin_of(rule.uid) == "folder"


def test_fault_of_the_reader_is_one_rules_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RecursionError

    own(detection("one", "source: CD"))
    monkeypatch.setattr("events.detection.rules.ruleset.read_rules", fail)
    assert "It cannot be read (RecursionError)." in [problem.message for problem in current_rules().problems]
    assert current_rules().is_on(SHIPPED)
