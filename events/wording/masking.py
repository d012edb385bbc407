"""Hiding credentials that contexts carry: webhook addresses may hold tokens and passwords.

For lists, the context's tree, and the CSV and XLSX exports. The event as received stays as it is: it is the evidence.
"""

from __future__ import annotations

import json
import re
from typing import Any

from events.fields import dump_json

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


def mask_json(text: str) -> str:
    """JSON with every text in it masked; it stays JSON."""
    # Only addresses with parameters or a user in them can hold credentials.
    if "=" not in text and "://" not in text:
        return text
    # What is masked ends before a quote, so that the JSON stays whole; where a quote is escaped it would not.
    return dump_json(mask_all(json.loads(text))) if "\\" in text else mask(text)
