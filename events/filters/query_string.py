"""The addresses of lists: the query string is the filter."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode


def with_params(params: Any, **changes: str | None) -> str:
    """A query string with some parameters replaced (None removes one), the rest as it is."""
    query = params.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return "?" + query.urlencode() if query else "?" + urlencode({})
