"""The filter form of every event list and export: what a URL asks for, checked, as `Conditions`.

It narrows what `.visible_to(user)` allows, and never widens it.
"""

from __future__ import annotations

import copy
import functools
import json
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from events.filters import search_box
from events.filters.fields import (
    AccountsField,
    CodesField,
    CommaText,
    CountriesField,
    EmailsField,
    MomentField,
    NetworksField,
    SourcesField,
    split_list,
    unsigned,
)
from events.models import AuditEvent, EventType, MonthCount
from events.nexmo.catalog import EVENT_TYPES, FAMILIES, family
from events.nexmo.parse import ip_key
from events.reading.conditions import Conditions
from events.reading.matching import matching
from events.storage.search_index import Words, words
from events.wording.codes import family_title, type_words
from events.wording.plausible import latest_plausible
from events.wording.times import PERIODS, Moment, period_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import NexmoAccount

Choices = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


class FilterForm(forms.Form):
    """What must hold between two fields."""

    slip = ""  # what is wrong with the search box's words

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.slip:
            self.add_error("search_text", self.slip)
        start: Moment | None = cleaned.get("date_from")
        end: Moment | None = cleaned.get("date_to")
        if start and end and start.at > end.at:
            self.add_error("date_to", gettext("This is before the start: swap the two dates."))
        return cleaned


class _Declared(django_filters.Filter):
    """A parameter with its field; what it means for the events stands in `EventFilter.conditions`, once."""

    def filter(self, qs: Any, value: Any) -> Any:
        return qs


def _spoken(field: forms.Field) -> forms.Field:
    """A field with its words in the language in use, as plain text: lazy ones are looked up at each showing."""
    spoken = copy.deepcopy(field)
    spoken.label = str(field.label)
    spoken.widget.attrs = {
        name: str(value) if isinstance(value, Promise) else value for name, value in field.widget.attrs.items()
    }
    return spoken


@lru_cache(maxsize=256)
def _date_labels(zone: str, language: str | None) -> tuple[str, str]:
    return gettext("From (%(zone)s)") % {"zone": zone}, gettext("To (%(zone)s)") % {"zone": zone}


def _declared(field: type[forms.Field], **options: Any) -> _Declared:
    declared = type(f"_{field.__name__}Filter", (_Declared,), {"field_class": field})
    return declared(**options)  # type: ignore[no-any-return]


# What may be the first of its user in the account.
NEW = {"country": _("First from a country")}

BOX_HINT = _("Text, or type:NUMBER_* -source:API user:name@example.com")
Unwanted = tuple[tuple[str, tuple[str, ...]], ...]

# Parameters whose values are looked up as they are, and the conditions they are about.
PLAIN = {
    "event_type": "event_types",
    "user_email": "user_emails",
    "source": "sources",
    "source_country": "countries",
}
# Parameters that take names for codes.
NAMED = ("account", "event_type", "source_country")


