"""A sandbox, broken servers, and a client that never really waits, for the tests of faults over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from events.nexmo.client import AuditClient
from events.sandbox import FAULTS, Sandbox

KEY, SECRET = "demo0001", "sandbox-secret-0001"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIST = b'{"page":{"totalElements":3}}'


def new_sandbox() -> Sandbox:
    return Sandbox(accounts=1, events=500, start=date(2024, 11, 22), now=lambda: NOON)


Make = Callable[..., AuditClient]


def statuses(sandbox: Sandbox) -> list[int]:
    """What the sandbox answered to each request; 0 is no answer."""
    return [request.status for request in sandbox.requests]


def numbered(name: str) -> Any:
    """A parameter that begins with the fault's F number, as in F04-truncated."""
    return pytest.param(name, id=f"{FAULTS[name].number.partition(',')[0]}-{name}")


EMBEDDED = ("embedded-empty", "embedded-no-events", "embedded-null", "embedded-object")


Serve = Callable[..., tuple[str, list[bytes]]]


def whole(body: bytes, *headers: str, length: int | None = None) -> bytes:
    # The server closes after each answer; a client that learns it too late would ask into a dead connection.
    close = "Connection: close"
    lines = ["HTTP/1.1 200", close, f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
