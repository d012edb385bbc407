"""Kinds of jobs for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from events.operations import jobs


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Declare a handler of the kind "work", the only one that is known."""
    monkeypatch.setattr(jobs, "HANDLERS", {})

    def declare(run: Callable[[jobs.Claim], None], **options: Any) -> None:
        jobs.handler("work", **options)(run)

    yield declare
