"""A walk along every link of the site, and each page's weight."""

from __future__ import annotations

import html
import re
from collections import deque
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from events.sync import state
from tests.tools.export import add_many, body
from tests.tools.pages import violations
from tests.tools.scope import Add, Login

MOST = 400
HEAVIEST = 150_000  # bytes of a page


def links(page: str, at: str) -> list[str]:
    """Where a page leads by plain links within the site, without the admin's own."""
    found = (urljoin(at, html.unescape(href)) for href in re.findall(r'<a\b[^>]*\bhref="([^"#]*)', page))
    return [path for path in found if path.startswith("/") and not path.startswith(("/admin/", "/static/"))]


def walk(client: Client, start: str) -> dict[str, int]:
    """Every address that links lead to, one of each page and set of parameters, with the status of its answer."""
    waiting, seen, kinds = deque([start]), {start: 0}, set()
    while waiting and len(seen) < MOST:
        path = waiting.popleft()
        split = urlsplit(path)
        # The same page in the same state of another event, rule or value is the same again.
        kind = (re.sub(r"of-demo\d+|demo\d+|[0-9a-f-]{36}", "", split.path), re.sub(r"=[^&]*", "", split.query))
        if kind in kinds:
            seen.pop(path)
            continue
        kinds.add(kind)
        response = client.get(path)
        seen[path] = response.status_code
        if not response.get("Content-Type", "").startswith("text/html") or response.streaming:
            body(response)
            continue
        assert violations(response) == [], path
        for following in links(response.content.decode(), path):
            if following not in seen:
                seen[following] = 0
                waiting.append(following)
    return {path: status for path, status in seen.items() if status}


@pytest.mark.parametrize("person", ["alice", "bob", "charlie", "audrey", "admin"])
def test_no_link_leads_astray(login: Login, events: dict[str, AuditEvent], person: str) -> None:
    state.ensure(list(NexmoAccount.objects.all()))

    visited = walk(login(person), "/events/")

    assert {path: status for path, status in visited.items() if status not in (200, 302)} == {}
    assert len(visited) > 30


def test_list_of_events_is_light(login: Login, cast: dict[str, Any], add_event: Add) -> None:
    add_many(NexmoAccount.objects.get(api_key="demo0001"), range(60))

    page = login("alice").get("/events/?event_type=NUMBER_*&source=CD&search_text=447700900000")

    assert page.content.count(b"data-event-id") == 50
    assert len(page.content) < HEAVIEST
