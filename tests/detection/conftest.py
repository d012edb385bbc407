"""The readers of findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from events.detection.findings.sight import Sight

SightOf = Callable[[str], Sight]


@pytest.fixture
def sight(cast: dict[str, Any]) -> SightOf:
    """What somebody of the cast may know of findings, asked anew each time."""

    def of(name: str) -> Sight:
        return Sight.of(type(cast[name]).objects.get(username=name))

    return of


@pytest.fixture
def accounts(cast: dict[str, Any]) -> dict[str, Any]:
    """The cast's accounts by key."""
    from accounts.models import NexmoAccount

    return {account.api_key: account for account in NexmoAccount.objects.all()}
