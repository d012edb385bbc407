"""The cast, what each of them sees, and how to read it off a page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from events.models import AuditEvent

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

CAST = ("nobody", "alice", "bob", "charlie", "audrey", "admin")
KEYS = ("demo0001", "demo0002", "demo0003", "demo0004", "demo0005")
SEES: dict[str, tuple[str, ...]] = {
    "alice": ("demo0001", "demo0002"),
    "bob": ("demo0001",),
    "charlie": ("demo0003",),
    "audrey": KEYS,
    "admin": KEYS,
}


def names(patterns: Any = None, space: str = "") -> Iterator[str]:
    """The view name of every path in the URLconf."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns, space + (f"{pattern.namespace}:" if pattern.namespace else ""))
        elif isinstance(pattern, URLPattern):
            yield space + (pattern.name or "")


def routes(patterns: Any = None, begin: str = "") -> Iterator[str]:
    """Every pattern of the URLconf, as the match of a request names it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = begin + str(pattern.pattern).removeprefix("^" if begin else "")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def shown_ids(response: Any) -> list[str]:
    """The ids of the rows on a list page, in order."""
    return [html.unescape(found) for found in re.findall(r'data-event-id="([^"]*)"', response.content.decode())]


def error_text(response: Any, name: str) -> str:
    """The error beside a field of the filter."""
    found = re.search(rf'<p class="error" id="error-{name}"[^>]*>(.*?)</p>', response.content.decode(), re.DOTALL)
    return html.unescape(found[1]) if found else ""


def log_in_for_good(client: Client, person: Any) -> None:
    """Log somebody in who has confirmed who they are, and need not do so again."""
    client.force_login(person, backend="auditsite.login.Backend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 9e9, "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
