"""What a filter stood for in one account, as plain values that a statement can hold, and back.

Names stood for codes, and periods for times, when it was signed: later they might stand for others.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from events.reading.conditions import APPLICATION, Conditions
from events.reading.filterable import DIMENSIONS


def to_plain(conditions: Conditions, account: int) -> dict[str, Any]:
    """The conditions on events of this account; nothing of others."""
    plain: dict[str, Any] = {
        "start": conditions.start.isoformat() if conditions.start else None,
        "end": conditions.end.isoformat() if conditions.end else None,
        "text": conditions.text,
        "new_country": conditions.new_country,
    }
    for side, lists in (("wanted", conditions.wanted), ("unwanted", conditions.unwanted)):
        plain[side] = {
            name: [app for key, app in values if key in (None, account)] if name == APPLICATION else _listed(values)
            for name, values in lists.items()
            if name != "account"
        }
    # Of applications that are only in other accounts, none is here.
    nowhere = bool(conditions.wanted.get(APPLICATION)) and not plain["wanted"][APPLICATION]
    return plain | {"nothing": conditions.nothing or nowhere}


def from_plain(plain: dict[str, Any], account: int) -> Conditions:
    """The same conditions again, over this account. Raises KeyError, TypeError, ValueError: nothing of ours."""
    lists: dict[str, dict[str, tuple[Any, ...]]] = {}
    for side in ("wanted", "unwanted"):
        lists[side] = {name: _read(name, values, account) for name, values in plain[side].items()}
    return Conditions(
        accounts=(account,),
        wanted=lists["wanted"],
        unwanted=lists["unwanted"],
        start=datetime.fromisoformat(plain["start"]) if plain["start"] else None,
        end=datetime.fromisoformat(plain["end"]) if plain["end"] else None,
        text=plain["text"],
        new_country=plain["new_country"],
        nothing=plain["nothing"],
    )


def _listed(values: tuple[Any, ...]) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in values]


def _read(name: str, values: list[Any], account: int) -> tuple[Any, ...]:
    if name == APPLICATION:
        return tuple((account, app) for app in values)
    return tuple((value[0], value[1]) for value in values) if DIMENSIONS[name].ranges else tuple(values)
