"""The admin's list of accounts: health, testing connections, and syncing now."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent, SyncRun, SyncState
from events.nexmo.errors import CredentialsRefused
from events.operations import tasks
from events.operations.queue import QUEUE
from events.sync import state
from tests.tools.admin import LIST, Add, Login, act


def test_list_shows_each_accounts_health(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number in range(1, 4):
        add_event(account, number)
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run)
    SyncState.objects.filter(account=account).update(last_success_at="2026-03-15T12:00:00Z", event_count=1234)

    page = client.get(LIST).content.decode()

    cells = {
        name: re.findall(rf'<td class="field-{name}[^"]*">(.*?)</td>', page, re.DOTALL)
        for name in ("health", "last_sync", "event_count")
    }
    # By name: Marrowby Health, Quillfern Parcel.
    assert re.sub("<[^>]*>", "", cells["health"][0]) == "Never synced"
    assert re.sub("<[^>]*>", "", cells["health"][1]) == "Late"
    assert 'class="health late" title="The last sync was' in cells["health"][1]
    assert cells["last_sync"] == ["never", "2026-03-15 12:00:00 UTC"]
    assert cells["event_count"] == ["0", "1,234"]


def test_health_of_hostile_words_is_escaped(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run, error=CredentialsRefused('"><script>x', status=401))

    page = client.get(LIST).content.decode()

    assert "Credentials refused" in page
    assert "<script>x" not in page


def test_connection_that_works_says_so(client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]) -> None:
    sandbox = make_sandbox(accounts=2, events=40)

    ((level, text),) = act(client, "test_connection", account)

    assert level == "success"
    assert re.fullmatch(r"Quillfern Parcel \(demo0001\): The connection works\. Nexmo lists [\d,]+ events\.", text)
    assert len(sandbox.requests) == 1
    assert not AuditEvent.objects.exists()


def test_connection_with_a_wrong_secret_says_what_to_do_and_shows_no_secret(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    sandbox = make_sandbox()
    account.api_secret = "wrong-secret-5"
    account.save()

    ((level, text),) = act(client, "test_connection", account)

    assert level == "error"
    assert text.startswith("Quillfern Parcel (demo0001): Nexmo refused this API key with this secret. Copy both again")
    assert "wrong-secret-5" not in text
    assert len(sandbox.requests) == 1


def test_connection_is_tested_once_and_not_again(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    sandbox = make_sandbox(faults=["http-500"])

    ((level, _),) = act(client, "test_connection", account)

    assert level == "error"
    assert len(sandbox.requests) == 1


def test_connection_to_nowhere_is_told(client: Client, account: NexmoAccount) -> None:
    ((level, text),) = act(client, "test_connection", account)

    assert level == "error"
    assert text.startswith("Quillfern Parcel (demo0001):")
    assert "sandbox-secret" not in text


def test_connections_are_tested_one_by_one(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    make_sandbox(accounts=1)

    told = act(client, "test_connection", account, NexmoAccount.objects.get(api_key="demo0002"))

    assert sorted(level for level, _ in told) == ["error", "success"]


def test_connection_that_works_again_forgives_refused_credentials(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    make_sandbox()
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run, error=CredentialsRefused("no", status=401), fingerprint="f")

    act(client, "test_connection", account)

    found = SyncState.objects.get(account=account)
    assert (found.refused_credentials, found.problem_code, found.due_at) == ("", "", None)


@pytest.mark.parametrize("name", ["test_connection", "sync_now"])
def test_actions_leave_foreign_accounts_alone(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any], name: str
) -> None:
    sandbox = make_sandbox()
    theirs = NexmoAccount.objects.get(api_key="demo0003")
    theirs.teams.add(account.teams.get())

    assert act(client, name, theirs) == []
    assert not sandbox.requests
    assert not SyncState.objects.exclude(wanted_at=None).exists()


def test_superuser_acts_on_any_account(login: Login, cast: dict[str, Any]) -> None:
    told = act(login("admin"), "sync_now", *NexmoAccount.objects.all())

    assert len(told) == 5
    assert SyncState.objects.exclude(wanted_at=None).count() == 5


def test_sync_now_notes_the_wish_for_the_worker(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    told = act(client, "sync_now", account)

    assert told == [("success", "Quillfern Parcel (demo0001): the sync starts as soon as a worker is free.")]
    wanted = SyncState.objects.exclude(wanted_at=None).get()
    assert (wanted.account, wanted.wanted_by) == (account, cast["alice"])


def test_sync_now_leaves_out_accounts_that_are_switched_off(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    told = act(client, "sync_now", account)

    assert told == [("warning", "Quillfern Parcel (demo0001) is inactive; activate it first.")]
    assert not SyncState.objects.exclude(wanted_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_sync_now_is_carried_out_by_the_worker(
    login: Login, account: NexmoAccount, make_sandbox: Callable[..., Any], cast: dict[str, Any]
) -> None:
    make_sandbox(accounts=1, events=30)
    act(login("alice"), "sync_now", account)
    tasks.queue_due_syncs()  # as the worker does every two seconds; what a person wants comes first

    task = QUEUE.dequeue()
    assert task
    QUEUE.execute(task)

    run = SyncRun.objects.get()
    assert (run.status, run.trigger, run.requested_by) == (
        SyncRun.Status.SUCCEEDED,
        SyncRun.Trigger.PERSON,
        cast["alice"],
    )
    assert run.added == AuditEvent.objects.filter(account=account).count() > 0
    assert SyncState.objects.get(account=account).wanted_at is None


def test_testing_many_connections_ends_in_time(
    login: Login, make_sandbox: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = make_sandbox()
    monkeypatch.setattr("events.admin.account.LONGEST_TEST", -1.0)
    ((level, text),) = act(login("admin"), "test_connection", *NexmoAccount.objects.all())

    assert (level, text) == (
        "warning",
        "5 accounts were not tested: this took too long. Select fewer at a time.",
    )
    assert not sandbox.requests


def test_testing_a_connection_does_not_wait_for_the_pace(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any], settings: Any
) -> None:
    make_sandbox()
    settings.NEXMO_REQUESTS_PER_SECOND = 0.1
    act(client, "test_connection", account)
    began = time.monotonic()
    ((level, text),) = act(client, "test_connection", account)

    assert level == "warning"
    assert re.search(r"Try again in (9|10) seconds\.", text)
    assert time.monotonic() - began < 5
