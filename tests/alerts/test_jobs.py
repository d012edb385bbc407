"""What the worker does with alerts, from a finding to a webhook and a mail; what the metrics count; tidying."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from pytest_httpserver import HTTPServer

from accounts.models import NexmoAccount
from events.alerts import deliver
from events.alerts import jobs as alert_jobs
from events.models import Channel, Delivery
from events.operations import jobs
from tests.alerts.conftest import states
from tests.operations.test_metrics import TOKEN, read
from tests.tools.mails import Mails

Make = Callable[..., Any]
OURS = ("route_alerts", "send_alerts", "tidy_alerts")


def run_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HANDLERS", {kind: jobs.HANDLERS[kind] for kind in OURS})
    jobs.schedule_periodic()
    while jobs.run_next():
        pass
    for channel in deliver._threads.running():
        deliver._threads._running[channel].join(60)


@pytest.mark.django_db(transaction=True)
def test_finding_reaches_a_webhook_and_a_mailbox_through_the_worker(
    account: NexmoAccount,
    make_finding: Make,
    make_channel: Make,
    subscribe: Make,
    httpserver: HTTPServer,
    hook: str,
    mails: Mails,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscribe(make_channel(address=hook))
    subscribe(make_channel("bob", kind="mail", address="bob@example.com"))
    make_finding(account)

    run_ours(monkeypatch)

    assert states() == [("opened", "sent")] * 2
    assert len(httpserver.log) == len(mails.taken) == 1
    assert b"API secret created from a new country" in mails.taken[0]


@pytest.mark.django_db
def test_metrics_count_what_was_sent_and_what_failed(make_channel: Make, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    make_channel(sent_count=3, failed_count=2, lost_count=1)
    channel = make_channel("bob", sent_count=4, paused_at=timezone.now())
    make_channel(kind="slack")
    then = timezone.now() - timedelta(seconds=90)
    Delivery.objects.create(channel=channel, kind="test", occasion="x", created_at=then, due_at=then)

    found = read()

    assert found["auditsite_alerts_sent_total", "webhook"] == 7
    assert found["auditsite_alert_attempts_failed_total", "webhook"] == 2
    assert found["auditsite_alerts_lost_total", "webhook"] == 1
    assert found["auditsite_alert_channels_paused", "webhook"] == 1
    assert found["auditsite_alert_channels_paused", "slack"] == 0
    assert found["auditsite_alerts_due",] == 1
    assert found["auditsite_alerts_due_seconds",] == pytest.approx(90, abs=20)


@pytest.mark.django_db
def test_log_is_kept_for_a_time_and_old_secrets_are_forgotten(make_channel: Make) -> None:
    now = timezone.now()
    channel = make_channel(old_secret="whsec_x", old_secret_until=now + timedelta(hours=1))
    for state in ("sent", "waiting"):
        Delivery.objects.create(channel=channel, kind="test", occasion=state, created_at=now, due_at=now, state=state)
    alert_jobs.tidy_alerts(None)  # type: ignore[arg-type]
    assert Delivery.objects.count() == 2
    assert Channel.objects.get().old_secret
    with time_machine.travel(now + alert_jobs.LOG_KEPT + timedelta(days=1)):
        alert_jobs.tidy_alerts(None)  # type: ignore[arg-type]
    assert states() == [("test", "waiting")]
    assert not Channel.objects.get().old_secret


@pytest.mark.django_db
def test_rotating_the_keys_rotates_channels_too(make_channel: Make, settings: Any) -> None:
    channel = make_channel(address="https://hooks.example.com/hunter2")
    old, new = settings.CREDENTIAL_KEYS[0], "b3RoZXJrZXktb3RoZXJrZXktb3RoZXJrZXktb3RoZXI="
    settings.CREDENTIAL_KEYS = [new, old]
    call_command("rotate_credential_keys")
    settings.CREDENTIAL_KEYS = [new]
    fresh = Channel.objects.get(pk=channel.pk)
    assert fresh.address == "https://hooks.example.com/hunter2"
    assert fresh.secret == channel.secret
