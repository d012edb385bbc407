"""Sending reports: each once, again after failures, and what is noted of that."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from events.models import AuditEvent, Report, ReportMail
from events.operations.jobs import JobInterrupted
from events.outbound import mail as mail_server
from events.reports import deliver, due, outcome
from tests.reports.conftest import MONDAY, again, nothing, send
from tests.tools.mails import Mails
from tests.tools.processes import ROOT, environment

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, str, str]]:
    """Each mail's receiver, state and problem."""
    rows = ReportMail.objects.order_by("created_at", "receiver__username")
    return [(row.receiver.username, row.state, row.problem) for row in rows]


def test_each_receiver_gets_a_mail_once(
    clock: Any, mails: Mails, make_report: Callable[..., Report], team: Group
) -> None:
    report = make_report(team)

    assert send() == 2
    Report.objects.update(look_at=MONDAY)
    assert send() == 0

    assert sorted(mails.receivers) == ["alice@example.com", "bob@example.com"]
    assert told() == [("alice", "sent", ""), ("bob", "sent", "")]
    report.refresh_from_db()
    assert (report.sent_count, report.failed_count, report.last_sent_at) == (2, 0, MONDAY)


def test_a_server_that_says_later_is_asked_again_with_growing_pauses(
    clock: Any, mails: Mails, make_report: Callable[..., Report], login: Callable[[str], Client]
) -> None:
    report = make_report()
    mails.answer = "451 Try again later"
    assert send() == 0
    assert told() == [("alice", "waiting", "smtp 451")]
    first = ReportMail.objects.get().due_at - MONDAY
    assert "The mail server answered 451." in login("alice").get("/reports/").content.decode()

    assert deliver.send_due(nothing) == 0  # not yet due
    clock.move_to(MONDAY + timedelta(minutes=30))
    assert deliver.send_due(nothing) == 0
    assert ReportMail.objects.get().due_at - timezone.now() > first

    clock.move_to(MONDAY + timedelta(hours=3))
    mails.answer = "250 OK"
    assert deliver.send_due(nothing) == 1
    report.refresh_from_db()
    assert (told(), report.failed_count, report.lost_count) == ([("alice", "sent", "")], 2, 0)
    assert "451" not in login("alice").get("/reports/").content.decode()


def test_an_address_that_does_not_exist_holds_up_nobody_else(
    clock: Any, mails: Mails, make_report: Callable[..., Report], team: Group, login: Callable[[str], Client]
) -> None:
    report = make_report(team)
    mails.answers["alice@example.com"] = "550 No such user"

    assert send() == 1
    assert told() == [("alice", "failed", "smtp 550"), ("bob", "sent", "")]
    report.refresh_from_db()
    assert (report.sent_count, report.lost_count) == (1, 1)
    assert "The mail server answered 550." in login("bob").get(f"/reports/{report.pk}/").content.decode()


def test_after_three_days_a_mail_is_given_up(clock: Any, settings: Any, make_report: Callable[..., Report]) -> None:
    make_report()
    settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = "smtp://127.0.0.1:9", "auditsite@example.com"

    send()
    assert told() == [("alice", "waiting", "unreachable")]
    clock.move_to(MONDAY + outcome.KEPT_TRYING + timedelta(minutes=1))
    again()

    assert told() == [("alice", "failed", "unreachable")]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (TimeoutError(), "timeout"),
        (smtplib.SMTPAuthenticationError(535, b"Wrong password"), "smtp 535"),
        (smtplib.SMTPSenderRefused(550, b"Not yours", "auditsite@example.com"), "smtp 550"),
    ],
)
def test_a_server_that_takes_nothing_from_us_is_asked_once_for_all(
    clock: Any,
    settings: Any,
    make_report: Callable[..., Report],
    team: Group,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    problem: str,
) -> None:
    make_report(team)
    settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = "smtp://127.0.0.1:9", "auditsite@example.com"
    tried = []
    monkeypatch.setattr(mail_server, "_connect", lambda *_: tried.append(1) or (_ for _ in ()).throw(error))

    send()

    assert (len(tried), told()) == (1, [("alice", "waiting", problem), ("bob", "waiting", "")])


