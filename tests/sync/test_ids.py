"""Ids that cannot be kept as they are: each event stays one of its own, also where an older version cut them short."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from events.models import AuditEvent, Discrepancy, EventConflict, SyncRun
from events.nexmo.ids import former_id
from events.nexmo.parse import parse_event
from events.sandbox import Sandbox
from events.sync.check_event import check_event
from events.sync.clients import client_for
from events.sync.engine import SyncOptions, sync_account
from tests.conftest import event_json

pytestmark = pytest.mark.django_db

LONG = "a" * 255


@pytest.fixture
def sandbox(make_sandbox: Any) -> Sandbox:
    """With two events whose ids are the same for 255 characters."""
    sandbox: Sandbox = make_sandbox()
    sandbox.add_events("demo0001", [json.dumps(sent(number)) for number in (1, 2)])
    return sandbox


def sent(number: int, **fields: Any) -> dict[str, Any]:
    return event_json(number, id=f"{LONG}{number}", user_email=f"user{number}@example.com", **fields)


def cut_short(account: Any, number: int = 1) -> AuditEvent:
    """An event as older versions archived it."""
    raw = json.dumps(sent(number))
    event = parse_event(raw, UTC)
    row: AuditEvent = AuditEvent.objects.create(
        account=account,
        event_id=former_id(f"{LONG}{number}"),
        event_type=event.event_type,
        created_at=event.created_at,
        user_email=event.user_email,
        raw=raw,
        fetched_at=datetime(2026, 4, 1, tzinfo=UTC),
    )
    return row


def test_both_are_archived_and_found(sandbox: Sandbox, account: Any, login: Any) -> None:
    run = sync_account(account)
    assert run is not None and run.status == SyncRun.Status.SUCCEEDED
    assert account.events.count() == 2 and not EventConflict.objects.exists()
    assert "data-event-id" in login("alice").get("/events/?search_text=user2@example.com").content.decode()
    for event in account.events.all():
        assert login("alice").get(event.get_absolute_url()).status_code == 200
        assert check_event(event, lambda: client_for(account, attempts=1)).outcome == "same"


def test_event_with_an_id_that_was_cut_short_is_known_again(sandbox: Sandbox, account: Any) -> None:
    old = cut_short(account)
    sync_account(account)
    assert sorted(account.events.values_list("user_email", flat=True)) == ["user1@example.com", "user2@example.com"]
    sync_account(account, SyncOptions(full=True))
    assert account.events.count() == 2
    assert not EventConflict.objects.exists() and not Discrepancy.objects.filter(kind="vanished").exists()
    assert check_event(old, lambda: client_for(account, attempts=1)).outcome == "same"


def test_other_content_under_an_id_that_was_cut_short_is_a_conflict(sandbox: Sandbox, account: Any) -> None:
    old = cut_short(account)
    sandbox.replace_event("demo0001", f"{LONG}1", json.dumps(sent(1, source="DEVAPI")))
    sync_account(account)
    assert account.events.count() == 2
    assert EventConflict.objects.get().event_id == old.pk


def test_event_with_an_id_that_was_cut_short_is_not_taken_for_gone(sandbox: Sandbox, account: Any) -> None:
    cut_short(account)
    sync_account(account)
    sandbox.remove_event("demo0001", f"{LONG}2")
    sync_account(account, SyncOptions(check=True))
    vanished = Discrepancy.objects.filter(kind="vanished").values_list("event__user_email", flat=True)
    assert list(vanished) == ["user2@example.com"]
