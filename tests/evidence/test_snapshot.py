"""A pack shows one state of the archive, whatever syncs and retention do while it is made; and tells its progress."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention, seals
from events.evidence import packs
from events.evidence.pack import make_pack
from events.filters.form import EventFilter
from events.models import AuditEvent, CoveredSpan, EvidencePack, SyncRun, SyncWindow
from events.nexmo.values import ip_key
from events.operations import jobs
from events.reading.conditions import Conditions
from events.storage.transactions import snapshot
from events.sync import coverage
from tests.reading.oracle import matching
from tests.tools.evidence import check, files_of

pytestmark = pytest.mark.django_db(transaction=True)

Stage = EvidencePack.Stage


def elsewhere(act: Callable[[], object]) -> None:
    """Do something on another connection, as another process would, and wait for it."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "it was kept waiting"
    assert not problems, problems


@pytest.fixture
def old_and_new(account: NexmoAccount, add_event: Any) -> NexmoAccount:
    """Six events, of which retention would remove three."""
    for number, days in enumerate((100, 5, 90, 4, 80, 3), start=1):
        moment = timezone.now() - timedelta(days=days)
        add_event(account, number, created_at=moment.strftime("%Y-%m-%dT%H:%M:%S"))
    read = timezone.now() - timedelta(days=2)
    run = SyncRun.objects.create(account=account, trigger="command", started_at=read, status="succeeded")
    SyncWindow.objects.create(account=account, run=run, asked_at=read, verified=True)  # what coverage follows from
    coverage.add(account, None, read)
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=30)
    return NexmoAccount.objects.get(pk=account.pk)


