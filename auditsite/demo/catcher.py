"""The demo's catcher: takes the mails and webhooks that alerts and reports send, and shows them on a page of its own.

On loopback only, and nothing is passed on. Mails are taken by SMTP without a login, webhooks by POST to any path; the
page says of each webhook whether its signature (Standard Webhooks) is right. What came is forgotten with the process.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import email
import email.policy
import hashlib
import hmac
import itertools
import json
import re
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.controller import Controller
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from auditsite.assets import stylesheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 200  # messages
MOST_BYTES = 1_048_576  # of one webhook
MOST_OF_A_MAIL = 10 * MOST_BYTES  # with what is attached, of which only the name is kept
MOST_SHOWN = 20_000  # characters of one
REFRESH = 5  # seconds between two looks of the page
TOLERANCE = 300  # seconds between a webhook's own time and ours
MAILS = "/mail/"
PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
# Of a mail by itself: its own styles and pictures, and nothing from elsewhere.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"


@dataclass(frozen=True)
class Caught:
    """One mail or webhook.

    Attributes:
        kind: "mail" or "webhook".
        title: the subject, or what the webhook says it is about.
        details: names and values of what stands around the text.
        verdict: of a webhook's signature: "verified", "wrong", "old" or "unsigned"; "" for a mail.
        key: the webhook's id, the same when it is sent again.
        repeat: whether a webhook with this id came before.
        html: a mail as mail programs show it, its pictures within; "" where it has no such part.
    """

    number: int
    at: datetime
    kind: str
    title: str
    details: tuple[tuple[str, str], ...]
    text: str
    verdict: str = ""
    key: str = ""
    repeat: bool = False
    html: str = ""

    @property
    def by_itself(self) -> str:
        """Where a mail is shown as mail programs do."""
        return f"{MAILS}{self.number}"


def verdict_on(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: float) -> str:
    """Whether a webhook was signed with one of these secrets (whsec_...), a short time ago."""
    key, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (key and at and given):
        return "unsigned"
    signed = f"{key}.{at}.".encode() + body
    right = []
    for secret in secrets:
        with contextlib.suppress(binascii.Error, ValueError):
            digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
            right.append(f"v1,{base64.b64encode(digest).decode()}")
    if not any(hmac.compare_digest(one.encode(), each.encode()) for one in given.split() for each in right):
        return "wrong"
    return "verified" if at.isdecimal() and len(at) < 12 and abs(now - int(at)) <= TOLERANCE else "old"


class Catcher:
    """Listens while the `with` block lasts.

    Args:
        page_port, mail_port: on 127.0.0.1.
        site: the address of the demo's site, `http://127.0.0.1:8000`: only its addresses become links.
        secrets: what webhooks may be signed with, as it is when one arrives.
    Raises:
        OSError: a port is taken.
    """

    def __init__(
        self, *, page_port: int, mail_port: int, site: str, secrets: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self.site, self.secrets = site, secrets
        self._caught: deque[Caught] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._mail_port = mail_port
        self._http = _Server(("127.0.0.1", page_port), _Handler)
        self._http.catcher = self
        self._thread = Thread(target=self._http.serve_forever, args=(0.1,), name="catcher", daemon=True)
        self._mail: Any = None

    @property
    def page_port(self) -> int:
        port: int = self._http.server_address[1]
        return port

    def __enter__(self) -> Self:
        self._mail = Controller(
            _MailHandler(self), hostname="127.0.0.1", port=self._mail_port, data_size_limit=MOST_OF_A_MAIL
        )
        try:
            self._mail.start()
        except BaseException:
            self._mail.loop.close()
            self._http.server_close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._mail.stop(no_assert=True)
        self._thread.join(5)

    def messages(self) -> list[Caught]:
        """What came, newest first."""
        with self._lock:
            return list(reversed(self._caught))

    def take_mail(self, sender: str, recipients: Iterable[str], content: bytes) -> None:
        message = email.message_from_bytes(content, policy=email.policy.default)
        part = message.get_body(("plain", "html"))
        try:
            text = str(part.get_content()) if part else ""
        except (LookupError, ValueError):  # an encoding that nobody knows
            text = content.decode("utf-8", "replace")
        details = [("From", str(message["From"] or sender)), ("To", ", ".join(recipients))]
        if files := [str(file.get_filename() or "?") for file in message.iter_attachments()]:
            details.append(("Attached", ", ".join(files)))
        self._keep(
            kind="mail",
            title=str(message["Subject"] or ""),
            details=tuple(details),
            text=text,
            html=_html_of(message),
        )

    def take_webhook(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        verdict = verdict_on(headers, body, self.secrets(), time.time())
        text, title = body.decode("utf-8", "replace"), ""
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(text)
            text = json.dumps(value, indent=2, ensure_ascii=False)
            title = _about(value)
        self._keep(
            kind="webhook",
            title=title,
            details=(("POST", path),),
            text=text,
            verdict=verdict,
            key=headers.get("webhook-id", ""),
        )

    def _keep(self, *, title: str, text: str, key: str = "", **fields: Any) -> None:
        with self._lock:
            repeat = bool(key) and any(known.key == key for known in self._caught)
            number, at = next(self._numbers), datetime.now(UTC)
            self._caught.append(
                Caught(number, at, title=title[:300], text=text[:MOST_SHOWN], key=key, repeat=repeat, **fields)
            )

    def html_of(self, number: str) -> str:
        """A mail as mail programs show it; "" where there is none of this number."""
        return next((each.html for each in self.messages() if str(each.number) == number), "")

    def page(self, language: str) -> str:
        """The page that shows what came."""
        with translation.override(language):
            context = {
                "messages": [(each, linked(each.text, self.site)) for each in self.messages()],
                "refresh": REFRESH,
                "site": self.site,
                "mail_port": self._mail_port,
                "page_port": self.page_port,
            }
            return render_to_string("demo/catcher.html", context)


def _about(value: Any) -> str:
    """What a webhook tells, for its heading: the finding's title, and its type."""
    if not isinstance(value, dict):
        return ""
    kind, data = str(value.get("type", "")), value.get("data")
    finding = data.get("finding") if isinstance(data, dict) else None
    title = finding.get("title") if isinstance(finding, dict) else None
    return f"{title} ({kind})" if title else kind


