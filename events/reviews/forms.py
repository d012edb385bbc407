"""The forms of reviews: signing off, narrowing their list, and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.form_parts import mark_errors
from accounts.models import NexmoAccount
from accounts.validators import text_validator
from events.display.held_form import HeldForm
from events.filters.saved import openable_views
from events.models import ReviewSchedule
from events.models.review import MOST_OF_A_NOTE
from events.reviews import schedules
from events.wording.marking import coded
from events.wording.times import OutOfRange, check_calendar

if TYPE_CHECKING:
    from datetime import date


class SignForm(forms.Form):
    """What the person adds to the filter that was looked through."""

    note = forms.CharField(
        label=_("Note"),
        max_length=MOST_OF_A_NOTE,
        widget=forms.Textarea(attrs={"rows": 5}),
        validators=[text_validator],
        help_text=_(
            "What you found, or that nothing was unusual. Everybody who can see one of these accounts can read it, "
            "and it can never be changed."
        ),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        mark_errors(self)

    def clean_note(self) -> str:
        return str(self.cleaned_data["note"]).replace("\r\n", "\n")


def _day_of_the_calendar(day: date) -> None:
    try:
        check_calendar(day.year)
    except OutOfRange as error:
        raise ValidationError(str(error)) from None


class DayField(forms.DateField):
    """A day that has a beginning and an end in every time zone."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = [_day_of_the_calendar]


class ListForm(forms.Form):
    """Which reviews the list shows, by who signed, for which account, and when."""

    person = forms.CharField(label=_("Person"), required=False, max_length=150)
    account = forms.ChoiceField(label=_("Account"), required=False)
    date_from = DayField(label=_("Signed from"), required=False)
    date_to = DayField(label=_("Signed until"), required=False)

    def __init__(self, data: Any, *, accounts: list[NexmoAccount]) -> None:
        super().__init__(data, label_suffix="", auto_id="filter-%s")
        field: Any = self.fields["account"]
        field.choices = [("", _("All")), *((account.api_key, coded(account.name)) for account in accounts)]
        mark_errors(self, "error-filter")


class ScheduleForm(HeldForm):
    """Which view is to be reviewed how often, and by whom."""

    holder = forms.ChoiceField(
        label=_("Reviewed by"),
        required=False,
        help_text=_("Of a team, any one member. A team reviews the accounts that are shared with it."),
    )

    class Meta:
        model = ReviewSchedule
        fields = ("view", "name", "frequency", "days", "is_active")
        labels = {"frequency": _("How often")}
        help_texts = {
            "name": _("If left empty, the view’s name."),
            "is_active": _("A schedule that has been switched off asks for no more reviews; its history stays."),
        }

    ME = _("Me")
    GROUPS = (
        ("what", _("What"), ("view", "name")),
        ("when", _("When and by whom"), ("frequency", "days", "holder")),
        ("state", _("State"), ("is_active",)),
    )

    def prepare(self, fields: dict[str, Any]) -> None:
        fields["view"].queryset = openable_views(self.user).select_related("team")
        fields["view"].empty_label = _("Choose a view")
        fields["view"].required = True
        fields["view"].label_from_instance = lambda view: coded(view.name)
        fields["name"].required = False
        fields["frequency"].choices = [choice for choice in fields["frequency"].choices if choice[0]]
        if self.is_new:
            del fields["is_active"]
        else:  # other periods would be another schedule
            del fields["frequency"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.is_new and cleaned.get("is_active") and "is_active" in self.changed_data:
            ReviewSchedule.check_room(self.user)
        view = cleaned.get("view")
        if view and not cleaned.get("name"):
            cleaned["name"] = view.name
        self.check_view(view, self.team())
        return cleaned

    @transaction.atomic
    def keep(self) -> ReviewSchedule:
        """Write it; a new one begins with the period that goes on now."""
        schedule: ReviewSchedule = self.save(commit=False)
        schedule.name = self.cleaned_data["name"]
        if self.is_new:
            self.give(schedule)
        now = timezone.now()
        if self.is_new or {"is_active", "view"} & set(self.changed_data):
            schedules.begin(schedule, now)
        schedule.save()
        return schedule
