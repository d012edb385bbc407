"""A sync that is killed at any instant loses nothing, and the next run goes on."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.models import AuditEvent, SyncRun, SyncState
from events.nexmo.sandbox import Sandbox
from events.sync.engine import sync_account
from tests.processes import start_command


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_instant_the_next_run_completes_the_archive(
    cast: Any, make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(accounts=1, events=4_000, latency_ms=15)
    account = NexmoAccount.objects.get(api_key="demo0001")
    instants = random.Random(7)
    reached = []
    for _ in range(5):
        process = start_command(sandbox.url, "sync_events", "--account", "demo0001")
        before = len(sandbox.requests)
        deadline = time.monotonic() + 30
        while len(sandbox.requests) < before + 2 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(instants.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        reached.append(AuditEvent.objects.filter(account=account).count())
    assert reached == sorted(reached)
    assert 0 < reached[0] < len(sandbox.accounts["demo0001"].events())
    run = sync_account(account)  # at once: that the holder of the lease is gone can be seen on this machine
    assert run is not None
    assert run.status == "succeeded"
    ids = list(AuditEvent.objects.filter(account=account).values_list("event_id", flat=True))
    assert len(ids) == len(set(ids))
    assert set(ids) == {str(event["id"]) for event in sandbox.accounts["demo0001"].events()}
    assert SyncState.objects.get(account=account).event_count == len(ids)
    assert SyncRun.objects.filter(account=account, status="interrupted").exists()
    assert not SyncRun.objects.filter(account=account, status="running").exists()
