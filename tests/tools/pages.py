"""What the tests of the pages share."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent, SyncRun
from events.sync import state

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

CSP = {
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "frame-src 'none'",
    "media-src 'none'",
    "worker-src 'none'",
    "report-uri /csp-report",
    "report-to csp",
}


def text_of(response: Any) -> str:
    """The words of a page as a reader sees them: no tags, entities resolved, blanks joined."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def finished(account: NexmoAccount, error: Exception | None = None, fingerprint: str = "") -> SyncRun:
    run = state.claim(account, SyncRun.Trigger.SCHEDULE)
    assert run
    return state.finish(run, error=error, fingerprint=fingerprint)


class _Watcher(HTMLParser):
    """Collects what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.script: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "style":
            self.found.append("<style>")
        if tag == "script":
            # Data is no code: json_script writes such elements.
            self.script = "data" if values.get("type") == "application/json" else values.get("src") or ""
            if self.script == "":
                self.found.append("<script> without src")
        for name, value in attrs:
            if name.startswith("on") or name.startswith("hx-on") or name == "style":
                self.found.append(f"{tag} {name}={value}")
            if name in ("src", "href", "action", "formaction", "data", "hx-get", "hx-post", "poster"):
                address = urlsplit((value or "").strip())
                # A rule may name a page of Nexmo's dashboard, which then is not told where one comes from.
                leaves = tag == "a" and address.scheme == "https" and "noreferrer" in (values.get("rel") or "")
                if leaves:
                    continue
                if address.scheme or address.netloc:
                    self.found.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        if self.script is not None and self.script != "data" and data.strip():
            self.found.append(f"inline script {data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.script = None


def violations(response: Any) -> list[str]:
    """What is wrong with a page in the eyes of its own policy, and with the policy."""
    watcher = _Watcher()
    watcher.feed(response.content.decode())
    policy = {part.strip() for part in response.get("Content-Security-Policy", "none").split(";")}
    return watcher.found + ([] if policy == CSP else [f"policy {policy}"])
