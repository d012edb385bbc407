"""Sealing in the background: a channel that hangs or fails holds up neither seals, nor syncs, nor the heartbeat."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import seal_channels, seals
from events.models import BackgroundJob, Seal, WorkerBeat
from events.operations import jobs, sealing, tasks
from tests.tools.access import add as read
from tests.tools.processes import start_command

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_accounts(cast: dict[str, Any], add_event: Callable[..., Any]) -> list[NexmoAccount]:
    accounts = list(NexmoAccount.objects.filter(api_key__in=("demo0001", "demo0003")))
    for account in accounts:
        add_event(account, 1)
    return accounts


def run_all() -> None:
    jobs.enqueue("plan_seals")
    while jobs.run_next():
        pass


def test_worker_seals_each_account_once_an_interval_and_sends_it(
    two_accounts: list[NexmoAccount], settings: Any, tmp_path: Path
) -> None:
    settings.SEAL_CHANNELS = [str(tmp_path / "seals.ndjson")]
    run_all()
    run_all()
    assert sorted(Seal.objects.values_list("account__api_key", flat=True)) == ["demo0001", "demo0003"]
    assert set(Seal.objects.values_list("sent_to", flat=True)) == {"seals.ndjson: sent"}
    assert len((tmp_path / "seals.ndjson").read_text().splitlines()) == 2


def test_nothing_is_planned_without_a_key(two_accounts: list[NexmoAccount], settings: Any) -> None:
    settings.SEAL_KEY = ""
    run_all()
    assert not Seal.objects.exists()
    assert not BackgroundJob.objects.filter(kind="seal_account").exists()


def test_seal_of_the_future_does_not_stop_sealing(
    two_accounts: list[NexmoAccount], add_event: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        ahead = timezone.now() + timedelta(days=40)
        patch.setattr(seals.timezone, "now", lambda: ahead)
        seals.seal(two_accounts[0])
    add_event(two_accounts[0], 2)
    run_all()
    assert Seal.objects.filter(account=two_accounts[0], sealed_at__lte=timezone.now()).count() == 1


def test_two_workers_that_both_hold_the_job_seal_once(two_accounts: list[NexmoAccount]) -> None:
    jobs.enqueue("seal_account", str(two_accounts[0].pk))
    first = jobs.claim_next()
    BackgroundJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = jobs.claim_next()
    assert first and second
    for claim in (first, second):
        sealing.seal_account(claim)
    assert Seal.objects.count() == 1


@pytest.mark.parametrize("error", [RuntimeError("hunter2"), ValueError(), KeyError("x"), OSError(), UnicodeError()])
def test_whatever_a_channel_raises_the_others_and_later_accounts_are_served(
    two_accounts: list[NexmoAccount],
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    settings.SEAL_CHANNELS = ["mailtos://u:hunter2@mail.example", str(tmp_path / "seals.ndjson")]
    send = seal_channels._send

    def raise_for_mail(channel: str, *rest: str) -> None:
        if channel.startswith("mailtos"):
            raise error
        send(channel, *rest)

    monkeypatch.setattr(seal_channels, "_send", raise_for_mail)
    run_all()
    assert len((tmp_path / "seals.ndjson").read_text().splitlines()) == 2
    for seal in Seal.objects.all():
        assert sorted(seal.sent_to.split("; ")) == ["mailtos://mail.example: failed", "seals.ndjson: sent"]
    waiting = BackgroundJob.objects.filter(kind="send_seal", failed_at=None, due_at__gt=timezone.now())
    assert waiting.count() == 2, "tried again later"
    assert "could not be sent to mailtos://mail.example" in caplog.text
    assert "hunter2" not in caplog.text + "".join(BackgroundJob.objects.values_list("problem", "subject").first() or ())


def test_seal_that_failed_is_sent_when_the_channel_is_back(
    two_accounts: list[NexmoAccount], settings: Any, tmp_path: Path
) -> None:
    settings.SEAL_CHANNELS = [str(tmp_path / "later" / "seals.ndjson")]
    run_all()
    assert set(Seal.objects.values_list("sent_to", flat=True)) == {"seals.ndjson: failed"}
    (tmp_path / "later").mkdir()
    BackgroundJob.objects.filter(kind="send_seal").update(due_at=timezone.now())
    run_all()
    assert set(Seal.objects.values_list("sent_to", flat=True)) == {"seals.ndjson: sent"}
    assert not BackgroundJob.objects.filter(kind="send_seal").exists()


def test_channel_that_hangs_is_left_and_has_one_thread_at_most(
    two_accounts: list[NexmoAccount], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seal_channels, "PATIENCE", 0.2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # opening it waits for a reader
    settings.SEAL_CHANNELS = [str(pipe), str(tmp_path / "seals.ndjson")]
    try:
        began = time.monotonic()
        run_all()
        assert time.monotonic() - began < 10
        assert sum(thread.name == "seal-channel" for thread in threading.enumerate()) == 1
        assert len((tmp_path / "seals.ndjson").read_text().splitlines()) == 2
        problems = set(BackgroundJob.objects.filter(kind="send_seal").values_list("problem", flat=True))
        assert problems == {
            "pipe: no answer within 0.2 seconds",
            "pipe: an earlier seal is still being sent",
        }
    finally:
        with pipe.open() as reader:
            reader.read()


def test_channels_that_look_alike_are_told_apart(
    two_accounts: list[NexmoAccount], settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    settings.SEAL_CHANNELS = [str(tmp_path / "a" / "seals"), str(tmp_path / "b" / "seals")]
    run_all()
    assert sorted(Seal.objects.first().sent_to.split("; ")) == ["seals (1): sent", "seals (2): failed"]


@pytest.mark.django_db(transaction=True)
def test_worker_stays_alive_and_syncs_while_a_channel_hangs(
    cast: Any, make_sandbox: Callable[..., Any], tmp_path: Path, settings: Any
) -> None:
    """The whole worker, with a channel that never comes back: it beats, syncs, and stops when told."""
    sandbox = make_sandbox(accounts=2, events=100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    worker = start_command(
        sandbox.url,
        "worker",
        TEST_QUEUE_URL=f"sqlite:///{tmp_path}/queue.sqlite3",
        TEST_SEAL_CHANNELS=str(pipe),
        TEST_SYNC_INTERVAL="1s",
    )
    try:
        deadline = time.monotonic() + 180
        hung_at = None
        while time.monotonic() < deadline:
            if hung_at is None and BackgroundJob.objects.filter(kind="send_seal", attempts=1).exists():
                hung_at = timezone.now()
            beat = WorkerBeat.objects.first()
            if hung_at and beat and beat.seen_at > hung_at + timedelta(seconds=2):
                break
            jobs_due = BackgroundJob.objects.filter(kind="plan_seals", lease_until=None, due_at__gt=timezone.now())
            if not hung_at and Seal.objects.count() == 0:
                jobs_due.update(due_at=timezone.now())  # planned before anything was synced
            time.sleep(0.1)
        else:
            pytest.fail("the worker did not beat while its channel hung")
        assert tasks.worker_is_alive()
    finally:
        worker.terminate()
        output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, output


def test_account_is_sealed_again_where_only_the_access_log_went_on(
    two_accounts: list[NexmoAccount], settings: Any
) -> None:
    run_all()
    read()
    run_all()
    assert Seal.objects.count() == 2
    settings.SEAL_INTERVAL = timedelta(0)
    run_all()
    run_all()
    assert Seal.objects.count() == 3


@pytest.mark.parametrize("forged", ["made up", "copied", "copied from another"])
def test_rows_of_somebody_else_keep_nothing_from_being_sealed(
    two_accounts: list[NexmoAccount], add_event: Callable[..., Any], settings: Any, forged: str
) -> None:
    """Whoever can only write to the database, and adds seals with all triggers in place, stops no seals."""
    mine, other = two_accounts
    settings.SEAL_INTERVAL = timedelta(0)
    run_all()
    source = Seal.objects.get(account=mine if forged == "copied" else other)
    signed = {"statement": source.statement, "signature": source.signature, "key_id": source.key_id}
    if forged == "made up":
        signed = {"statement": "junk", "signature": "junk", "key_id": "x"}
    add_event(mine, 2)
    Seal.objects.create(account=mine, seq=10**6, digest="0" * 64, sealed_at=timezone.now(), **signed)

    run_all()

    newest = Seal.objects.filter(account=mine).latest("pk")
    assert newest.seq == 2
    assert seals.read(newest.statement, newest.signature).count == 2


def test_row_made_up_does_not_count_as_recent(two_accounts: list[NexmoAccount], settings: Any) -> None:
    Seal.objects.create(
        account=two_accounts[0], seq=1, digest="x", sealed_at=timezone.now(), statement="junk", signature="junk"
    )
    run_all()
    run_all()
    assert sorted(Seal.objects.exclude(statement="junk").values_list("account__api_key", flat=True)) == [
        "demo0001",
        "demo0003",
    ]
