"""Retention removes, holds keep, and the chain stays verifiable."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention, seals, verify
from events.models import AuditEvent, CoveredSpan, EventConflict, LegalHold, Removal, RemovedEvent, SyncState
from tests.tools.skips import ON_SQLITE

pytestmark = pytest.mark.django_db


@pytest.fixture
def account_with_old_events(account: Any, add_event: Callable[..., Any]) -> NexmoAccount:
    """Events 100, 90, ... 10 days old, in another order than that of their times; kept for 45 days."""
    for number, days in enumerate((10, 100, 20, 90, 30, 80, 40, 70, 50, 60), start=1):
        moment = timezone.now() - timedelta(days=days)
        add_event(account, number, created_at=moment.strftime("%Y-%m-%dT%H:%M:%S"))
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=45)
    return NexmoAccount.objects.get(pk=account.pk)


def apply(account: NexmoAccount) -> Removal | None:
    found = retention.plan(account, timezone.now())
    assert found is not None
    return retention.apply(found)


def covered_until(account: NexmoAccount, moment: datetime) -> None:
    CoveredSpan.objects.create(account=account, end=moment)


def test_what_is_kept_for_ever_has_no_plan(account: Any) -> None:
    assert retention.plan(account, timezone.now()) is None


def test_only_old_events_go_and_the_chain_stays_intact(account_with_old_events: Any) -> None:
    account = account_with_old_events
    seals.seal(account)
    removal = apply(account)
    assert removal is not None
    assert (removal.count, AuditEvent.objects.count(), RemovedEvent.objects.count()) == (6, 4, 6)
    assert SyncState.objects.get(account=account).event_count == 4
    verdict = verify.verify_account(account)
    assert (verdict.problem, verdict.events, verdict.removed) == ("", 4, 6)
    assert apply(account) is None


def test_events_that_come_after_a_removal_go_on_with_the_chain(account_with_old_events: Any, add_event: Any) -> None:
    apply(account_with_old_events)
    seals.seal(account_with_old_events)
    add_event(account_with_old_events, 77)
    assert verify.verify_account(account_with_old_events).problem == ""


def test_dry_run_changes_nothing_and_says_what_it_would_do(account_with_old_events: Any) -> None:
    out = io.StringIO()
    covered_until(account_with_old_events, timezone.now())
    call_command("apply_retention", stdout=out)
    assert "demo0001: would remove 6 event(s)" in out.getvalue()
    assert "Nothing was changed" in out.getvalue()
    assert AuditEvent.objects.count() == 10
    call_command("apply_retention", "--yes", stdout=out)
    assert AuditEvent.objects.count() == 4


def test_clock_far_ahead_of_the_archive_removes_nothing(account_with_old_events: Any) -> None:
    now = timezone.now()
    covered_until(account_with_old_events, now)
    with time_machine.travel(now + timedelta(days=400)):
        for options in ((), ("--yes",)):
            with pytest.raises(CommandError, match="Set the clock right|Set the clocks right"):
                call_command("apply_retention", *options)
    assert AuditEvent.objects.count() == 10


def test_clock_that_nothing_bears_out_is_trusted_when_told_so(account_with_old_events: Any) -> None:
    with pytest.raises(CommandError, match="newest sync or event is .* --trust-clock"):
        call_command("apply_retention", "--yes")
    call_command("apply_retention", "--yes", "--trust-clock", stdout=io.StringIO())
    assert AuditEvent.objects.count() == 4


def test_archive_without_any_sign_of_the_time_is_doubted(account: Any) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=45)
    with pytest.raises(CommandError, match="event is missing"):
        call_command("apply_retention")


def test_age_counts_from_the_latest_moment_shown(account: Any, add_event: Any) -> None:
    newest = add_event(account, 1)
    assert retention.present(trust_clock=True) > newest.created_at
    with time_machine.travel(newest.created_at + timedelta(hours=23)):
        if connection.vendor == "sqlite":
            assert retention.present() == newest.created_at
    now = timezone.now()
    covered_until(account, now - timedelta(hours=20))
    assert retention.present() == now - timedelta(hours=20)


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=300)])
def test_future_shows_nothing(account: Any, add_event: Any, ahead: timedelta) -> None:
    """Neither a span that ends in it, nor an event that was dated after it was fetched."""
    event = add_event(account, 1)
    covered_until(account, timezone.now() + ahead)
    add_event(account, 2, created_at=(event.fetched_at + ahead).strftime("%Y-%m-%dT%H:%M:%S"))

    assert retention._latest_shown(timezone.now()) == event.created_at


@pytest.mark.skipif(connection.vendor != "postgresql", reason=ON_SQLITE)
def test_clock_that_differs_from_the_databases_removes_nothing(account_with_old_events: Any) -> None:
    with (
        time_machine.travel(timezone.now() + timedelta(hours=2)),
        pytest.raises(CommandError, match="the database server's"),
    ):
        call_command("apply_retention", "--yes", "--trust-clock")
    assert AuditEvent.objects.count() == 10


def test_hold_on_a_range_of_days_wins(account_with_old_events: Any) -> None:
    account = account_with_old_events
    today = timezone.now().date()
    LegalHold.objects.create(
        account=account, first_day=today - timedelta(days=85), last_day=today - timedelta(days=65), reason="Case 1"
    )
    removal = apply(account)
    assert removal is not None
    assert (removal.count, removal.held) == (4, 2)
    assert AuditEvent.objects.count() == 6


def test_hold_on_all_accounts_and_all_days_keeps_everything(account_with_old_events: Any) -> None:
    hold = LegalHold.objects.create(reason="Case 2")
    assert apply(account_with_old_events) is None
    hold.released_at = timezone.now()
    hold.save()
    assert apply(account_with_old_events) is not None


def test_hold_that_comes_between_plan_and_removal_wins(account_with_old_events: Any) -> None:
    found = retention.plan(account_with_old_events, timezone.now())
    assert found is not None
    LegalHold.objects.create(account=account_with_old_events, reason="Case 3")
    assert retention.apply(found) is None


def test_hold_with_days_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValidationError, match="before the first"):
        LegalHold(first_day=date(2026, 2, 1), last_day=date(2026, 1, 1), reason="x").full_clean()


def test_conflicts_go_with_their_event(account_with_old_events: Any, add_event: Any) -> None:
    add_event(account_with_old_events, 2, event_type="OTHER")
    assert EventConflict.objects.count() == 1
    apply(account_with_old_events)
    assert EventConflict.objects.count() == 0
    assert verify.verify_account(account_with_old_events).problem == ""


def test_record_of_a_removal_cannot_be_changed(account_with_old_events: Any) -> None:
    apply(account_with_old_events)
    for statement in ("DELETE FROM events_removedevent", "UPDATE events_removal SET reason = ''"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_removal_shows_in_later_seals(account_with_old_events: Any) -> None:
    apply(account_with_old_events)
    seal = seals.seal(account_with_old_events)
    assert seals.read(seal.statement, seal.signature).removed == 6
