"""How many Python functions it takes to evaluate an ordinary event with all rules that ship.

Like the pages' (`tests/views/test_costs.py`): a rule, or a condition, that costs every event something shows here, in
its own commit. `docs/benchmarks.md` has the times.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, timedelta
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.detection.evaluation.follow import follow
from events.detection.rules.ruleset import shipped
from events.models import Finding
from events.nexmo.parse import parse_event
from events.sandbox.world import HISTORY_DAYS, World
from tests.conftest import NOON
from tests.tools.calls import python_calls
from tests.tools.services import only_sqlite

BEFORE, BATCH = 1_000, 1_000  # events known, and then evaluated together
CALLS = 165.9  # for each event


@only_sqlite  # the adapters of databases call different functions
@pytest.mark.django_db
def test_event_in_order_takes_its_calls(cast: dict[str, Any]) -> None:
    world = World(accounts=2, events=6_000, seed=1, start=(NOON - timedelta(days=HISTORY_DAYS)).date())
    world.advance(NOON)
    events = sorted(world.accounts["demo0002"].events(), key=lambda event: str(event["created_at"]))
    parsed = [parse_event(json.dumps(event), UTC) for event in events[: BEFORE + BATCH]]
    assert len(parsed) == BEFORE + BATCH
    account = NexmoAccount.objects.get(api_key="demo0002")
    rules, _problems = shipped()
    add_events(account, parsed[:BEFORE], run=None, fetched_at=NOON)
    assert follow(rules=rules).events == BEFORE
    add_events(account, parsed[BEFORE:], run=None, fetched_at=NOON)
    done = []

    taken = python_calls(lambda: done.append(follow(rules=rules))) / BATCH

    assert done[0].events == BATCH and not done[0].problems
    assert Finding.objects.count() < 5  # they are ordinary
    assert taken <= CALLS * 1.02
    if sys.version_info < (3, 12):  # later ones call no function for a comprehension
        assert taken >= CALLS * 0.95
