"""One attempt to send one message, and how it went. Nothing here is written to the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from accounts.encryption import SecretUnreadable
from events.alerts.messages import bodies
from events.alerts.sending import addresses
from events.fields import dump_json
from events.models import Channel, Severity
from events.outbound import post, results, signing
from events.outbound.entered import NotUsable
from events.outbound.results import SENT, Outcome, of_status
from events.outbound.targets import read_targets
from events.wording import delivery_problems as problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.alerts.messages.message import Message
    from events.models import Delivery

PATIENCE = 30.0  # seconds that apprise may take, its start included
NOTIFY_TYPES = {Severity.CRITICAL: "failure", Severity.HIGH: "failure", Severity.MEDIUM: "warning"}
ROOT = Path(__file__).resolve().parents[3]
# Of the environment, what the other process may know: no setting of the site, and no proxy.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT", "COVERAGE_PROCESS_START")


def attempt(delivery: Delivery, message: Message) -> Outcome:
    """Send a message through its channel, once. Returns within about half a minute, whatever the channel does."""
    channel = delivery.channel
    try:
        if channel.kind == Channel.Kind.WEBHOOK:
            return _post(delivery.key, channel, message)
        return _through_apprise(channel, message)
    except SecretUnreadable:
        return Outcome(sent=False, problem=problems.SECRET)
    except NotUsable:
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
    targets = read_targets(settings.ALERT_TARGETS)
    return results.attempt(lambda: post.post(channel.address, body, headers, targets))[1]


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
