"""Asking Nexmo from a page: nothing waits, nobody asks too much, and nobody can take all threads."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import SyncState
from events.operations.queue import QUEUE
from events.sandbox import Sandbox
from events.sync import asking, state
from events.sync.engine import sync_account

Login = Callable[[str], Client]
CHECK = "/accounts/demo0001/events/e1/check"


@pytest.fixture
def synced(account: NexmoAccount, make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", [{"id": "e1", "event_type": "APP_CREATE", "created_at": "2026-03-01T10:00:00"}])
    sync_account(account)
    return sandbox


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.requests)


def problem(response: Any) -> str:
    page = response.content.decode()
    assert 'data-outcome="failed"' in page
    assert "Asked" not in page
    return page


@pytest.mark.django_db(transaction=True)
def test_sixty_checks_at_one_request_a_second_hold_no_thread(
    cast: Any, account: NexmoAccount, synced: Sandbox, settings: Any, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NEXMO_REQUESTS_PER_SECOND = 0.1
    monkeypatch.setattr(asking, "PER_MINUTE", 100)
    before, clients = asked(synced), [login(name) for name in ("alice", "bob", "admin")] * 20

    def post(client: Client) -> tuple[str, float]:
        began = time.monotonic()
        try:
            return client.post(CHECK).content.decode(), time.monotonic() - began
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(post, clients))

    assert asked(synced) - before == 1
    refused = [page for page, _ in answers if 'data-outcome="failed"' in page]
    assert len(refused) == 59
    assert all(
        re.search(r"Try again (in \d+ seconds?|when it has finished|in a few seconds)\.", page) for page in refused
    )
    assert max(seconds for _, seconds in answers) < 8


def test_moment_is_kept_for_who_was_told_to_wait(
    account: NexmoAccount, synced: Sandbox, settings: Any, login: Login
) -> None:
    settings.NEXMO_REQUESTS_PER_SECOND = 0.1
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        bob, alice = login("bob"), login("alice")
        assert 'data-outcome="same"' in alice.post(CHECK).content.decode()
        assert "Try again in 10 seconds." in problem(bob.post(CHECK))
        assert "Try again in 10 seconds." in problem(bob.post(CHECK)), "the same moment, not a later one"
        assert "Try again in 20 seconds." in problem(alice.post(CHECK))
        clock.shift(10)
        assert 'data-outcome="same"' in bob.post(CHECK).content.decode()
        assert "Try again in 10 seconds." in problem(alice.post(CHECK))
        assert "Try again in 20 seconds." in problem(bob.post(CHECK)), "a moment is used once"


def test_second_secret_and_second_request_go_out_at_once_and_count(
    account: NexmoAccount, synced: Sandbox, settings: Any, login: Login
) -> None:
    settings.NEXMO_REQUESTS_PER_SECOND = 0.1
    synced.set_secrets("demo0001", ["second-secret-1"])
    account.api_secret_secondary = "second-secret-1"
    account.save()
    with time_machine.travel(timezone.now(), tick=False):
        assert 'data-outcome="same"' in login("bob").post(CHECK).content.decode()
        assert "Try again in 20 seconds." in problem(login("alice").post(CHECK))


def test_trouble_is_told_at_once_without_a_second_try(
    account: NexmoAccount, synced: Sandbox, settings: Any, login: Login
) -> None:
    before = asked(synced)
    synced.set_faults("http-503-retry@times=always")
    began = time.monotonic()
    assert 'data-outcome="failed"' in login("bob").post(CHECK).content.decode()
    assert asked(synced) - before == 1
    assert time.monotonic() - began < 5


def test_nothing_is_asked_after_credentials_were_refused(account: NexmoAccount, synced: Sandbox, login: Login) -> None:
    synced.set_secrets("demo0001", ["changed"])
    SyncState.objects.update(due_at=None)
    assert sync_account(account).problem_code == "credentials"  # type: ignore[union-attr]
    before = asked(synced)
    page = problem(login("bob").post(CHECK))
    assert "Nexmo refused these credentials, and they have not changed" in page
    assert asked(synced) == before
    account.api_secret = "changed"
    account.save()
    assert 'data-outcome="same"' in login("bob").post(CHECK).content.decode()


def test_each_person_asks_so_often_a_minute(account: NexmoAccount, synced: Sandbox, login: Login) -> None:
    bob = login("bob")
    with time_machine.travel(timezone.now().replace(second=20), tick=False) as clock:
        for _ in range(asking.PER_MINUTE):
            assert 'data-outcome="same"' in bob.post(CHECK).content.decode()
        before = asked(synced)
        assert f"{asking.PER_MINUTE} requests within a minute. Try again in 40 seconds." in problem(bob.post(CHECK))
        assert asked(synced) == before
        assert 'data-outcome="same"' in login("alice").post(CHECK).content.decode()
        clock.shift(40)
        assert 'data-outcome="same"' in bob.post(CHECK).content.decode()


def test_each_person_asks_one_thing_at_a_time(account: NexmoAccount, synced: Sandbox, cast: Any, login: Login) -> None:
    with asking.turn(cast["bob"]):
        assert "previous request to Nexmo is still running" in problem(login("bob").post(CHECK))
        assert 'data-outcome="same"' in login("alice").post(CHECK).content.decode()
    assert 'data-outcome="same"' in login("bob").post(CHECK).content.decode()


def test_at_most_half_of_the_threads_wait_for_nexmo(
    account: NexmoAccount, synced: Sandbox, cast: Any, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    semaphore = threading.BoundedSemaphore(1)
    monkeypatch.setattr(asking, "_threads", lambda: semaphore)
    with asking.turn(cast["alice"]):
        assert "Too many requests to Nexmo" in problem(login("bob").post(CHECK))
    assert 'data-outcome="same"' in login("bob").post(CHECK).content.decode()


@pytest.mark.django_db
def test_all_of_500_accounts_are_asked_for_in_the_same_few_statements(cast: Any, login: Login) -> None:
    admin = login("admin")

    def statements() -> int:
        SyncState.objects.update(wanted_at=None)
        with CaptureQueriesContext(connection) as queries:
            assert admin.post("/accounts/").status_code == 302
        return len(queries)

    statements()  # the first makes states
    few = statements()
    NexmoAccount.objects.bulk_create(
        [NexmoAccount(owner=cast["alice"], name=f"n{n}", api_key=f"many{n:04}", api_secret="x") for n in range(500)]
    )
    statements()
    assert statements() == few
    assert SyncState.objects.exclude(wanted_at=None).count() == NexmoAccount.objects.active().count() == 505


def test_asking_for_a_sync_again_before_it_begins_changes_nothing(account: NexmoAccount, login: Login) -> None:
    for name in ("bob", "alice", "bob"):
        login(name).post("/accounts/demo0001/sync/")
    assert QUEUE.pending_count() == 1
    wanted = SyncState.objects.get(account=account)
    assert wanted.wanted_by is not None
    assert wanted.wanted_by.username == "bob"
    assert state.request(NexmoAccount.objects.filter(pk=account.pk), wanted.wanted_by) == 0
