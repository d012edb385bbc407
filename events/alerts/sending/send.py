"""One attempt to send one message, and how it went. Nothing here is written to the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from accounts.fields import SecretUnreadable
from events.alerts.messages import bodies
from events.alerts.sending import addresses, post, signing
from events.alerts.sending.targets import Refused, read_targets
from events.fields import dump_json
from events.models import Channel, Severity
from events.wording import alert_problems as problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.alerts.messages.message import Message
    from events.models import Delivery

PATIENCE = 30.0  # seconds that apprise may take, its start included
LONGEST_PAUSE = timedelta(hours=1)  # that a receiver may ask for
SOON = (408, 425, 429)  # answers that may be another one later, beside those from 500 on
NOTIFY_TYPES = {Severity.CRITICAL: "failure", Severity.HIGH: "failure", Severity.MEDIUM: "warning"}
ROOT = Path(__file__).resolve().parents[3]
# Of the environment, what the other process may know: no setting of the site, and no proxy.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT", "COVERAGE_PROCESS_START")


@dataclass(frozen=True)
class Outcome:
    """How an attempt went.

    Attributes:
        problem: a code of `events.wording.alert_problems`; empty where it was sent.
        status: what the receiver answered, where it is known.
        is_final: trying again would change nothing.
        pause: how long the receiver asked to be left alone.
    """

    sent: bool
    problem: str = ""
    status: int | None = None
    is_final: bool = False
    pause: timedelta | None = None


SENT = Outcome(sent=True)


def attempt(delivery: Delivery, message: Message) -> Outcome:
    """Send a message through its channel, once. Returns within about half a minute, whatever the channel does."""
    channel = delivery.channel
    try:
        if channel.kind == Channel.Kind.WEBHOOK:
            return _post(delivery.key, channel, message)
        return _through_apprise(channel, message)
    except SecretUnreadable:
        return Outcome(sent=False, problem=problems.SECRET)
    except addresses.NotUsable:
        if channel.kind == Channel.Kind.MAIL:
            return Outcome(sent=False, problem=problems.MAIL)
        return Outcome(sent=False, problem=problems.UNKNOWN, is_final=True)


def _post(key: str, channel: Channel, message: Message) -> Outcome:
    now = timezone.now()
    body = dump_json({"type": message.event_type, "timestamp": bodies.time(now), "data": message.data}).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Auditsite",
        **signing.headers(key, int(now.timestamp()), body, secrets_in_force(channel)),
    }
    try:
        answer = post.post(channel.address, body, headers, read_targets(settings.ALERT_TARGETS))
    except Refused as error:
        return Outcome(sent=False, problem=f"{problems.REFUSED} {error}", is_final=True)
    except post.NoAnswer as error:
        return Outcome(sent=False, problem=error.kind)
    return of_status(problems.HTTP, answer.status, answer.retry_after)


def secrets_in_force(channel: Channel) -> list[str]:
    """The new secret first; the one before it as long as receivers may still have that."""
    until = channel.old_secret_until
    old = channel.old_secret if until and until > timezone.now() else ""
    return [secret for secret in (channel.secret, old) if secret]


def _through_apprise(channel: Channel, message: Message) -> Outcome:
    call = addresses.call(channel, message)
    told = ask_apprise(
        {
            "do": "send",
            "address": call.address,
            "title": call.title,
            "body": call.body,
            "type": NOTIFY_TYPES.get(Severity(message.severity), "info"),
            "targets": list(settings.ALERT_TARGETS),
            "trusted": call.trusted,
        }
    )
    if told is None:
        return Outcome(sent=False, problem=problems.TIMEOUT)
    if not told.get("known"):
        return Outcome(sent=False, problem=problems.UNKNOWN, is_final=True)
    if told["sent"]:
        return SENT
    if told["refused"]:
        return Outcome(sent=False, problem=f"{problems.REFUSED} {told['refused']}"[:200], is_final=True)
    status = told["status"]
    if status and channel.kind == Channel.Kind.MAIL:
        # Of mail servers 4xx is for now, and 5xx for good.
        return Outcome(sent=False, problem=f"{problems.SMTP} {status}", status=status, is_final=status >= 500)
    if status and status >= 300:
        return of_status(problems.HTTP, status, told["retry_after"])
    problem = told["problem"] if told["problem"] in problems.TRANSIENT else problems.PLUGIN
    return Outcome(sent=False, problem=problem, status=status)


def of_status(kind: str, status: int, retry_after: str) -> Outcome:
    """What an HTTP status means for the message."""
    if 200 <= status < 300:
        return Outcome(sent=True, status=status)
    later = status in SOON or status >= 500
    return Outcome(
        sent=False,
        problem=f"{kind} {status}",
        status=status,
        is_final=not later,
        pause=read_pause(retry_after) if later else None,
    )


def read_pause(text: str) -> timedelta | None:
    """What Retry-After asks for: seconds, or a date; an hour at most."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        pause = timedelta(seconds=min(int(text[:9]), 10**6))
    else:
        try:
            at = parsedate_to_datetime(text)
            pause = at - timezone.now()
        except (TypeError, ValueError, OverflowError):
            return None
    return min(pause, LONGEST_PAUSE) if pause > timedelta() else None


def ask_apprise(asked: dict[str, Any], command: Sequence[str] | None = None) -> dict[str, Any] | None:
    """Have apprise do something in a process of its own. None where that did not answer in time, or ended."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command or [sys.executable, "-m", "events.alerts.sending.apprise_process"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        told = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None
