"""Hiding credentials that contexts carry: webhook addresses may hold tokens and passwords.

For lists, the context's tree, and the CSV and XLSX exports. The event as received stays as it is: it is the evidence.
"""

from __future__ import annotations

import re
from typing import Any

MASK = "•••"
_QUERY = re.compile(
    r"([?&;](?:[\w.-]*(?:token|secret|passw(?:or)?d|pwd|signature|apikey|api_key|auth)[\w.-]*|key|sig|code)=)[^&;#\s\"'<>]+",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(://)[^/@\s\"'<>]+@")


def mask(text: str) -> str:
    """Text with the credentials in its addresses hidden."""
    if "=" not in text and "@" not in text:
        return text
    return _USERINFO.sub(rf"\1{MASK}@", _QUERY.sub(rf"\1{MASK}", text))


def mask_all(value: Any) -> Any:
    """Any JSON value with every text in it masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [mask_all(item) for item in value]
    if isinstance(value, dict):
        return {key: mask_all(item) for key, item in value.items()}
    return value
