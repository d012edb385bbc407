"""A sync that is killed at any instant loses nothing; many workers never do the same work twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import NexmoAccount
from events.archive import verify
from events.models import AuditEvent, SyncRun, SyncState
from events.sandbox import Sandbox
from events.sync.engine import sync_account
from tests.tools.processes import ROOT, environment, lives, start_command

KILLS = 50


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.005)


@pytest.mark.django_db(transaction=True)
def test_killed_at_fifty_instants_the_next_run_completes_the_archive(
    cast: Any, make_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = make_sandbox(accounts=1, events=5_000, latency_ms=10)
    account = NexmoAccount.objects.get(api_key="demo0001")
    instants = random.Random(7)
    reached = []
    with subprocess.Popen(
        [sys.executable, "tests/scripts/fork_syncs.py", sandbox.url, str(connection.settings_dict["NAME"])],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as forks:
        assert forks.stdin and forks.stdout
        for number in range(KILLS):
            before = len(sandbox.requests)
            forks.stdin.write("\n")
            child = int(forks.stdout.readline())
            # It asks, or has nothing more to ask and ends.
            wait_until(lambda before=before, child=child: len(sandbox.requests) > before or not lives(child))  # type: ignore[misc]
            time.sleep(instants.uniform(0, 0.1 + number / 100))  # a busy machine archives its first page later
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            reached.append(AuditEvent.objects.filter(account=account).count())
        forks.stdin.close()
    there = {str(event["id"]) for event in sandbox.accounts["demo0001"].events()}
    assert reached == sorted(reached)
    assert any(0 < count < len(there) for count in reached)
    run = sync_account(account)  # at once: that the holder of the lease is gone can be seen on this machine
    assert run is not None
    assert run.status == "succeeded"
    ids = list(AuditEvent.objects.filter(account=account).values_list("event_id", flat=True))
    assert len(ids) == len(set(ids))
    assert set(ids) == there
    assert verify.verify_account(account).problem == ""
    assert SyncRun.objects.filter(account=account, status="interrupted").count() >= 10
    assert not SyncRun.objects.filter(account=account, status="running").exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_four_threads_each_never_sync_an_account_twice_at_once(
    cast: Any, make_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = make_sandbox(accounts=5, events=2_000, latency_ms=5)
    queue = f"sqlite:///{tmp_path}/queue.sqlite3"
    workers = [
        start_command(sandbox.url, "worker", "--threads", "4", TEST_QUEUE_URL=queue, TEST_SYNC_INTERVAL="1s")
        for _ in range(2)
    ]
    try:
        wait_until(lambda: SyncRun.objects.filter(status="succeeded").count() >= 20, 60)
        sandbox.add_events("demo0001", 5)
        wait_until(lambda: AuditEvent.objects.count() == sum(len(a.events()) for a in sandbox.accounts.values()))
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert "Traceback" not in "".join(outputs)
    for account in NexmoAccount.objects.all():
        assert verify.verify_account(account).problem == ""
        runs = list(SyncRun.objects.filter(account=account).order_by("started_at", "pk"))
        assert all(earlier.finished_at <= later.started_at for earlier, later in zip(runs, runs[1:], strict=False))
        count = AuditEvent.objects.filter(account=account).count()
        assert SyncState.objects.get(account=account).event_count == count == sum(run.added for run in runs)
