"""The filter form of every event list and export. It narrows what `.visible_to(user)` allows, and never widens it."""

from __future__ import annotations

import ipaddress
import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.models import AuditEvent, EventType
from events.moments import PERIODS, Moment, parse_moment, period_start
from events.nexmo.catalog import EVENT_TYPES, FAMILIES, SOURCES, family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import NexmoAccount
    from events.querysets import AuditEventQuerySet


def split_list(values: Sequence[str]) -> list[str]:
    """The items of comma lists and repeated parameters, in order, once each."""
    items = (item.strip() for value in values for item in value.split(","))
    return list(dict.fromkeys(item for item in items if item))


class CommaList(forms.CheckboxSelectMultiple):
    """Boxes to tick; in a URL the same as repeated parameters or as one comma list."""

    template_name = "events/widgets/boxes.html"
    option_template_name = "events/widgets/box.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        asked = split_list(data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""])
        known = {code.lower(): code for code in self._codes()}
        return list(dict.fromkeys(known.get(item.lower(), item) for item in asked))

    def _codes(self) -> list[str]:
        codes: list[str] = []
        choices: Any = self.choices
        for code, title in choices:
            codes += [inner for inner, _ in title] if isinstance(title, (list, tuple)) else [code]
        return codes


class CommaText(forms.TextInput):
    """A line of text that also reads repeated parameters."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return ", ".join(split_list(data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]))


class WordsField(forms.CharField):
    """A comma list of words; its value is a list. `case` is a str method to bring them into the archive's form."""

    widget = CommaText

    def __init__(self, *args: Any, case: Any = str, **kwargs: Any) -> None:
        self.case = case
        super().__init__(*args, **kwargs)

    def clean(self, value: Any) -> Any:
        return [self.case(item) for item in split_list([super().clean(value)])]


class EmailsField(WordsField):
    """Whole addresses: a part of one would match nothing, and that would look like an answer."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if "@" not in word:
                raise ValidationError("Write the whole address, such as name@example.com; Search finds parts of one.")
        return words


class SourcesField(WordsField):
    """Sources by Nexmo's codes or by the names that the table shows."""

    def clean(self, value: Any) -> Any:
        codes = {title.lower(): code for code, title in SOURCES.items()} | {code.lower(): code for code in SOURCES}
        words = super().clean(value)
        return list(dict.fromkeys([*words, *(codes[word.lower()] for word in words if word.lower() in codes)]))


class CountriesField(WordsField):
    """Countries by their two letters."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if not re.fullmatch(r"[A-Z]{2}", word):
                raise ValidationError("%(word)s is no country code. Write two letters: GB.", params={"word": word})
        return words


class CodesField(forms.MultipleChoiceField):
    """Codes out of a list, in either case."""

    widget = CommaList


class NetworksField(forms.CharField):
    """A comma list of IP addresses and networks."""

    widget = CommaText

    def clean(self, value: Any) -> Any:
        networks = []
        for item in split_list([super().clean(value)]):
            try:
                networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                raise ValidationError(
                    "%(item)s is no IP address or network. Write 192.0.2.7 or 192.0.2.0/24.", params={"item": item}
                ) from None
        return networks


class MomentInput(forms.DateInput):
    """The browser's own date field; where the URL holds a time or something unreadable, one that can show that."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        text = str(value or "")
        kind = "date"
        try:
            moment = parse_moment(text, end_of_day=False) if text else None
        except ValueError:
            kind = "text"  # a date field would show nothing of it
        else:
            if moment and not moment.day_only:
                kind, value = "datetime-local", timezone.localtime(moment.at).strftime("%Y-%m-%dT%H:%M:%S")
        context = super().get_context(name, value, attrs)
        context["widget"]["type"] = kind
        if kind == "datetime-local":
            context["widget"]["attrs"]["step"] = "1"
        return context


