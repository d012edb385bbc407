"""Reviews as people sign them off, and archives behind whose back somebody changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.models import Review
from tests.archive.conftest import archive, attack, sql, tamper
from tests.conftest import add_numbered
from tests.tools.reviews import matter_of, run_jobs, signed_off

__all__ = ["archive", "attack", "matter_of", "run_jobs", "sql", "tamper"]

SignOff = Callable[..., Review]


@pytest.fixture
def sign_off(cast: dict[str, Any]) -> SignOff:
    """Have somebody sign off a filter, and a worker sign it."""

    def signed(name: str = "alice", query: str = "", note: str = "Nothing unusual.") -> Review:
        return signed_off(cast[name], query, note)

    return signed


@pytest.fixture
def other(cast: Any) -> NexmoAccount:
    """Alice's account that nobody else sees, with five events."""
    account = NexmoAccount.objects.get(api_key="demo0002")
    add_numbered(account, range(101, 106), event_type="APP_CREATE")
    return account
