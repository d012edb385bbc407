"""The queue on each of its servers, and workers on several machines that share the accounts."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from huey import PostgresHuey, SqliteHuey

from accounts.models import NexmoAccount
from events.archive import verify
from events.models import AuditEvent, SyncRun, SyncState
from events.operations import queue
from events.sandbox import Sandbox
from tests.tools.processes import start_command
from tests.tools.services import REDIS, need_redis, only_postgres, postgres_database

MakeSandbox = Callable[..., Sandbox]


def wait_until(true: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def stop(*workers: subprocess.Popen[str]) -> str:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers), outputs
    assert "Traceback" not in "".join(outputs), outputs
    return "".join(outputs)


@pytest.fixture(params=["redis", "postgres", pytest.param("auto", marks=only_postgres)])
def queue_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "redis":
        need_redis(REDIS)
        yield REDIS
        need_redis(REDIS)
    elif request.param == "postgres":
        with postgres_database() as url:
            yield url
    else:
        yield "auto"  # on SQLite a file, as in tests/sync/test_killed.py


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_accounts_and_never_sync_one_twice_at_once(
    cast: Any, make_sandbox: MakeSandbox, queue_url: str
) -> None:
    sandbox = make_sandbox(accounts=5, events=600, latency_ms=5)
    workers = [
        start_command(
            sandbox.url,
            "worker",
            "--threads=2",
            TEST_QUEUE_URL=queue_url,
            TEST_SYNC_INTERVAL="1s",
            TEST_DATABASE_POOL="auto",
        )
        for _ in range(2)
    ]
    at_work: set[str] = set()

    def both_worked() -> bool:
        owners = SyncState.objects.exclude(lease_owner="").values_list("lease_owner", flat=True)
        at_work.update(owner.split(":")[1] for owner in owners)
        return len(at_work) == 2 and SyncRun.objects.filter(status="succeeded").count() >= 15

    try:
        wait_until(both_worked)
    finally:
        stop(*workers)
    assert at_work == {str(worker.pid) for worker in workers}
    assert AuditEvent.objects.count() == sum(len(a.events()) for a in sandbox.accounts.values())
    for account in NexmoAccount.objects.all():
        runs = list(SyncRun.objects.filter(account=account).order_by("started_at", "pk"))
        assert all(earlier.finished_at <= later.started_at for earlier, later in zip(runs, runs[1:], strict=False))
        assert SyncState.objects.get(account=account).event_count == sum(run.added for run in runs)


@pytest.mark.django_db(transaction=True)
def test_killed_worker_of_another_machine_is_replaced_when_its_lease_ends(
    cast: Any, make_sandbox: MakeSandbox, tmp_path: Path
) -> None:
    sandbox = make_sandbox(accounts=1, events=4_000, latency_ms=30)
    NexmoAccount.objects.exclude(api_key="demo0001").update(is_active=False)
    account = NexmoAccount.objects.get(api_key="demo0001")
    options = {"TEST_LEASE": "3", "TEST_QUEUE_URL": f"sqlite:///{tmp_path}/queue.sqlite3"}
    killed = start_command(sandbox.url, "worker", TEST_MACHINE="one", **options)
    try:
        wait_until(lambda: AuditEvent.objects.count() >= 300)
    finally:
        killed.kill()
        killed.communicate(timeout=60)
    before = AuditEvent.objects.count()
    lease_until: datetime = SyncState.objects.get(account=account).lease_until
    assert before < len(sandbox.accounts["demo0001"].events())

    other = start_command(sandbox.url, "worker", TEST_MACHINE="two", **options)
    try:
        wait_until(lambda: SyncRun.objects.filter(status="succeeded").exists())
    finally:
        stop(other)

    first, second, *_ = SyncRun.objects.order_by("started_at")
    assert first.status == "interrupted"
    assert second.started_at >= lease_until, "not before the lease's end"
    ids = list(AuditEvent.objects.values_list("event_id", flat=True))
    assert len(ids) == len(set(ids))
    assert set(ids) == {str(event["id"]) for event in sandbox.accounts["demo0001"].events()}
    assert verify.verify_account(account).problem == ""


# --- which queue ----------------------------------------------------------------------------------------------------


def test_auto_means_a_file_beside_sqlite_and_tables_within_postgresql(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue.settings, "BASE_DIR", tmp_path)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert isinstance(queue.make_queue("auto"), SqliteHuey)
    assert (tmp_path / "var" / "queue.sqlite3").exists()
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert isinstance(queue.make_queue("auto"), PostgresHuey)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "postgres://nobody@127.0.0.1:9/nothing"])
def test_queue_whose_server_is_away_does_not_stop_the_start(url: str) -> None:
    assert queue.make_queue(url) is not None


def test_unknown_queue_is_refused_without_repeating_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="QUEUE_URL must be auto") as caught:
        queue.make_queue("amqp://user:hunter2@host")
    assert "hunter2" not in str(caught.value)


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_tables_are_made_once_and_hold_what_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "QUEUE", queue.make_queue("auto"))
    try:
        for _ in range(2):
            queue.prepare()
        task = queue.QUEUE.task()(lambda: None)
        task()
        assert queue.QUEUE.pending_count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM auditsite_queue_task")
            assert cursor.fetchone() == (1,)
    finally:
        queue.QUEUE.flush()
        queue.QUEUE.storage.close()
