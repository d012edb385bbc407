"""A sandbox, broken servers, and a client that never really waits, for the tests of faults over real HTTP."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from events.nexmo.client import AuditClient, Pacer
from events.nexmo.sandbox import FAULTS, Sandbox, Switches

KEY, SECRET = "demo0001", "sandbox-secret-0001"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIST = b'{"page":{"totalElements":3}}'


class Waits(threading.Event):
    """A stop signal that notes every wait and lets none of them last."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return self.is_set()


def new_sandbox() -> Sandbox:
    return Sandbox(accounts=1, events=500, start=date(2024, 11, 22), now=lambda: NOON)


@pytest.fixture(name="running", scope="module")
def running_fixture() -> Iterator[Sandbox]:
    with new_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(name="sandbox")
def sandbox_fixture(running: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, as it was: for faults that leave its events alone."""
    running.requests.clear()
    yield running
    running.clear_faults()
    running.switches = Switches()
    running.set_secrets(KEY, [SECRET])


@pytest.fixture(name="no_jitter", autouse=True)
def no_jitter_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


@pytest.fixture(name="waits")
def waits_fixture() -> Waits:
    return Waits()


Make = Callable[..., AuditClient]


@pytest.fixture(name="make")
def make_fixture(waits: Waits) -> Iterator[Make]:
    made: list[AuditClient] = []

    def client(url: str, **options: Any) -> AuditClient:
        defaults = {"timeout": 5.0, "attempts": 2, "pacer": Pacer(0), "stop": waits, "secrets": [SECRET]}
        made.append(AuditClient(KEY, base_url=url, **(defaults | options)))
        return made[-1]

    yield client
    for each in made:
        each.close()


def statuses(sandbox: Sandbox) -> list[int]:
    """What the sandbox answered to each request; 0 is no answer."""
    return [request.status for request in sandbox.requests]


def numbered(name: str) -> Any:
    """A parameter that begins with the fault's F number, as in F04-truncated."""
    return pytest.param(name, id=f"{FAULTS[name].number.partition(',')[0]}-{name}")


EMBEDDED = ("embedded-empty", "embedded-no-events", "embedded-null", "embedded-object")


Serve = Callable[..., tuple[str, list[bytes]]]


@pytest.fixture(name="serve")
def serve_fixture() -> Iterator[Serve]:
    """Start a server that takes one connection per answer, sends the bytes and closes; tells its address, and what
    it was sent."""
    with contextlib.ExitStack() as stack:

        def start(*answers: bytes, tls: ssl.SSLContext | None = None) -> tuple[str, list[bytes]]:
            received: list[bytes] = []
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(5)

            def run() -> None:
                for answer in answers:
                    with contextlib.suppress(OSError):  # a client that goes away, or none that comes
                        connection, _ = listener.accept()
                        with connection:
                            connection.settimeout(5)
                            with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                                got = b""
                                while b"\r\n\r\n" not in got and (part := stream.recv(65536)):
                                    got += part
                                received.append(got)
                                stream.sendall(answer)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            stack.callback(thread.join, 6)
            return f"127.0.0.1:{listener.getsockname()[1]}", received

        yield start


def whole(body: bytes, *headers: str, length: int | None = None) -> bytes:
    # The server closes after each answer; a client that learns it too late would ask into a dead connection.
    close = "Connection: close"
    lines = ["HTTP/1.1 200", close, f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
