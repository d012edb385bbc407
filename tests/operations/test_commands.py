"""The commands: what they print, what they exit with."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import AuditEvent, SyncRun, SyncState, WorkerBeat
from events.operations import tasks
from events.operations.queue import QUEUE
from events.sandbox import Sandbox
from events.storage import leases
from tests.tools.processes import ROOT, environment, start_command

MakeSandbox = Callable[..., Sandbox]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


# --- sync_events --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_sync_events_tells_a_line_per_account(cast: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=5, events=800)
    lines = run("sync_events").splitlines()
    for api_key, there in sandbox.accounts.items():
        (line,) = (line for line in lines if line.startswith(api_key))
        assert f"{len(there.events()):,} new event(s)" in line
    assert "sandbox-secret" not in "".join(lines)


@pytest.mark.django_db(transaction=True)
def test_sync_events_fails_if_one_account_fails_and_syncs_the_others(cast: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=5, events=500)
    sandbox.set_secrets("demo0002", ["changed"])
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 5 account") as caught:
        call_command("sync_events", stdout=out)
    assert caught.value.returncode == 1
    (line,) = (line for line in out.getvalue().splitlines() if line.startswith("demo0002"))
    assert "FAILED: Nexmo refused the API key or secret (HTTP 401)." in line
    assert AuditEvent.objects.filter(account__api_key="demo0001").exists()


@pytest.mark.django_db(transaction=True)
def test_sync_events_takes_chosen_accounts_and_days(cast: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    for day in ("2026-01-10", "2026-02-10"):
        sandbox.add_events("demo0001", [{"id": day, "event_type": "APP_CREATE", "created_at": f"{day}T12:00:00"}])
    run("sync_events", "--account", "demo0001", "--since", "2026-02-01", "--until", "2026-02-28")
    assert list(AuditEvent.objects.values_list("event_id", flat=True)) == ["2026-02-10"]
    assert set(SyncRun.objects.values_list("account__api_key", flat=True)) == {"demo0001"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "nosuch"], "There is no account nosuch. Known accounts: demo"),
        (["--since", "2026-02-02", "--until", "2026-02-01"], "--since 2026-02-02 is later than --until 2026-02-01"),
        (["--since", "yesterday"], "'yesterday' is not a day; write it like 2026-01-31"),
    ],
)
def test_sync_events_refuses_bad_arguments_in_words(cast: Any, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said.replace("(", r"\(")):
        run("sync_events", *arguments)
    assert not SyncRun.objects.exists()


@pytest.mark.django_db
def test_sync_events_names_an_account_that_is_switched_off(account: Any) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)
    with pytest.raises(CommandError, match="demo0001 is inactive"):
        run("sync_events", "--account", "demo0001")


@pytest.mark.django_db
def test_sync_events_without_accounts_says_what_to_do() -> None:
    assert "Add one in the admin" in run("sync_events")


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_stops_with_130_and_loses_nothing(cast: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(accounts=1, events=3_000, latency_ms=60)
    process = start_command(sandbox.url, "sync_events", "--account", "demo0001")
    deadline = time.monotonic() + 120
    while len(sandbox.requests) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "Nothing is lost" in output
    assert "Traceback" not in output
    assert 0 < AuditEvent.objects.count() < len(sandbox.accounts["demo0001"].events())
    assert SyncRun.objects.get().status == "interrupted"
    assert SyncState.objects.get(account__api_key="demo0001").lease_until is None


# --- worker -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_worker_syncs_what_is_wanted_and_stops_when_told(cast: Any, make_sandbox: MakeSandbox, tmp_path: Path) -> None:
    sandbox = make_sandbox(accounts=1, events=300)
    account = NexmoAccount.objects.get(api_key="demo0001")
    NexmoAccount.objects.exclude(pk=account.pk).update(is_active=False)
    tasks.request_sync(account, cast["bob"])
    worker = start_command(sandbox.url, "worker", TEST_QUEUE_URL=f"sqlite:///{tmp_path}/queue.sqlite3")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not SyncRun.objects.filter(status="succeeded").exists():
        time.sleep(0.1)
    assert tasks.worker_is_alive()
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, output
    found = SyncRun.objects.get()
    assert (found.status, found.trigger, found.requested_by) == ("succeeded", "person", cast["bob"])


@pytest.mark.django_db
def test_what_is_due_is_queued_once(cast: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    assert tasks.queue_due_syncs() == 5
    assert QUEUE.pending_count() == 5
    assert tasks.queue_due_syncs() == 0


@pytest.mark.django_db
def test_queue_is_filled_up_while_something_waits_in_it(cast: Any, make_sandbox: MakeSandbox, settings: Any) -> None:
    make_sandbox()
    settings.SYNC_CONCURRENCY = 1
    assert tasks.queue_due_syncs() == 4
    assert tasks.queue_due_syncs() == 0
    for _ in range(2):
        QUEUE.dequeue()
    SyncState.objects.filter(account__api_key="demo0005").update(due_at=timezone.now() + timedelta(minutes=1))
    assert tasks.queue_due_syncs() == 2
    assert tasks.queue_due_syncs() == 0


@pytest.mark.django_db
def test_account_held_by_a_process_that_is_gone_is_due_again(cast: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    tasks.queue_due_syncs()
    QUEUE.flush()
    gone, alive = f"{leases.machine()}:4194305:x", f"{leases.machine()}:{os.getpid()}:x"  # no pid is so high
    later = timezone.now() + timedelta(minutes=3)
    SyncState.objects.update(lease_owner=alive, lease_until=later)
    SyncState.objects.filter(account__api_key="demo0001").update(lease_owner=gone)
    assert tasks.queue_due_syncs() == 1


@pytest.mark.django_db
def test_queued_twice_is_synced_once(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    tasks.sync_now_if_due(account.pk)
    tasks.sync_now_if_due(account.pk)
    assert SyncRun.objects.count() == 1


@pytest.mark.django_db
def test_inactive_account_is_never_due(account: Any, make_sandbox: MakeSandbox) -> None:
    make_sandbox()
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)
    tasks.sync_now_if_due(account.pk)
    assert not SyncRun.objects.exists()


@pytest.mark.django_db
def test_tidy_forgets_quiet_runs_of_long_ago_only(account: Any, make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    sandbox.add_events("demo0001", 2)
    for _ in range(3):
        SyncState.objects.update(due_at=None)
        tasks.sync_now_if_due(account.pk)
    first, _quiet, last = SyncRun.objects.order_by("pk")
    SyncRun.objects.update(started_at=timezone.now() - timedelta(days=31))
    WorkerBeat.objects.create(name="gone:1", seen_at=timezone.now() - timedelta(days=2))
    tasks.tidy()
    assert first.added == 2
    assert list(SyncRun.objects.order_by("pk")) == [first, last]  # the account's page names its last run
    assert not WorkerBeat.objects.exists()


# --- export_events ------------------------------------------------------------------------------------------------


@pytest.fixture
def three_events(account: Any, add_event: Callable[..., Any]) -> None:
    add_event(account, 1, event_type="APP_CREATE")
    add_event(account, 2, event_type="APP_DELETE")
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 3, event_type="APP_CREATE")


def test_export_writes_the_filtered_events_to_a_file(three_events: None, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    run("export_events", "--format", "csv", "--event-type", "app_create", "--account", "demo0001", "-o", str(target))
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["account"], row["event_type"]) for row in rows] == [("demo0001", "APP_CREATE")]
    assert list(tmp_path.iterdir()) == [target]


def test_export_as_ndjson_goes_to_standard_output(three_events: None, capfdbinary: Any) -> None:
    call_command("export_events", "--format", "ndjson")
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [json.loads(line)["event_type"] for line in lines] == ["APP_CREATE", "APP_DELETE", "APP_CREATE"]


def test_export_with_a_wrong_filter_says_which_and_writes_nothing(three_events: None, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with pytest.raises(CommandError, match="--source-ip: nowhere is not an IP address"):
        run("export_events", "--format", "csv", "--source-ip", "nowhere", "-o", str(target))
    assert not target.exists()


def test_export_to_a_place_that_cannot_be_written_says_so(three_events: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_events", "--format", "csv", "-o", str(tmp_path / "no" / "such" / "place.csv"))


def test_progress_is_seen_at_once_also_through_a_pipe(tmp_path: Path) -> None:
    """Without this a demo started by another program would say nothing until it ends."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env=environment(DJANGO_SETTINGS_MODULE="tests.settings", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it complains that this database has no tables
        text=True,
    )
    assert process.stdout
    timer = threading.Timer(30, process.kill)  # what is held back would otherwise be waited for without end
    timer.start()
    line = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    timer.cancel()
    assert "is waiting for work" in line
