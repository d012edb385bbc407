"""A language in which every message stands in brackets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.translation import trans_real

from tests.tools.language import PSEUDO, Bracketing


@pytest.fixture
def pseudo_language(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The language's code. Not that of a real one: what is cached by language must not hold brackets afterwards."""
    settings.LANGUAGES = [*settings.LANGUAGES, (PSEUDO, "Brackets")]
    trans_real._translations[PSEUDO] = Bracketing()
    yield PSEUDO
    trans_real._translations.pop(PSEUDO, None)
