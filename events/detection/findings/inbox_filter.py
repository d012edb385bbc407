"""The inbox's filter: django-filter's, with filters that narrow a `Question` instead of a queryset."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.forms.utils import flatatt
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.detection.findings.sight import responders
from events.detection.rules import known_rules
from events.detection.rules.ruleset import current_rules
from events.filters.dates import MomentField
from events.filters.fields import split_list
from events.models import Finding, Severity
from events.reading.finding_question import UNFINISHED, Question
from events.wording.marking import coded
from events.wording.times import PERIOD, PERIODS, Moment, period_span, period_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.detection.findings.sight import Sight

ORDER, WORST = "order", "severity"
ANY, ME, NOBODY = "all", "me", "none"
STATES = {**{state.value: state.label for state in Finding.State}, ANY: _("All states")}
LEVELS = {severity.name.lower(): severity for severity in reversed(Severity)}
_UUID = re.compile(r"[0-9a-f-]{1,36}")
MOST_TEXT = 200
SELECTED = " selected"


class Picked(forms.Select):
    """One of a list; an address may hold a comma list, or the parameter repeatedly, and it is offered as it stands."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        values = data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]
        return ",".join(split_list(values))

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """As Django draws it, without a template for each of its options."""
        chosen = "" if value is None else str(value)
        options = (
            f'<option value="{escape(str(code))}"{SELECTED if code == chosen else ""}>{escape(coded(label))}</option>'
            for code, label in self.choices
        )
        attributes = flatatt({"name": name, **self.build_attrs(self.attrs, attrs)})
        return SafeString(f"<select{attributes}>{''.join(options)}</select>")


class ListField(forms.CharField):
    """Values out of a list, joined by commas. Cleaned, they are in the order in which they were written.

    Attributes:
        offered: what is offered, by value; of combinations too.
        known: the single values that are taken, with what each means.
    """

    widget = Picked
    refusal = _("“%(value)s” is not one of the choices.")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.known: dict[str, Any] = {}

    def offer(self, offered: Iterable[tuple[str, Any]], known: dict[str, Any], chosen: str) -> None:
        """Say what is offered, what is taken, and what stands in the address."""
        choices = list(offered)
        self.known = known
        if chosen and chosen not in dict(choices):
            choices.append((chosen, chosen.replace(",", ", ")))
        self.widget.choices = choices

    def clean(self, value: Any) -> list[Any]:
        values = split_list([super().clean(value)])
        return [self._meant(each) for each in values]

    def _meant(self, value: str) -> Any:
        try:
            return self.known[value]
        except KeyError:
            raise ValidationError(self.refusal, params={"value": value}) from None


class RuleField(ListField):
    """Rules by their ids, also those that are gone: their findings are still there."""

    def _meant(self, value: str) -> str:
        if not _UUID.fullmatch(value.lower()):
            raise ValidationError(self.refusal, params={"value": value})
        return value.lower()


class QuestionFilter(django_filters.Filter):
    """A filter that narrows a question. Without a value it leaves it as it is."""

    field_class: Any = ListField

    def filter(self, question: Question, value: Any) -> Question:
        return self.narrowed(question, value) if value else question

    def narrowed(self, question: Question, value: Any) -> Question:
        """The question with this value of the form."""
        values: dict[str, Any] = {self.field_name: tuple(value)}
        return replace(question, **values)


class AssigneeFilter(QuestionFilter):
    """People; 0 is nobody."""

    def narrowed(self, question: Question, value: list[int]) -> Question:
        sight: Sight = self.parent.sight
        known = None if sight.sees_all else tuple(sorted(sight.known_people))
        people = tuple(person for person in value if person)
        return replace(question, assignees=people, unassigned=0 in value, known=known if 0 in value else None)


class StateFilter(QuestionFilter):
    """States; without one those that are unfinished."""

    def narrowed(self, question: Question, value: list[str]) -> Question:
        return replace(question, states=() if ANY in value else tuple(dict.fromkeys(value)))


class RuleFilter(QuestionFilter):
    """Rules; those that were asked for in another way too."""

    field_class: Any = RuleField

    def narrowed(self, question: Question, value: Iterable[str]) -> Question:
        rules = tuple(uid for uid in dict.fromkeys(value) if not question.rules or uid in question.rules)
        return replace(question, rules=rules, nothing=question.nothing or not rules)


class TextFilter(RuleFilter):
    """A piece of the title. Titles are rules', so it is their findings that are asked for."""

    field_class = forms.CharField

    def narrowed(self, question: Question, value: Any) -> Question:
        return super().narrowed(question, known_rules.called(value))


class PeriodField(forms.CharField):
    """A period by its name, or any number of hours, days or weeks."""

    widget = Picked

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if text and text not in PERIODS and not PERIOD.fullmatch(text):
            raise ValidationError(_("There is no period “%(value)s”."), params={"value": text})
        return text


class PeriodFilter(QuestionFilter):
    """Found in a stretch of time as of now."""

    field_class = PeriodField

    def narrowed(self, question: Question, value: str) -> Question:
        start, end = period_span(value)
        return replace(question, start=start, end=end)


