"""What the rules of findings are called and what they advise, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import get_language

from events.detection.rules.ruleset import current_rules
from events.reading.finding_titles import found_in, titles_found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.detection.rules.ruleset import RuleSet
    from events.detection.sigma.rule import Advice, Rule


def rule_of(uid: str) -> Rule | None:
    """The rule that a finding is of, as it is now; None where there is none any more."""
    return current_rules().get(uid)


def advice_of(rule: Rule | None) -> Advice | None:
    """What a rule tells people."""
    return rule.advice_in(get_language() or "en") if rule else None


def steps_of(rule: Rule | None) -> dict[str, str]:
    """What the steps of a correlation are called, by the names that findings keep of them."""
    steps = rule.steps_in(get_language() or "en") if rule else {}
    return {name[:100]: title for name, title in steps.items()}


def titles(rules: RuleSet | None = None, *, only_on: bool = False) -> dict[str, str]:
    """All rules that can be read, or those that are on, by id, in the order of their titles."""
    language, rules = get_language() or "en", rules or current_rules()
    chosen = rules.rules if only_on else rules.all
    known = {uid: rule.advice_in(language).title for uid, rule in chosen.items()}
    return dict(sorted(known.items(), key=lambda pair: pair[1].casefold()))


def told_to(accounts: Iterable[int] | None, uids: Iterable[str], rules: RuleSet | None = None) -> set[str]:
    """Those of these rules whose titles and explanations somebody may read.

    What ships is for everybody. A rule that people wrote may name addresses and people of any account, so it is for
    those who see all, and for those in whose accounts it has found something: they read it there anyway.

    Args:
        accounts: keys of those that the reader may see; None: all.
        rules: the rules that there are now, where they are at hand.
    """
    asked = set(uids)
    if accounts is None:
        return asked
    known = rules or current_rules()
    shipped = {uid for uid in asked if known.origin_of(uid) == "shipped"}
    return shipped | found_in(sorted(accounts), sorted(asked - shipped))


def called(text: str) -> tuple[str, ...]:
    """The rules with a piece of text in a title, in any case of letters.

    A rule has the title that the reader is told, that in English, and those that it had when it found something.
    """
    wanted = text.casefold()
    known = {uid: {rule.advice_in("en").title} for uid, rule in current_rules().all.items()}
    for uid, title in titles().items():
        known[uid].add(title)
    for uid, its in titles_found().items():
        known.setdefault(uid, set()).update(its)
    return tuple(uid for uid, its in known.items() if any(wanted in title.casefold() for title in its))
