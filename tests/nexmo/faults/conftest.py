"""A sandbox, broken servers, and a client that never really waits."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from events.nexmo.client import AuditClient, Pacer
from events.sandbox import Sandbox, Switches
from tests.tools.client import Waits
from tests.tools.client_faults import KEY, SECRET, Make, Serve, new_sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with new_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, as it was: for faults that leave its events alone."""
    running.requests.clear()
    yield running
    running.clear_faults()
    running.switches = Switches()
    running.set_secrets(KEY, [SECRET])


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(waits: Waits) -> Iterator[Make]:
    made: list[AuditClient] = []

    def client(url: str, **options: Any) -> AuditClient:
        defaults = {"timeout": 5.0, "attempts": 2, "pacer": Pacer(0), "stop": waits, "secrets": [SECRET]}
        made.append(AuditClient(KEY, base_url=url, **(defaults | options)))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
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
