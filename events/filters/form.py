"""The filter form of every event list and export: what a URL asks for, checked, as `Conditions`.

It narrows the accounts that it is given, those the reader may see, and never widens them.
"""

from __future__ import annotations

import copy
import functools
import json
from datetime import UTC
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext

from events.filters import search_box
from events.filters.dates import TIMES, with_times
from events.filters.declared import Declared, twin
from events.filters.event_types import descriptions, event_type_choices
from events.filters.fields import CodesField, ListField, signed, split_list, unsigned
from events.filters.form_html import FORM, FormRenderer
from events.filters.limits import MOST_CHARACTERS, excess, within
from events.filters.narrowing import filters
from events.models import AuditEvent
from events.nexmo.catalog import EVENT_TYPES
from events.reading.applications import Lookup
from events.reading.conditions import Conditions, joined
from events.reading.filterable import DIMENSIONS
from events.storage.search_index import Words, spellings, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.utils.safestring import SafeString

    from accounts.models import NexmoAccount
    from events.wording.times import Moment


OUTSIDE = {"search_text", "period", "order", *TIMES}  # what the fold-out part of the form does not hold


class FilterForm(forms.Form):
    """What must hold between two fields; drawn by `events.filters.form_html`."""

    template_name = FORM
    default_renderer = FormRenderer

    problems: Mapping[str, str] = {}  # with what was typed, by field; noted before the fields were read

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, problem in self.problems.items():
            self.add_error(name, problem)
        start: Moment | None = cleaned.get("date_from")
        end: Moment | None = cleaned.get("date_to")
        # In UTC: two times of one zone are compared by what clocks show, and they show some of them twice.
        if start and end and start.first.astimezone(UTC) > max(end.first.astimezone(UTC), end.last.astimezone(UTC)):
            self.add_error("date_to", gettext("This is before the start: swap the two dates."))
        return cleaned


def _spoken(field: forms.Field) -> forms.Field:
    """A field with its words in the language in use, as plain text: lazy ones are looked up at each showing."""
    spoken = copy.deepcopy(field)
    spoken.label = str(field.label)
    spoken.widget.attrs = {
        name: str(value) if isinstance(value, Promise) else value for name, value in field.widget.attrs.items()
    }
    return spoken


class OwnFields(Declared[forms.Field]):
    """The fields of a form's class. Each form has fields and widgets of its own: it changes their words and marks."""

    def own(self, part: forms.Field) -> forms.Field:
        field: forms.Field = super().own(part)
        field.widget = twin(part.widget)
        field.widget.attrs = part.widget.attrs.copy()
        return field


@lru_cache(maxsize=256)
def _date_labels(zone: str, language: str | None) -> tuple[str, str]:
    return gettext("From (%(zone)s)") % {"zone": zone}, gettext("To (%(zone)s)") % {"zone": zone}


