"""/metrics: who may read it, and what it says."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import NexmoAccount
from events.models import CoveredSpan, RequestCount, SyncState, WorkerBeat
from events.operations.queue import QUEUE
from events.operations.tasks import sync_if_due
from events.sandbox import Sandbox
from events.sync.engine import sync_account
from events.sync.pace import hour_of
from tests.tools.processes import ROOT
from tests.tools.scope import Login
from tests.tools.site import start_site

TOKEN = "a-token-of-the-tests-0123456789"


def read(client: Client | None = None, token: str = TOKEN) -> dict[tuple[str, ...], float]:
    """Every figure by its name and the values of its labels, in the order of the labels' names."""
    answer = (client or Client()).get("/metrics", headers={"authorization": f"Bearer {token}"} if token else {})
    assert answer.status_code == 200, answer.content
    return figures(answer.content.decode())


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels) if name != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def _token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", f"Bearer {TOKEN}x", "Bearer", f"Basic {TOKEN}", "Bearer ä", TOKEN])
def test_without_the_token_401_says_what_to_do(db: None, header: str) -> None:
    answer = Client().get("/metrics", headers={"authorization": header})

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert "METRICS_TOKEN" in answer.content.decode()
    assert TOKEN not in answer.content.decode()


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer "])
def test_without_a_setting_no_token_is_right(db: None, settings: Any, header: str) -> None:
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", headers={"authorization": header}).status_code == 401


@pytest.mark.parametrize(("person", "status"), [("admin", 200), ("audrey", 200), ("alice", 401), ("bob", 401)])
def test_logged_in_only_who_sees_everything_may(login: Login, person: str, status: int) -> None:
    assert login(person).get("/metrics").status_code == status


# --- what it says ---------------------------------------------------------------------------------------------------


def test_lag_is_told_for_each_account_and_infinite_where_nothing_was_ever_synced(account: NexmoAccount) -> None:
    now = timezone.now()
    SyncState.objects.create(account=account, last_success_at=now - timedelta(seconds=100), event_count=7, failures=2)
    CoveredSpan.objects.create(account=account, start=None, end=now - timedelta(seconds=200))

    found = read()

    assert found["auditsite_sync_seconds_since_success", "demo0001"] == pytest.approx(100, abs=5)
    assert found["auditsite_sync_seconds_since_complete", "demo0001"] == pytest.approx(200, abs=5)
    assert found["auditsite_sync_seconds_since_success", "demo0002"] == float("inf")
    assert found["auditsite_events_archived", "demo0001"] == 7
    assert found["auditsite_sync_failures", "demo0001"] == 2


