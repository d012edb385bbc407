"""The form of a report: which view, how often, for whom."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.teams.sight import teams_acted_for
from events.filters.saved import openable_views
from events.models import Report, SavedView
from events.models.held import HeldQuerySet
from events.reports import due
from events.wording.marking import coded

if TYPE_CHECKING:
    from accounts.models import AnyUser

MORNING = time(8)


class ViewByName(forms.ModelChoiceField):
    """Views by name, with the team they are shared with."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{coded(obj.name)} ({coded(obj.team.name)})" if obj.team_id else coded(obj.name)


class ReportForm(forms.ModelForm):
    """A report. `user` is who fills it in."""

    holder = forms.ChoiceField(
        label=_("Send to"),
        required=False,
        help_text=_("To a team only if the view is shared with it: each member gets what that member may see."),
    )

    class Meta:
        model = Report
        fields = ("view", "frequency", "at", "attach_csv")
        field_classes = {"view": ViewByName}
        widgets = {
            "frequency": forms.RadioSelect,
            "at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }
        labels = {"attach_csv": _("Attach the events as CSV")}
        help_texts = {
            "at": _("On the first day of the next week, month or quarter, in each receiver’s own time zone."),
            "attach_csv": _("If there are too many, the e-mail says so and links to them."),
        }

    GROUPS = (
        ("what", _("What"), ("view", "attach_csv")),
        ("when", _("When"), ("frequency", "at")),
        ("who", _("To whom"), ("holder",)),
    )

    def __init__(self, data: Any = None, *, user: AnyUser, instance: Report, initial: Any = None) -> None:
        super().__init__(
            data, instance=instance, initial={"at": instance.at or MORNING} | (initial or {}), label_suffix=""
        )
        self.user, self.is_new = user, not instance.pk
        fields: dict[str, Any] = self.fields
        of_team = SavedView.objects.filter(team=instance.team_id) if instance.team_id else None
        fields["view"].queryset = openable_views(user, of_team).select_related("team")
        fields["view"].empty_label = _("Choose a view")
        fields["frequency"].choices = [choice for choice in fields["frequency"].choices if choice[0]]
        teams = list(teams_acted_for(user, HeldQuerySet.permission)) if self.is_new else []
        if not teams:
            del fields["holder"]
        else:
            fields["holder"].choices = [("", _("Only me")), *((str(team.pk), coded(team.name)) for team in teams)]
        for name, field in fields.items():
            if self.is_bound and name in self.errors:
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"error-{name}"}

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
        if self.is_new:
            Report.check_room(self.user)
        view, team = cleaned.get("view"), cleaned.get("holder")
        if view and team and view.team_id != int(team):
            self.add_error("view", _("Share this view with the team first, so that all its members can open it."))
        return cleaned

    def keep(self) -> Report:
        """Write it. A new one, and one of another frequency or view, is first sent at its next due time."""
        report: Report = self.save(commit=False)
        # An edit writes nothing else: meanwhile somebody may have paused it, and the worker counts what it sends.
        edited = [*self.Meta.fields, "look_at", "updated_at"]
        if self.is_new:
            team = self.cleaned_data.get("holder")
            report.owner_id, report.team_id = (None, int(team)) if team else (self.user.pk, None)
            report.created_by_id = self.user.pk
        if self.is_new or {"frequency", "view"} & set(self.changed_data):
            due.begin(report)
            edited += ["starts_at", "looked_at"]
        report.look_at = timezone.now()
        report.save(update_fields=None if self.is_new else edited)
        return report
