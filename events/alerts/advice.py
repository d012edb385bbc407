"""What a rule tells people about its findings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from events.detection.sigma.rule import Advice, Rule


def rule_of(uid: str) -> Rule | None:
    """The rule of a finding; None where it is gone, or cannot be read any more."""
    try:
        found: Rule | None = import_module("events.detection.ruleset").current_rules().get(uid)
    except ImportError:
        return None
    return found


def advice_of(uid: str, language: str) -> Advice | None:
    """What it says in a language."""
    rule = rule_of(uid)
    return rule.advice_in(language) if rule else None


def rules_in_words(language: str) -> list[tuple[str, str]]:
    """The rules that are in force, by id and title, in the order of their titles."""
    try:
        rules: dict[str, Rule] = import_module("events.detection.ruleset").current_rules().rules
    except ImportError:
        return []
    return sorted(((uid, rule.advice_in(language).title) for uid, rule in rules.items()), key=lambda pair: pair[1])