class EventFilter(django_filters.FilterSet):
    """Every parameter of an event list, under the Audit API's own names where it has one."""

    search_text = _declared(
        forms.CharField,
        label=_("Search"),
        max_length=2_000,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": BOX_HINT}),
    )
    account = _declared(
        AccountsField,
        label=_("Accounts"),
        error_messages={"invalid_choice": _("There is no account %(value)s that you may see.")},
    )
    event_type = _declared(
        CodesField,
        label=_("Event types"),
        error_messages={"invalid_choice": _("There is no event type %(value)s.")},
    )
    user_email = _declared(
        EmailsField, label=_("User"), case=str.lower, widget=CommaText.hinting(_("name@example.com"))
    )
    source = _declared(SourcesField, label=_("Source"), widget=CommaText.hinting(_("Dashboard or API")))
    source_ip = _declared(
        NetworksField, label=_("IP address"), widget=CommaText.hinting(_("192.0.2.7 or 192.0.2.0/24"))
    )
    source_country = _declared(
        CountriesField, label=_("Country"), case=str.upper, widget=CommaText.hinting(_("GB, ES"))
    )
    date_from = _declared(MomentField, label=_("From"), end_of_day=False)
    date_to = _declared(MomentField, label=_("To"), end_of_day=True)
    period = django_filters.ChoiceFilter(
        label=_("Period"),
        choices=list(PERIODS.items()),
        empty_label=_("All"),
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": format_lazy(_("Choose one of {periods}."), periods=", ".join(PERIODS))},
    )

    new = django_filters.ChoiceFilter(
        label=_("New"),
        choices=list(NEW.items()),
        empty_label=_("All"),
        error_messages={"invalid_choice": _("The one thing that can be new is a country: new=country.")},
    )

    class Meta:
        model = AuditEvent
        form = FilterForm
        fields: list[str] = []

    def __init__(self, data: Any, *, accounts: Sequence[NexmoAccount], everything: bool = False) -> None:
        """
        Args:
            accounts: those the reader may see, or the one whose page this is; anything else is an invalid choice.
            everything: these are all the accounts there are, so that events need not be asked for theirs.
        """
        # Not super().__init__: it copies every filter each time, and ours keep nothing of a request.
        self.is_bound = data is not None
        typed = QueryDict() if data is None else data
        self.data, self.slip = expanded(typed)
        self.request = self.form_prefix = None
        self.filters = self.base_filters
        self.accounts = {account.api_key: account for account in accounts}
        self.everything = everything
        self.event_types = event_type_choices([account.pk for account in accounts])
        self.form.slip = self.slip
        fields = self.form.fields
        fields["account"].offer({account.api_key: account.name for account in accounts})
        fields["event_type"].offer(self.type_descriptions, EVENT_TYPES)
        self.data = self.form.data = self._in_codes(self.data)
        zone = timezone.localtime().strftime("%Z")
        fields["date_from"].label, fields["date_to"].label = _date_labels(zone, get_language())
        for name, field in fields.items():
            if self.form.is_bound and name in self.form.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"error-{name}"}
        if self.form.errors:  # what was typed stays where it was typed, to be mended there
            self.data = self.form.data = typed

    def _in_codes(self, data: Any) -> Any:
        """The parameters with the names in them turned into codes."""
        for name in NAMED:
            items = split_list(data.getlist(name)) if hasattr(data, "getlist") else []
            signed = [unsigned(item) for item in items]
            codes_of = self.form.fields[name].codes_of
            meant = [code if wanted else f"-{code}" for wanted, item in signed for code in codes_of(item)]
            if meant != items:
                data = data.copy()
                data.setlist(name, meant)
        return data

    @classmethod
    @functools.cache
    def _form_class(cls, language: str | None) -> type[forms.Form]:
        fields = {name: _spoken(declared.field) for name, declared in cls.base_filters.items()}
        return type(f"{cls.__name__}Form", (cls._meta.form,), fields)

    def get_form_class(self) -> type[forms.Form]:
        """Made once for each language: making a class costs more than filling the form."""
        return self._form_class(get_language())

    @cached_property
    def conditions(self) -> Conditions:
        """What is asked for. Nothing at all where a value is wrong, because everything would look like an answer."""
        if not self.form.is_valid():
            return Conditions(nothing=True)
        asked = self.form.cleaned_data
        start, end = asked["date_from"], asked["date_to"]
        starts = [start.at] if start else []
        ends = [end.at] if end else []
        if asked["period"]:
            starts.append(period_start(asked["period"]))
            ends.append(latest_plausible())
        values, without = self._values(asked)
        networks = [(wanted, (ip_key(net[0]), ip_key(net[-1]))) for wanted, net in asked["source_ip"]]
        ranges = [pair for wanted, pair in networks if wanted]
        unwanted = tuple(pair for wanted, pair in networks if not wanted)
        return Conditions(
            accounts=self._chosen_accounts(asked["account"]),
            event_types=values["event_type"],
            user_emails=values["user_email"],
            sources=values["source"],
            countries=values["source_country"],
            addresses=tuple(first for first, last in ranges if first == last),
            networks=tuple((first, last) for first, last in ranges if first != last),
            start=max(starts) if starts else None,
            end=min(ends) if ends else None,
            text=asked["search_text"],
            new_country=asked["new"] == "country",
            without=(*without, ("networks", unwanted)) if unwanted else without,
        )

    def _chosen_accounts(self, asked: list[str]) -> tuple[int, ...] | None:
        if self.everything and not asked:
            return None
        known: Any = self.form.fields["account"]
        signed = [(yes, key) for yes, item in map(unsigned, asked) for key in known.meant(item)]
        wanted = {key for yes, key in signed if yes} or set(self.accounts)
        wanted -= {key for yes, key in signed if not yes}
        return tuple(account.pk for key, account in self.accounts.items() if key in wanted)

    def _values(
        self, asked: dict[str, Any]
    ) -> tuple[dict[str, tuple[str, ...]], tuple[tuple[str, tuple[str, ...]], ...]]:
        """The values that must be there, by parameter, and those that must not, by condition."""
        types: Any = self.form.fields["event_type"]
        wanted: dict[str, tuple[str, ...]] = {}
        unwanted = []
        for parameter, name in PLAIN.items():
            signed = [unsigned(item) for item in asked[parameter]]
            if parameter == "event_type":
                signed = [(yes, code) for yes, item in signed for code in types.meant(item)]
            wanted[parameter] = tuple(dict.fromkeys(value for yes, value in signed if yes))
            if excluded := tuple(dict.fromkeys(value for yes, value in signed if not yes)):
                unwanted.append((name, excluded))
        return wanted, tuple(unwanted)

    @property
    def queryset(self) -> Any:
        """The events of these accounts: those that the reader may see."""
        return AuditEvent.objects.filter(account__in=[account.pk for account in self.accounts.values()])

    @property
    def qs(self) -> Any:
        """The filtered events as a queryset; pages and exports read `conditions` by `events.reading` instead."""
        return matching(self.queryset, self.conditions)

    @property
    def is_in_words(self) -> bool:
        """Whether the searched text is anything but one word, as it stands."""
        return words(self.conditions.text) != Words((self.conditions.text,))

    @property
    def marked(self) -> str:
        """The words that were searched for, as JSON, for the page to mark."""
        return json.dumps(words(self.conditions.text).wanted)

    @property
    def accounts_by_pk(self) -> dict[int, NexmoAccount]:
        return {account.pk: account for account in self.accounts.values()}

    @property
    def active(self) -> dict[str, Any]:
        """The conditions in force."""
        return {name: value for name, value in self.form.cleaned_data.items() if value} if self.form.is_valid() else {}

    def takes(self, name: str, value: str) -> bool:
        """Whether a parameter takes this value, and means it."""
        if not value or "," in value or value != value.strip() or value.startswith("-"):
            return False
        field = self.form.fields[name]
        try:
            cleaned = field.clean([value] if isinstance(field, CodesField) else value)
        except ValidationError:
            return False
        return bool(cleaned)

    @property
    def type_descriptions(self) -> dict[str, str]:
        """What each known type means."""
        return _descriptions(self.event_types)

    @property
    def condition_count(self) -> int:
        """How many conditions the fold-out part of the form holds, right or wrong."""
        inside = set(self.form.fields) - {"search_text", "period"}
        return sum(1 for name in inside if self.form[name].value() not in (None, "", []))

    @property
    def wants_open(self) -> bool:
        """Whether that part has something to show: a condition or an error."""
        return bool(self.condition_count or self.form.errors)