class MomentFilter(QuestionFilter):
    """Found from, or up to, a day or a time."""

    field_class = MomentField

    def narrowed(self, question: Question, value: Moment) -> Question:
        if self.field_name == "start":
            return replace(question, start=max(filter(None, (question.start, value.first))))
        return replace(question, end=min(filter(None, (question.end, value.last))))


class OrderFilter(QuestionFilter):
    """Which come first."""

    field_class = forms.ChoiceField

    def narrowed(self, question: Question, value: str) -> Question:
        return replace(question, worst_first=value == WORST)


def gone(names: set[str]) -> dict[str, int]:
    """People of these names who cannot log in any more, by name: findings may still be assigned to them."""
    people = get_user_model().objects.filter(username__in=names, is_active=False) if names else ()
    return {person.get_username(): person.pk for person in people}


class FindingFilter(django_filters.FilterSet):
    """Every parameter of the inbox. With a wrong value nothing is shown, and the error stands beside its field."""

    q = TextFilter(
        label=_("Search"),
        max_length=MOST_TEXT,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Words in the title")}),
    )
    severity = QuestionFilter(field_name="severities", label=_("Severity"))
    state = StateFilter(field_name="states", label=_("State"))
    account = QuestionFilter(field_name="accounts", label=_("Account"))
    rule = RuleFilter(label=_("Rule"))
    assignee = AssigneeFilter(label=_("Assigned to"))
    period = PeriodFilter(label=_("Found"))
    date_from = MomentFilter(field_name="start", label=_("Found from"))
    date_to = MomentFilter(field_name="end", label=_("Found to"))
    order = OrderFilter(
        label=_("Order"),
        choices=[("", _("newest first")), (WORST, _("most severe first"))],
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("There is no order “%(value)s”.")},
    )

    class Meta:
        model = Finding
        fields: list[str] = []

    def __init__(self, data: QueryDict, sight: Sight) -> None:
        super().__init__(data)
        self.sight = sight
        rules = current_rules()
        self.rules = known_rules.titles(rules)
        fields = self.form.fields

        def chosen(name: str) -> str:
            return Picked().value_from_datadict(data, {}, name)

        anything = ("", _("Any"))
        levels = list(LEVELS)
        at_least = [
            (",".join(levels[: at + 1]), format_lazy(_("{level} or above"), level=LEVELS[level].label))
            for at, level in enumerate(levels[1:-1], start=1)
        ]
        worst = (levels[0], LEVELS[levels[0]].label)
        known_levels = {level: severity.value for level, severity in LEVELS.items()}
        fields["severity"].offer([anything, worst, *at_least], known_levels, chosen("severity"))
        unfinished = ("", _("Unresolved"))
        fields["state"].offer([unfinished, *STATES.items()], {name: name for name in STATES}, chosen("state"))
        accounts = {account.api_key: account for account in sight.accounts.values()}
        fields["account"].offer(
            [anything, *((key, account.name) for key, account in accounts.items())],
            {key: account.pk for key, account in accounts.items()},
            chosen("account"),
        )
        fields["account"].refusal = _("No account %(value)s is visible to you.")
        told = known_rules.told_to(None if sight.sees_all else sight.accounts, self.rules, rules)
        offered = [(uid, title) for uid, title in self.rules.items() if uid in told]
        fields["rule"].offer([anything, *offered], {}, chosen("rule"))
        names = {person.name: person.pk for person in responders(sight.accounts)}
        others = [(name, name) for name, pk in names.items() if pk != sight.user.pk]
        if sight.sees_all:
            names |= gone(set(split_list([chosen("assignee")])) - names.keys() - {ME, NOBODY})
        fields["assignee"].offer(
            [anything, (ME, _("Me")), (NOBODY, _("Nobody")), *others],
            names | {ME: sight.user.pk, NOBODY: 0},
            chosen("assignee"),
        )
        periods: list[tuple[str, Any]] = [("", _("Any time")), *PERIODS.items()]
        if (period := data.get("period", "")) and PERIOD.fullmatch(period) and period not in PERIODS:
            periods.append((period, period_title(period)))
        fields["period"].widget.choices = periods

    @property
    def question(self) -> Question:
        """What is asked; nothing at all where a value is wrong."""
        sight = self.sight
        asked = Question(accounts=None if sight.sees_all else tuple(sight.accounts), states=UNFINISHED)
        if not self.form.is_valid():
            return replace(asked, nothing=True)
        start, end = (self.form.cleaned_data.get(name) for name in ("date_from", "date_to"))
        if start and end and start.first > end.last:
            self.form.add_error("date_to", gettext("This is before the start: swap the two dates."))
            return replace(asked, nothing=True)
        for name, value in self.form.cleaned_data.items():
            asked = self.filters[name].filter(asked, value)
        return asked

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for beyond what is unfinished."""
        return any(self.data.get(name) for name in self.filters if name != ORDER)

    @property
    def in_words(self) -> str:
        """What is asked, for paper."""
        said = []
        for name, field in self.form.fields.items():
            if name == ORDER:
                continue
            if typed := ", ".join(split_list(self.data.getlist(name))):
                offered = dict(getattr(field.widget, "choices", ()))
                said.append(f"{field.label}: {offered.get(typed.replace(', ', ','), typed)}")
        return "; ".join(said) or gettext("unresolved findings")
