"""Conditions on the past, in whatever order events arrive: what is found is what the whole archive says, event by
event."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.detection.evaluation import custom, hours
from events.detection.evaluation import follow as following
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting
from events.detection.sigma.rule import Rule
from events.models import AuditEvent, FindingEvent
from tests.detection.archives import START, add, detection, rule_of

pytestmark = pytest.mark.django_db

RAISED = rule_of(
    detection("raised", "event_type|startswith: AUTORELOAD", "raised: {field: autoreload_amount, factor: 2}")
)
UNUSUAL = rule_of(
    detection(
        "unusual",
        "source: CD",
        "first_seen: {fields: [user_email, source_ip], history: 1d}, unusual_hours: {share: 0.2, history: 2d}",
    )
)
TRAVEL = rule_of(detection("travel", "source: CD", "impossible_travel: {within: 2h}"))
KNOWN = 6


def _event(chance: Random, number: int) -> dict[str, Any]:
    day, hour = chance.randrange(12), chance.choice((8, 9, 9, 10, 10, 11, 22))
    made: dict[str, Any] = {
        "id": f"p{number:05}",
        "event_type": chance.choice(("AUTORELOAD_ENABLE", "AUTORELOAD_UPDATE", "AUTORELOAD_DISABLE", "USER_LOGIN")),
        "created_at": f"{START + timedelta(days=day, hours=hour, minutes=chance.randrange(60)):%Y-%m-%dT%H:%M:%S}",
        "source": chance.choice(("CD", "CD", "CD", "DEVAPI")),
        "source_ip": f"192.0.2.{min(chance.randrange(40), chance.randrange(40))}",
        "source_country": chance.choice(("GB", "GB", "ES", "")),
        "user_email": chance.choice(("ada@example.com", "bea@example.com")),
    }
    if chance.random() < 0.5:
        made["context"] = {"amount": chance.choice((10, 20, 50, 200))}
    return made


def _raised() -> set[str]:
    found, last = set(), None
    for event in AuditEvent.objects.filter(event_type__startswith="AUTORELOAD").order_by("created_at", "pk"):
        amount = (event.context or {}).get("amount")
        if amount is None:
            continue
        if last is not None and amount >= 2 * last:
            found.add(event.event_id)
        last = amount
    return found


def _unusual() -> set[str]:
    events = list(AuditEvent.objects.order_by("created_at", "pk"))
    began, found, known = events[0].created_at, set(), set()
    for event in events:
        is_new = (event.user_email, event.source_ip) not in known
        known.add((event.user_email, event.source_ip))
        at = event.created_at
        mine = [
            one.created_at
            for one in events
            if one.user_email == event.user_email and at - timedelta(days=2) - hours.PAST <= one.created_at < at
        ]
        if event.source != "CD" or not is_new or at - began < timedelta(days=1) or len(mine) < KNOWN:
            continue
        apart = [abs((one.hour - at.hour) * 60 + one.minute - at.minute) for one in mine]
        if at - mine[0] >= timedelta(days=2) and sum(min(n, 1440 - n) <= 60 for n in apart) < 0.2 * len(mine):
            found.add(event.event_id)
    return found


def _travel() -> set[str]:
    found, last = set(), dict[str, AuditEvent]()
    for event in AuditEvent.objects.exclude(source_country="").order_by("created_at", "pk"):
        before = last.get(event.user_email)
        last[event.user_email] = event
        if event.source != "CD" or before is None or before.source_country == event.source_country:
            continue
        if event.created_at - before.created_at <= timedelta(hours=2):
            found.add(event.event_id)
    return found


@pytest.mark.parametrize("seed", range(24))
def test_late_events_leave_what_the_whole_archive_says(
    seed: int, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(hours, "LEAST_KNOWN", KNOWN)
    monkeypatch.setattr(following, "BATCH", chance.choice((1, 3, 1000)))
    monkeypatch.setattr(custom, "FEW", chance.choice((0, 100)))
    monkeypatch.setattr(custom, "MOST_STEPS", chance.choice((1, 5)))
    account = NexmoAccount.objects.order_by("api_key")[0]
    events = [_event(chance, number) for number in range(90)]
    if chance.random() < 0.5:
        events.sort(key=lambda event: event["created_at"])
    while events:
        size = chance.choice((1, 10, 30))
        add(account, events[:size])
        events = events[size:]
        follow(rules=[RAISED, UNUSUAL, TRAVEL])

    for rule, wanted in ((RAISED, _raised()), (UNUSUAL, _unusual()), (TRAVEL, _travel())):
        assert _kept(rule) == wanted
        assert {fact.event_id for one in Hunting(rule).run() for fact, _ in one.events} == wanted


def _kept(rule: Rule) -> set[str]:
    rows = FindingEvent.objects.filter(finding__rule=rule.uid).exclude(finding__state="withdrawn")
    return set(rows.values_list("nexmo_id", flat=True))
