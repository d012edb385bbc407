"""What the tests of tokens share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.tokens import authenticate


@pytest.fixture(autouse=True)
def _nothing_counted() -> Iterator[None]:
    """Permits that this process holds are of the cache before this test."""
    yield
    authenticate._requests.forget()
    authenticate._guesses.forget()
