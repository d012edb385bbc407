"""What the tests of the filters share."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from events.models import AuditEvent
from tests.tools.export import body, exported_ids
from tests.tools.scope import error_text, shown_ids

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]


def number_of(event_id: str) -> int:
    return int(event_id[-12:])


def found(client: Client, query: Any) -> set[int]:
    """The numbers of the events that a query shows; its export must hold the same."""
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    page = client.get(f"/events/?{text}")
    assert page.status_code == 200
    assert 'id="error-' not in page.content.decode()
    ids = shown_ids(page)
    assert exported_ids("ndjson", body(client.get(f"/events/export.ndjson?{text}"))) == ids
    return {number_of(event_id) for event_id in ids}


def refusal(client: Client, query: Any, name: str) -> str:
    """The error that a query gets beside a field; the page must show no rows, and its export must be refused."""
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    page = client.get(f"/events/?{text}")
    assert page.status_code == 200
    assert shown_ids(page) == []
    assert 'data-state="invalid"' in page.content.decode()
    assert re.findall(r'id="error-(\w+)"', page.content.decode()) == [name]
    error = error_text(page, name)
    refused = client.get(f"/events/export.csv?{text}")
    assert refused.status_code == 400
    assert "Content-Disposition" not in refused
    assert not refused.streaming
    assert f": {error}</li>" in html.unescape(refused.content.decode())
    return error
