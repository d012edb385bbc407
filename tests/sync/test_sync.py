"""The sync against the sandbox over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import AuditEvent, CoveredSpan, EventConflict, EventType, SyncRun, SyncState, SyncWindow
from events.sandbox import Sandbox
from events.sync import clients, engine, state
from events.sync.engine import SyncOptions, sync_account
from events.sync.pool import sync_accounts

pytestmark = pytest.mark.django_db

MakeSandbox = Callable[..., Sandbox]


def archived(account: NexmoAccount) -> set[str]:
    return set(AuditEvent.objects.filter(account=account).values_list("event_id", flat=True))


def listed(sandbox: Sandbox, api_key: str = "demo0001") -> set[str]:
    return {str(event["id"]) for event in sandbox.accounts[api_key].events()}


def lists(sandbox: Sandbox) -> int:
    """How many pages of events were asked for."""
    return sum(1 for request in sandbox.requests if request.method == "GET")


def sync(account: NexmoAccount, options: SyncOptions | None = None, **kwargs: Any) -> SyncRun:
    run = sync_account(account, options or SyncOptions(), **kwargs)
    assert run is not None
    return run


def fresh(account: NexmoAccount) -> NexmoAccount:
    return NexmoAccount.objects.get(pk=account.pk)


# --- the archive equals the API's set ---------------------------------------------------------------------------


def test_first_sync_archives_everything_and_a_second_adds_nothing(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(events=1_500)
    first = sync(account)
    assert first.status == "succeeded"
    assert archived(account) == listed(sandbox)
    assert first.added == len(listed(sandbox))
    second = sync(account)
    assert (second.status, second.added) == ("succeeded", 0)
    assert archived(account) == listed(sandbox)


def test_raw_is_what_the_api_sent_to_the_letter(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    text = '{"id":"X-1",  "created_at":"2026-03-01T10:00:00", "user_id": 1.50, "event_type":"APP_CREATE","a":"\\u00e9"}'
    sandbox.add_events("demo0001", [text])
    sync(account)
    event = AuditEvent.objects.get()
    assert event.raw == text
    assert event.created_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert event.created_at_basis == "UTC"


def test_steady_state_costs_one_request(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(events=1_500)
    sync(account)
    before = len(sandbox.requests)
    sync(account)
    assert len(sandbox.requests) - before == 1


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_backfill_costs_at_most_a_quarter_more_requests(account: Any, make_sandbox: MakeSandbox, order: str) -> None:
    sandbox = make_sandbox(accounts=1, events=7_000)
    sandbox.set_switches(order=order)
    run = sync(account)
    assert run.status == "succeeded"
    assert archived(account) == listed(sandbox)
    assert len(archived(account)) > 5_000  # otherwise nothing would have been halved
    assert SyncWindow.objects.filter(run=run).count() > 1
    assert run.requests <= -(-len(archived(account)) // 100) * 1.25 + 10


def test_newest_days_come_first(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=7_000)
    sandbox.set_switches(order="oldest_first")
    sync(account)
    windows = list(SyncWindow.objects.filter(account=account).order_by("id"))
    assert windows[0].last_day is None
    assert windows[-1].first_day is None
    firsts = [window.first_day for window in windows[:-1]]
    assert firsts == sorted(firsts, reverse=True)


def test_whole_history_is_covered_up_to_now(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox(accounts=1, events=7_000)
    before = timezone.now()
    sync(account)
    (span,) = CoveredSpan.objects.filter(account=account)
    assert span.start is None
    assert before <= span.end <= timezone.now()


def test_empty_account_is_verified_empty(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    run = sync(account)
    assert (run.status, run.added) == ("succeeded", 0)
    assert CoveredSpan.objects.get(account=account).start is None


def test_event_types_are_learnt_from_options_and_from_events(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sandbox.add_events(
        "demo0001",
        [{"id": "1", "event_type": "BRAND_NEW", "event_type_description": "Something new", "created_at": "2026-03-01"}],
    )
    sync(account)
    assert EventType.objects.get(code="APP_CREATE").listed_at is not None
    unlisted = EventType.objects.get(code="BRAND_NEW")
    assert (unlisted.listed_at, unlisted.description) == (None, "Something new")


def test_options_that_answers_nothing_does_not_stop_the_events(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(faults=("options-204",))
    sandbox.add_events("demo0001", 3)
    assert sync(account).status == "succeeded"
    assert len(archived(account)) == 3


def test_odd_events_are_archived_and_flagged(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", ['{"event_type": 7, "created_at": "soon", "context": [1]}'])
    run = sync(account)
    event = AuditEvent.objects.get()
    assert run.status == "succeeded"
    assert set(event.odd_fields.split(",")) == {"event_type", "created_at", "context", "id"}
    assert event.created_at == event.fetched_at
    assert event.created_at_basis == "fetched"
    assert event.event_id.startswith("sha256-")
    assert sync(account).added == 0


# --- pages that shift, totals that change -----------------------------------------------------------------------


def test_events_that_arrive_while_paging_are_not_missed(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=700)

    def add_one(request: Any) -> None:
        if request.params.get("page") in ("2", "4"):
            sandbox.add_events("demo0001", 1)

    sandbox.before_request = add_one
    run = sync(account)
    assert run.status == "succeeded"
    assert archived(account) == listed(sandbox)


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_rows_skipped_because_others_vanish_are_read_again(account: Any, make_sandbox: MakeSandbox, order: str) -> None:
    sandbox = make_sandbox(accounts=1, events=700)
    sandbox.set_switches(order=order)
    everything = listed(sandbox)
    events = sandbox.accounts["demo0001"].events()
    first_row = events[0] if order == "newest_first" else events[-1]

    def remove_one(request: Any) -> None:
        if request.params.get("page") == "3" and str(first_row["id"]) in listed(sandbox):
            sandbox.remove_event("demo0001", str(first_row["id"]))

    sandbox.before_request = remove_one
    run = sync(account)
    assert run.status == "succeeded"
    assert archived(account) == everything  # also the one that vanished meanwhile: it was seen


def test_window_without_a_count_is_recorded_as_unverified(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    sandbox.set_switches(totals="missing")
    run = sync(account)
    assert archived(account) == listed(sandbox)
    assert run.status == "incomplete"
    assert "no count" in SyncWindow.objects.get(run=run).reason
    assert not CoveredSpan.objects.exists()


def test_wrong_count_is_recorded_with_both_numbers(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    sandbox.set_switches(totals="off", totals_off=2)
    total = len(listed(sandbox))
    run = sync(account)
    window = SyncWindow.objects.get(run=run)
    assert (window.verified, window.reported, window.received) == (False, total + 2, total)
    assert f"{total + 2}" in window.reason
    assert f"{total}" in window.reason


def test_unverified_gap_is_not_asked_again_at_once(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    sync(account)
    CoveredSpan.objects.filter(account=account).update(start=timezone.now() - timedelta(days=60))
    sandbox.set_switches(totals="off")
    sync(account)
    before = SyncWindow.objects.filter(verified=False, first_day=None).count()
    sandbox.set_switches(totals="right")
    sync(account)
    assert SyncWindow.objects.filter(first_day=None, asked_at__gt=timezone.now() - timedelta(hours=1)).count() >= before
    assert CoveredSpan.objects.get(account=account).start is not None
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        sync(account)
    assert CoveredSpan.objects.get(account=account).start is None


def test_server_that_ignores_dates_is_read_whole(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=4_000)
    sandbox.set_switches(ignored_filters="dates")
    run = sync(account)
    assert run.status == "succeeded"
    assert archived(account) == listed(sandbox)
    before = lists(sandbox)
    assert sync(account).added == 0
    assert lists(sandbox) - before == 1
    sandbox.add_events("demo0001", 2)
    assert sync(account).added == 2


def test_server_with_smaller_pages_is_followed(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=400)
    sandbox.set_switches(max_size=30)
    assert sync(account).status == "succeeded"
    assert archived(account) == listed(sandbox)


def test_late_event_within_the_overlap_is_found(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    sync(account)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    sandbox.add_events("demo0001", [{"id": "late", "event_type": "APP_CREATE", "created_at": yesterday}])
    assert sync(account).added == 1


def test_later_late_event_is_found_by_a_full_sync(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    sync(account)
    long_ago = (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%S")
    sandbox.add_events("demo0001", [{"id": "late", "event_type": "APP_CREATE", "created_at": long_ago}])
    assert sync(account).added == 0
    assert sync(account, SyncOptions(full=True)).added == 1


def test_since_and_until_limit_what_is_read(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    for day in ("2026-01-10", "2026-02-10", "2026-03-10"):
        sandbox.add_events("demo0001", [{"id": day, "event_type": "APP_CREATE", "created_at": f"{day}T12:00:00"}])
    sync(account, SyncOptions(since=date(2026, 2, 1), until=date(2026, 2, 28)))
    assert archived(account) == {"2026-02-10"}
    span = CoveredSpan.objects.get(account=account)
    assert (span.start, span.end) == (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    sync(account)
    assert archived(account) == listed(sandbox)


def test_same_id_with_other_content_never_replaces_the_first(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    original = {"id": "AB-1", "event_type": "APP_CREATE", "created_at": now}
    sandbox.add_events("demo0001", [original])
    sync(account)
    sandbox.replace_event("demo0001", "AB-1", {**original, "event_type": "APP_DELETE"})
    run = sync(account)
    assert run.conflicts_found == 1
    assert AuditEvent.objects.get().event_type == "APP_CREATE"
    conflict = EventConflict.objects.get()
    assert "APP_DELETE" in conflict.raw
    sync(account)
    assert EventConflict.objects.count() == 1


def test_ids_that_differ_only_in_case_are_one_event(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=50)
    sync(account)
    sandbox.set_switches(id_case="upper")
    run = sync(account, SyncOptions(full=True))
    assert (run.added, run.conflicts_found) == (0, 0)


# --- what goes wrong ends up in the run -------------------------------------------------------------------------


def test_refused_credentials_are_not_tried_again_until_they_change(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=50)
    sandbox.set_secrets("demo0001", ["another-secret"])
    run = sync(account)
    assert (run.status, run.problem_code) == ("failed", "credentials")
    assert "admin" in run.problem
    before = len(sandbox.requests)
    again = sync(account)
    assert (again.status, again.problem_code) == ("failed", "credentials")
    assert len(sandbox.requests) == before
    account = fresh(account)
    account.api_secret = "another-secret"
    account.save()
    assert sync(account).status == "succeeded"
    assert SyncState.objects.get(account=account).refused_credentials == ""


def test_second_secret_takes_over_in_the_middle_of_a_walk(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=700)
    account.api_secret_secondary = "the-new-one"
    account.save()

    def rotate(request: Any) -> None:
        if request.params.get("page") == "3":
            sandbox.set_secrets("demo0001", ["the-new-one"])

    sandbox.before_request = rotate
    assert sync(fresh(account)).status == "succeeded"
    assert archived(account) == listed(sandbox)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("forbidden-suspended", "denied"),
        ("not-found-list", "not-found"),
        ("bad-request", "rejected"),
        ("http-500@times=always", "unavailable"),
        ("ok-html@times=always", "malformed"),
        ("redirect-host", "redirected"),
        ("rate-limit@times=always", "rate-limited"),
    ],
)
def test_trouble_is_told_in_plain_words(
    account: Any, make_sandbox: MakeSandbox, monkeypatch: Any, fault: str, code: str
) -> None:
    make_sandbox(faults=(fault,))
    monkeypatch.setattr(clients.AuditClient, "_pause", lambda self, seconds, why: None)
    run = sync(account)
    assert (run.status, run.problem_code) == ("failed", code)
    assert ". " in run.problem  # what happened, and what to do
    assert "sandbox-secret" not in run.problem
    found = SyncState.objects.get(account=account)
    assert (found.problem_code, found.failures, found.lease_until) == (code, 1, None)


def test_passing_trouble_is_survived_within_the_run(account: Any, make_sandbox: MakeSandbox, monkeypatch: Any) -> None:
    sandbox = make_sandbox(accounts=1, events=900, faults=("http-503@page=3", "rate-limit@page=5", "truncated@page=7"))
    waits: list[str] = []
    monkeypatch.setattr(clients.AuditClient, "_pause", lambda self, seconds, why: waits.append(why))
    run = sync(account)
    assert run.status == "succeeded"
    assert archived(account) == listed(sandbox)
    assert len(waits) == 3
    window = SyncWindow.objects.get(run=run)
    assert window.requests == window.pages + 3
    pages = [request.params["page"] for request in sandbox.requests if request.status == 200 and request.params]
    assert pages.count("3") == 1  # resumed at the page that failed, not from the first


def test_failures_in_a_row_are_spaced_out_and_forgotten_after_a_success(
    account: Any, make_sandbox: MakeSandbox
) -> None:
    sandbox = make_sandbox(faults=("bad-request",))
    delays = []
    for _ in range(3):
        run = sync(account)
        found = SyncState.objects.get(account=account)
        delays.append(found.due_at - run.finished_at)
    assert delays[0] < delays[1] < delays[2] <= timedelta(hours=1)
    sandbox.clear_faults()
    sync(account)
    found = SyncState.objects.get(account=account)
    assert (found.failures, found.problem) == (0, "")


def test_unreadable_secret_is_told_and_nothing_is_sent(account: Any, make_sandbox: MakeSandbox, settings: Any) -> None:
    sandbox = make_sandbox()
    stored = fresh(account)
    settings.CREDENTIAL_KEYS = ["b3RoZXIta2V5LW90aGVyLWtleS1vdGhlci1rZXktMDE="]
    run = sync(stored)
    assert (run.status, run.problem_code) == ("failed", "secret-unreadable")
    assert "CREDENTIAL_KEYS" in run.problem
    assert len(sandbox.requests) == 0


def test_fault_of_our_own_is_told_without_details_and_logged(
    account: Any, make_sandbox: MakeSandbox, monkeypatch: Any, caplog: Any
) -> None:
    make_sandbox()
    monkeypatch.setattr(engine, "add_events", lambda *args, **kwargs: 1 / 0)
    run = sync(account)
    assert (run.status, run.problem_code) == ("failed", "internal")
    assert "log" in run.problem
    assert "ZeroDivisionError" in caplog.text


# --- one at a time, resumable -----------------------------------------------------------------------------------


def test_account_that_is_being_synced_is_left_alone(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    held = state.claim(account, SyncRun.Trigger.COMMAND)
    assert held is not None
    assert sync_account(account) is None
    assert SyncRun.objects.count() == 1


def test_lease_that_ran_out_is_taken_over_and_the_old_run_marked(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    with time_machine.travel(timezone.now() - timedelta(hours=1), tick=False):
        old = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert old is not None
    sync(account)
    old.refresh_from_db()
    assert (old.status, old.problem_code) == ("interrupted", "interrupted")


def test_who_lost_the_lease_writes_nothing_more(account: Any, make_sandbox: MakeSandbox, monkeypatch: Any) -> None:
    make_sandbox(accounts=1, events=300)
    before: list[int] = []

    original = engine.Walk.page

    def stolen(self: Any, number: int, **options: Any) -> Any:
        if number == 2:
            SyncState.objects.filter(account=account).update(lease_owner="another-host:1:x")
            before.append(AuditEvent.objects.count())
        return original(self, number, **options)

    monkeypatch.setattr(engine.Walk, "page", stolen)
    assert sync_account(account) is None
    assert AuditEvent.objects.count() == before[0]
    run = SyncRun.objects.get()
    assert run.status == "running"  # whoever took over decides what becomes of it
    assert SyncState.objects.get(account=account).lease_owner == "another-host:1:x"


def test_stopping_keeps_what_was_read_and_the_next_run_goes_on(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=900)
    stop = threading.Event()

    def stop_at_four(request: Any) -> None:
        if request.params.get("page") == "4":
            stop.set()

    sandbox.before_request = stop_at_four
    run = sync(account, stop=stop)
    assert (run.status, run.problem_code) == ("interrupted", "interrupted")
    assert 300 <= len(archived(account)) < len(listed(sandbox))
    assert not CoveredSpan.objects.exists()
    sandbox.before_request = None
    assert sync(account).status == "succeeded"
    assert archived(account) == listed(sandbox)


def test_wish_expressed_during_a_sync_is_kept_for_after_it(account: Any, cast: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run is not None
    state.request(NexmoAccount.objects.filter(pk=account.pk), cast["alice"])
    state.finish(run)
    assert state.due(NexmoAccount.objects.all(), timezone.now()).filter(pk=account.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_accounts_sync_side_by_side_and_one_that_fails_holds_up_no_other(cast: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=5, events=3_000, faults=("bad-request@account=demo0002",))
    accounts = list(NexmoAccount.objects.order_by("api_key"))
    results = list(sync_accounts(accounts, SyncOptions(), trigger="command", concurrency=4))
    status = {result.account.api_key: result.run.status for result in results if result.run}
    assert status.pop("demo0002") == "failed"
    assert set(status.values()) == {"succeeded"}
    for account in accounts:
        if account.api_key in status:
            assert archived(account) == listed(sandbox, account.api_key)


@pytest.mark.django_db(transaction=True)
def test_many_threads_claiming_one_account_get_it_once(cast: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox(accounts=1, events=200)
    account = NexmoAccount.objects.get(api_key="demo0001")
    results = list(sync_accounts([account] * 6, SyncOptions(), trigger="command", concurrency=6))
    done = [result.run for result in results if result.run]
    assert sum(run.added for run in done) == AuditEvent.objects.filter(account=account).count()
    assert SyncState.objects.get(account=account).event_count == AuditEvent.objects.filter(account=account).count()
    overlapping = SyncRun.objects.order_by("started_at")
    for earlier, later in zip(overlapping, list(overlapping)[1:], strict=False):
        assert earlier.finished_at <= later.started_at