def test_account_that_is_switched_off_has_no_lag(account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    found = read()

    assert ("auditsite_sync_seconds_since_success", "demo0001") not in found
    assert found["auditsite_account_health", "demo0001", "off"] == 1


def test_watched_accounts_and_their_requests_are_told(account: NexmoAccount) -> None:
    now = timezone.now()
    SyncState.objects.create(
        account=account, watched_until=now + timedelta(minutes=9), watch_hour=hour_of(now), watch_requests=17
    )

    found = read()

    assert (found["auditsite_account_watched", "demo0001"], found["auditsite_watch_requests", "demo0001"]) == (1, 17)
    assert (found["auditsite_account_watched", "demo0002"], found["auditsite_watch_requests", "demo0002"]) == (0, 0)


def test_exactly_one_level_of_health_is_1(account: NexmoAccount) -> None:
    SyncState.objects.create(account=account, problem_code="denied", problem="No.")

    found = {key[2]: value for key, value in read().items() if key[:2] == ("auditsite_account_health", "demo0001")}

    assert found == {"ok": 0, "working": 0, "waiting": 0, "late": 0, "problem": 1, "off": 0}


@pytest.mark.django_db(transaction=True)
def test_requests_are_counted_by_the_status_of_their_answer(
    account: NexmoAccount, make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(accounts=1, events=250)
    sync_account(account)
    made = len(sandbox.requests)
    assert read()["auditsite_nexmo_requests_total", "demo0001", "200"] == made

    sandbox.set_secrets("demo0001", ["changed"])
    sync_account(account)
    sandbox.stop()
    NexmoAccount.objects.filter(pk=account.pk).update(api_secret_secondary="another")
    account.refresh_from_db()
    from events.sync.clients import client_for

    with pytest.raises(Exception, match="Nexmo"), client_for(account, attempts=1) as client:
        client.list_events()
    found = read()

    assert found["auditsite_nexmo_requests_total", "demo0001", "200"] == made
    assert found["auditsite_nexmo_requests_total", "demo0001", "401"] == 1
    assert found["auditsite_nexmo_requests_total", "demo0001", "none"] == 1


def test_counting_requests_costs_an_update_for_many(account: NexmoAccount, django_assert_num_queries: Any) -> None:
    from events.sync.clients import Tally

    RequestCount.objects.create(account=account, status="200", count=5)
    tally = Tally(account)
    with django_assert_num_queries(2):
        for _ in range(150):
            tally.add(200)
        tally.save()
    assert RequestCount.objects.get().count == 155


def test_queue_and_workers_are_counted(account: NexmoAccount) -> None:
    WorkerBeat.objects.create(name="a:1", seen_at=timezone.now())
    WorkerBeat.objects.create(name="b:1", seen_at=timezone.now() - timedelta(minutes=5))
    sync_if_due(account.pk)

    found = read()

    assert found["auditsite_workers_alive",] == 1
    assert found["auditsite_queue_length",] == 1
    assert found["auditsite_queue_up",] == 1


def test_queue_that_does_not_answer_costs_no_other_figure(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise ConnectionError("redis://user:hunter2@queue")

    monkeypatch.setattr(QUEUE, "pending_count", fail)

    found = read()

    assert found["auditsite_queue_up",] == 0
    assert ("auditsite_queue_length",) not in found
    assert found["auditsite_workers_alive",] == 0


def test_page_times_are_told_by_view_method_and_kind_of_status(login: Login) -> None:
    client = login("alice")

    def count(*labels: str) -> float:
        return read().get(("auditsite_page_seconds_count", *labels), 0)

    before = count("GET", "2xx", "events:list"), count("GET", "4xx", "events:find"), count("GET", "4xx", "none")
    client.get("/events/")
    client.get("/events/nosuch/")
    client.get("/nosuch")
    after = count("GET", "2xx", "events:list"), count("GET", "4xx", "events:find"), count("GET", "4xx", "none")

    assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [1, 1, 1]


def test_whoever_asks_cannot_make_new_labels(client: Client, db: None) -> None:
    for method in ("BREW", "PROPFIND"):
        client.generic(method, "/some/thing-of-mine?a=b")

    labels = {value for key in read() for value in key[1:]}

    assert "other" in labels
    assert not labels & {"BREW", "PROPFIND", "/some/thing-of-mine"}


def test_no_secret_name_or_address_stands_in_the_figures(
    account: NexmoAccount, add_event: Callable[..., Any], cast: Any
) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(name="of somebody@example.com")
    add_event(account, 1)

    text = Client().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).content.decode()

    assert "@" not in text
    assert "sandbox-secret" not in text
    assert "alice" not in text


def test_number_of_queries_does_not_grow_with_the_accounts(cast: Any, django_assert_max_num_queries: Any) -> None:
    owner = cast["alice"]
    for number in range(20):
        made = NexmoAccount.objects.create(owner=owner, name=f"n{number}", api_key=f"more{number:04d}", api_secret="s")
        SyncState.objects.create(account=made)
        RequestCount.objects.create(account=made, status="200", count=number)
    with django_assert_max_num_queries(16):  # two of them about alerts, one each about streams, reports and reviews
        read()


# --- several processes ----------------------------------------------------------------------------------------------


def test_page_times_of_all_processes_are_told_by_any_of_them(tmp_path: Path) -> None:
    with start_site(tmp_path, WEB_PROCESSES="2", METRICS_TOKEN=TOKEN) as site:
        (directory,) = (ROOT / "var" / "metrics").glob(f"*-{site.port}")
        patience = time.monotonic() + 120
        counting = 0
        while counting < 2 and time.monotonic() < patience:  # who takes a connection is up to the machine
            told = _ask_often(site.url)
            counting = len(list(directory.glob("histogram_*.db")))
    assert counting == 2, "both processes answered"
    assert figures(told)["auditsite_page_seconds_count", "GET", "2xx", "healthz"] >= 40
    assert not directory.exists()


def _ask_often(url: str) -> str:
    askers = [subprocess.Popen([sys.executable, "-c", _ASK, f"{url}/healthz"]) for _ in range(2)]
    assert [asker.wait(120) for asker in askers] == [0, 0]
    request = urllib.request.Request(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


_ASK = "import sys, urllib.request\nfor _ in range(20): urllib.request.urlopen(sys.argv[1], timeout=60).read()"
