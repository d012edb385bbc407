"""Checking one event with Nexmo, and the marks that it sets and withdraws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.models import AuditEvent, Discrepancy
from events.nexmo.ids import kept_id
from events.sandbox import Sandbox
from events.sync import check_event as checks
from events.sync.check_event import MOST_PAGES, Check
from events.sync.clients import client_for
from events.sync.engine import SyncOptions, sync_account

pytestmark = pytest.mark.django_db

MakeSandbox = Callable[..., Sandbox]
WHEN = datetime(2026, 3, 1, 10, tzinfo=UTC)


def event(event_id: str, when: datetime = WHEN, **fields: Any) -> dict[str, Any]:
    return {"id": event_id, "event_type": "APP_CREATE", "created_at": f"{when:%Y-%m-%dT%H:%M:%S}"} | fields


def archived(event_id: str = "e1") -> AuditEvent:
    found: AuditEvent = AuditEvent.objects.select_related("account").get(event_id=event_id)
    return found


def check_event(event: AuditEvent) -> Check:
    return checks.check_event(event, lambda: client_for(event.account, attempts=2))


@pytest.fixture
def sandbox(account: Any, make_sandbox: MakeSandbox) -> Sandbox:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", [event("e1"), event("e2", WHEN + timedelta(hours=1))])
    sync_account(account)
    return sandbox


def asked(sandbox: Sandbox, kind: str) -> int:
    return sum(1 for request in sandbox.requests if request.kind == kind)


def test_event_is_gone_only_when_the_list_of_its_days_lacks_it(sandbox: Sandbox) -> None:
    sandbox.remove_event("demo0001", "e1")
    lists = asked(sandbox, "list")
    assert check_event(archived()).outcome == "gone"
    assert asked(sandbox, "list") == lists + 1
    (mark,) = Discrepancy.objects.all()
    assert (mark.kind, mark.event.event_id, mark.withdrawn_at) == ("vanished", "e1", None)


def test_wrong_address_marks_nothing_and_says_what_to_check(sandbox: Sandbox, settings: Any) -> None:
    settings.NEXMO_AUDIT_URL = sandbox.root + "/beta/wrong"
    checked = check_event(archived())
    assert checked.outcome == "failed" and "Check NEXMO_AUDIT_URL" in checked.reason
    assert not Discrepancy.objects.filter(kind="vanished").exists()


@pytest.mark.parametrize(
    "fault", ["http-500", "bad-request", "ok-html", "ok-empty", "not-found-list", "reset", "unauthorized"]
)
def test_trouble_of_the_list_marks_nothing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr("events.nexmo.client.AuditClient._wait", lambda self, seconds: None)
    sandbox.remove_event("demo0001", "e1")
    sandbox.set_faults(f"{fault}@on=list,times=always")
    assert check_event(archived()).outcome == "failed"
    assert not Discrepancy.objects.filter(kind="vanished").exists()


@pytest.mark.parametrize("switches", [{"totals": "missing"}, {"totals": "off"}, {"ignored_filters": "dates"}])
def test_list_that_proves_nothing_marks_nothing(sandbox: Sandbox, switches: dict[str, Any]) -> None:
    sandbox.add_events("demo0001", [event("far", WHEN - timedelta(days=90))])
    sandbox.remove_event("demo0001", "e1")
    sandbox.set_switches(**switches)
    assert check_event(archived()).outcome == "unknown"
    assert not Discrepancy.objects.filter(kind="vanished").exists()


def test_list_too_long_to_look_through_marks_nothing(sandbox: Sandbox) -> None:
    sandbox.add_events("demo0001", [event(f"many{number}") for number in range(MOST_PAGES * 100)])
    sandbox.remove_event("demo0001", "e1")
    lists = asked(sandbox, "list")
    assert check_event(archived()).outcome == "unknown"
    assert asked(sandbox, "list") == lists + 1
    assert not Discrepancy.objects.filter(kind="vanished").exists()


@pytest.mark.parametrize("altered", [False, True])
def test_event_that_only_the_list_shows_is_compared_with_that(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, altered: bool
) -> None:
    def not_found(self: Any, event_id: str) -> None:
        from events.nexmo.errors import NotFound

        raise NotFound(status=404)

    monkeypatch.setattr("events.nexmo.client.AuditClient.get_event", not_found)
    if altered:
        sandbox.replace_event("demo0001", "e1", event("E1", source="DEVAPI"))
    checked = check_event(archived())
    assert checked.outcome == ("altered" if altered else "same")
    assert set(Discrepancy.objects.values_list("kind", flat=True)) == ({"altered"} if altered else set())


@pytest.mark.parametrize("odd", [{"id": None}, {"id": ""}, {"id": "  "}, {"id": ...}], ids=lambda odd: str(odd)[:20])
def test_id_that_nexmo_did_not_send_is_never_asked_for(sandbox: Sandbox, account: Any, odd: dict[str, Any]) -> None:
    fields = {name: value for name, value in event("made-up", **odd).items() if value is not ...}
    sandbox.add_events("demo0001", [fields])
    sync_account(account, SyncOptions(full=True))
    before = len(sandbox.requests)
    (made_up,) = AuditEvent.objects.select_related("account").exclude(event_id__in=["e1", "e2"])
    checked = check_event(made_up)
    assert checked.outcome == "unknown" and "without an id" in checked.reason
    assert len(sandbox.requests) == before
    assert not Discrepancy.objects.filter(kind="vanished").exists()


@pytest.mark.parametrize("event_id", ["x" * 3000, "x\ud800"], ids=["long", "half-pair"])
def test_id_that_no_address_can_hold_is_not_asked_for(sandbox: Sandbox, account: Any, event_id: str) -> None:
    sandbox.add_events("demo0001", [event(event_id)])
    sync_account(account, SyncOptions(full=True))
    before = len(sandbox.requests)
    (odd,) = AuditEvent.objects.select_related("account").exclude(event_id__in=["e1", "e2"])
    checked = check_event(odd)
    assert checked.outcome == "unknown" and "too long" in checked.reason
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("event_id", ["x" * 300, "x\u0000y", 5, "..", ".", "a/b", "a?b", "%2e%2e", "A-B"])
def test_odd_ids_that_nexmo_sent_are_the_same_or_not_known(sandbox: Sandbox, account: Any, event_id: Any) -> None:
    sandbox.add_events("demo0001", [event(event_id)])
    sync_account(account, SyncOptions(full=True))
    assert check_event(archived(kept_id(str(event_id)))).outcome in ("same", "unknown")
    assert not Discrepancy.objects.filter(kind="vanished").exists()


def test_event_without_a_readable_time_is_not_looked_for(sandbox: Sandbox, account: Any) -> None:
    sandbox.add_events("demo0001", [event("undated", created_at="last Tuesday")])
    sync_account(account)
    sandbox.remove_event("demo0001", "undated")
    assert check_event(archived("undated")).outcome == "unknown"
    assert not Discrepancy.objects.filter(kind="vanished").exists()


# --- marks are withdrawn ------------------------------------------------------------------------------------------


def falsely_marked(account: Any) -> Discrepancy:
    mark: Discrepancy = Discrepancy.objects.create(
        account=account, event=archived(), kind="vanished", noticed_at=timezone.now()
    )
    return mark


def test_check_that_shows_the_event_withdraws_the_mark(sandbox: Sandbox, account: Any, login: Any) -> None:
    mark = falsely_marked(account)
    assert check_event(archived()).outcome == "same"
    mark.refresh_from_db()
    assert mark.withdrawn_at is not None and mark.withdrawn_by is None
    page = login("bob").get("/accounts/demo0001/events/e1/").content.decode()
    assert "Nexmo showed it again" in page and "may be too old for Nexmo to keep" not in page
    assert "Nexmo showed it again" in login("bob").get("/accounts/demo0001/").content.decode()


def test_sync_that_meets_the_event_withdraws_the_mark(sandbox: Sandbox, account: Any) -> None:
    mark = falsely_marked(account)
    run = sync_account(account, SyncOptions(full=True))
    mark.refresh_from_db()
    assert mark.withdrawn_by == run
    assert not Discrepancy.objects.standing().exists()


def test_event_may_vanish_again_after_a_mark_was_withdrawn(sandbox: Sandbox, account: Any) -> None:
    falsely_marked(account)
    check_event(archived())
    sandbox.remove_event("demo0001", "e1")
    assert check_event(archived()).outcome == "gone"
    assert check_event(archived()).outcome == "gone"
    assert [mark.withdrawn_at is None for mark in Discrepancy.objects.order_by("pk")] == [False, True]


def test_withdrawn_mark_counts_in_the_full_check(sandbox: Sandbox, account: Any) -> None:
    """A mark that stood falsely made the archive's count one short, and its span was read again at every check."""
    falsely_marked(account)
    for _ in range(2):
        run = sync_account(account, SyncOptions(check=True))  # its first page shows the event, and withdraws the mark
        assert run is not None and run.windows_verified == 1  # only what is new: the counts agree
        assert not Discrepancy.objects.standing().exists()
