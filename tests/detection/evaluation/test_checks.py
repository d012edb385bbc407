"""What fails, lags, falls silent or contradicts itself is a finding: one for each stretch of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive.add import add_events
from events.detection.evaluation import checks
from events.models import (
    AuditEvent,
    CoveredSpan,
    Discrepancy,
    Finding,
    FindingAccount,
    FindingEvent,
    SyncRun,
    SyncState,
    SyncWindow,
)
from events.nexmo.parse import parse_event
from tests.detection.archives import add

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
NAMES = {
    "failing": "3eb6e357-a81b-40b4-b040-9fc97631f471",
    "silent": "f0a25054-9683-4cf7-8a7d-f1ec97cb6abc",
    "gap": "82f2d0f3-e727-47f3-a066-f59ff63b077f",
    "retention": "5d5c3c0e-6a2b-4c1e-9b7f-0c4e1f7a92d6",
    "vanished": "d9745efb-d6e7-454a-bb4b-8eda03399f6a",
}


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def state(account: NexmoAccount) -> SyncState:
    SyncState.objects.update_or_create(account=account, defaults={"last_success_at": NOW - timedelta(minutes=2)})
    return SyncState.objects.get(account=account)


def change(state: SyncState, **values: Any) -> None:
    SyncState.objects.filter(pk=state.pk).update(**values)


def look(after: timedelta = timedelta()) -> list[str]:
    """Look at a moment, and tell what rules have findings."""
    with time_machine.travel(NOW + after, tick=False):
        checks.look()
    names = {uid: name for name, uid in NAMES.items()}
    return sorted(names.get(uid, uid) for uid in Finding.objects.values_list("rule", flat=True))


def test_healthy_account_is_nothing(state: SyncState) -> None:
    assert look() == []


def test_failing_is_one_finding_as_long_as_it_lasts_and_another_one_the_next_time(state: SyncState) -> None:
    change(state, problem_code="credentials", failures=1)
    assert look() == ["failing"]
    finding = Finding.objects.get()
    assert finding.first_at == NOW - timedelta(minutes=2)
    assert finding.group == {"account": state.account.api_key}
    assert (finding.details, finding.event_count, finding.routed_at) == ({"problem": "failing"}, 0, None)
    part = FindingAccount.objects.get()
    assert (part.account, part.last_at, part.state) == (state.account, NOW, "open")

    for hours in (1, 2, 3):
        change(state, failures=hours + 1)
        assert look(timedelta(hours=hours)) == ["failing"]
    assert Finding.objects.get().last_at == FindingAccount.objects.get().last_at == NOW + timedelta(hours=3)
    Finding.objects.update(state="resolved")
    assert look(timedelta(hours=4)) == ["failing"]
    assert Finding.objects.get().state == "resolved", "it is known"

    change(state, problem_code="", failures=0, last_success_at=NOW + timedelta(hours=5))
    assert look(timedelta(hours=7)) == ["failing"]
    change(state, problem_code="credentials", failures=1)
    assert look(timedelta(hours=8)) == ["failing", "failing"]


def test_what_fails_now_and_then_within_an_hour_is_one(state: SyncState) -> None:
    change(state, problem_code="unavailable", failures=3)
    look()
    change(state, problem_code="", failures=0, last_success_at=NOW + timedelta(minutes=5))
    look(timedelta(minutes=6))
    change(state, problem_code="unavailable", failures=3)
    assert look(timedelta(minutes=40)) == ["failing"]


@pytest.mark.parametrize(("code", "failures"), [("unavailable", 2), ("unverified", 9), ("interrupted", 9)])
def test_what_may_mend_itself_is_no_failure_yet(state: SyncState, code: str, failures: int) -> None:
    change(state, problem_code=code, failures=failures)
    assert look() == []


def test_inactive_account_is_not_looked_at(state: SyncState) -> None:
    NexmoAccount.objects.filter(pk=state.account_id).update(is_active=False)
    change(state, problem_code="credentials", failures=9)
    assert look() == []


def test_behind_is_told_once_the_worker_has_had_time_to_catch_up(
    state: SyncState, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(state, last_success_at=NOW - timedelta(days=1))
    monkeypatch.setattr(checks, "_started", checks.time.monotonic())
    assert look() == []
    monkeypatch.setattr(checks, "_started", checks.time.monotonic() - 3600)
    change(state, lease_until=NOW + timedelta(minutes=1))
    assert look() == [], "it is being synced"
    change(state, lease_until=None)

    look()

    assert Finding.objects.get().details == {"problem": "behind"}


def every_day(account: NexmoAccount, first: int, last: int) -> None:
    days = [NOW - timedelta(days=ago) for ago in range(last, first + 1)]
    add(
        account,
        [{"id": f"d{day:%j}", "event_type": "USER_LOGIN", "created_at": f"{day:%Y-%m-%dT%H:%M:%S}"} for day in days],
    )


def test_account_that_has_events_every_day_and_falls_silent(state: SyncState) -> None:
    every_day(state.account, 40, 4)
    assert look() == ["silent"]
    assert Finding.objects.get().first_at.date() == (NOW - timedelta(days=4)).date()
    assert look(timedelta(minutes=30)) == ["silent"]


@pytest.mark.parametrize(("first", "last"), [(40, 3), (20, 4)])
def test_silence_that_is_short_or_of_a_new_account_is_none(state: SyncState, first: int, last: int) -> None:
    every_day(state.account, first, last)
    assert look() == []


def test_silence_of_an_account_that_does_not_answer_proves_nothing(state: SyncState) -> None:
    every_day(state.account, 40, 4)
    change(state, last_success_at=NOW - timedelta(days=2), lease_until=NOW + timedelta(minutes=1))
    assert look() == []


def test_gap_is_told_when_it_stays_open(state: SyncState) -> None:
    for start, end in ((None, NOW - timedelta(days=20)), (NOW - timedelta(days=10), NOW)):
        CoveredSpan.objects.create(account=state.account, start=start, end=end)
    run = SyncRun.objects.create(account=state.account, trigger="schedule", started_at=NOW)
    window = SyncWindow(account=state.account, run=run, asked_at=NOW - timedelta(hours=1), verified=False)
    window.first_day, window.last_day = (NOW - timedelta(days=15)).date(), (NOW - timedelta(days=12)).date()
    window.save()
    assert look() == []

    assert look(timedelta(hours=6)) == ["gap"]
    assert Finding.objects.get().first_at == NOW - timedelta(hours=1)


def test_vanished_events_are_evidence_and_those_noticed_together_one_finding(state: SyncState) -> None:
    every_day(state.account, 45, 41)
    events = list(AuditEvent.objects.order_by("created_at"))
    for event, minutes in zip(events, (0, 10, 20), strict=False):
        Discrepancy.objects.create(
            account=state.account, event=event, kind="vanished", noticed_at=NOW - timedelta(minutes=60 - minutes)
        )
    assert look() == ["vanished"]
    finding = Finding.objects.get()
    assert (finding.event_count, finding.routed_at) == (3, None), "old events, and news all the same"
    assert look() == ["vanished"]
    Discrepancy.objects.create(account=state.account, event=events[3], kind="vanished", noticed_at=NOW)

    assert look(timedelta(minutes=1)) == ["vanished"]

    assert FindingEvent.objects.count() == Finding.objects.get().event_count == 4
    changes = Finding.objects.get().changes.values_list("action", "details")
    assert list(changes) == [("found", ""), ("extended", "1")]


def test_altered_event_is_found(state: SyncState) -> None:
    raw = '{"id": "a", "event_type": "USER_LOGIN", "created_at": "2026-03-01T10:00:00"%s}'
    for text in (raw % "", raw % ', "source_ip": "192.0.2.1"'):
        add_events(state.account, [parse_event(text, UTC)], run=None, fetched_at=timezone.now())

    look()

    assert Finding.objects.get().details == {"problem": "altered"}


def test_rule_that_raises_stops_no_other(state: SyncState, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = checks._apply

    def fail_some(rule: Any, *arguments: Any) -> None:
        if rule.uid != NAMES["failing"]:
            raise RuntimeError
        apply(rule, *arguments)

    change(state, problem_code="credentials", failures=1)
    monkeypatch.setattr(checks, "_apply", fail_some)

    assert NAMES["gap"] in checks.look().problems
    assert look() == ["failing"]
