"""Rules that people write: read before they are saved, never overwritten, and each change with who made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from events.detection.rules import own_rules, ruleset
from events.models import OwnRule, RuleSwitch
from tests.tools.rules import ONE, TWO, rule_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(cast: dict[str, Any]) -> Any:
    return cast["admin"]


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """A folder with one rule."""
    (tmp_path / "calls.yml").write_text(rule_text(TWO, "Calls"))
    settings.DETECTION_RULES = tmp_path
    return tmp_path


def refusal(text: str, own: OwnRule | None = None) -> tuple[int, str]:
    """Line and words of the one reason why a text cannot be saved."""
    with pytest.raises(own_rules.Refused) as caught:
        own_rules.read(text, own)
    (problem,) = own_rules.told(caught.value.problems)
    return problem.line, problem.message


# --- who ------------------------------------------------------------------------------------------------------------


def test_only_who_sees_all_accounts_and_has_the_permission_writes_rules(cast: dict[str, Any]) -> None:
    permission = Permission.objects.get(codename="change_ownrule")
    assert own_rules.may_write(cast["admin"])
    for person in ("alice", "bob", "charlie", "audrey"):
        assert not own_rules.may_write(cast[person])
    for person in ("alice", "audrey"):
        cast[person].user_permissions.add(permission)
        cast[person] = type(cast[person]).objects.get(pk=cast[person].pk)  # permissions are remembered

    assert not own_rules.may_write(cast["alice"])  # would be shown what is in accounts of others
    assert own_rules.may_write(cast["audrey"])


# --- what is refused ------------------------------------------------------------------------------------------------


def test_rule_with_the_id_of_another_own_one_is_refused_at_its_line(admin: Any) -> None:
    own_rules.save(rule_text(title="First"), admin)

    line, message = refusal(rule_text(title="Second"))

    assert line == 2
    assert "“First” has this id already" in message


def test_rule_with_the_id_of_one_that_is_evaluated_already_is_refused(folder: Path) -> None:
    line, message = refusal(rule_text(TWO.upper(), "Other"))

    assert line == 2
    assert "“Calls” has this id already" in message


def test_id_of_a_rule_stays(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin)

    line, message = refusal(rule_text(TWO), own)

    assert line == 2
    assert f"It is `{ONE}`" in message


def test_second_rule_in_one_text_is_refused_where_it_begins(admin: Any) -> None:
    text = rule_text() + "---\n" + rule_text(TWO)

    line, message = refusal(text)

    assert text.split("\n")[line - 1] == f"id: {TWO}"
    assert "second rule" in message


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("event_type: NUMBER_ASSIGN", "event_typ: NUMBER_ASSIGN", 10),
        ("event_type: NUMBER_ASSIGN", r"user_email|re: '(?=x)y'", 10),
        ("condition: selection", "condition: selektion", 11),
        ("level: medium", "level: urgent", 12),
        ("title: Numbers bought", "title: &a [*a, *a]", 1),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_line_and_nothing_is_saved(
    admin: Any, old: str, new: str, line: int
) -> None:
    with pytest.raises(own_rules.Refused) as caught:
        own_rules.save(rule_text().replace(old, new), admin)

    assert [problem.line for problem in caught.value.problems][:1] == [line]
    assert not OwnRule.objects.exists()


# --- versions -------------------------------------------------------------------------------------------------------


def test_each_change_is_a_version_with_who_made_it(admin: Any, cast: dict[str, Any]) -> None:
    own = own_rules.save(rule_text(), admin)
    own = own_rules.save(rule_text(level="high"), cast["audrey"], own=own, seen=1)
    own_rules.switch_own(own, admin, on=True)

    changes = own_rules.history(OwnRule.objects.get(), 10)

    assert [
        (each.version.version, each.version.changed_by.username, each.is_new, each.text, each.switched)
        for each in changes
    ] == [(3, "admin", False, False, True), (2, "audrey", False, True, False), (1, "admin", True, True, True)]
    assert [each.version.text == rule_text() for each in changes] == [False, False, True]


def test_oldest_version_of_a_long_history_is_compared_with_the_one_before(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin)
    own = own_rules.save(rule_text(level="high"), admin, own=own)
    own_rules.switch_own(own, admin, on=True)

    oldest = own_rules.history(OwnRule.objects.get(), 2)[-1]

    assert (oldest.version.version, oldest.is_new, oldest.text, oldest.switched) == (2, False, True, False)


def test_saving_or_switching_twice_is_once(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin, enable=True)
    own_rules.save(rule_text(), admin, own=own)
    own_rules.switch_own(own, admin, on=True)

    assert OwnRule.objects.get().version == 1


def test_text_made_from_an_earlier_version_replaces_nobodys_work(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin)
    own_rules.save(rule_text(level="high"), admin, own=own, seen=1)

    with pytest.raises(own_rules.ChangedMeanwhile) as caught:
        own_rules.save(rule_text(level="low"), admin, own=own, seen=1)

    assert caught.value.rule.version == 2
    assert "level: high" in OwnRule.objects.get().text


def test_saving_without_a_word_on_it_leaves_a_rule_on(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin, enable=True)

    assert own_rules.save(rule_text(level="high"), admin, own=own).is_enabled


def test_rule_that_cannot_be_read_any_more_is_not_switched_on(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin)
    OwnRule.objects.update(text="nothing: known")

    with pytest.raises(own_rules.Refused):
        own_rules.switch_own(OwnRule.objects.get(), admin, on=True)

    own.refresh_from_db()
    assert not own.is_enabled


# --- on and off -----------------------------------------------------------------------------------------------------


def test_own_rule_is_evaluated_while_it_is_on(admin: Any) -> None:
    own = own_rules.save(rule_text(), admin)
    assert not ruleset.current_rules().is_on(ONE)
    own_rules.switch_own(own, admin, on=True)
    assert ruleset.current_rules().is_on(ONE)
    own_rules.switch_own(own, admin, on=False)
    assert not ruleset.current_rules().is_on(ONE)


def test_rule_of_the_folder_is_switched_off_and_on_again_and_the_log_says_by_whom(admin: Any, folder: Path) -> None:
    assert ruleset.current_rules().is_on(TWO)
    own_rules.switch(TWO, "Calls", admin, on=True)  # as it was
    own_rules.switch(TWO, "Calls", admin, on=False)
    assert not ruleset.current_rules().is_on(TWO)
    assert ruleset.current_rules().get(TWO)
    own_rules.switch(TWO, "Calls", admin, on=True)
    assert ruleset.current_rules().is_on(TWO)

    assert RuleSwitch.objects.get().changed_by == admin
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        "Switched off: Calls",
        "Switched on: Calls",
    ]


# --- beginning with another rule --------------------------------------------------------------------------------------


def test_example_can_be_saved_as_it_stands(admin: Any) -> None:
    assert own_rules.read(own_rules.example()).level == "high"
    assert own_rules.read(own_rules.example()).uid != own_rules.read(own_rules.example()).uid


def test_copy_has_other_ids_everywhere_and_says_what_it_is() -> None:
    text = f"""\
title: Base
name: base
id: {TWO}
---
title: 'It''s many'
id: {ONE}
correlation:
    rules: [{TWO}]
"""
    copy = own_rules.as_copy(text, "It's many")

    assert ONE not in copy
    assert TWO not in copy
    assert "title: 'Copy of It''s many'\n" in copy
    assert "title: Base\n" in copy
    (base,) = [line[4:] for line in copy.split("\n")[:3] if line.startswith("id: ")]
    assert f"rules: [{base}]" in copy


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_comparison_shows_changes_with_lines_around_them_and_leaves_the_rest_out() -> None:
    before = "\n".join("abcdefghijklmnopqrst")
    after = before.replace("j", "J\nK")

    assert [(line.kind, line.number, line.text) for line in own_rules.comparison(before, after, context=1)] == [
        ("gap", 0, ""),
        ("same", 9, "i"),
        ("removed", 10, "j"),
        ("added", 10, "J"),
        ("added", 11, "K"),
        ("same", 12, "k"),
    ]
    assert own_rules.comparison(before, before) == []
