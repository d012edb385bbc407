"""Reviews as people sign them off, and archives behind whose back somebody changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.models import Review
from events.operations import jobs
from events.reviews import sign
from events.reviews.matter import Matter, lasting
from tests.archive.conftest import archive, attack, sql, tamper
from tests.conftest import add_numbered

__all__ = ["archive", "attack", "sql", "tamper"]

SignOff = Callable[..., Review]


def matter_of(user: Any, query: str = "") -> Matter:
    """What the page would show this person for a filter."""
    accounts = NexmoAccount.objects.list_visible_to(user)
    fixed = lasting(EventFilter(QueryDict(query), accounts=accounts), timezone.now())
    return Matter(EventFilter(QueryDict(fixed), accounts=accounts))


def run_jobs() -> None:
    while jobs.run_next():
        pass


@pytest.fixture
def sign_off(cast: dict[str, Any]) -> SignOff:
    """Have somebody sign off a filter, and a worker sign it."""

    def signed(name: str = "alice", query: str = "", note: str = "Nothing unusual.", **options: Any) -> Review:
        asked = sign.request(cast[name], matter_of(cast[name], query), note, **options)
        run_jobs()
        return Review.objects.get(pk=asked.pk)

    return signed


@pytest.fixture
def other(cast: Any) -> NexmoAccount:
    """Alice's account that nobody else sees, with five events."""
    account = NexmoAccount.objects.get(api_key="demo0002")
    add_numbered(account, range(101, 106), event_type="APP_CREATE")
    return account
