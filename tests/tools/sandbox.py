"""A client of a running sandbox, for the tests of the sandbox itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Self

import requests

from events.sandbox import Sandbox, Switches

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
START = date(2024, 11, 22)


class Client:
    """A session with the credentials of demo0001; each call gives the response."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.auth = ("demo0001", "sandbox-secret-0001")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def listing(self, fault: str = "", **params: Any) -> requests.Response:
        headers = {"X-Sandbox-Fault": fault} if fault else {}
        url = f"{self.sandbox.url}/events"
        return self.session.get(url, params=params, headers=headers, timeout=60, allow_redirects=False)

    def rows(self, **params: Any) -> list[dict[str, Any]]:
        response = self.listing(**({"size": 100} | params))
        assert response.status_code == 200, response.text
        rows: list[dict[str, Any]] = response.json().get("_embedded", {}).get("events", [])
        return rows

    def options(self, fault: str = "") -> requests.Response:
        headers = {"X-Sandbox-Fault": fault} if fault else {}
        return self.session.options(f"{self.sandbox.url}/events", headers=headers, timeout=60)

    def one(self, event_id: str) -> requests.Response:
        return self.session.get(f"{self.sandbox.url}/events/{event_id}", timeout=60)


def small_sandbox() -> Sandbox:
    """Some 1,500 events at a fixed moment; demo0005 has none."""
    return Sandbox(events=1_500, start=START, now=lambda: NOON, empty=("demo0005",))


def lend(sandbox: Sandbox) -> Iterator[Client]:
    """A client for one test; switches, faults, secrets and the hook are put back afterwards."""
    with Client(sandbox) as client:
        yield client
    sandbox.switches = Switches()
    sandbox.clear_faults()
    sandbox.before_request = None
    sandbox.set_secrets("demo0001", ["sandbox-secret-0001"])
