"""The models that other code may rely on: plain creation works, and keeps the archive whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from model_bakery import baker

from events.archive.add import add_events
from events.archive.verify import verify_account
from events.models import AuditEvent, SyncState
from events.nexmo.parse import parse_event
from tests.conftest import NOON, event_json

pytestmark = pytest.mark.django_db


def test_event_created_by_hand_is_chained_counted_and_found(account: Any) -> None:
    event = AuditEvent.objects.create(
        account=account,
        event_id="AB-1",
        event_type="APP_CREATE",
        event_type_description="Application created",
        created_at=NOON,
        user_email="someone@example.com",
        user_id="7",
        source="CD",
        source_description="Customer dashboard",
        source_ip="192.0.2.7",
        source_country="GB",
        context={"name": "Shop"},
        raw={"id": "AB-1"},
    )
    event = AuditEvent.objects.get(pk=event.pk)
    assert (event.seq, event.context, event.raw) == (1, {"name": "Shop"}, '{"id":"AB-1"}')
    assert AuditEvent.objects.with_id("ab-1").get() == event
    assert SyncState.objects.get(account=account).event_count == 1
    assert verify_account(account).problem == ""


def test_events_created_in_bulk_follow_each_other_in_their_chains(cast: Any, account: Any) -> None:
    from accounts.models import NexmoAccount

    other = NexmoAccount.objects.get(api_key="demo0002")
    AuditEvent.objects.bulk_create(
        AuditEvent(account=owner, event_id=str(number), created_at=NOON, raw="{}")
        for number, owner in enumerate((account, other, account, account))
    )
    assert list(AuditEvent.objects.filter(account=account).order_by("seq").values_list("event_id", "seq")) == [
        ("0", 1),
        ("2", 2),
        ("3", 3),
    ]
    assert verify_account(account).problem == verify_account(other).problem == ""


def test_events_made_by_a_test_tool_are_chained_too(account: Any) -> None:
    baker.make(AuditEvent, account=account, created_at=NOON, _quantity=3)
    assert verify_account(account).problem == ""
    assert AuditEvent.objects.count() == 3


def test_event_cannot_be_saved_again(account: Any) -> None:
    event = AuditEvent.objects.create(account=account, event_id="1", created_at=NOON, raw="{}")
    event.user_email = "somebody.else@example.com"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        event.save()


@pytest.mark.django_db(transaction=True)
def test_a_sync_and_a_tool_may_add_to_one_account_at_once(account: Any) -> None:
    trouble: list[Exception] = []

    def repeat(add: Callable[[int], None]) -> None:
        try:
            for number in range(40):
                add(number)
        except Exception as error:  # told by the test, in the thread that can
            trouble.append(error)
        finally:
            connection.close()

    def by_sync(number: int) -> None:
        events = [parse_event(json.dumps(event_json(number)), UTC)]
        add_events(account, events, run=None, fetched_at=NOON)

    def by_hand(number: int) -> None:
        AuditEvent.objects.create(account=account, event_id=f"by-hand-{number}", created_at=NOON, raw="{}")

    threads = [threading.Thread(target=repeat, args=(add,)) for add in (by_sync, by_hand)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert trouble == []
    assert verify_account(account).problem == ""
    assert AuditEvent.objects.filter(account=account).count() == 80
