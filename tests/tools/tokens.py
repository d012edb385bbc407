"""Tokens and requests that carry them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from accounts.models import ApiToken, NexmoAccount
from accounts.tokens import lifecycle
from accounts.tokens.secret import Credentials


def make_token(
    person: User, *keys: str, days: float = 30, name: str = "SIEM", **more: Any
) -> tuple[ApiToken, Credentials]:
    """A token of a person: for the accounts with these API keys, or without any for all."""
    accounts: Iterable[NexmoAccount] | None = NexmoAccount.objects.filter(api_key__in=keys) if keys else None
    expires_at = timezone.now() + timedelta(days=days)
    return lifecycle.make(person, name, expires_at, accounts=accounts, **more)


def basic(credentials: Credentials) -> dict[str, str]:
    """The headers of a request by HTTP Basic, as a test client takes them."""
    text = base64.b64encode(":".join(credentials).encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {text}"}


def bearer(credentials: Credentials) -> dict[str, str]:
    """The headers of a request with a Bearer token."""
    return {"HTTP_AUTHORIZATION": f"Bearer {credentials.token}"}