def expanded(data: Any) -> tuple[Any, str]:
    """The parameters with what the search box says put where it belongs, and what is wrong with the box."""
    text = data.get("search_text") or ""
    if ":" not in text:
        return data, ""
    try:
        query = search_box.read(text)
    except search_box.BadQuery as error:
        return data, str(error)
    if not query.values:
        return data, ""
    expanded = data.copy()
    expanded["search_text"] = query.text
    for name, values in query.values.items():
        if name in search_box.SINGLE:
            expanded[name] = values[-1]
        else:
            expanded.setlist(name, [*data.getlist(name), *values])
    return expanded, ""


@lru_cache(maxsize=64)
def _descriptions(choices: Choices) -> dict[str, str]:
    return {code: description for _, group in choices for code, description in group}


def event_type_choices(accounts: Sequence[int]) -> Choices:
    """All known types by family: those Nexmo lists with its own words, the built-in ones, and any that events of
    these accounts carry.

    A type that only a foreign account's events carry is not told.
    """
    learnt = tuple(EventType.objects.order_by().values_list("code", "description", "listed_at"))
    private = [code for code, _, listed_at in learnt if listed_at is None and code not in EVENT_TYPES]
    carried = _carried(tuple(accounts), private) if private else frozenset()
    return _by_family(learnt, carried, get_language())


def _carried(accounts: tuple[int, ...], codes: list[str]) -> frozenset[str]:
    """Which of these types the accounts' events carry; looked up once a minute."""
    cache, key = caches["local"], f"carried:{hash((accounts, tuple(codes)))}"
    found: frozenset[str] | None = cache.get(key)
    if found is None:
        counts = MonthCount.objects.filter(account__in=accounts, event_type__in=codes, count__gt=0)
        found = frozenset(counts.order_by().values_list("event_type", flat=True).distinct())
        cache.set(key, found, 60)
    return found


@lru_cache(maxsize=64)
def _by_family(learnt: tuple[tuple[str, str, Any], ...], carried: frozenset[str], language: str | None) -> Choices:
    """In the language in use, which is part of what the cache knows an answer by."""
    described = dict(EVENT_TYPES)
    for code, description, listed_at in learnt:
        if listed_at is None and code not in EVENT_TYPES and code not in carried:
            continue
        if description and description != code:
            described[code] = description
        described.setdefault(code, code.replace("_", " ").capitalize())
    told = {code: type_words(code, description) or code for code, description in described.items()}
    groups: dict[str, list[tuple[str, str]]] = {slug: [] for _, slug, _ in FAMILIES}
    for code in sorted(told, key=lambda code: told[code].lower()):
        groups.setdefault(family(code)[0], []).append((code, told[code]))
    return tuple((family_title(slug), tuple(choices)) for slug, choices in groups.items() if choices)
