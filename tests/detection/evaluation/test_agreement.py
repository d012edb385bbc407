"""What arrives is evaluated, the archive is hunted through, and a hunt is replayed: all find exactly the same."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.detection.evaluation import custom, hours
from events.detection.evaluation import follow as following
from events.detection.evaluation import replay as replaying
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting
from events.detection.evaluation.replay import Scope, replay
from events.models import Finding, FindingChange
from tests.detection.archives import START, add, random_event, random_rules, stored, told
from tests.tools.findings import delete

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", range(40))
def test_order_of_arrival_changes_nothing_and_hunt_and_replay_agree(
    seed: int, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(following, "BATCH", chance.choice((1, 3, 10, 1000)))
    monkeypatch.setattr(hours, "LEAST_KNOWN", 3)
    monkeypatch.setattr(custom, "FEW", chance.choice((0, 100)))
    monkeypatch.setattr(custom, "MOST_STEPS", chance.choice((1, 5)))
    rules = random_rules(chance)
    accounts = list(NexmoAccount.objects.order_by("api_key")[:3])
    events = [random_event(chance, number) for number in range(chance.choice((20, 60)))]
    while events:
        size = chance.choice((1, 4, 20))
        add(chance.choice(accounts), events[:size])
        events = events[size:]
        if chance.random() < 0.7:
            follow(rules=rules)
    follow(rules=rules)

    for rule in rules:
        found = told(Hunting(rule).run())
        assert stored(rule) == found, rule.text
        before = (Finding.objects.count(), FindingChange.objects.count())
        monkeypatch.setattr(replaying, "follow", lambda tick: None)
        again, done = replay(rule)
        assert told(again) == found
        assert (done.made, done.extended, done.withdrawn) == (0, 0, 0)
        assert (Finding.objects.count(), FindingChange.objects.count()) == before
        delete(Finding.objects.filter(rule=rule.uid))
        monkeypatch.setattr(replaying, "BATCH", chance.choice((1, 3, 500)))
        scope = random_scope(chance, accounts)
        touching = [one for one in again if any(scope.holds(fact.account_id, fact.at) for fact, _ in one.events)]
        assert told(replay(rule, scope=scope)[0]) == told(touching)
        assert stored(rule) == told(touching)
        assert replay(rule)[1].made == len(found) - len(touching)
        assert stored(rule) == found


def random_scope(chance: Random, accounts: list[NexmoAccount]) -> Scope:
    """A period of the archive, or some accounts, or both."""
    since = START + timedelta(hours=chance.randrange(72))
    return Scope(
        chance.choice((None, frozenset(account.pk for account in accounts[: chance.choice((1, 2))]))),
        chance.choice((None, since)),
        chance.choice((None, since + timedelta(minutes=chance.choice((0, 30, 600))))),
    )
