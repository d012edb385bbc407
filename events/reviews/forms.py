"""The forms of reviews: signing off, narrowing their list, and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from accounts.teams.sight import teams_acted_for
from accounts.validators import text_validator
from events.filters.saved import openable_views
from events.models import ReviewSchedule
from events.models.held import HeldQuerySet
from events.models.review import MOST_OF_A_NOTE
from events.reviews import schedules
from events.wording.marking import coded
from events.wording.times import OutOfRange, check_calendar

if TYPE_CHECKING:
    from datetime import date

    from accounts.models import AnyUser


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
        _mark_errors(self)

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
        _mark_errors(self, "error-filter")


class ScheduleForm(forms.ModelForm):
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

    GROUPS = (
        ("what", _("What"), ("view", "name")),
        ("when", _("When and by whom"), ("frequency", "days", "holder")),
        ("state", _("State"), ("is_active",)),
    )

    def __init__(
        self, data: Any = None, *, user: AnyUser, instance: ReviewSchedule, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, instance=instance, initial=initial, label_suffix="")
        self.user, self.is_new = user, not instance.pk
        fields: dict[str, Any] = self.fields
        fields["view"].queryset = openable_views(user).select_related("team")
        fields["view"].empty_label = _("Choose a view")
        fields["view"].required = True
        fields["view"].label_from_instance = lambda view: coded(view.name)
        fields["name"].required = False
        fields["frequency"].choices = [choice for choice in fields["frequency"].choices if choice[0]]
        teams = list(teams_acted_for(user, HeldQuerySet.permission)) if self.is_new else []
        if teams:
            fields["holder"].choices = [("", _("Me")), *((str(team.pk), coded(team.name)) for team in teams)]
        else:
            del fields["holder"]
        if self.is_new:
            del fields["is_active"]
        else:  # other periods would be another schedule
            del fields["frequency"]
        _mark_errors(self)

    @property
    def groups(self) -> list[tuple[str, Any, list[Any]]]:
        """The fields as the page shows them."""
        return [
            (slug, title, [self[name] for name in names if name in self.fields])
            for slug, title, names in self.GROUPS
            if set(names) & set(self.fields)
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.is_new or (cleaned.get("is_active") and "is_active" in self.changed_data):
            ReviewSchedule.check_room(self.user)
        view = cleaned.get("view")
        if view and not cleaned.get("name"):
            cleaned["name"] = view.name
        team = int(cleaned.get("holder") or 0) if self.is_new else self.instance.team_id
        if view and team and view.team_id != team:
            self.add_error("view", _("Share this view with the team first, so that all its members can open it."))
        return cleaned

    @transaction.atomic
    def keep(self) -> ReviewSchedule:
        """Write it; a new one begins with the period that goes on now."""
        schedule: ReviewSchedule = self.save(commit=False)
        schedule.name = self.cleaned_data["name"]
        if self.is_new:
            team = self.cleaned_data.get("holder")
            schedule.owner_id, schedule.team_id = (None, int(team)) if team else (self.user.pk, None)
            schedule.created_by_id = self.user.pk
        now = timezone.now()
        if self.is_new or {"is_active", "view"} & set(self.changed_data):
            schedules.begin(schedule, now)
        schedule.save()
        return schedule


def _mark_errors(form: forms.BaseForm, prefix: str = "error") -> None:
    for name, field in form.fields.items():
        if form.is_bound and name in form.errors:
            field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"{prefix}-{name}"}