class EventFilter(django_filters.FilterSet):
    """Every parameter of an event list, under the Audit API's own names where it has one.

    Parsing, cleaning and errors are django-filter's. What is ours: filters narrow `conditions` instead of a queryset
    (`events.filters.narrowing`), the form's class is kept for each language, and the search box's words are put into
    the parameters that they stand for before the form is made.
    """

    class Meta:
        model = AuditEvent
        form = FilterForm
        fields: list[str] = []

    def __init__(
        self,
        data: Any,
        *,
        accounts: Sequence[NexmoAccount],
        everything: bool = False,
        most_characters: int | None = MOST_CHARACTERS,
    ) -> None:
        """
        Args:
            accounts: those the reader may see, or the one whose page this is; anything else is an invalid choice.
            everything: these are all the accounts there are, so that events need not be asked for theirs.
            most_characters: how long the whole filter may be; None where it stands in no address.
        """
        typed = QueryDict() if data is None else with_times(data)
        problems = excess(typed, most_characters)
        expanded, slip = search_box.expanded(within(typed, problems))
        self.slip = slip
        if slip:
            problems["search_text"] = str(slip)
        super().__init__(data if data is None else expanded)
        self.accounts = {account.api_key: account for account in accounts}
        self.everything = everything
        self.event_types = event_type_choices([account.pk for account in accounts])
        form = self.form
        form.problems = problems
        form.fields["account"].offer({account.api_key: account.name for account in accounts})
        form.fields["application"].offer(self.scope)
        form.fields["event_type"].offer(self.type_descriptions, EVENT_TYPES)
        self.data: Any = self._in_codes(expanded)
        self.read: Any = self.data  # what was typed, with the box's conditions where they belong, right or wrong
        form.data = self.data
        zone = timezone.localtime().strftime("%Z")
        form.fields["date_from"].label, form.fields["date_to"].label = _date_labels(zone, get_language())
        if form.errors:
            for name in form.errors:
                form.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"error-{name}"}
            self.data = form.data = typed  # what was typed stays where it was typed, to be mended there
        elif expanded is not typed:
            form.data = self._in_codes(typed)  # it was read; the box goes on saying it as it was typed

    @classmethod
    def get_filters(cls) -> dict[str, Any]:
        """Those of the one table of filters (`events.reading.filterable`)."""
        return Declared({**super().get_filters(), **filters()})

    def _in_codes(self, data: Any) -> Any:
        """The parameters with the names in them turned into codes."""
        for name in DIMENSIONS:
            items = split_list(data.getlist(name)) if hasattr(data, "getlist") else []
            if not items:
                continue
            codes_of = self.form.fields[name].codes_of
            codes = [signed(wanted, code) for wanted, item in map(unsigned, items) for code in codes_of(item)]
            if codes != items:
                data = data.copy()
                data.setlist(name, codes)
        return data

    @classmethod
    @functools.cache
    def _form_class(cls, language: str | None) -> type[forms.Form]:
        fields = {name: _spoken(declared.field) for name, declared in cls.base_filters.items()}
        form_class: Any = type(f"{cls.__name__}Form", (cls._meta.form,), fields)
        form_class.base_fields = OwnFields(form_class.base_fields)
        made: type[forms.Form] = form_class
        return made

    def get_form_class(self) -> type[forms.Form]:
        """Made once for each language: making a class costs more than filling the form."""
        return self._form_class(get_language())

    @cached_property
    def conditions(self) -> Conditions:
        """What is asked for. Nothing at all where a value is wrong, because everything would look like an answer."""
        if not self.is_valid():
            return Conditions(nothing=True)
        conditions = Conditions(accounts=self.scope)
        for name, value in self.form.cleaned_data.items():
            conditions = self.filters[name].filter(conditions, value)
        return conditions

    def filter_queryset(self, queryset: Any) -> Any:
        """The filtered events as a queryset, in no order. Pages, exports and evidence packs read the same conditions
        faster, by `events.reading`."""
        conditions = self.conditions
        if conditions.is_empty:
            return queryset.none()
        where, values = joined(conditions.rest())
        events = queryset.filter(RawSQL(f"({where})", values, models.BooleanField()))  # noqa: S611 - constants
        if conditions.start:
            events = events.filter(created_at__gte=conditions.start)
        return events.filter(created_at__lte=conditions.end) if conditions.end else events

    def html(self, *, one_account: bool, sizes: Sequence[int], size: int) -> SafeString:
        """The inside of the form.

        Args:
            one_account: it is about one account, which cannot be chosen.
            sizes, size: how many rows a page can have, and has.
        """
        context = {"event_filter": self, "one_account": one_account, "sizes": sizes, "size": size}
        html: SafeString = self.form.render(context=context)
        return html

    @property
    def is_in_words(self) -> bool:
        """Whether the searched text is anything but one word, as it stands."""
        return words(self.conditions.text) != Words((self.conditions.text,))

    @property
    def marked(self) -> str:
        """The words that were searched for, in all their spellings, as JSON, for the page to mark."""
        wanted = words(self.conditions.text).wanted
        return json.dumps(list(dict.fromkeys(text for word in wanted for text in (word, *spellings(word)))))

    @property
    def scope(self) -> tuple[int, ...] | None:
        """The accounts that it is over, whatever it narrows them to; None for all there are."""
        return None if self.everything else tuple(account.pk for account in self.accounts.values())

    @cached_property
    def applications(self) -> Lookup:
        """The applications of these accounts, by their names."""
        return Lookup(self.scope)

    @property
    def accounts_by_pk(self) -> dict[int, NexmoAccount]:
        return {account.pk: account for account in self.accounts.values()}

    @property
    def active(self) -> dict[str, Any]:
        """The conditions in force."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.form.cleaned_data.items() if value and name != "order"}

    def takes(self, name: str, value: str) -> bool:
        """Whether a parameter takes this value, and means it."""
        field = self.form.fields[name]
        if not value or "," in value or value != value.strip() or value.startswith("-"):
            return False
        if isinstance(field, ListField) and not field.is_exact(value):
            return False
        try:
            cleaned = field.clean([value] if isinstance(field, CodesField) else value)
        except ValidationError:
            return False
        return bool(cleaned)

    @property
    def type_descriptions(self) -> dict[str, str]:
        """What each known type means."""
        return descriptions(self.event_types)

    @property
    def condition_count(self) -> int:
        """How many conditions the fold-out part of the form holds, right or wrong."""
        inside = self.form.data.keys() - OUTSIDE & self.form.fields.keys()
        return sum(1 for name in inside if self.form[name].value() not in (None, "", []))

    @property
    def wants_open(self) -> bool:
        """Whether that part has something to show that nothing else does: an error. Pills say which conditions hold."""
        return not OUTSIDE.issuperset(self.form.errors)
