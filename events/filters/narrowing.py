"""django-filter's filters, one for each parameter.

Each declares its form field, as everywhere in django-filter. The one difference is the seam that everything fast hangs
on: `filter` takes and returns `Conditions` instead of a queryset. Conditions become SQL in one place
(`events.reading.conditions`), by indexes that are chosen there, and `EventFilter.qs` is a queryset of the same SQL.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from events.filters.dates import MomentField
from events.filters.fields import KINDS, CommaText
from events.filters.limits import MOST_TEXT
from events.reading.filterable import DIMENSIONS, FIRSTS, ORDERS, SINGLE
from events.wording.plausible import latest_plausible
from events.wording.times import PERIOD, PERIODS, Moment, period_span

if TYPE_CHECKING:
    from events.filters.fields import ListField
    from events.reading.conditions import Conditions
    from events.reading.filterable import Dimension, Parameter


class ConditionFilter(django_filters.Filter):
    """A filter that narrows conditions. Without a value it leaves them as they are."""

    def __init__(self, parameter: Parameter, **options: Any) -> None:
        super().__init__(label=parameter.field_label or parameter.label, **options)

    def filter(self, conditions: Conditions, value: Any) -> Conditions:
        return self.narrowed(conditions, value) if value else conditions

    def narrowed(self, conditions: Conditions, value: Any) -> Conditions:
        """The conditions with this value of the form."""
        raise NotImplementedError


class DimensionFilter(ConditionFilter):
    """Values of a column: read and compared by the field of the dimension's kind."""

    def __init__(self, dimension: Dimension) -> None:
        self.dimension = dimension
        self.field_class = KINDS[dimension.kind]
        widget = {"widget": CommaText(attrs={"placeholder": dimension.hint})} if dimension.hint else {}
        super().__init__(dimension, **widget)

    def narrowed(self, conditions: Conditions, value: list[str]) -> Conditions:
        field: ListField = self.parent.form.fields[self.dimension.name]
        wanted, unwanted = field.wanted_and_not(value)
        name = self.dimension.name
        return replace(
            conditions,
            wanted={**conditions.wanted, name: wanted},
            unwanted={**conditions.unwanted, name: unwanted},
        )


class AccountFilter(DimensionFilter):
    """Accounts by their keys: the reader may see those of the filter set, and no others."""

    def narrowed(self, conditions: Conditions, value: list[str]) -> Conditions:
        field: ListField = self.parent.form.fields[self.dimension.name]
        wanted, unwanted = field.wanted_and_not(value)
        visible: dict[str, Any] = self.parent.accounts
        keys = (set(wanted) or set(visible)) - set(unwanted)
        return replace(conditions, accounts=tuple(account.pk for key, account in visible.items() if key in keys))


class TextFilter(ConditionFilter):
    """Words that the event contains."""

    field_class = forms.CharField

    def narrowed(self, conditions: Conditions, value: str) -> Conditions:
        return replace(conditions, text=value)


class StartFilter(ConditionFilter):
    """The first day or time."""

    field_class = MomentField

    def narrowed(self, conditions: Conditions, value: Moment) -> Conditions:
        return replace(conditions, start=max(filter(None, (conditions.start, value.first))))


class EndFilter(ConditionFilter):
    """The last day or time, included."""

    field_class = MomentField

    def narrowed(self, conditions: Conditions, value: Moment) -> Conditions:
        return replace(conditions, end=value.last)


class PeriodField(django_filters.fields.ChoiceField):
    """One of the periods that are offered, or any other number of hours, days or weeks."""

    def valid_value(self, value: Any) -> bool:
        return super().valid_value(value) or PERIOD.fullmatch(str(value)) is not None


class PeriodFilter(ConditionFilter, django_filters.ChoiceFilter):
    """A stretch of time as of now. What is dated in the future is in none of them."""

    field_class = PeriodField

    def narrowed(self, conditions: Conditions, value: str) -> Conditions:
        first, last = period_span(value)
        start = max(filter(None, (conditions.start, first)))
        return replace(conditions, start=start, end=min(filter(None, (conditions.end, last, latest_plausible()))))


class FirstFilter(ConditionFilter, django_filters.ChoiceFilter):
    """The first of its user."""

    def narrowed(self, conditions: Conditions, value: str) -> Conditions:
        return replace(conditions, new_country=True)


class OrderFilter(ConditionFilter, django_filters.ChoiceFilter):
    """Which end the list begins at."""

    def narrowed(self, conditions: Conditions, value: str) -> Conditions:
        return replace(conditions, oldest_first=value == "oldest")


def filters() -> dict[str, ConditionFilter]:
    """All of them, in the order of the form."""
    dimensions = {
        name: (AccountFilter if dimension.kind == "accounts" else DimensionFilter)(dimension)
        for name, dimension in DIMENSIONS.items()
    }
    search = SINGLE["search_text"]
    return {
        "search_text": TextFilter(
            search,
            max_length=MOST_TEXT,
            widget=forms.TextInput(attrs={"type": "search", "placeholder": search.hint}),
        ),
        **dimensions,
        "date_from": StartFilter(SINGLE["date_from"]),
        "date_to": EndFilter(SINGLE["date_to"]),
        "period": PeriodFilter(
            SINGLE["period"],
            choices=list(PERIODS.items()),
            empty_label=_("Any time"),
            widget=forms.RadioSelect,
            error_messages={
                "invalid_choice": format_lazy(
                    _("Choose one of {periods}, or write a number of hours, days or weeks: 36h, 3d, 2w."),
                    periods=", ".join(PERIODS),
                )
            },
        ),
        "new": FirstFilter(
            SINGLE["new"],
            choices=list(FIRSTS.items()),
            empty_label=_("All"),
            error_messages={"invalid_choice": _("The only value for new is country: new=country.")},
        ),
        "order": OrderFilter(
            SINGLE["order"],
            choices=list(ORDERS.items()),
            error_messages={"invalid_choice": _("Order is either newest or oldest: order=oldest.")},
        ),
    }
