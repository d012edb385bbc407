"""Which indexes lead to the events that a rule can use, where it names no types of event but exact values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.detection.sigma.fields import fold
from events.nexmo.values import ip_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from events.detection.sigma.rule import Rule, Selection


@dataclass(frozen=True)
class Way:
    """A column, an index that leads along it in the order of time, and a value."""

    column: str
    index: str
    value: str


MOST_WAYS = 100  # beyond, one walk through all events costs less
# The archive keeps e-mail addresses in lower case. Beyond ASCII, rules and the archive fold letters differently.
_INDEXED: tuple[tuple[str, str, str, Callable[[str], str]], ...] = (
    ("source_ip", "source_ip_key", "event_ip_time", ip_key),
    ("user_email", "user_email", "event_user_time", lambda value: value if value.isascii() else ""),
)


def ways_to(rule: Rule) -> list[Way] | None:
    """Values that lead to all events that a rule can use; None: some can be reached by none."""
    found: dict[Way, None] = {}
    for selection in rule.selections:
        ways = _ways(selection)
        if ways is None:
            return None
        found |= dict.fromkeys(ways)
    return list(found) if len(found) <= MOST_WAYS else None


def _ways(selection: Selection) -> list[Way] | None:
    for name, column, index, value_of in _INDEXED:
        ways = [Way(column, index, value_of(value)) for value in sorted(selection.only.get(name, ()))]
        # A value without a key (no address, say) may stand in events all the same.
        if name in selection.only and all(way.value for way in ways):
            return ways
    return None


def accounts_of(rule: Rule, keys: Mapping[int, str]) -> set[int] | None:
    """Keys of the accounts that a rule names by their API keys; None: its events may be of any.

    Args:
        keys: the API key of each account.
    """
    lists = [selection.only.get("account") for selection in rule.selections]
    if None in lists:
        return None
    named = {name for names in lists for name in names or ()}
    return {account for account, api_key in keys.items() if fold(api_key) in named}
