"""What of the access log a page shows or a file holds."""

from __future__ import annotations

import ipaddress
import re
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.access.models import AccessEntry
from accounts.access.words import Action, Kind, Via

if TYPE_CHECKING:
    from django.db.models import QuerySet


def _in_order(choices: Any) -> Any:
    return lambda: sorted(choices.choices, key=lambda choice: str(choice[1]).casefold())


def _day_widget() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


_DAYS = frozenset(("since", "until"))
_INDEXED = frozenset(("person", "action", "kind"))  # by themselves
_BELIEVABLE = (MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31)))


def _like_an_address(text: str) -> None:
    """Half of an address will do."""
    if not _whole_address(text):
        numbers = text.removesuffix(".").split(".")
        is_old = len(numbers) < 4 and all(re.fullmatch("[0-9]{1,3}", part) and int(part) < 256 for part in numbers)
        if not is_old and not re.fullmatch("([0-9A-Fa-f]{1,4}:{1,2}){1,7}([0-9A-Fa-f]{1,4})?|::", text):
            raise ValidationError(_("Not an IP address. Write 192.0.2.7, or how it begins: 192.0.2."))


def _whole_address(text: str) -> str:
    """An address as entries have it; "" for what is only the beginning of some, such as 192.0.2. and 2001:db8::"""
    try:
        return "" if text.endswith(":") else str(ipaddress.ip_address(text))
    except ValueError:
        return ""


class _AccessForm(forms.Form):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first."))
        return cleaned


class AccessFilter(filters.FilterSet):
    """Days are whole days of the reader's time zone."""

    person = filters.CharFilter(label=_("Person"), max_length=150)
    action = filters.ChoiceFilter(label=_("Action"), choices=_in_order(Action), empty_label=_("All"))
    kind = filters.ChoiceFilter(label=_("What"), choices=_in_order(Kind), empty_label=_("All"))
    via = filters.ChoiceFilter(label=_("By"), choices=Via.choices, empty_label=_("All"))
    account = filters.CharFilter(label=pgettext_lazy("as a title", "API key"), max_length=64, method="of_account")
    address = filters.CharFilter(
        label=_("Address"), max_length=45, method="from_address", validators=(_like_an_address,)
    )
    since = filters.DateFilter(label=_("From"), method="from_day", widget=_day_widget(), validators=_BELIEVABLE)
    until = filters.DateFilter(label=_("Until"), method="until_day", widget=_day_widget(), validators=_BELIEVABLE)

    class Meta:
        model = AccessEntry
        form = _AccessForm
        fields = ()

    @property
    def in_words(self) -> str:
        """What is asked for, for paper."""
        said = []
        for name, field in self.form.fields.items():
            if typed := self.data.get(name, "").strip():
                offered = {str(code): label for code, label in getattr(field.widget, "choices", ())}
                said.append(f"{field.label}: {offered.get(typed, typed)}")
        return "; ".join(said) or gettext("none, all entries")

    @property
    def is_slow(self) -> bool:
        """Whether no index leads to what is asked for, so that entries have to be read one by one."""
        if not self.is_valid():
            return False
        asked = {name for name in self.form.fields if self.form.cleaned_data.get(name)} - _DAYS
        return len(asked) > 1 or not asked <= _INDEXED

    def of_days(self) -> QuerySet[AccessEntry]:
        """All entries of the days that are asked for."""
        rows: QuerySet[AccessEntry] = AccessEntry.objects.all()
        for name in _DAYS:
            if day := self.form.cleaned_data.get(name):
                rows = self.filters[name].filter(rows, day)
        return rows

    def of_account(self, rows: QuerySet[AccessEntry], name: str, value: str) -> QuerySet[AccessEntry]:
        """Entries that name the account; those about all accounts name none."""
        first, last = Q(accounts__startswith=f"{value},"), Q(accounts__endswith=f",{value}")
        return rows.filter(Q(accounts=value) | first | last | Q(accounts__contains=f",{value},"))

    def from_address(self, rows: QuerySet[AccessEntry], name: str, value: str) -> QuerySet[AccessEntry]:
        """Entries of an address; of all that begin so, where it is only a beginning."""
        whole = _whole_address(value)
        return rows.filter(address=whole) if whole else rows.filter(address__startswith=value.lower())

    def from_day(self, rows: QuerySet[AccessEntry], name: str, value: date) -> QuerySet[AccessEntry]:
        return rows.filter(at__gte=_beginning(value))

    def until_day(self, rows: QuerySet[AccessEntry], name: str, value: date) -> QuerySet[AccessEntry]:
        return rows.filter(at__lt=_beginning(value + timedelta(days=1)))


def _beginning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
