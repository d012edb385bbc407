"""One message through each kind of channel, and what its answer means."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook

from events.alerts.messages.message import Message
from events.alerts.sending import send
from events.alerts.sending.addresses import call
from events.alerts.sending.send import attempt
from events.models import Channel, Delivery, Severity
from events.outbound import signing
from events.outbound.results import SENT, Outcome, of_status, read_pause
from tests.alerts.conftest import SECRET, Mails

MESSAGE = Message(
    "finding.opened", "[High] Title: Shop", "Line one\n\nOpen: https://audit.example.com/findings/1/", {"a": 1},
    Severity.HIGH, "https://audit.example.com/findings/1/", "topic",
)  # fmt: skip
MakeChannel = Callable[..., Channel]


def of(channel: Channel) -> Delivery:
    now = timezone.now()
    delivery: Delivery = Delivery.objects.create(channel=channel, kind="test", created_at=now, due_at=now, occasion="x")
    return delivery


def test_webhook_is_signed_and_its_id_is_the_deliverys(
    make_channel: MakeChannel, httpserver: HTTPServer, hook: str
) -> None:
    delivery = of(make_channel(address=hook))

    assert attempt(delivery, MESSAGE) == Outcome(sent=True, status=200)

    request, _ = httpserver.log[0]
    body = Webhook(SECRET).verify(request.data, dict(request.headers))
    assert (body["type"], body["data"]) == ("finding.opened", {"a": 1})
    assert request.headers["webhook-id"] == delivery.key
    assert request.headers["Content-Type"] == "application/json"


def test_while_a_secret_is_changed_both_sign_and_afterwards_the_new_one_alone(
    make_channel: MakeChannel, httpserver: HTTPServer, hook: str
) -> None:
    from events.alerts.channels import BOTH_SECRETS, give_new_secret

    channel = make_channel(address=hook)
    new = give_new_secret(channel)
    attempt(of(channel), MESSAGE)
    channel.old_secret_until -= BOTH_SECRETS + timedelta(seconds=1)
    channel.save()
    attempt(of(channel), MESSAGE)

    first, second = (dict(request.headers) for request, _ in httpserver.log)
    assert len(first["Webhook-Signature"].split()) == 2
    assert len(second["Webhook-Signature"].split()) == 1
    body = httpserver.log[1][0].data
    assert (
        signing.headers(second["Webhook-Id"], int(second["Webhook-Timestamp"]), body, [new])["webhook-signature"]
        == second["Webhook-Signature"]
    )


@pytest.mark.parametrize(
    ("status", "sent", "final"),
    [
        (200, True, False), (204, True, False), (302, False, True), (400, False, True), (401, False, True),
        (404, False, True), (410, False, True), (408, False, False), (425, False, False), (429, False, False),
        (500, False, False), (503, False, False),
    ],
)  # fmt: skip
def test_status_says_whether_to_try_again(status: int, sent: bool, final: bool) -> None:
    outcome = of_status("http", status, "")
    assert (outcome.sent, outcome.is_final) == (sent, final)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), ("99999999999", 3600), ("0", None), ("-5", None), ("soon", None), ("", None)],
)
def test_wish_to_wait_is_honoured_for_an_hour_at_most(text: str, seconds: int | None) -> None:
    assert read_pause(text) == (None if seconds is None else timedelta(seconds=seconds))


def test_wish_to_wait_may_be_a_date() -> None:
    from email.utils import format_datetime

    pause = read_pause(format_datetime(timezone.now() + timedelta(minutes=5)))
    assert pause and timedelta(minutes=4) < pause <= timedelta(minutes=5)
    assert read_pause("Thu, 01 Jan 1970 00:00:00 GMT") is None


def test_mail_goes_through_the_sites_server_as_plain_text(
    make_channel: MakeChannel, mails: Mails, settings: Any
) -> None:
    settings.ALERT_TARGETS = []  # the settings' own server needs no rule
    channel = make_channel(kind="mail", address="bob@example.com")

    assert attempt(of(channel), MESSAGE) == SENT

    mail = email.message_from_bytes(mails.taken[0], policy=email.policy.default)
    assert mail["Subject"] == "[High] Title: Shop"
    assert mail["To"] == "bob@example.com"
    assert "auditsite@example.com" in mail["From"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().split() == MESSAGE.body.split()


def test_subject_cannot_carry_a_header(make_channel: MakeChannel, mails: Mails) -> None:
    from events.wording.safe_text import subject

    hostile = Message("test", subject("x\r\nBcc: evil@example.com\r\n\r\nbody"), "B")
    attempt(of(make_channel(kind="mail", address="bob@example.com")), hostile)

    mail = email.message_from_bytes(mails.taken[0], policy=email.policy.default)
    assert "Bcc" not in mail
    assert mail.get_content().strip() == "B"


def test_mail_servers_no_is_final_and_its_not_now_is_not(make_channel: MakeChannel, mails: Mails) -> None:
    channel = make_channel(kind="mail", address="bob@example.com")
    mails.answer = "451 later"
    later = attempt(of(channel), MESSAGE)
    mails.answer = "550 never"
    never = attempt(of(channel), MESSAGE)
    assert (later.problem, later.is_final) == ("smtp 451", False)
    assert (never.problem, never.is_final) == ("smtp 550", True)


def test_without_a_mail_server_it_is_told_and_tried_again(make_channel: MakeChannel, settings: Any) -> None:
    settings.ALERT_MAIL_SERVER = ""
    outcome = attempt(of(make_channel(kind="mail", address="bob@example.com")), MESSAGE)
    assert (outcome.problem, outcome.is_final) == ("mail", False)


def test_address_that_cannot_be_decrypted_is_told(make_channel: MakeChannel, settings: Any) -> None:
    delivery = of(make_channel())
    settings.CREDENTIAL_KEYS = ["b3RoZXJrZXktb3RoZXJrZXktb3RoZXJrZXktb3RoZXI="]
    fresh = Delivery.objects.select_related("channel").get(pk=delivery.pk)
    assert attempt(fresh, MESSAGE).problem == "secret"


# --- what apprise is given: no process here ---------------------------------------------------------------------------


def test_chats_and_pagers_are_given_addresses_of_their_own(make_channel: MakeChannel) -> None:
    slack = make_channel(kind="slack", address="https://hooks.slack.com/services/T0/B0/xyz")
    assert call(slack, MESSAGE).address.startswith("slack://T0/B0/xyz/?mode=hook&blocks=yes")
    pager = make_channel(kind="pagerduty", address="eu:" + "a" * 32)
    asked = call(pager, MESSAGE)
    assert asked.address.startswith("pagerduty://" + "a" * 32 + "@")
    assert "dedup=topic" in asked.address
    assert "region=eu" in asked.address
    assert "severity=error" in asked.address
    assert asked.body == MESSAGE.title
    assert "a" * 32 not in repr(asked), "a key"


@pytest.mark.parametrize(
    ("told", "problem", "final"),
    [
        (None, "timeout", False),
        ({"known": False}, "unknown", True),
        ({"status": 429, "retry_after": "9"}, "http 429", False),
        ({"status": 404}, "http 404", True),
        ({"refused": "10.0.0.1:443"}, "refused 10.0.0.1:443", True),
        ({"problem": "unreachable"}, "unreachable", False),
        ({"problem": "KeyError"}, "plugin", False),
    ],
)
def test_what_apprises_process_tells_is_read(
    make_channel: MakeChannel, monkeypatch: pytest.MonkeyPatch, told: Any, problem: str, final: bool
) -> None:
    nothing = {"known": True, "sent": False, "status": None, "retry_after": "", "refused": "", "problem": ""}
    monkeypatch.setattr(send, "ask_apprise", lambda asked: told and {**nothing, **told})
    outcome = attempt(of(make_channel(kind="other", address="ntfys://x")), MESSAGE)
    assert (outcome.sent, outcome.problem, outcome.is_final) == (False, problem, final)


def test_no_secret_is_in_what_is_told_of_a_failure(
    make_channel: MakeChannel, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/hunter2").respond_with_data("hunter2", 500)
    outcome = attempt(of(make_channel(address=httpserver.url_for("/hunter2"))), MESSAGE)
    ours = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert "hunter2" not in "".join([outcome.problem, *ours])
