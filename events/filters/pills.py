"""Every condition in force, one by one, in words, each with the way to take it out again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext, ngettext

from events.filters.dates import in_words
from events.filters.fields import signed, split_list, unsigned
from events.filters.limits import MOST_ITEMS
from events.filters.query_string import with_params
from events.reading.filterable import DATES, DIMENSIONS, FIRSTS, NARROWING, SINGLE
from events.wording.codes import grouped
from events.wording.times import PERIOD, PERIODS, period_title

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.filters.form import EventFilter

MOST_OF_A_LIST = 20  # pills; each that can be removed carries the whole query
MOST_SHOWN = 400  # characters of a value
# Values that the form has words for.
CHOSEN: dict[str, Callable[[str], str]] = {
    "period": lambda value: period_title(value) if value in PERIODS or PERIOD.fullmatch(value) else value,
    "new": lambda value: str(FIRSTS.get(value, value)),
}


@dataclass(frozen=True)
class Pill:
    """One condition, in words.

    The addresses that leave it out or negate it hold the whole query each, so they are made for pills that show them.
    """

    label: str
    verb: str
    value: str
    title: str
    params: Any
    name: str
    items: tuple[str, ...] = ()  # of its list
    item: str = ""  # the one that this pill is about; "" for all

    @property
    def negated(self) -> bool:
        """Whether it must not hold."""
        return self.item.startswith("-")

    @property
    def without(self) -> str:
        """The query string that leaves it out."""
        rest = [other for other in self.items if other != self.item] if self.item else []
        return self._with(rest)

    @property
    def turned(self) -> str:
        """The query string with its opposite in its place; "" where there is none."""
        if not self.item:
            return ""
        wanted, value = unsigned(self.item)
        return self._with([signed(not wanted, value) if other == self.item else other for other in self.items])

    def _with(self, items: list[str]) -> str:
        return with_params(self.params, **{self.name: ",".join(items) or None, "before": None, "after": None})


def pills(event_filter: EventFilter, params: Any = None) -> list[Pill]:
    """The conditions, in the order of the form. Wrong ones too: they are in force, and nothing is shown for them.

    Args:
        params: those of another query, in the words of this filter.
    """
    params = event_filter.data if params is None else params
    if not hasattr(params, "getlist"):
        return []
    result = []
    for name in NARROWING:
        if value := (params.get(name) or "").strip()[:MOST_SHOWN]:
            shown = in_words(name, value) if name in DATES else CHOSEN.get(name, str)(value)
            result.append(Pill(str(SINGLE[name].label), "", shown, value, params, name))
    for name, dimension in DIMENSIONS.items():
        items = tuple(split_list(params.getlist(name)))
        if not items:
            continue
        field, label = event_filter.form.fields[name], str(dimension.label)
        one_by_one = items[:MOST_OF_A_LIST] if len(items) <= MOST_ITEMS else ()
        for item in one_by_one:
            wanted, value = unsigned(item[:MOST_SHOWN])
            verb = gettext("is") if wanted else gettext("is not")
            shown = gettext("none") if field.is_none(value) else field.shown(value)
            result.append(Pill(label, verb, shown, value, params, name, items, item))
        if others := len(items) - len(one_by_one):
            result.append(Pill(label, "", _all_of(others, further=bool(one_by_one)), "", params, name))
    return result


def _all_of(number: int, *, further: bool) -> str:
    text = (
        ngettext("and %(count)s more: remove all", "and %(count)s more: remove all", number)
        if further
        else ngettext("%(count)s value", "%(count)s values", number)
    )
    return text % {"count": grouped(number)}
