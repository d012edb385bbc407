"""What a provider told of somebody at their last login, as it is kept and shown to administrators."""

from __future__ import annotations

from typing import Any

from accounts.unseen import hidden_places

MOST_GROUPS = 2_000


def told(
    *,
    username: object,
    email: object,
    first_name: object,
    last_name: object,
    groups: list[str],
    authenticated_at: object,
) -> dict[str, Any]:
    """Names and groups as plain, short text: what is not text is left out. And when the provider asked who is there,
    in seconds since the epoch; None where it does not say."""
    is_moment = isinstance(authenticated_at, (int, float)) and not isinstance(authenticated_at, bool)
    return {
        "username": clean(username, 150),
        "email": clean(email, 254),
        "first_name": clean(first_name, 150),
        "last_name": clean(last_name, 150),
        "authenticated_at": authenticated_at if is_moment else None,
        "groups": [group for group in groups if "\0" not in group][:MOST_GROUPS],
    }


def clean(text: object, longest: int) -> str:
    """Without characters that nobody sees, and not too long; empty where it is no text."""
    if not isinstance(text, str):
        return ""
    hidden = set(hidden_places(text))
    return "".join(letter for place, letter in enumerate(text) if place not in hidden).strip()[:longest]