def test_without_a_server_pages_say_so(
    clock: Any, settings: Any, make_report: Callable[..., Report], login: Callable[[str], Client]
) -> None:
    settings.ALERT_MAIL_SERVER = ""
    make_report()
    send()

    assert told() == [("alice", "waiting", "mail")]
    assert "ALERT_MAIL_SERVER" in login("alice").get("/reports/").content.decode()


def test_what_ended_while_sending_is_sent_once_more_under_the_same_id(
    clock: Any, mails: Mails, make_report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(mail: ReportMail) -> None:
        raise Killed

    make_report()
    monkeypatch.setattr(outcome, "sent", die)
    with pytest.raises(Killed):
        send()
    with pytest.raises(Killed):
        again()
    assert again() == 0  # not a third time

    first, second = mails.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert told() == [("alice", "failed", "interrupted")]


def test_a_server_that_does_not_say_whether_it_took_the_mail_gets_it_once_more(
    clock: Any, mails: Mails, make_report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_report()
    monkeypatch.setattr(mail_server, "TIMEOUT", 0.2)
    mails.hook = partial(time.sleep, 0.6)

    for _ in range(4):
        send() or again()

    first, second = mails.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert told() == [("alice", "failed", "interrupted")]


def test_a_domain_beyond_ascii_is_spelled_as_servers_know_it(
    clock: Any, mails: Mails, make_report: Callable[..., Report], cast: dict[str, Any]
) -> None:
    cast["alice"].email = "alice@bücher.example"
    cast["alice"].save()
    make_report()

    assert send() == 1
    assert mails.receivers == ["alice@xn--bcher-kva.example"]


def test_one_report_that_cannot_be_planned_holds_up_no_other(
    clock: Any, mails: Mails, make_report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_report("alice")
    make_report("bob")
    planned = due.plan

    def fail(report: Report, now: Any) -> int:
        if report.pk == first.pk:
            raise RuntimeError
        return planned(report, now)

    monkeypatch.setattr(due, "plan", fail)

    assert send() == 1
    assert mails.receivers == ["bob@example.com"]


def test_what_ended_while_writing_is_no_attempt_at_sending(
    clock: Any, mails: Mails, make_report: Callable[..., Report], account: Any, add_event: Callable[..., AuditEvent]
) -> None:
    add_event(account)
    make_report()

    def stop() -> None:
        raise JobInterrupted

    due.plan_mails(nothing)
    for _ in range(3):
        with pytest.raises(JobInterrupted):
            deliver.send_due(stop)
        ReportMail.objects.update(due_at=MONDAY)

    assert mails.taken == []
    assert again() == 1
    assert ReportMail.objects.get().interruptions == 0


@pytest.mark.django_db(transaction=True)
def test_killed_before_the_answer_the_mail_comes_twice_at_most(
    mails: Mails, make_report: Callable[..., Report]
) -> None:
    make_report()
    due.plan_mails(nothing)
    command = [sys.executable, "tests/scripts/send_reports.py", str(connection.settings_dict["NAME"]), str(mails.port)]
    for _ in range(2):
        ReportMail.objects.update(due_at=timezone.now())
        with subprocess.Popen(command, cwd=ROOT, env=environment()) as child:
            mails.hook = partial(os.kill, child.pid, signal.SIGKILL)
            assert child.wait(60) == -signal.SIGKILL
    mails.hook = None

    assert again() == 0
    first, second = mails.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert told() == [("alice", "failed", "interrupted")]


def test_who_may_not_have_it_any_more_does_not_get_what_was_waiting(
    clock: Any, mails: Mails, make_report: Callable[..., Report], team: Group, cast: dict[str, Any]
) -> None:
    make_report(team)
    due.plan_mails(nothing)
    cast["bob"].groups.remove(team)
    cast["alice"].is_active = False
    cast["alice"].save()

    assert (deliver.send_due(nothing), mails.taken) == (0, [])
    assert told() == [("alice", "dropped", "off"), ("bob", "dropped", "off")]


def test_metrics_count_mails(
    clock: Any, mails: Mails, make_report: Callable[..., Report], login: Callable[[str], Client]
) -> None:
    report = make_report()
    mails.answer = "451 no"
    send()

    text = login("admin").get("/metrics").content.decode()
    assert f'auditsite_report_attempts_failed_total{{report="{report.pk}"}} 1.0' in text
    assert f'auditsite_report_mails_waiting{{report="{report.pk}"}} 1.0' in text
