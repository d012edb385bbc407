"""The list of accounts: its filter and its order."""

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
    """The parameters of the list. With a wrong one no account is shown, and the error stands beside its field."""

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
        error_messages={"invalid_choice": _("There is no state %(value)s.")},
    )
    sort = forms.ChoiceField(
        required=False,
        choices=[(sign + name, name) for name in SORTS for sign in ("", "-")],
        error_messages={"invalid_choice": _("The list cannot be sorted by %(value)s.")},
    )

    @property
    def values(self) -> dict[str, str]:
        """The values of the parameters; "" for what is empty or wrong."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}

    @property
    def order(self) -> str:
        return self.values["sort"] or "name"

    @property
    def narrows(self) -> bool:
        values = self.values
        return bool(values["q"] or values["health"] or self.errors)


def chosen(statuses: Sequence[AccountStatus], filters: AccountFilter) -> list[AccountStatus]:
    """Those that match the filter; none where a value of it is wrong."""
    values = filters.values
    if filters.errors:
        return []
    text = values["q"].strip().casefold()
    levels = {"": LEVELS, ATTENTION: NEEDS_ATTENTION}.get(values["health"], (values["health"],))
    return [
        status
        for status in statuses
        if status.health.level in levels
        and (text in status.account.name.casefold() or text in status.account.api_key.casefold())
    ]


def in_order(
    statuses: Sequence[AccountStatus], order: str, recent: Callable[[], Mapping[int, int]]
) -> list[AccountStatus]:
    """Sorted by a column; those that are equal there by name, whichever way the column is sorted.

    Args:
        recent: counts the events of the last days by account; called only when they decide.
    """
    name = order.removeprefix("-")
    counts = recent() if name == "recent" else {}
    keys: dict[str, Callable[[AccountStatus], Any]] = {
        "name": _by_name,
        "health": lambda status: -WORST_FIRST.index(status.health.level),
        "freshness": lambda status: status.complete_until or NEVER,
        "events": lambda status: status.event_count,
        "recent": lambda status: counts.get(status.account.pk, 0),
    }
    by_name = sorted(statuses, key=_by_name)
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
    """By column; a second click reverses the order."""
    by_column = {}
    for name, first in SORTS.items():
        is_by_this = order.removeprefix("-") == name
        reverse = name if order.startswith("-") else f"-{name}"
        direction = "descending" if order.startswith("-") else "ascending"
        by_column[name] = Head(name, reverse if is_by_this else first, direction if is_by_this else "")
    return by_column
