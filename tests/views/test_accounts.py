"""The overview and an account's page: the state of each sync, and starting one."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import SyncRun, SyncState, SyncWindow, WorkerBeat
from events.nexmo.errors import CredentialsRefused, Unavailable
from events.operations.queue import QUEUE
from events.sync import coverage, pace, state
from events.wording.times import show
from tests.conftest import NOON, event_json
from tests.tools.export import add_many
from tests.tools.pages import Add, Login, finished, text_of


@pytest.fixture
def worker(db: None) -> None:
    WorkerBeat.objects.create(name="test:1", seen_at=timezone.now())


def test_overview_sums_up(client: Client, account: NexmoAccount) -> None:
    add_many(account, range(1, 1235))

    page = client.get("/accounts/")

    assert "2 accounts with 1,234 archived events" in text_of(page)
    assert 'href="/accounts/demo0001/events/">1,234</a>' in page.content.decode()


def states(client: Client, account: NexmoAccount) -> tuple[str, str]:
    """The account's label and level; overview and own page must agree, and the own page shows the whole sentence."""
    overview = client.get("/accounts/").content.decode()
    row = overview.split(f'data-account="{account.api_key}"')[1].split("</tr>")[0]
    own = client.get(f"/accounts/{account.api_key}/").content.decode()
    (level, label) = re.findall(r'<span class="health (\w+)">([^<]*)</span>', own)[0]
    assert (level, label) == re.findall(r'<span class="health (\w+)">([^<]*)</span>', row)[0]
    sentence = own.split(f"{label}</span>")[1].split("</p>")[0].strip()
    if level != "ok":
        assert sentence in row
    return level, f"{label}: {html.unescape(sentence)}"


def test_account_that_was_never_synced_says_so(client: Client, account: NexmoAccount, worker: None) -> None:
    assert states(client, account) == ("waiting", "Never synced: Its events have not been fetched yet.")
    assert "No sync has run yet." in text_of(client.get("/accounts/demo0001/"))


def test_account_that_waits_for_a_worker_says_how_to_start_one(client: Client, account: NexmoAccount) -> None:
    hint = "No worker is running: start one with <code>manage.py worker</code>."
    assert states(client, account) == ("waiting", f"Never synced: Its events have not been fetched yet. {hint}")

    client.post("/accounts/demo0001/sync/")

    assert states(client, account) == ("waiting", f"Waiting: The sync starts as soon as a worker is free. {hint}")


def test_account_that_waits_for_a_living_worker_only_waits(client: Client, account: NexmoAccount, worker: None) -> None:
    client.post("/accounts/demo0001/sync/")

    assert states(client, account) == ("waiting", "Waiting: The sync starts as soon as a worker is free.")


def test_failure_stays_one_until_a_sync_succeeds(client: Client, account: NexmoAccount, worker: None) -> None:
    state.ensure([account])
    SyncState.objects.update(problem_code="credentials", problem="Nexmo refused the credentials.")

    client.post("/accounts/demo0001/sync/")
    SyncState.objects.update(wanted_at=timezone.now())

    said = "Credentials refused: Nexmo refused the credentials. The sync starts as soon as a worker is free."
    assert states(client, account) == ("problem", said)


def test_worker_that_was_not_seen_for_long_is_none(client: Client, account: NexmoAccount) -> None:
    WorkerBeat.objects.create(name="gone:1", seen_at=timezone.now() - timedelta(seconds=31))

    assert "No worker is running" in states(client, account)[1]


