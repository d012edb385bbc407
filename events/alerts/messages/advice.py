"""What a rule tells people about its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.detection.rules.ruleset import current_rules

if TYPE_CHECKING:
    from events.detection.sigma.rule import Advice


def advice_of(uid: str, language: str) -> Advice | None:
    """What a rule says in a language; None where it is gone, or cannot be read any more."""
    rule = current_rules().get(uid)
    return rule.advice_in(language) if rule else None


def dashboard_of(uid: str) -> str:
    """Where in Nexmo's dashboard its findings are dealt with; "" where nowhere."""
    rule = current_rules().get(uid)
    return rule.dashboard if rule else ""


def rules_in_words(language: str) -> list[tuple[str, str]]:
    """The rules that are in force, by id and title, in the order of their titles."""
    rules = current_rules().rules.items()
    return sorted(((uid, rule.advice_in(language).title) for uid, rule in rules), key=lambda pair: pair[1].casefold())
