"""`manage.py check --database default`: whether what is encrypted can be read, and with which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core import checks

from accounts.encryption import key_ids
from accounts.rotation import standing
from accounts.unseen import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NAMED = 5


def encrypted_values(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Warnings, because the site works without: each secret that cannot be read is told where it is needed."""
    if not databases:
        return []
    told, keys = standing(), key_ids()
    problems: list[checks.CheckMessage] = []
    if told.unreadable:
        more = len(told.unreadable) - MOST_NAMED
        named = ", ".join(told.unreadable[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
        missing = sorted(key for key in told.by_key if key and key not in keys)
        which = f" They name the key {', '.join(missing)}." if missing else ""
        problems.append(
            checks.Warning(
                printable(f"None of CREDENTIAL_KEYS opens what is stored in: {named}.{which}"),
                hint="Put the key it was stored with back behind the first, or enter these secrets again.",
                id="accounts.W001",
            )
        )
    if under_others := sum(told.by_key[key] for key in keys[1:]):
        problems.append(
            checks.Warning(
                f"{under_others:,} encrypted value(s) are not under the first of CREDENTIAL_KEYS.",
                hint="Run `manage.py rotate_credential_keys` before you take a key away.",
                id="accounts.W002",
            )
        )
    return problems
