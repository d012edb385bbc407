"""A faked HTTP and a client that never really waits, for the tests of the client."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import responses

from events.nexmo.client import AuditClient

DATA = Path(__file__).parents[1] / "data"
URL = "https://audit.example.com/beta/audit"
KEY = "abcd1234"
SECRET = "Zw9xQk4-distinctive-secret"
SECOND = "Yv8wPj3-distinctive-second"
TRACE = "bf0ca0bf927b3b52e3cb03217e1a1ddf"
EMPTY_LIST = '{"page":{"size":100,"totalElements":0,"totalPages":0,"number":1}}'


def recorded(name: str) -> str:
    return (DATA / f"{name}.json").read_text().strip()


class Waits(threading.Event):
    """A stop signal that notes every wait and lets none of them last."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return self.is_set()


class Faked:
    """Answers in a row to any request; the last one for ever. Knows all requests."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock

    def answer(
        self, *answers: Any, method: str = "GET", path: str = "/events", headers: dict[str, str] | None = None
    ) -> None:
        """Each answer is a status, a body, a pair of both, or an exception."""
        for answer in answers:
            if isinstance(answer, Exception):
                self.mock.add(method, URL + path, body=answer)
                continue
            status, body = (
                answer if isinstance(answer, tuple) else (answer, "") if type(answer) is int else (200, answer)
            )
            self.mock.add(
                method, URL + path, body=body, status=status, headers={"X-Nexmo-Trace-Id": TRACE} | (headers or {})
            )

    @property
    def requests(self) -> list[Any]:
        return [call.request for call in self.mock.calls]

    @property
    def credentials(self) -> list[str]:
        return [request.headers["Authorization"] for request in self.requests]


Make = Callable[..., AuditClient]


def asked(request: Any) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)
