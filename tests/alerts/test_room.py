"""How many channels, subscriptions, streams, reports and review schedules one person may set up."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from events.models import Channel, Report, ReviewSchedule, SavedView, Stream, Subscription, held
from events.operations.demo_data import TEAM
from tests.tools.pages import Login, text_of

FULL = "You have already set up 2 of these."


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST", 2)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (Channel, "/alerts/channels/new?kind=webhook"),
        (Stream, "/streams/new?kind=webhook"),
        (Subscription, "/alerts/new"),
        (Report, "/reports/new"),
        (ReviewSchedule, "/reviews/schedules/new"),
    ],
)
def test_one_person_sets_up_so_many_for_teams_too(login: Login, cast: dict[str, Any], model: Any, path: str) -> None:
    alice, team = cast["alice"], Group.objects.get(name=TEAM)
    alice.user_permissions.add(*Permission.objects.filter(codename__in=("triage_finding", "add_stream")))
    channel = Channel.objects.create(name="x", kind="webhook", owner=alice, created_by=cast["bob"])
    view, now = SavedView.objects.create(owner=alice, name="x"), timezone.now()
    more: dict[str, Any] = {
        Subscription: {"channel": channel, "what": "severity"},
        Report: {"view": view, "at": time(8), "starts_at": now, "look_at": now, "looked_at": now},
        ReviewSchedule: {"view": view, "name": "x", "frequency": "weekly", "last_end": now},
    }.get(model, {"name": "x", "kind": "webhook"})
    model.objects.create(owner=alice, created_by=alice, **more)
    entered = {"name": "y", "secret_address": "https://hooks.example.com/1", "address": "https://hooks.example.com/1"}
    client = login("alice")
    assert FULL not in text_of(client.post(path, entered))

    model.objects.create(team=team, created_by=alice, **more)

    assert FULL in text_of(client.post(path, entered))
    assert FULL not in text_of(login("admin").post(path, entered))
