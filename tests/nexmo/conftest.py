"""A faked HTTP and a client that never really waits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from events.nexmo.client import AuditClient, Pacer
from tests.tools.client import KEY, SECRET, URL, Faked, Waits


@pytest.fixture
def faked() -> Iterator[Faked]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Faked(mock)


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Every pause is as long as it may become; the bounds that were asked for."""
    asked: list[tuple[float, float]] = []

    def highest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", highest)
    return asked


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(waits: Waits) -> Iterator[Callable[..., AuditClient]]:
    made: list[AuditClient] = []

    def client(**options: Any) -> AuditClient:
        defaults = {"api_key": KEY, "secrets": [SECRET], "base_url": URL, "pacer": Pacer(0), "stop": waits}
        made.append(AuditClient(**(defaults | options)))
        return made[-1]

    yield client
    for each in made:
        each.close()
