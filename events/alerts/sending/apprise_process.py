"""A process of its own in which apprise sends one message: `python -m events.alerts.sending.apprise_process`.

Apprise's plugins are many, and what they do is decided by an address that a person typed. So they run where there is
nothing to take: without the site's settings, keys and database. What they may connect to is decided at each connection;
they run no program and read no file but the modules of Python. Whoever waits for them ends the process.

Reads one JSON object from standard input, and writes one to standard output (`main`).
"""

from __future__ import annotations

import json
import os
import smtplib
import socket
import sys
import sysconfig
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from events.outbound.targets import MAIL_PORTS, WEB_PORTS, Rule, Targets, normal, read_targets

MOST_READ = 65_536  # bytes of one answer
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 10.0

# Plugins that speak to this machine, run something, or have a network library of their own that connects elsewhere than
# in this thread.
DENIED = frozenset(
    (
        "amqp", "amqps", "aprs", "blink1", "dbus", "deltachat", "deltachats", "gio", "glib", "gnome", "growl",
        "irc", "ircs", "kde", "macosx", "mqtt", "mqtts", "nostr", "qt", "rsyslog", "session", "sessions", "smpp",
        "smpps", "sogs", "syslog", "vapid", "windows", "xmpp", "xmpps", "file", "config",
    )
)  # fmt: skip
MAIL = frozenset({"mailto", "mailtos"})
# Parameters with which some plugins read a file or fetch something else first, or that widen what is decided here.
PARAMETERS = frozenset({"attach", "attach-as", "config", "cto", "keyfile", "pgpkey", "redirect", "retry", "rto"})
PARAMETERS |= {"subscriber", "template", "verify", "wait"}

_ENDS = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn")
# What Python's own modules may look up: nothing of it is anybody's.
_COMMON = ("/etc/ssl/", "/usr/share/zoneinfo/", "/etc/localtime", "/etc/timezone", "/etc/mime.types")
_WRITES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink")


