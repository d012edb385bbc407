"""A legal hold that is saved while retention runs, from another connection: one of the two waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention, verify
from events.models import AuditEvent, LegalHold, RemovedEvent
from tests.tools.services import on_postgres

pytestmark = [pytest.mark.django_db(transaction=True)]
PATIENCE = 20.0


@pytest.fixture
def planned(account: NexmoAccount, add_event: Callable[..., Any]) -> retention.Plan:
    for number in range(1, 5):
        moment = timezone.now() - timedelta(days=60 + number)
        add_event(account, number, created_at=moment.strftime("%Y-%m-%dT%H:%M:%S"))
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=45)
    plan = retention.plan(NexmoAccount.objects.get(pk=account.pk), timezone.now())
    assert plan is not None
    assert plan.count == 4
    return plan


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Do something over a connection of its own. Returns what it returned, or raised."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # the test looks at it
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_hold_saved_during_a_removal_waits_for_its_end(
    planned: retention.Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes too late for these events, and whoever places it sees that: it is saved after they went."""
    holding: list[Any] = []
    look_up = retention._held

    def place_hold_then_look_up(account: NexmoAccount) -> Any:
        held = look_up(account)
        if not holding:
            holding.append(in_thread(lambda: LegalHold.objects.create(account=account, reason="Case 1").pk))
            holding[0][0].join(1.0)
            assert holding[0][0].is_alive()  # it waits
        return held

    monkeypatch.setattr(retention, "_held", place_hold_then_look_up)
    removal = retention.apply(planned)
    assert removal is not None
    thread, results = holding[0]
    thread.join(PATIENCE)
    hold = LegalHold.objects.get(pk=results[0])
    assert hold.created_at >= removal.removed_at
    assert RemovedEvent.objects.count() == 4
    assert verify.verify_database() == []


@pytest.mark.skipif(not on_postgres, reason="SQLite lets nobody begin to write while another does")
def test_removal_waits_for_a_hold_that_is_being_saved(planned: retention.Plan) -> None:
    with transaction.atomic():
        LegalHold.objects.create(account=planned.account, reason="Case 1")
        thread, results = in_thread(lambda: retention.apply(planned))
        thread.join(1.0)
        assert thread.is_alive()
    thread.join(PATIENCE)
    assert results == [None]
    assert AuditEvent.objects.count() == 4


def test_hold_of_another_account_does_not_matter(planned: retention.Plan) -> None:
    LegalHold.objects.create(account=NexmoAccount.objects.get(api_key="demo0003"), reason="Case 1")
    removal = retention.apply(planned)
    assert removal is not None
    assert (removal.count, removal.held) == (4, 0)
