"""Programs with tokens, and archives for them to read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from accounts.tokens import lifecycle
from accounts.tokens.secret import Credentials

Program = Callable[..., Client]


@pytest.fixture
def make_token(cast: dict[str, Any]) -> Callable[..., Credentials]:
    """A token of one of the cast, for all their accounts or some, by key."""

    def make(name: str, *, accounts: list[str] | None = None, may_acknowledge: bool = False) -> Credentials:
        chosen = None if accounts is None else list(NexmoAccount.objects.filter(api_key__in=accounts))
        _, credentials = lifecycle.make(
            cast[name],
            "test",
            timezone.now() + timedelta(days=1),
            accounts=chosen,
            may_acknowledge=may_acknowledge,
        )
        return credentials

    return make


@pytest.fixture
def program(make_token: Callable[..., Credentials]) -> Program:
    """A client that sends such a token as Bearer."""

    def of(name: str, **chosen: Any) -> Client:
        return Client(headers={"Authorization": f"Bearer {make_token(name, **chosen).token}"})

    return of