class Seen:
    """What happened on the way, for whoever decides whether to try again."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after = ""
        self.refused = ""
        self.problem = ""
        self.targets = Targets(ports=frozenset())  # what may be connected to: nothing, to begin with

    def answered(self, status: int, retry_after: str = "") -> None:
        """Of several answers the worst counts."""
        if self.status is None or status >= self.status:
            self.status, self.retry_after = status, retry_after


class Forbidden(PermissionError):
    """What a plugin must not do."""


def guard(seen: Seen) -> None:
    """Decide of every connection, file and program of this process from now on, by `seen.targets`."""
    resolve, named = socket.getaddrinfo, dict[tuple[str, int], str]()
    roots = tuple(
        os.path.realpath(path) + os.sep for path in (*sysconfig.get_paths().values(), os.path.dirname(__file__))
    )

    def resolve_and_note(host: Any, port: Any, *rest: Any, **named_rest: Any) -> Any:
        found = resolve(host, port, *rest, **named_rest)
        for place in found:
            named[str(place[4][0]), int(place[4][1])] = host if isinstance(host, str) else ""
        return found

    def decide(event: str, values: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            place = values[1]
            if not isinstance(place, tuple) or len(place) < 2:
                seen.refused = "socket"
                raise Forbidden
            host = named.get((str(place[0]), int(place[1])), str(place[0]))
            if not seen.targets.allows_place(host, place):
                seen.refused = f"{normal(host)}:{place[1]}"
                raise Forbidden(seen.refused)
        elif event in ("socket.bind", "socket.sendto", "socket.sendmsg"):
            raise Forbidden(event)
        elif event == "open":
            _check_open(values, roots, seen)
        elif event in _ENDS or event in _WRITES:
            seen.refused = seen.refused or event
            raise Forbidden(event)

    socket.getaddrinfo = resolve_and_note
    sys.addaudithook(decide)


def _check_open(values: tuple[Any, ...], roots: tuple[str, ...], seen: Seen) -> None:
    path, mode = values[0], values[1]
    if isinstance(path, int):
        return
    real = os.path.realpath(os.fsdecode(path))
    is_read = not mode or not set(str(mode)) & set("wax+")
    if real == os.devnull or (is_read and (real.startswith((*roots, *_COMMON)) or real in _COMMON)):
        return
    seen.refused = seen.refused or "file"
    raise Forbidden("file")


def watch_web(seen: Seen) -> None:
    """Have all requests made without proxies, redirects and cookies, within bounds; and note how they are answered."""
    import requests

    send = requests.Session.send

    def send_guarded(session: Any, request: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        if parts.scheme != "https":
            try:
                # In the clear only where a rule allows it.
                replace(seen.targets, ports=frozenset()).resolve(parts.hostname or "", parts.port or 80)
            except OSError:
                seen.refused = f"{parts.hostname}:{parts.port or 80}"
                raise requests.exceptions.ConnectionError("refused") from None
        options |= {
            "allow_redirects": False,
            "proxies": {},
            "timeout": (CONNECT_TIMEOUT, READ_TIMEOUT),
            "stream": True,
            "verify": True,
            "cert": None,
        }
        try:
            answer: Any = send(session, request, **options)
        except requests.exceptions.SSLError:
            seen.problem = "certificate"
            raise
        except requests.exceptions.Timeout:
            seen.problem = "timeout"
            raise
        except requests.exceptions.RequestException:
            seen.problem = seen.problem or "unreachable"
            raise
        seen.answered(answer.status_code, answer.headers.get("Retry-After", ""))
        answer._content = answer.raw.read(MOST_READ, decode_content=False) or b""
        answer._content_consumed = True
        answer.close()
        return answer

    requests.sessions.get_netrc_auth = lambda *_values, **_named: None
    requests.Session.send = send_guarded  # type: ignore[method-assign, assignment]


def watch_mail(seen: Seen) -> None:
    """Note what mail servers answer."""
    for name in ("connect", "login", "starttls", "sendmail"):
        setattr(smtplib.SMTP, name, _noting(getattr(smtplib.SMTP, name), seen))


def _noting(method: Any, seen: Seen) -> Any:
    def call(*values: Any, **named: Any) -> Any:
        try:
            return method(*values, **named)
        except smtplib.SMTPRecipientsRefused as error:
            seen.answered(max(code for code, _ in error.recipients.values()))
            raise
        except smtplib.SMTPResponseException as error:
            seen.answered(error.smtp_code)
            raise
        except TimeoutError:
            seen.problem = "timeout"
            raise
        except OSError as error:
            certificate = type(error).__name__ == "SSLCertVerificationError"
            seen.problem = "certificate" if certificate else seen.problem or "unreachable"
            raise

    return call


def instantiate(address: str) -> Any:
    """The plugin that an address means; None where it means none that is allowed."""
    import apprise

    scheme = urlsplit(address).scheme.lower()
    if scheme in DENIED:
        return None
    asset = apprise.AppriseAsset(
        app_id="Auditsite",
        app_desc="Auditsite",
        app_url="",
        interpret_escapes=False,
        secure_logging=True,
        http_redirects=False,
        async_mode=False,
    )
    plugin = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if not plugin or {name.lower() for name in _schemes(plugin)} & DENIED:
        return None
    plugin.redirects = False
    plugin.verify_certificate = True
    plugin.retry = 0
    plugin.request_rate_per_sec = 0
    plugin.socket_connect_timeout, plugin.socket_read_timeout = CONNECT_TIMEOUT, READ_TIMEOUT
    plugin.overflow_mode = apprise.OverflowMode.TRUNCATE
    return plugin


def _schemes(plugin: Any) -> list[str]:
    found: list[str] = []
    for declared in (plugin.protocol, plugin.secure_protocol):
        found += [declared] if isinstance(declared, str) else list(declared or ())
    return found


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Do what was asked: look whether an address can be used ("check"), or send."""
    seen = Seen()
    guard(seen)
    plugin = instantiate(asked["address"])
    if plugin is None:
        return {"known": False}
    is_mail = bool(set(_schemes(plugin)) & MAIL)
    if asked["do"] == "check":
        return {"known": True, "name": str(plugin.service_name), "is_mail": is_mail}
    targets = read_targets(asked["targets"], MAIL_PORTS if is_mail else WEB_PORTS)
    if asked.get("trusted"):  # a server that the site's own settings name
        targets = replace(targets, rules=(*targets.rules, Rule(name=normal(asked["trusted"]))))
    seen.targets, seen.refused = targets, ""
    watch_web(seen)
    watch_mail(seen)
    try:
        sent = bool(
            plugin.notify(
                title=asked["title"], body=asked["body"], notify_type=asked["type"], body_format="text", attach=None
            )
        )
    except Exception as error:  # plugins are many
        seen.problem = seen.problem or type(error).__name__
        sent = False
    return {
        "known": True,
        "sent": sent,
        "status": seen.status,
        "retry_after": seen.retry_after,
        "refused": seen.refused,
        "problem": seen.problem,
    }


def main() -> None:
    """Answer what standard input asks; nothing but that is ever printed."""
    asked = json.load(sys.stdin)
    output, sys.stdout = sys.stdout, sys.stderr
    json.dump(answer(asked), output)
    output.flush()
    os._exit(0)  # plugins may have left threads that wait


if __name__ == "__main__":
    main()
