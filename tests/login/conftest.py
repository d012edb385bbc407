"""Browsers of people who have just confirmed who they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from events.operations.demo_data import PASSWORD


@pytest.fixture
def confirmed(cast: dict[str, Any]) -> Callable[[str], Client]:
    """A browser in which somebody has logged in, and confirmed it."""

    def as_user(name: str) -> Client:
        client = Client()
        client.post("/login/", {"login": name, "password": PASSWORD})
        client.post("/login/confirm/", {"password": PASSWORD})
        return client

    return as_user
