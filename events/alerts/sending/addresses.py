"""What people enter for a channel, and the address that apprise is given for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from events.alerts.sending.apprise_process import DENIED, PARAMETERS
from events.models import Channel, Severity
from events.outbound.entered import NotUsable, cleaned, split, web_address
from events.outbound.mail import MailServer
from events.outbound.targets import read_targets

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from events.alerts.messages.message import Message

SLACK = re.compile(r"https://hooks\.slack(?:-gov)?\.com/services/([A-Z0-9]+)/([A-Z0-9]+)/([A-Za-z0-9]+)/?")
TEAMS_HOSTS = (".logic.azure.com", ".powerplatform.com")
PAGERDUTY = re.compile(r"(?:(eu|us):)?([A-Za-z0-9]{32})")
PAGERDUTY_LEVELS = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "warning",
    Severity.INFORMATIONAL: "info",
}


@dataclass(frozen=True)
class Call:
    """What apprise is to do.

    Attributes:
        address: with its secrets.
        trusted: the host that the site's own settings name; "" where a person named it.
    """

    address: str = field(repr=False)
    title: str
    body: str
    trusted: str = ""


def checked(kind: str, entered: str) -> tuple[str, str]:
    """An address as it is kept, and as much of it as may be shown.

    Raises:
        NotUsable: it cannot be one of its kind.
    """
    entered = cleaned(entered)
    if kind == Channel.Kind.MAIL:
        return entered, entered
    if kind == Channel.Kind.PAGERDUTY:
        if not PAGERDUTY.fullmatch(entered):
            raise NotUsable(_("An integration key is 32 letters and digits; put eu: before it for the EU region."))
        return entered, "PagerDuty (EU)" if entered.startswith("eu:") else "PagerDuty"
    parts = split(entered)
    if kind == Channel.Kind.SLACK:
        if not SLACK.fullmatch(entered):
            raise NotUsable(_("Expected the address of an incoming webhook: https://hooks.slack.com/services/..."))
        return entered, "hooks.slack.com"
    if kind == Channel.Kind.TEAMS:
        host = parts.hostname or ""
        if parts.scheme != "https" or not host.endswith(TEAMS_HOSTS) or "/workflows/" not in parts.path:
            raise NotUsable(_("Expected the address of a Teams workflow that posts webhook alerts: https://..."))
        return entered, host
    if kind == Channel.Kind.WEBHOOK:
        return web_address(entered, read_targets(settings.ALERT_TARGETS), "ALERT_TARGETS")
    return _other(entered, parts)


def _other(entered: str, parts: SplitResult) -> tuple[str, str]:
    scheme = parts.scheme.lower()
    if not scheme or "://" not in entered:
        raise NotUsable(_("Expected an apprise URL, such as ntfys://topic or discord://id/token."))
    if scheme in DENIED:
        raise NotUsable(_("%(scheme)s:// is not available here.") % {"scheme": scheme})
    names = {name.strip().lower() for name, _value in parse_qsl(parts.query, keep_blank_values=True)}
    if refused := sorted(names & PARAMETERS):
        raise NotUsable(_("The parameter %(name)s is not available here.") % {"name": refused[0]})
    return entered, f"{scheme}://"


def call(channel: Channel, message: Message) -> Call:
    """What apprise is given for a message.

    Raises:
        NotUsable: mail without a server, or an address of before the site's settings were others.
    """
    address = channel.address
    if channel.kind == Channel.Kind.MAIL:
        return _mail(address, message)
    if channel.kind == Channel.Kind.SLACK:
        if not (match := SLACK.fullmatch(address)):
            raise NotUsable
        mode = "gov-hook" if "slack-gov.com" in address else "hook"
        base = f"slack://{match[1]}/{match[2]}/{match[3]}/"
        return Call(f"{base}?mode={mode}&blocks=yes&footer=no&image=no", message.title, message.body)
    if channel.kind == Channel.Kind.TEAMS:
        return Call(f"{address}{'&' if '?' in address else '?'}image=no", message.title, message.body)
    if channel.kind == Channel.Kind.PAGERDUTY:
        return _pagerduty(address, message)
    return Call(address, message.title, message.body)


def _mail(to: str, message: Message) -> Call:
    if not settings.ALERT_MAIL_SERVER:
        raise NotUsable
    server = MailServer.read(settings.ALERT_MAIL_SERVER)
    mode = {"smtps": "ssl", "smtp+starttls": "starttls"}.get(server.scheme, "insecure")
    host = server.host
    shown_host = f"[{host}]" if ":" in host else host
    login = f"{quote(server.user, safe='')}:{quote(server.password, safe='')}@" if server.user else ""
    parameters = {
        "smtp": host,
        "mode": mode,
        "from": f"Auditsite <{settings.ALERT_MAIL_FROM}>",
        "to": to,
        "format": "text",
        "+Auto-Submitted": "auto-generated",
    }
    scheme = "mailto" if mode == "insecure" else "mailtos"
    address = f"{scheme}://{login}{shown_host}:{server.port}?{urlencode(parameters, quote_via=quote)}"
    return Call(address, message.title, message.body, trusted=host)


def _pagerduty(entered: str, message: Message) -> Call:
    match = PAGERDUTY.fullmatch(entered)
    if not match:
        raise NotUsable
    parameters = {
        "region": match[1] or "us",
        "severity": PAGERDUTY_LEVELS[Severity(message.severity)],
        "dedup": message.topic,
        "image": "no",
        "+details": message.body,
    }
    if message.url:
        parameters["click"] = message.url
    # The second part is the key of an interface that is not used: apprise asks for one.
    address = f"pagerduty://{match[2]}@events/Auditsite/Alerts?{urlencode(parameters, quote_via=quote)}"
    return Call(address, "", message.title)