class MomentField(forms.CharField):
    """A day or a time; its value is aware."""

    widget = MomentInput

    def __init__(self, *args: Any, end_of_day: bool, **kwargs: Any) -> None:
        self.end_of_day = end_of_day
        super().__init__(*args, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_moment(text, end_of_day=self.end_of_day) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


class FilterForm(forms.Form):
    """What must hold between two fields."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start: Moment | None = cleaned.get("date_from")
        end: Moment | None = cleaned.get("date_to")
        if start and end and start.at > end.at:
            self.add_error("date_to", "This is before the start: swap the two dates.")
        return cleaned


class _Words(django_filters.Filter):
    field_class = WordsField

    def filter(self, qs: Any, value: list[str]) -> Any:
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


class _Emails(_Words):
    field_class = EmailsField


class _Sources(_Words):
    field_class = SourcesField


class _Countries(_Words):
    field_class = CountriesField


class _Codes(django_filters.Filter):
    field_class = CodesField

    def filter(self, qs: Any, value: list[str]) -> Any:
        return qs.filter(**{f"{self.field_name}__in": value}) if value else qs


class _Networks(django_filters.Filter):
    field_class = NetworksField

    def filter(self, qs: AuditEventQuerySet, value: list[Any]) -> Any:
        ranges = [qs.network_condition(network) for network in value]
        return qs.filter(reduce(or_, ranges)) if ranges else qs


class _Moments(django_filters.Filter):
    field_class = MomentField

    def filter(self, qs: Any, value: Moment | None) -> Any:
        return qs.filter(**{f"created_at__{self.lookup_expr}": value.at}) if value else qs


class EventFilter(django_filters.FilterSet):
    """Every parameter of an event list, under the Audit API's own names where it has one."""

    search_text = django_filters.CharFilter(
        label="Search",
        method="search",
        max_length=2_000,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Text in the event"}),
    )
    account = _Codes(label="Accounts", method="in_accounts")
    event_type = _Codes(label="Event types", field_name="event_type")
    user_email = _Emails(label="User", field_name="user_email", case=str.lower)
    source = _Sources(label="Source", field_name="source")
    source_ip = _Networks(label="IP address")
    source_country = _Countries(label="Country", field_name="source_country", case=str.upper)
    date_from = _Moments(label="From", lookup_expr="gte", end_of_day=False)
    date_to = _Moments(label="To", lookup_expr="lte", end_of_day=True)
    period = django_filters.ChoiceFilter(
        label="Period", choices=list(PERIODS.items()), empty_label="All", method="within", widget=forms.RadioSelect
    )

    class Meta:
        model = AuditEvent
        form = FilterForm
        fields: list[str] = []

    def __init__(self, data: Any, queryset: Any, *, accounts: Sequence[NexmoAccount], **kwargs: Any) -> None:
        """`accounts`: those the reader may see, or the one whose page this is; anything else is an invalid choice."""
        super().__init__(data, queryset, **kwargs)
        self.accounts = {account.api_key: account for account in accounts}
        fields = self.form.fields
        fields["account"].choices = [(account.api_key, account.name) for account in accounts]
        fields["account"].error_messages["invalid_choice"] = "There is no account %(value)s that you may see."
        fields["event_type"].choices = event_type_choices(queryset)
        fields["event_type"].error_messages["invalid_choice"] = "There is no event type %(value)s."
        fields["period"].error_messages["invalid_choice"] = f"Choose one of {', '.join(PERIODS)}."
        for name, hint in (
            ("user_email", "name@example.com"),
            ("source", "Dashboard or API"),
            ("source_country", "GB, ES"),
        ):
            fields[name].widget.attrs["placeholder"] = hint
        fields["source_ip"].widget.attrs["placeholder"] = "192.0.2.7 or 192.0.2.0/24"
        zone = timezone.localtime().strftime("%Z")
        fields["date_from"].label, fields["date_to"].label = f"From ({zone})", f"To ({zone})"
        for name, field in fields.items():
            if self.form.is_bound and name in self.form.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"error-{name}"}

    @property
    def qs(self) -> Any:
        """The filtered events; none at all when a value is wrong, because all of them would look like an answer."""
        return super().qs if self.form.is_valid() else self.queryset.none()

    @property
    def active(self) -> dict[str, Any]:
        """The conditions in force."""
        return {name: value for name, value in self.form.cleaned_data.items() if value} if self.form.is_valid() else {}

    @property
    def type_descriptions(self) -> dict[str, str]:
        """What each known type means."""
        return dict(choice for _, choices in self.form.fields["event_type"].choices for choice in choices)

    @property
    def text_fields(self) -> list[forms.BoundField]:
        """The fields that the form lays out in a row, one like the other."""
        return [
            self.form[name] for name in ("user_email", "source", "source_ip", "source_country", "date_from", "date_to")
        ]

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """The conditions in force, as their field's label and what was asked for."""
        return [(str(self.form[name].label), _spell(self.form[name].value())) for name in self.active]

    @property
    def condition_count(self) -> int:
        """How many conditions the fold-out part of the form holds, right or wrong."""
        inside = set(self.form.fields) - {"search_text", "period"}
        return sum(1 for name in inside if self.form[name].value() not in (None, "", []))

    @property
    def wants_open(self) -> bool:
        """Whether that part has something to show: a condition or an error."""
        return bool(self.condition_count or self.form.errors)

    def in_accounts(self, queryset: Any, name: str, value: list[str]) -> Any:
        return queryset.filter(account__in=[self.accounts[api_key].pk for api_key in value]) if value else queryset

    def search(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.containing(value)

    def within(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(created_at__gte=period_start(value))


def event_type_choices(events: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """All known types by family: those Nexmo lists with its own words, the built-in ones, and any these events carry.

    A type that only a foreign account's events carry is not told.
    """
    described = dict(EVENT_TYPES)
    learnt = list(EventType.objects.values_list("code", "description", "listed_at"))
    private = [code for code, _, listed_at in learnt if listed_at is None and code not in EVENT_TYPES]
    carried = (
        set(events.order_by().filter(event_type__in=private).values_list("event_type", flat=True).distinct())
        if private
        else set()
    )
    for code, description, listed_at in learnt:
        if listed_at is None and code not in EVENT_TYPES and code not in carried:
            continue
        if description and description != code:
            described[code] = description
        described.setdefault(code, code.replace("_", " ").capitalize())
    groups: dict[str, list[tuple[str, str]]] = {title: [] for _, _, title in FAMILIES}
    for code in sorted(described, key=lambda code: (described[code] or code).lower()):
        groups.setdefault(family(code)[1], []).append((code, described[code] or code))
    return [(title, choices) for title, choices in groups.items() if choices]


def _spell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
