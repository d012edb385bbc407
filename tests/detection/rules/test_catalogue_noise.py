"""What the rules that ship make of two years of the sandbox: the takeover, and next to nothing else."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, timedelta

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.detection.evaluation.follow import follow
from events.detection.rules.catalogue_page import NOISE
from events.detection.rules.ruleset import shipped
from events.models import Finding, FindingEvent
from events.nexmo.parse import parse_event
from events.sandbox.world import HISTORY_DAYS, World
from events.storage import search_index
from tests.conftest import NOON
from tests.tools.skips import ON_POSTGRES

WORLD = 1


@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason=ON_POSTGRES)
def test_five_quiet_accounts_make_next_to_no_findings_in_two_years_and_the_takeover_many(cast: None) -> None:
    world = World(accounts=5, events=20_000, seed=WORLD, start=(NOON - timedelta(days=HISTORY_DAYS)).date())
    world.advance(NOON)
    with connection.cursor() as cursor:  # no rule searches, and to index texts takes longer than all the rest
        cursor.execute(f"DROP TRIGGER {search_index.INDEX}_add")
    for key, account in world.accounts.items():
        events = [parse_event(json.dumps(event), UTC) for event in account.events()]
        add_events(NexmoAccount.objects.get(api_key=key), events, run=None, fetched_at=NOON)
    takeover = world.takeover
    assert takeover is not None

    assert not follow(rules=shipped()[0]).problems

    origins = {rule.uid: rule.origin.removesuffix(".yml") for rule in shipped()[0]}
    attack, cleanup = set(takeover.event_ids), set(takeover.cleanup_ids)
    noise: Counter[str] = Counter()
    told: set[str] = set()
    for finding in Finding.objects.exclude(state=Finding.State.WITHDRAWN):
        events_of = set(FindingEvent.objects.filter(finding=finding).values_list("nexmo_id", flat=True))
        if events_of & attack:
            told.add(origins[finding.rule])
        elif not events_of & cleanup:
            noise[origins[finding.rule]] += 1
    assert noise == {name: counts[WORLD] for name, counts in NOISE.items() if WORLD in counts}
    assert noise.total() < 5
    assert told >= {
        "leaked_key_takeover",
        "new_country_access_and_money",
        "new_country_secret",
        "allow_list_open_to_all",
        "autoreload_amount_raised",
        "numbers_bought_in_burst",
        "number_in_new_country",
        "secret_and_autoreload",
    }
