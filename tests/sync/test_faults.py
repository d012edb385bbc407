"""The faults that only a whole sync can survive, by their numbers: in the end the archive equals the API's own set.

The others are in test_client_*.py and test_parse_*.py; `test_every_fault_has_a_test` counts them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.archive.verify import verify_account
from events.models import AuditEvent, CoveredSpan, Discrepancy, EventConflict, SyncRun, SyncWindow
from events.nexmo.errors import AccessDenied
from events.nexmo.parse import content_digest
from events.sandbox import Sandbox, odd_events
from events.sync import clients
from events.sync.engine import SyncOptions, sync_account

pytestmark = pytest.mark.django_db

MakeSandbox = Callable[..., Sandbox]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.AuditClient, "_pause", lambda self, seconds, why: None)


def sync(account: NexmoAccount, **options: Any) -> SyncRun:
    run = sync_account(account, SyncOptions(**options))
    assert run is not None
    return run


def ids(account: NexmoAccount) -> set[str]:
    return set(AuditEvent.objects.filter(account=account).values_list("event_id", flat=True))


def listed(sandbox: Sandbox, api_key: str = "demo0001") -> set[str]:
    return {str(event["id"]) for event in sandbox.accounts[api_key].events()}


def assert_complete(account: NexmoAccount, sandbox: Sandbox) -> None:
    assert sync(account).status == "succeeded"
    assert ids(account) == listed(sandbox)
    assert CoveredSpan.objects.get(account=account).start is None
    assert verify_account(account).problem == ""


@pytest.mark.parametrize(
    "fault",
    [
        "F03 reset@page=2",
        "F03 disconnect@page=2",
        "F04 truncated@page=2",
        "F04 truncated-json@page=3",
        "F06 no-reason",
        "F07 gzip",
        "F07 bom",
        "F07 duplicate-headers",
        "F16 rate-limit@page=3",
        "F17 http-502@page=2,times=2",
        "F17 http-503@page=2",
        "F18 ok-html@page=2",
        "F18 ok-empty@page=3",
        "F19 ok-error@page=2",
        "F26 no-links@times=always",
        "F27 numbers-as-text@times=always",
        "F28 zero-based@times=always",
        "F28 page-key@times=always",
        "F30 totals-change@page=2",
        "F34 short-page@page=2",
        "F31 repeated-page@page=2",
    ],
)
def test_fault_in_the_middle_of_a_walk_loses_nothing(account: Any, make_sandbox: MakeSandbox, fault: str) -> None:
    assert_complete(account, make_sandbox(accounts=1, events=600, faults=(fault.split()[1],)))


@pytest.mark.parametrize(
    "switches",
    [
        {"order": "oldest_first"},
        {"zone": "Pacific/Auckland"},
        {"zone": "America/Los_Angeles"},
        {"end": "exclusive"},
        {"date_only": "midnight"},
        {"ignored_filters": "dates"},
        {"max_size": 30},
        {"past_end": "404"},
        {"past_end": "last_page"},
        {"links": "none"},
        {"links": "wrong"},
        {"number": "zero_based"},
        {"numbers_as_text": True},
        {"id_case": "upper"},
        {"premium": False},
    ],
    ids=str,
)
def test_unknown_decided_either_way_loses_nothing(account: Any, make_sandbox: MakeSandbox, switches: Any) -> None:
    sandbox = make_sandbox(accounts=1, events=2_700)  # more than one window holds
    sandbox.set_switches(**switches)
    run = sync(account)
    assert run.status == "succeeded"
    there = {event_id.lower() for event_id in listed(sandbox)}
    if "premium" in switches:
        there = {str(e["id"]) for e in sandbox.accounts["demo0001"].events() if "LOG" not in str(e["event_type"])}
    assert {event_id.lower() for event_id in ids(account)} == there


def test_F12_denied_access_is_told_and_not_asked_again_at_once(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(faults=("forbidden-ip",))
    run = sync(account)
    assert run.problem_code == AccessDenied.code
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("fault", ["shift-insert", "shift-delete"])
@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_F35_F36_rows_that_shift_between_two_pages_are_not_missed(
    account: Any, make_sandbox: MakeSandbox, fault: str, order: str
) -> None:
    sandbox = make_sandbox(accounts=1, events=700, faults=(f"{fault}@page=3",))
    sandbox.set_switches(order=order)
    assert sync(account).status == "succeeded"
    assert ids(account) >= listed(sandbox)


def test_F37_late_event_is_found_by_the_full_check_and_noted(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=600)
    sync(account)
    long_ago = (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%S")
    sandbox.add_events("demo0001", [{"id": "late", "event_type": "APP_CREATE", "created_at": long_ago}])
    assert sync(account).added == 0
    run = sync(account, check=True)
    assert (run.status, run.added) == ("succeeded", 1)
    assert Discrepancy.objects.get().kind == "late"
    before = len(sandbox.requests)
    sync(account, check=True)
    assert len(sandbox.requests) - before <= 2 + 730 // 30 + 2  # counts agree: one request a span


def test_F38_many_events_in_one_second_across_a_page_border(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    events = [{"id": f"e{n}", "event_type": "APP_CREATE", "created_at": "2026-03-01T10:00:00"} for n in range(350)]
    sandbox.add_events("demo0001", events)
    assert_complete(account, sandbox)


def test_F39_to_F47_odd_events_are_all_kept_and_those_beside_them(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=120)
    odd = odd_events()
    sandbox.add_events("demo0001", odd)
    sync(account)
    kept = [*AuditEvent.objects.values_list("raw", flat=True), *EventConflict.objects.values_list("raw", flat=True)]
    sent = [event if isinstance(event, str) else json.dumps(event) for event in odd]
    assert {content_digest(text) for text in sent} <= {content_digest(text) for text in kept}
    assert AuditEvent.objects.exclude(odd_fields="").exists()
    assert verify_account(account).problem == ""
    assert sync(account, full=True).added == 0


def test_F45_same_id_with_other_content_in_one_list_is_kept_as_a_conflict(
    account: Any, make_sandbox: MakeSandbox
) -> None:
    sandbox = make_sandbox(accounts=1, events=200, faults=("duplicate-id@page=1",))
    sync(account)
    assert EventConflict.objects.count() <= 1
    sandbox.clear_faults()
    assert sync(account, full=True).status == "succeeded"
    assert ids(account) >= listed(sandbox)


def test_F51_rows_that_no_filter_asked_for_are_kept_and_noticed(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=2_700)  # more than one window holds
    sandbox.set_switches(ignored_filters="dates")
    assert_complete(account, sandbox)


def test_F52_same_id_in_two_accounts_is_two_events(cast: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    event = {"id": "twin", "event_type": "APP_CREATE", "created_at": "2026-03-01T10:00:00", "account_id": "sub00001"}
    for api_key in ("demo0001", "demo0002"):
        sandbox.add_events(api_key, [event])
        sync(NexmoAccount.objects.get(api_key=api_key))
    assert AuditEvent.objects.filter(event_id="twin", reported_account="sub00001").count() == 2


def test_F53_account_without_events_is_verified_empty(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    assert sync(account).status == "succeeded"
    window = SyncWindow.objects.get()
    assert (window.verified, window.reported) == (True, 0)


def test_F54_account_without_logins_is_no_error_and_the_list_says_so(
    login: Any, account: Any, make_sandbox: MakeSandbox
) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    sandbox.set_switches(premium=False)
    assert sync(account).status == "succeeded"
    page = login("alice").get("/events/?event_type=USER_LOGIN").content.decode()
    assert "No logins were ever reported for Quillfern Parcel" in page


def test_F55_what_nexmo_forgets_stays_here_and_is_marked(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=900)
    sync(account)
    everything = ids(account)
    sandbox.set_switches(retention_days=365)
    run = sync(account, check=True)
    assert run.status == "succeeded"
    assert ids(account) == everything
    gone = set(Discrepancy.objects.filter(kind="vanished").values_list("event__event_id", flat=True))
    forgotten = AuditEvent.objects.filter(created_at__lt=datetime.now(UTC) - timedelta(days=365))
    assert gone == set(forgotten.values_list("event_id", flat=True))
    assert gone
    assert verify_account(account).problem == ""


def test_F57_tokens_in_webhook_addresses_are_masked_but_for_those_who_may_see_them(
    login: Any, account: Any, add_event: Any
) -> None:
    url = "https://user:hunter2@hooks.example.com/x?token=abc123&page=2"
    event = add_event(account, 1, context={"created": {"answer_url": {"url": url}}})
    client = login("alice")
    page = client.get(event.get_absolute_url()).content.decode()
    as_received = login("audrey").get(event.get_absolute_url()).content.decode()
    for text in (client.get("/events/").content.decode(), page):
        assert "hunter2" not in text
        assert "abc123" not in text
    exported = b"".join(client.get("/events/export.csv").streaming_content).decode()
    assert "hunter2" not in exported
    assert "token=•••&page=2" in exported
    assert "hunter2" in as_received


def test_every_fault_has_a_test() -> None:
    tests = "".join(file.read_text() for file in Path(__file__).parents[1].rglob("test_*.py"))
    named = {int(number) for number in re.findall(r"F(\d\d)\b|F(\d\d)_", tests) for number in number if number}
    for start, end in re.findall(r"F(\d\d)_to_F(\d\d)", tests):
        named |= set(range(int(start), int(end) + 1))
    assert set(range(1, 58)) - named == set()