def test_running_sync_tells_its_progress(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    assert states(client, account) == ("working", "Syncing: Starting.")
    assert "<progress" not in client.get("/accounts/").content.decode()

    state.renew(run, doing="Reading 2026-01-01 to now", expected=200, seen=50, added=1234)

    assert states(client, account) == ("working", "Syncing: Reading 2026-01-01 to now. 1,234 new so far.")
    for path in ("/accounts/", "/accounts/demo0001/"):
        assert '<progress max="100" value="25"' in client.get(path).content.decode()


def test_sync_whose_lease_ended_does_not_run(client: Client, account: NexmoAccount, worker: None) -> None:
    state.claim(account, SyncRun.Trigger.SCHEDULE)
    SyncState.objects.filter(account=account).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert states(client, account)[1].startswith("Never synced:")


def test_refused_credentials_are_told_with_what_to_do(client: Client, account: NexmoAccount) -> None:
    finished(account, CredentialsRefused("Invalid credentials", status=401), fingerprint="f")

    assert states(client, account) == (
        "problem",
        "Credentials refused: Nexmo refused the API key or secret (HTTP 401). "
        "Enter the current secret in the admin; no request is sent until then. Nexmo said: Invalid credentials",
    )
    page = text_of(client.get("/accounts/demo0001/"))
    assert "Failed Nexmo refused the API key or secret (HTTP 401)." in page.split("Latest syncs")[1]


def test_failures_in_a_row_are_counted(client: Client, account: NexmoAccount) -> None:
    finished(account, Unavailable("no answer"))
    assert "in a row" not in states(client, account)[1]

    finished(account, Unavailable("no answer"))

    level, sentence = states(client, account)
    assert (level, sentence.split(":")[0]) == ("problem", "Nexmo unreachable")
    assert sentence.endswith("Tried 2 times in a row.")


def test_unverified_windows_are_told_with_their_reasons(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    for verified, reason in ((False, "Nexmo counts 7, sent 6."), (True, "not shown")):
        window = SyncWindow(
            account=account,
            run=run,
            first_day=NOON.date(),
            asked_at=NOON,
            verified=verified,
            reason=reason,
        )
        state.record_window(run, window)
    state.finish(run)

    level, sentence = states(client, account)

    assert level == "late"
    assert sentence.startswith("Not fully verified: Some days could not be verified")
    page = text_of(client.get("/accounts/demo0001/"))
    assert "Not verified 2026-03-15 to now : Nexmo counts 7, sent 6. Latest syncs Started" in page
    assert "not shown" not in page


def test_account_that_is_switched_off_says_so(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    page = client.get("/accounts/demo0001/")

    assert states(client, account) == (
        "off",
        "Inactive: This account is not synced; its archived events stay readable.",
    )
    assert "Next sync none" in text_of(page)
    assert "Sync now" not in text_of(page)


def test_late_account_says_how_late(client: Client, account: NexmoAccount, worker: None) -> None:
    finished(account)
    SyncState.objects.filter(account=account).update(last_success_at=timezone.now() - timedelta(hours=5))

    assert states(client, account) == ("late", "Late: The last sync was 5 hours ago.")


def test_account_in_order_says_so(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    run = state.claim(account, SyncRun.Trigger.PERSON, cast["bob"])
    assert run
    state.renew(run, seen=1500, added=1200, requests=16)
    state.finish(run)
    coverage.add(account, None, NOON)

    assert states(client, account) == ("ok", "Up to date: Everything that Nexmo lists is archived.")
    page = text_of(client.get("/accounts/demo0001/"))
    assert "Complete from the beginning until 2026-03-15 12:00:00 UTC" in page
    assert "Succeeded Sync now by bob 1,200 1,500 16" in page
    assert "owned by alice · shared with Messaging team" in page


def test_day_since_when_an_account_is_complete_is_that_of_utc(
    client: Client, account: NexmoAccount, settings: Any
) -> None:
    settings.TIME_ZONE = "America/New_York"
    finished(account)
    coverage.add(account, datetime(2026, 1, 1, tzinfo=UTC), NOON)

    assert "Complete from 2026-01-01 until 2026-03-15 08:00:00 -04:00" in text_of(client.get("/accounts/demo0001/"))


def test_account_page_shows_the_latest_runs_only(client: Client, account: NexmoAccount) -> None:
    for number in range(20):
        run = finished(account)
        SyncRun.objects.filter(pk=run.pk).update(added=number + 1)

    assert client.get("/accounts/demo0001/").content.decode().count('<td data-title="Started">') == 15


@pytest.mark.parametrize(
    ("path", "part"), [("/accounts/", "accounts-table"), ("/accounts/demo0001/", "account-status")]
)
def test_polling_gets_only_the_part_that_the_page_shows(
    client: Client, account: NexmoAccount, path: str, part: str
) -> None:
    whole = client.get(path)
    partial = client.get(path, headers={"HX-Request": "true"})

    assert partial.content.decode().lstrip().startswith(f'<div id="{part}"')
    assert "<html" not in partial.content.decode()
    assert partial.content.decode().strip() in whole.content.decode()
    assert "HX-Request" in whole["Vary"]
    assert "HX-Request" in partial["Vary"]


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/demo0001/"])
def test_page_polls_only_while_something_moves(client: Client, cast: dict[str, Any], path: str) -> None:
    for account in NexmoAccount.objects.filter(owner=cast["alice"]):
        finished(account)
    still = client.get(path).content.decode()
    assert "hx-trigger" not in still
    assert "http-equiv" not in still

    state.claim(NexmoAccount.objects.get(api_key="demo0001"), SyncRun.Trigger.SCHEDULE)

    moving = client.get(path).content.decode()
    assert f'hx-get="{path}" hx-trigger="every 1s" hx-swap="outerHTML"' in moving
    assert '; url=?by_itself=1"></noscript>' in moving  # without scripts the page reloads
    again = client.get(f"{path}?by_itself=1").content.decode()
    assert re.search(r'href="[^"]*by_itself', again) is None, "whoever follows a link is there"


def test_sync_now_queues_and_leads_back(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    response = client.post("/accounts/demo0001/sync/")

    assert (response.status_code, response["Location"]) == (302, "/accounts/demo0001/")
    wanted = SyncState.objects.get(account=account)
    assert wanted.wanted_at is not None
    assert wanted.wanted_by == cast["alice"]
    assert QUEUE.pending_count() == 1
    assert "The sync starts as soon as a worker is free." in text_of(client.get("/accounts/demo0001/"))


def test_sync_now_of_an_account_that_is_switched_off_is_refused(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    page = client.post("/accounts/demo0001/sync/", follow=True)

    assert "Quillfern Parcel is inactive; its owner can activate it in the admin." in text_of(page)
    assert not SyncState.objects.exclude(wanted_at=None).exists()
    assert QUEUE.pending_count() == 0


def test_syncing_all_leaves_out_accounts_that_are_switched_off(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    page = client.post("/accounts/", follow=True)

    assert page.status_code == 200
    assert SyncState.objects.exclude(wanted_at=None).get().account.api_key == "demo0002"


def test_sync_is_refused_without_the_forms_token(login: Login, cast: dict[str, Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["alice"], backend="auditsite.login.Backend")

    response = client.post("/accounts/demo0001/sync/")

    assert response.status_code == 403
    assert "This page is out of date" in text_of(response)
    assert QUEUE.pending_count() == 0


# --- how often it is asked ------------------------------------------------------------------------------------------


def asked(client: Client) -> str:
    found = re.search(r'id="asked">(.*?)</p>', client.get("/accounts/demo0001/").content.decode(), re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", "", found[1])) if found else ""


def test_account_page_says_how_often_it_is_asked(client: Client, account: NexmoAccount, settings: Any) -> None:
    assert asked(client) == "Checked for new events every 5 minutes."
    settings.SYNC_INTERVAL = timedelta(hours=1)
    assert asked(client) == "Checked for new events every hour."


def test_account_page_says_that_it_is_watched_and_with_which_requests(client: Client, account: NexmoAccount) -> None:
    now = timezone.now()
    until = now + timedelta(minutes=30)
    state.watch(account, until)
    SyncState.objects.update(watch_hour=pace.hour_of(now), watch_requests=17)
    assert asked(client) == (
        f"Watched closely until {show(until)}: checked for new events every 15 seconds. "
        "Extra requests this hour: 17 of 300."
    )
    SyncState.objects.update(watch_requests=301)
    hour = show(pace.hour_of(now) + timedelta(hours=1))
    assert asked(client) == (
        f"Watched closely until {show(until)}, but this hour's extra requests are used up (301 of 300): "
        f"checked for new events every 5 minutes until {hour}."
    )


def test_account_page_says_why_it_is_watched(client: Client, account: NexmoAccount, add_event: Add) -> None:
    now = timezone.now()
    for number, (ago, country) in enumerate(((timedelta(days=1), "GB"), (timedelta(minutes=1), "SC")), start=1):
        add_event(account, number, created_at=f"{now - ago:%Y-%m-%dT%H:%M:%S}", source_country=country)
    state.watch(account, now + timedelta(minutes=29))
    assert asked(client).endswith(" Why: the first event of yourname@example.com from SC")
    page = client.get("/accounts/demo0001/").content.decode()
    assert f'id="watched-for" href="/accounts/demo0001/events/{event_json(2)["id"]}/"' in page


@pytest.mark.parametrize("fields", [{"failures": 2}, {"refused_credentials": "x"}])
def test_pace_that_does_not_hold_is_not_told(client: Client, account: NexmoAccount, fields: dict[str, Any]) -> None:
    state.watch(account, timezone.now() + timedelta(minutes=30))
    SyncState.objects.update(**fields)
    assert asked(client) == ""
