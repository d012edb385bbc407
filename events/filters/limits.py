"""How much a filter may hold: checked before anything is made of it, wherever filters are read."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, ngettext

from events.reading.filterable import DIMENSIONS, PARAMETERS
from events.wording.codes import grouped

MOST_CHARACTERS = 8_000  # of a whole filter in an address: what servers take
MOST_TEXT = 2_000  # characters of any parameter that is no list
MOST_ITEMS = 1_000  # of a list; databases take several times as many
MOST_USERS = 500  # that a part of an address stands for
MOST_OF_AN_ITEM = 400  # characters; the longest e-mail address has 320


def excess(params: Any, most_characters: int | None = MOST_CHARACTERS) -> dict[str, str]:
    """What is wrong with parameters that are too long, by name.

    Args:
        most_characters: of all parameters together; None for filters that stand in no address.
    """
    values = {
        name: params.getlist(name) if hasattr(params, "getlist") else [params.get(name) or ""] for name in PARAMETERS
    }
    lengths = {name: sum(map(len, its)) for name, its in values.items()}
    problems = {name: problem for name, its in values.items() if lengths[name] and (problem := _problem(name, its))}
    total = sum(length for name, length in lengths.items() if name not in problems)
    if most_characters is not None and total > most_characters:
        longest = max(lengths.keys() - problems.keys(), key=lambda name: lengths[name])
        problems[longest] = gettext("This filter is too long: at most %(most)s characters.") % {
            "most": grouped(most_characters)
        }
    return problems


def _problem(name: str, values: list[str]) -> str:
    if name not in DIMENSIONS:
        return _too_long(MOST_TEXT) if any(len(value) > MOST_TEXT for value in values) else ""
    number = sum(value.count(",") + 1 for value in values)
    if number > MOST_ITEMS:
        return gettext("Too many values: %(number)s, and at most %(most)s are allowed.") % {
            "number": grouped(number),
            "most": grouped(MOST_ITEMS),
        }
    is_long = any(len(item) > MOST_OF_AN_ITEM for value in values for item in value.split(","))
    return _too_long(MOST_OF_AN_ITEM) if is_long else ""


def _too_long(most: int) -> str:
    text = ngettext(
        "This is too long: at most %(most)s character.", "This is too long: at most %(most)s characters.", most
    )
    return text % {"most": grouped(most)}


def within(params: Any, problems: dict[str, str]) -> Any:
    """The parameters without those that are too long."""
    if not problems:
        return params
    rest = params.copy()
    for name in problems:
        rest.pop(name, None)
    return rest
