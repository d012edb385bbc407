"""Proofs on the pages: seals, the calendar, and asking Nexmo about one event."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from django.utils.dateformat import format as date_format

from accounts.models import NexmoAccount
from events.archive import seals
from events.health.calendar import calendar, in_words
from events.models import Discrepancy, Seal, SyncRun, SyncWindow
from events.operations import sealing
from events.sandbox import Sandbox
from events.sync import coverage, state
from events.sync.engine import sync_account

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 18)


# --- seals ----------------------------------------------------------------------------------------------------


def test_seals_can_be_taken_away_and_checked(login: Any, account: Any, add_event: Any) -> None:
    add_event(account, 1)
    seals.seal(account)
    text = login("bob").get("/accounts/demo0001/seals.ndjson").content.decode()
    (statement,) = seals.import_lines(text, [seals.public_key()])
    assert statement.count == 1


def test_worker_seals_accounts_with_news_once_an_interval(account: Any, add_event: Any, settings: Any) -> None:
    sealing.seal_what_is_due()
    assert not Seal.objects.exists()
    add_event(account, 1)
    sealing.seal_what_is_due()
    add_event(account, 2)
    sealing.seal_what_is_due()
    assert Seal.objects.count() == 1
    settings.SEAL_INTERVAL = timedelta(0)
    sealing.seal_what_is_due()
    sealing.seal_what_is_due()  # nothing new since
    assert Seal.objects.count() == 2


# --- check with Nexmo ---------------------------------------------------------------------------------------------


@pytest.fixture
def synced(account: Any, make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", [{"id": "e1", "event_type": "APP_CREATE", "created_at": "2026-03-01T10:00:00"}])
    sync_account(account)
    return sandbox


def outcome(login: Any, name: str = "bob") -> tuple[int, str]:
    response = login(name).post("/accounts/demo0001/events/e1/check")
    return response.status_code, response.content.decode()


def test_event_that_is_the_same_is_said_to_be(login: Any, synced: Sandbox) -> None:
    status, page = outcome(login)
    assert (status, 'data-outcome="same"' in page) == (200, True)
    assert not Discrepancy.objects.exists()


def test_event_that_was_altered_is_shown_with_the_difference_and_marked(login: Any, synced: Sandbox) -> None:
    synced.replace_event(
        "demo0001", "e1", {"id": "e1", "event_type": "APP_DELETE", "created_at": "2026-03-01T10:00:00"}
    )
    _, page = outcome(login)
    assert 'data-outcome="altered"' in page
    assert "-  &quot;event_type&quot;: &quot;APP_CREATE&quot;" in page
    assert "+  &quot;event_type&quot;: &quot;APP_DELETE&quot;" in page
    assert "Altered at Nexmo" in login("bob").get("/accounts/demo0001/events/e1/").content.decode()


@pytest.mark.parametrize("may_see", [False, True])
def test_difference_in_a_token_is_told_and_shown_to_those_who_may_see_it(
    login: Any, cast: Any, account: Any, make_sandbox: Callable[..., Sandbox], may_see: bool
) -> None:
    sandbox = make_sandbox()
    event = {"id": "e2", "event_type": "APP_CREATE", "created_at": "2026-03-01T11:00:00"}
    sandbox.add_events("demo0001", [event | {"context": {"url": "https://h.example/?token=first777"}}])
    sync_account(account)
    sandbox.replace_event("demo0001", "e2", event | {"context": {"url": "https://h.example/?token=second777"}})
    if may_see:
        cast["bob"].user_permissions.add(Permission.objects.get(codename="view_sensitive"))
    page = login("bob").post("/accounts/demo0001/events/e2/check").content.decode()
    assert 'data-outcome="altered"' in page
    assert ("They differ in passwords or tokens" in page) is not may_see
    assert ("first777" in page, "second777" in page) == (may_see, may_see)


def test_event_that_is_gone_is_said_to_be_and_stays(login: Any, synced: Sandbox) -> None:
    synced.remove_event("demo0001", "e1")
    _, page = outcome(login)
    assert 'data-outcome="gone"' in page
    assert "No longer at Nexmo" in login("bob").get("/accounts/demo0001/events/e1/").content.decode()


def test_trouble_on_the_way_is_told_and_marks_nothing(login: Any, synced: Sandbox) -> None:
    synced.set_faults("bad-request")
    _, page = outcome(login)
    assert 'data-outcome="failed"' in page
    assert not Discrepancy.objects.exists()


def test_strangers_and_auditors_do_not_ask_nexmo(login: Any, synced: Sandbox) -> None:
    before = len(synced.requests)
    assert outcome(login, "charlie")[0] == 404
    assert outcome(login, "audrey")[0] == 403
    assert len(synced.requests) == before


# --- the calendar -------------------------------------------------------------------------------------------------


def test_calendar_tells_covered_empty_unverified_and_unknown_days_apart(account: Any, add_event: Any) -> None:
    add_event(account, 1)  # 2026-03-15
    coverage.add(account, datetime(2026, 3, 14, tzinfo=UTC), datetime(2026, 3, 18, 12, tzinfo=UTC))
    run = SyncRun.objects.create(account=account, trigger="command", started_at=timezone.now())
    state.record_window(
        run,
        SyncWindow(
            account=account,
            run=run,
            first_day=date(2026, 3, 10),
            last_day=date(2026, 3, 14),
            asked_at=timezone.now(),
            verified=False,
        ),
    )
    weeks = calendar(account, TODAY)
    states = {day.day: (day.state, day.events) for week in weeks for day in week}
    assert states[date(2026, 3, 9)] == ("unknown", 0)
    assert states[date(2026, 3, 10)] == ("unverified", 0)
    assert states[date(2026, 3, 14)] == ("empty", 0)  # verified since
    assert states[date(2026, 3, 15)] == ("events", 1)
    assert states[TODAY] == ("partly", 0)
    assert len(weeks) == 53
    assert all(week[0].day.weekday() == 0 for week in weeks)
    assert "1 day complete, with events; 3 days complete, no events; 1 day partly complete; 4 days read" in in_words(
        weeks
    )


def test_days_are_shaded_by_how_much_happened_beside_the_other_days(account: Any, add_event: Any) -> None:
    number = 0
    for day, count in enumerate((1, 2, 2, 3, 4, 5, 6, 40)):  # one wild day does not pale the others
        for _ in range(count):
            number += 1
            add_event(account, number, created_at=f"2026-03-0{day + 1}T12:00:00")
    coverage.add(account, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 18, 12, tzinfo=UTC))

    levels = {day.day: day.level for week in calendar(account, TODAY) for day in week}

    assert [levels[date(2026, 3, day)] for day in range(1, 9)] == [1, 1, 1, 2, 2, 3, 3, 4]
    assert levels[date(2026, 3, 9)] == 0


def test_account_page_lists_what_is_not_verified_until_it_is(login: Any, account: Any) -> None:
    run = SyncRun.objects.create(account=account, trigger="command", started_at=timezone.now())
    window = SyncWindow(
        account=account,
        run=run,
        first_day=date(2026, 3, 10),
        last_day=date(2026, 3, 14),
        asked_at=timezone.now(),
        verified=False,
        reason="Nexmo counts 7 events here and sent 6.",
    )
    state.ensure([account])
    state.record_window(run, window)
    page = login("bob").get("/accounts/demo0001/").content.decode().split('id="unverified"')
    assert "2026-03-10 to 2026-03-14" in page[1]
    coverage.add(account, None, timezone.now())
    assert 'id="unverified"' not in login("bob").get("/accounts/demo0001/").content.decode()


def test_account_whose_key_has_archived_events_keeps_it(login: Any, account: Any, add_event: Any) -> None:
    add_event(account, 1)
    client = login("alice")
    path = f"/admin/accounts/nexmoaccount/{account.pk}/change/"
    assert 'name="api_key"' not in client.get(path).content.decode()
    client.post(path, {"name": "New name", "api_key": "other001", "is_active": "on", "api_secret": ""})
    changed = NexmoAccount.objects.get(pk=account.pk)
    assert (changed.name, changed.api_key) == ("New name", "demo0001")


def test_calendar_names_its_months_and_weekdays(login: Any, account: Any) -> None:
    page = login("alice").get("/accounts/demo0001/").content.decode()
    shown = page.partition('<div class="calendar" aria-hidden="true">')[2].partition("<p ")[0]
    labels = [text for text in re.findall(r"<b>([^<]*)</b>", shown) if text]

    assert labels[:4] == ["Mon", "Wed", "Fri", "Sun"]
    assert len(labels) - 4 in (12, 13)
    assert set(labels[4:]) == {date_format(date(2026, month, 1), "M") for month in range(1, 13)}


def test_commands_are_named_to_operators_only(login: Any, account: Any) -> None:
    assert "Not sealed yet." in login("alice").get("/accounts/demo0001/").content.decode()
    assert "seal_archive" not in login("alice").get("/accounts/demo0001/").content.decode()
    assert "seal_archive" in login("admin").get("/accounts/demo0001/").content.decode()
