"""The first event of each user from each country: kept with every event that comes and goes, in whatever order."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import NexmoAccount
from events.archive import retention, verify
from events.archive.add import add_events
from events.models import AuditEvent, FirstSeen
from events.nexmo.parse import Event, parse_event
from tests.conftest import NOON, event_json

Add = Callable[..., AuditEvent]
ANN = "ann@example.com"


def parsed(number: int, minutes: int, user: str = ANN, country: str = "GB") -> Event:
    created_at = (NOON + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
    event = event_json(number, created_at=created_at, user_email=user, source_country=country)
    return parse_event(json.dumps(event), UTC)


def add(account: NexmoAccount, *events: Event) -> None:
    add_events(account, events, run=None, fetched_at=NOON + timedelta(days=1))


def noted() -> dict[tuple[int, str, str], tuple[datetime, int]]:
    rows = FirstSeen.objects.values_list("account", "user_email", "source_country", "created_at", "event")
    return {(account, user, country): (at, event) for account, user, country, at, event in rows}


def real() -> dict[tuple[int, str, str], tuple[datetime, int]]:
    found: dict[tuple[int, str, str], tuple[datetime, int]] = {}
    for event in AuditEvent.objects.order_by("created_at", "id"):
        if event.user_email and event.source_country:
            who = event.account_id, event.user_email, event.source_country
            found.setdefault(who, (event.created_at, event.pk))
    return found


def the_first() -> str:
    """The end of the id of the one event that is noted."""
    return str(FirstSeen.objects.get().event.event_id[-2:])


@pytest.fixture
def mixed(cast: dict[str, Any]) -> list[NexmoAccount]:
    """200 events of two accounts in batches of ten, in no order, many of one time, some without user or country."""
    dice = random.Random(3)
    accounts = list(NexmoAccount.objects.order_by("api_key")[:2])
    for batch in range(20):
        events = [
            parsed(
                10 * batch + each, dice.randrange(30), dice.choice((ANN, "b@x.com", "")), dice.choice(("GB", "ES", ""))
            )
            for each in range(10)
        ]
        add(accounts[batch % 2], *events)
    return accounts


def test_first_events_are_noted_whatever_the_order_they_arrive_in(mixed: list[NexmoAccount]) -> None:
    assert noted() == real()
    assert len(noted()) == 8
    assert [verify.verify_account(account).problem for account in mixed] == ["", ""]


def test_older_event_that_comes_late_is_the_first_then(account: NexmoAccount) -> None:
    add(account, parsed(1, 10))
    add(account, parsed(2, 20))
    assert the_first() == "01"
    add(account, parsed(3, 5), parsed(4, 4), parsed(5, 6))
    assert the_first() == "04"


def test_of_events_of_one_time_the_one_archived_first_is_the_first(account: NexmoAccount) -> None:
    add(account, parsed(7, 0), parsed(3, 0))
    add(account, parsed(1, 0))
    assert the_first() == "07"


def test_fractions_of_a_second_count(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, created_at="2026-03-15T12:00:00.5")
    add_event(account, 2, created_at="2026-03-15T12:00:00")
    add_event(account, 3, created_at="2026-03-15T12:00:00.25")
    assert the_first() == "02"


def test_event_seen_again_changes_nothing(mixed: list[NexmoAccount]) -> None:
    before = noted()
    for account in mixed:
        for event in AuditEvent.objects.filter(account=account):
            add(account, parse_event(event.raw, UTC))
    assert noted() == before


def test_events_created_by_hand_are_noted(account: NexmoAccount) -> None:
    def made(number: int, minutes: int) -> AuditEvent:
        at = NOON + timedelta(minutes=minutes)
        return AuditEvent(
            account=account, event_id=f"0{number}", created_at=at, user_email=ANN, source_country="GB", raw="{}"
        )

    made(1, 30).save()
    assert the_first() == "01"
    AuditEvent.objects.bulk_create([made(2, 20), made(3, 10), made(4, 15)])
    assert the_first() == "03"


def test_when_the_first_is_removed_the_next_is_the_first(account: NexmoAccount, mixed: list[NexmoAccount]) -> None:
    add(account, parsed(900, 1, "gone@x.com"), parsed(901, 2, ANN, "FR"), parsed(902, 60 * 24 * 3, ANN, "FR"))
    account.keep_days = 1
    account.save()
    untouched = {who: first for who, first in noted().items() if who[0] != account.pk}
    found = retention.plan(account, NOON + timedelta(days=1, minutes=20))

    assert found and retention.apply(found)
    assert noted() == real()
    assert (account.pk, "gone@x.com", "GB") not in noted()
    assert noted()[account.pk, ANN, "FR"][0] == NOON + timedelta(days=3)
    assert untouched.items() <= noted().items()
    assert verify.verify_account(account).problem == ""


def test_migration_notes_what_arriving_events_would_have(mixed: list[NexmoAccount]) -> None:
    before = noted()
    FirstSeen.objects.all().delete()
    import_module("events.migrations.0006_first_seen").fill(apps, SimpleNamespace(connection=connection))
    assert noted() == before
