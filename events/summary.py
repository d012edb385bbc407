"""An event's context in one line, and as a tree. Contexts have no schema: nothing here relies on one."""

from __future__ import annotations

from typing import Any

# What to show first, in whatever spelling Nexmo uses for it in this event.
FIRST_KEYS = (
    "msisdn",
    "name",
    "email",
    "ip",
    "amount",
    "threshold",
    "country",
    "voice-type",
    "voice-value",
    "applicationId",
    "appId",
    "secretId",
    "product",
    "query",
    "apiKeys",
)
HIDDEN_KEYS = {"accountid", "account_id", "account"}  # every row names its account already
MOST_PARTS = 5


def summarise(context: Any) -> str:
    """A line such as `msisdn 447700900000 · country GB`; empty for no context."""
    parts = [f"{name} {text}" if name else text for name, text in _leaves(context)]
    if len(parts) > MOST_PARTS:
        parts = [*parts[:MOST_PARTS], f"{len(parts) - MOST_PARTS} more"]
    return " · ".join(parts)


def _leaves(context: Any, name: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """The values of a context with their names, telling ones first; lists of plain values in one piece."""
    if context is None or context in ({}, [], ""):
        return []
    if isinstance(context, dict):
        if depth > 3:
            return [(name, "{…}")]
        keys = sorted(context, key=lambda key: FIRST_KEYS.index(key) if key in FIRST_KEYS else len(FIRST_KEYS))
        found = []
        for key in keys:
            if depth or key.lower() not in HIDDEN_KEYS:
                found += _leaves(context[key], key, depth + 1)
        return list(dict.fromkeys(found))
    if isinstance(context, list):
        plain = [_plain(item) for item in context[:3] if not isinstance(item, (dict, list))]
        more = f" and {len(context) - len(plain)} more" if len(context) > len(plain) else ""
        return [(name, ", ".join(plain) + more if plain else f"{len(context)} item(s)")]
    return [(name, _plain(context))]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"
