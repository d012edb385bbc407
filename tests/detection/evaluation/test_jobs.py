"""The worker evaluates what a sync brought, at once and every minute; alerts hear of it; metrics tell of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.detection.evaluation import follow as following
from events.detection.evaluation import jobs as detection_jobs
from events.models import BackgroundJob, DetectionCursor, Finding, OwnRule
from events.operations import jobs, tasks
from events.sandbox import Sandbox
from tests.detection.archives import add, detection
from tests.operations.test_metrics import figures

pytestmark = pytest.mark.django_db

SECRETS = detection("secrets", "event_type: ACCOUNT_SECRET_CREATE, user_email: zoe@example.com")


def secret(number: int) -> dict[str, Any]:
    at = f"{timezone.now():%Y-%m-%dT%H:%M:%S}"
    return {
        "id": f"s{number}",
        "event_type": "ACCOUNT_SECRET_CREATE",
        "created_at": at,
        "user_email": "zoe@example.com",
    }


def enable(text: str = SECRETS) -> str:
    uid = next(line.split()[1] for line in text.splitlines() if line.startswith("id:"))
    OwnRule.objects.create(uid=uid, title="secrets", text=text, is_enabled=True, changed_at=timezone.now())
    return uid


def due() -> set[str]:
    return set(BackgroundJob.objects.values_list("kind", flat=True))


def test_sync_that_brings_events_asks_for_evaluation(cast: Any, make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(events=3)
    account = NexmoAccount.objects.get(api_key="demo0001")

    assert tasks.sync_now_if_due(account.pk) is not None
    assert due() == {"detect"}

    BackgroundJob.objects.all().delete()
    tasks.request_syncs(NexmoAccount.objects.filter(pk=account.pk), cast["admin"])
    assert tasks.sync_now_if_due(account.pk) is not None
    assert due() == set(), "nothing was new"
    sandbox.stop()


def test_sync_is_done_whatever_becomes_of_evaluation(
    cast: Any, make_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    make_sandbox(events=3)
    monkeypatch.setattr(jobs, "enqueue", fail)
    with caplog.at_level(logging.ERROR):
        run = tasks.sync_now_if_due(NexmoAccount.objects.get(api_key="demo0001").pk)

    assert run is not None
    assert run.status == "succeeded"
    assert "Detection could not be asked for" in caplog.text


def test_job_evaluates_and_has_it_told(account: NexmoAccount) -> None:
    uid = enable()
    add(account, [secret(1)])
    jobs.enqueue("detect")

    assert jobs.run_next()

    assert Finding.objects.filter(rule=uid).count() == 1
    assert "route_alerts" in due()
    waiting = BackgroundJob.objects.get(kind="detect")
    assert timezone.now() < waiting.due_at <= timezone.now() + detection_jobs.EVERY, "it comes again"


def test_what_a_batch_finds_is_told_before_the_next(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    enable()
    monkeypatch.setattr(following, "BATCH", 1)
    for account in NexmoAccount.objects.order_by("api_key")[:2]:
        add(account, [secret(1)])
    seen = []
    step = following.Follower.step

    def stepping(*args: Any) -> None:
        seen.append((Finding.objects.count(), "route_alerts" in due()))
        step(*args)

    monkeypatch.setattr(following.Follower, "step", stepping)
    jobs.enqueue("detect")

    assert jobs.run_next()

    assert [told for found, told in seen if not found] == [False]
    assert [told for found, told in seen if found] == [True]


def test_both_jobs_are_there_without_being_asked_for() -> None:
    jobs.schedule_periodic()
    assert {"detect", "check_syncing"} <= due()


def test_metrics_tell_findings_lag_and_rules(account: NexmoAccount, login: Callable[[str], Client]) -> None:
    enable()
    add(account, [secret(1)])
    detection_jobs.follow()
    add(account, [secret(2)])
    DetectionCursor.objects.update(problem="x: KeyError")
    OwnRule.objects.create(uid="x", title="broken", text="title: x", is_enabled=True, changed_at=timezone.now())

    found = figures(login("admin").get("/metrics").content.decode())

    assert found["auditsite_findings", "medium", "open"] >= 1
    assert found["auditsite_findings", "critical", "withdrawn"] == 0
    assert found["auditsite_detection_lag_events", account.api_key] == 1
    assert found["auditsite_detection_accounts_with_failing_rules",] == 1
    assert found["auditsite_detection_rules_unreadable",] == 1
    assert found["auditsite_detection_rules",] >= 26