@pytest.mark.parametrize("moment", [(Stage.EVENTS, 0), (Stage.EVENTS, 6), (Stage.CHAINS, 0)])
def test_files_of_a_pack_fit_each_other_while_the_archive_changes(
    old_and_new: NexmoAccount, add_event: Any, tmp_path: Path, moment: tuple[str, int]
) -> None:
    account, target = old_and_new, tmp_path / "pack.zip"
    changes: list[str] = []

    def change() -> None:
        plan = retention.plan(account, timezone.now())
        assert plan is not None
        assert retention.apply(plan) is not None
        add_event(account, 7, created_at=(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S"))
        coverage.add(account, timezone.now() - timedelta(days=2), timezone.now())

    def report(stage: str, done: int, total: int | None) -> None:
        if (stage, done) == moment and not changes:
            changes.append(stage)
            elsewhere(change)

    with target.open("wb") as file:
        contents = make_pack(file, Conditions(), [account], query="", made_by="audrey", report=report)
    files = files_of(target)
    events = [json.loads(line)["record"][1] for line in files["events.ndjson"].splitlines()]
    listed = [row["event_id"] for row in csv.DictReader(io.StringIO(files["events.csv"].decode(), newline=""))]

    assert changes
    assert AuditEvent.objects.count() == 4
    assert check(target.read_bytes(), seals.public_key())["count"] == contents.count == 6
    assert listed == events
    assert len(files["links/demo0001.txt"].splitlines()) == 7
    covered = json.loads(json.loads(files["seals/demo0001.json"])["statement"])["covered"]
    assert json.loads(files["coverage.json"]) == {"demo0001": covered}


def test_what_arrives_between_sealing_and_reading_is_in_no_file(
    old_and_new: NexmoAccount, add_event: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    """It would lie beyond the seal; and the coverage is that of the seal, not one that counts it."""
    account, target = old_and_new, tmp_path / "pack.zip"
    seal = seals.seal

    def seal_and_sync(of: NexmoAccount) -> Any:
        sealed = seal(of)
        add_event(account, 7, created_at=(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S"))
        coverage.add(account, timezone.now() - timedelta(days=2), timezone.now())
        return sealed

    monkeypatch.setattr(seals, "seal", seal_and_sync)
    with target.open("wb") as file:
        make_pack(file, Conditions(), [account], query="", made_by="audrey")
    files = files_of(target)

    assert check(target.read_bytes(), seals.public_key())["count"] == 6
    assert files["events.csv"].count(b"\r\n") == 7
    (span,) = json.loads(files["coverage.json"])["demo0001"]
    assert span[1] < max(span.end for span in CoveredSpan.objects.filter(account=account)).isoformat()


def test_snapshot_shows_one_state_and_keeps_nobody_from_writing(account: NexmoAccount, add_event: Any) -> None:
    add_event(account, 1)
    with snapshot():
        assert AuditEvent.objects.count() == 1
        elsewhere(lambda: add_event(account, 2))
        assert AuditEvent.objects.count() == 1
    assert AuditEvent.objects.count() == 2


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(text="447700900000"),
        Conditions(text="landline"),
        Conditions(wanted={"source_ip": ((ip_key("192.0.2.0"), ip_key("192.0.2.255")),)}),
        Conditions(new_country=True),
        Conditions(wanted={"event_type": ("NUMBER_UPDATED",), "source_country": ("GB",)}),
    ],
)
def test_every_kind_of_reading_works_within_a_snapshot(
    old_and_new: NexmoAccount, tmp_path: Path, conditions: Conditions
) -> None:
    target = tmp_path / "pack.zip"
    with target.open("wb") as file:
        contents = make_pack(file, conditions, [old_and_new], query="", made_by="audrey")

    with_conditions = set(matching(AuditEvent.objects.all(), conditions).values_list("event_id", flat=True))
    assert len(with_conditions) == {"landline": 0}.get(conditions.text, 1 if conditions.new_country else 6)
    lines = files_of(target)["events.ndjson"].splitlines()
    assert {json.loads(line)["record"][1] for line in lines} == with_conditions
    assert check(target.read_bytes(), seals.public_key())["count"] == contents.count == len(with_conditions)


@pytest.mark.parametrize("moment", list(Stage))
def test_making_that_ends_early_leaves_the_connection_as_it_was(
    old_and_new: NexmoAccount, add_event: Any, tmp_path: Path, moment: str
) -> None:
    def report(stage: str, done: int, total: int | None) -> None:
        if stage == moment:
            raise jobs.JobInterrupted

    with (tmp_path / "pack.zip").open("wb") as file, pytest.raises(jobs.JobInterrupted):
        make_pack(file, Conditions(), [old_and_new], query="", made_by="audrey", report=report)

    assert not connection.in_atomic_block
    add_event(old_and_new, 8)
    elsewhere(lambda: add_event(old_and_new, 9))
    assert AuditEvent.objects.count() == 8


# --- progress -------------------------------------------------------------------------------------------------------


@pytest.fixture
def pack(account: NexmoAccount, add_event: Any, monkeypatch: Any) -> EvidencePack:
    monkeypatch.setattr(packs, "NOTED_EVERY", 0.02)
    add_event(account, 1)
    user = User.objects.get(username="audrey")
    return packs.request(user, None, EventFilter(QueryDict(), accounts=[account], everything=True), "a.zip")


def wait_until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def test_progress_is_noted_and_the_lease_renewed_while_a_snapshot_is_read(pack: EvidencePack, monkeypatch: Any) -> None:
    row = EvidencePack.objects.filter(pk=pack.pk)
    seen: list[Any] = []
    real = packs.make_pack

    def slow(*args: Any, **kwargs: Any) -> Any:
        report, leases = kwargs["report"], []
        job = jobs.BackgroundJob.objects.filter(kind=packs.KIND)
        for done in (3, 4):
            report(Stage.TABLE, done, 5)
            with snapshot():
                time.sleep(0.2)
                assert row.get().state == EvidencePack.State.MAKING
            wait_until(lambda done=done: row.filter(stage="table", done=done, total=5).exists())
            leases.append(job.get().lease_until)
        seen.append(leases)
        return real(*args, **kwargs)

    monkeypatch.setattr(packs, "make_pack", slow)
    assert jobs.run_next()

    assert seen[0][0] < seen[0][1]
    assert row.get().state == EvidencePack.State.READY


@pytest.mark.parametrize("why", ["deleted", "overtaken", "job lost"])
def test_making_ends_when_it_has_become_useless(
    pack: EvidencePack, monkeypatch: Any, evidence_dir: Path, why: str
) -> None:
    ended: list[str] = []

    def endless(*args: Any, **kwargs: Any) -> Any:
        if why == "deleted":
            packs.delete(pack)
        elif why == "overtaken":
            EvidencePack.objects.update(file="another")
        else:
            jobs.BackgroundJob.objects.filter(kind=packs.KIND).update(lease_owner="another")
        deadline = time.monotonic() + 120
        try:
            while time.monotonic() < deadline:
                kwargs["report"](Stage.EVENTS, 1, None)
                time.sleep(0.01)
        except jobs.JobInterrupted:
            ended.append(why)
            raise

    monkeypatch.setattr(packs, "make_pack", endless)
    assert jobs.run_next()

    assert ended == [why]
    assert not list(evidence_dir.iterdir())
    if why == "deleted":
        assert jobs.run_next()  # finds nothing to do
        assert not jobs.BackgroundJob.objects.filter(kind=packs.KIND).exists()