def _html_of(message: EmailMessage) -> str:
    """The HTML part of a mail, with the pictures that come with it put in where it names them."""
    part = message.get_body(("html",))
    if part is None or message.get_body(("plain",)) is None:
        return ""
    try:
        html = str(part.get_content())
    except (LookupError, ValueError):
        return ""
    for each in message.walk():
        if each["Content-ID"] and each.get_content_maintype() == "image":
            picture = base64.b64encode(each.get_payload(decode=True) or b"").decode()  # type: ignore[arg-type]
            name = str(each["Content-ID"]).strip("<> ")
            html = html.replace(f"cid:{name}", f"data:{each.get_content_type()};base64,{picture}")
    return html


def linked(text: str, site: str) -> SafeString:
    """A text, escaped, in which addresses of the demo's own site can be followed, and no others."""
    parts = re.split(r"(https?://[^/\s]++/[\w/?=&%.,~#-]*[\w/])", text)
    return format_html_join(
        "",
        "{}",
        ((format_html('<a href="{0}">{0}</a>', part) if part.startswith(f"{site}/") else part,) for part in parts),
    )


class _MailHandler:
    def __init__(self, catcher: Catcher) -> None:
        self.catcher = catcher

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        content = envelope.original_content or b""
        self.catcher.take_mail(envelope.mail_from or "", envelope.rcpt_tos, content)
        return "250 OK"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    catcher: Catcher


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30
    server_version, sys_version = "Catcher", ""

    def do_GET(self) -> None:
        if not self._is_local():
            self._answer(403)
        elif self.path.partition("?")[0] == "/":
            self._answer(200, self.server.catcher.page(self._language()).encode(), "text/html; charset=utf-8")
        elif html := self.server.catcher.html_of(self.path.removeprefix(MAILS)):
            self._answer(200, html.encode(), "text/html; charset=utf-8", policy=MAIL_POLICY)
        elif self.path == "/style.css":
            self._answer(200, stylesheet(), "text/css; charset=utf-8")
        else:
            self._answer(404)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        # Browsers alone send an Origin: no page of the web shall fill this one.
        if not self._is_local() or self.headers.get("Origin") is not None:
            self._answer(403)
        elif not length.isdecimal() or len(length) > 9:
            self._answer(411)
        elif int(length) > MOST_BYTES:
            self._answer(413)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.catcher.take_webhook(self.path[:200], headers, self.rfile.read(int(length)))
            self._answer(204)

    def _is_local(self) -> bool:
        host = self.headers.get("Host", "")
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        with contextlib.suppress(ValueError):
            return ip_address(name).is_loopback
        return name.lower() == "localhost"

    def _language(self) -> str:
        for wanted in self.headers.get("Accept-Language", "").split(","):
            with contextlib.suppress(LookupError):
                return translation.get_supported_language_variant(wanted.partition(";")[0].strip())
        return "en"

    def _answer(
        self, status: int, body: bytes = b"", content_type: str = "text/plain", policy: str = PAGE_POLICY
    ) -> None:
        self.send_response(status)
        if body:
            self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """What came is on the page."""
