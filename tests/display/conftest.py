"""The reader of these tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client


@pytest.fixture
def client(login: Callable[[str], Client]) -> Client:
    """Alice, who sees demo0001 and demo0002."""
    return login("alice")
