"""The list of accounts: what it may be narrowed to and sorted by, and what is shown then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.health.status import LEVELS, NEEDS_ATTENTION, TITLES, WORST_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from events.health.status import AccountStatus

ATTENTION = "attention"
NEVER = datetime.min.replace(tzinfo=UTC)

# Each column's order, and the parameter of the first click on its head: the most telling end first.
SORTS = {"name": "name", "health": "-health", "freshness": "freshness", "recent": "-recent", "events": "-events"}


class AccountFilter(forms.Form):
    """The parameters of the list. A wrong one is told beside its field, and narrows nothing."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name or key")}),
    )
    health = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All")),
            (ATTENTION, _("Needs attention")),
            *((level, TITLES[level]) for level in WORST_FIRST),
        ],
        error_messages={"invalid_choice": _("There is no state %(value)s; accounts of all states are shown.")},
    )
    sort = forms.ChoiceField(
        required=False,
        choices=[(sign + name, name) for name in SORTS for sign in ("", "-")],
        error_messages={"invalid_choice": _("The list cannot be sorted by %(value)s; it is sorted by name.")},
    )

    @property
    def values(self) -> dict[str, str]:
        """What was asked for, as far as it can be read."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}

    @property
    def order(self) -> str:
        return self.values["sort"] or "name"

    @property
    def narrows(self) -> bool:
        values = self.values
        return bool(values["q"] or values["health"])


def chosen(found: Sequence[AccountStatus], filters: AccountFilter) -> list[AccountStatus]:
    """Those that the filter lets through."""
    values = filters.values
    text = values["q"].strip().casefold()
    levels = {"": LEVELS, ATTENTION: NEEDS_ATTENTION}.get(values["health"], (values["health"],))
    return [
        each
        for each in found
        if each.health.level in levels
        and (text in each.account.name.casefold() or text in each.account.api_key.casefold())
    ]


def in_order(
    found: Sequence[AccountStatus], order: str, recent: Callable[[], Mapping[int, int]]
) -> list[AccountStatus]:
    """Sorted by a column; those that are equal there by name, whichever way the column is sorted.

    Args:
        recent: counts the events of the last days by account; asked only when they decide.
    """
    name = order.removeprefix("-")
    counts = recent() if name == "recent" else {}
    keys: dict[str, Callable[[AccountStatus], Any]] = {
        "name": _by_name,
        "health": lambda each: -WORST_FIRST.index(each.health.level),
        "freshness": lambda each: each.complete_until or NEVER,
        "events": lambda each: each.event_count,
        "recent": lambda each: counts.get(each.account.pk, 0),
    }
    by_name = sorted(found, key=_by_name)
    return sorted(by_name, key=keys[name], reverse=order.startswith("-"))


def _by_name(status: AccountStatus) -> tuple[str, str]:
    return status.account.name.casefold(), status.account.api_key


@dataclass(frozen=True)
class Head:
    """A column's head that sorts: where a click leads, and how it is sorted now (`aria-sort`, or empty)."""

    name: str
    order: str
    sorted: str


def heads(order: str) -> dict[str, Head]:
    """By column; a second click turns the order around."""
    found = {}
    for name, first in SORTS.items():
        is_by_this = order.removeprefix("-") == name
        turned = name if order.startswith("-") else f"-{name}"
        direction = "descending" if order.startswith("-") else "ascending"
        found[name] = Head(name, turned if is_by_this else first, direction if is_by_this else "")
    return found
