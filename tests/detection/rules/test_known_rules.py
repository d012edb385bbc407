"""Rules by a piece of their titles."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.utils import translation

from accounts.models import NexmoAccount
from events.detection.rules import known_rules
from events.detection.rules.ruleset import current_rules
from events.models import Finding
from tests.tools.findings import OTHER_RULE, RULE, make_finding

pytestmark = pytest.mark.django_db


def test_rule_is_found_by_its_title_in_the_readers_language_and_in_english() -> None:
    uid, rule = next(
        (uid, rule)
        for uid, rule in current_rules().all.items()
        if rule.advice_in("es").title != rule.advice_in("en").title
    )

    assert uid in known_rules.called(rule.advice_in("en").title.upper())
    assert uid not in known_rules.called(rule.advice_in("es").title)
    with translation.override("es"):
        assert uid in known_rules.called(rule.advice_in("es").title.upper())
        assert uid in known_rules.called(rule.advice_in("en").title)


def test_rules_that_are_gone_or_renamed_are_found_by_what_they_were_called(account: NexmoAccount) -> None:
    renamed = next(iter(current_rules().all))
    make_finding(accounts=[account], rule=renamed, title="What it was called")
    make_finding(accounts=[account], rule=RULE, title="100% of a rule")
    make_finding(accounts=[account], rule=RULE, title="Another title of it", state=Finding.State.RESOLVED)
    make_finding(accounts=[account], rule=OTHER_RULE, title="Of a_rule")

    assert known_rules.called("it was CALLED") == (renamed,)
    assert known_rules.called("0% of") == known_rules.called("another title of it") == (RULE,)
    assert known_rules.called("a_r") == (OTHER_RULE,)
    assert known_rules.called("a%r") == ()


def test_titles_of_findings_are_read_once_a_while(account: NexmoAccount) -> None:
    assert known_rules.called("later") == ()
    make_finding(accounts=[account], title="It comes later")

    assert known_rules.called("later") == ()
    caches["local"].clear()
    assert known_rules.called("later") == (RULE,)
