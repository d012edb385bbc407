"""From the Audit API's list to somebody's mailbox: a takeover that is played live is found and told within a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import NexmoAccount
from auditsite.demo import environment
from auditsite.demo.alerts import make_demo_alerts, webhook_secrets
from auditsite.demo.catcher import Catcher, Caught
from events.management.commands import worker as worker  # declares all background jobs
from events.models import Delivery, DetectionCursor, Finding, FindingEvent, Severity, Subscription, SyncState
from events.operations import jobs, tasks
from events.sandbox import Sandbox
from events.sync.engine import sync_account
from tests.tools.site import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def catcher(account: NexmoAccount, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catcher]:
    """Takes what alice's alerts send."""
    mail_port = free_port()
    with Catcher(page_port=0, mail_port=mail_port, site="http://testserver", secrets=webhook_secrets) as running:
        monkeypatch.setattr(environment, "CATCHER", f"http://127.0.0.1:{running.page_port}")
        settings.ALERT_TARGETS = [f"127.0.0.1:{running.page_port}", f"127.0.0.1:{mail_port}"]
        settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = f"smtp://127.0.0.1:{mail_port}", "audit@example.com"
        yield running


def work(account: NexmoAccount) -> None:
    """What the worker's threads do at one moment."""
    tasks.sync_now_if_due(account.pk)
    jobs.schedule_periodic()
    while jobs.run_next():
        pass


def until(done: Callable[[], bool], account: NexmoAccount, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        work(account)
        time.sleep(0.1)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="times one and the same path")
def test_takeover_is_told_within_a_minute_and_once(
    account: NexmoAccount, make_sandbox: Callable[..., Sandbox], catcher: Catcher, settings: Any
) -> None:
    settings.SYNC_INTERVAL, settings.WATCH_INTERVAL = timedelta(seconds=4), timedelta(seconds=1)
    sandbox = make_sandbox(accounts=1, events=600)
    sync_account(account)
    until(lambda: DetectionCursor.objects.filter(account=account, seq__gt=0).exists(), account)
    make_demo_alerts()
    Subscription.objects.update(severity=Severity.CRITICAL)
    before = set(Finding.objects.values_list("pk", flat=True))
    asked_before = len(sandbox.requests)

    attack = sandbox.attack("demo0001", pace=100)

    def told(kind: str) -> list[Caught]:
        return [message for message in catcher.messages() if message.kind == kind]

    began = time.monotonic()
    until(lambda: bool(told("mail") and told("webhook")), account)
    seconds = time.monotonic() - began

    # Found: critical, with steps of the attack and nothing else.
    critical = Finding.objects.exclude(pk__in=before).filter(severity=Severity.CRITICAL)
    assert critical.exists()
    evidence = FindingEvent.objects.filter(finding__in=critical).values_list("nexmo_id", flat=True)
    assert set(evidence) <= set(attack.event_ids)
    # Told, to a mailbox and a webhook whose signature is right.
    assert seconds < 60
    assert told("mail")[0].details[1] == ("To", "alice@example.com")
    assert {message.verdict for message in told("webhook")} == {"verified"}
    # Within the budget, at the fast pace. The alert may have been quicker than the next request.
    until(lambda: SyncState.objects.get(account=account).watch_requests > 0, account)
    state = SyncState.objects.get(account=account)
    assert state.watched_until is not None
    assert 0 < state.watch_requests <= len(sandbox.requests) - asked_before <= settings.WATCH_REQUESTS_PER_HOUR
    assert state.due_at - state.last_run.finished_at <= settings.WATCH_INTERVAL

    # Once, also when everything is evaluated again from the beginning.
    until(lambda: set(attack.event_ids) <= listed(account), account)
    work(account)
    known, deliveries = found_now(), Delivery.objects.filter(kind=Delivery.Kind.OPENED).count()
    DetectionCursor.objects.update(seq=0)
    jobs.enqueue("detect")
    until(lambda: not DetectionCursor.objects.filter(seq=0).exists(), account)
    work(account)
    assert found_now() == known
    assert Delivery.objects.filter(kind=Delivery.Kind.OPENED).count() == deliveries


def listed(account: NexmoAccount) -> set[str]:
    return set(account.events.values_list("event_id", flat=True))


def found_now() -> set[tuple[int, str]]:
    """The findings, each with each of its events."""
    return set(FindingEvent.objects.values_list("finding", "nexmo_id"))
