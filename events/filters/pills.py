"""Every condition in force, one by one, in words, each with the way to take it out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext

from events.filters.fields import split_list, unsigned
from events.filters.query_string import with_params
from events.reading.dimensions import DATES, DIMENSIONS, FIRSTS, SINGLE
from events.wording.times import PERIODS, offset, parse_moment

if TYPE_CHECKING:
    from events.filters.form import EventFilter

# Values that the form has words for.
CHOSEN: dict[str, dict[str, Any]] = {"period": {**PERIODS}, "new": {**FIRSTS}}


@dataclass(frozen=True)
class Pill:
    """One condition.

    Attributes:
        without: the query string that leaves it out.
        negated: it must not hold.
        turned: the query string with the contrary in its place; "" where there is none.
    """

    label: str
    verb: str
    value: str
    title: str
    without: str
    negated: bool = False
    turned: str = ""


def pills(found: EventFilter, params: Any = None) -> list[Pill]:
    """The conditions, in the order of the form. Wrong ones too: they are in force, and nothing is shown for them.

    Args:
        params: those of another query, in the words of this filter.
    """
    params = found.data if params is None else params
    if not hasattr(params, "getlist"):
        return []
    result = []
    for name, parameter in SINGLE.items():
        if value := (params.get(name) or "").strip():
            shown = _moment(value) if name in DATES else str(CHOSEN.get(name, {}).get(value, value))
            result.append(Pill(str(parameter.label), "", shown, value, _without(params, name, None)))
    for name, dimension in DIMENSIONS.items():
        field = found.form.fields[name]
        items = split_list(params.getlist(name))
        for item in items:
            wanted, value = unsigned(item)
            rest = ",".join(other for other in items if other != item)
            verb, shown = gettext("is") if wanted else gettext("is not"), field.shown(value)
            contrary = ",".join((f"-{value}" if wanted else value) if other == item else other for other in items)
            result.append(
                Pill(
                    str(dimension.label),
                    verb,
                    shown,
                    value,
                    _without(params, name, rest),
                    negated=not wanted,
                    turned=_without(params, name, contrary),
                )
            )
    return result


def _without(params: Any, name: str, rest: str | None) -> str:
    return with_params(params, **{name: rest or None, "before": None, "after": None})


def _moment(text: str) -> str:
    """A day, or a time to the minute, as the reader's clock has it; what cannot be read stays as it is."""
    try:
        moment = parse_moment(text, end_of_day=False)
    except ValueError:
        return text
    at = timezone.localtime(moment.at)
    clock = f"{at:%H:%M:%S}"
    if moment.day_only or clock == "00:00:00":
        return f"{at:%Y-%m-%d}"
    # The end of a day or minute, as bars and days have it, is told by the last thing in it.
    return f"{at:%Y-%m-%d}" if at.time() == time.max else f"{at:%Y-%m-%d %H:%M} {offset(at)}"
