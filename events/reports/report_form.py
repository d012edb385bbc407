"""The form of a report: which view, how often, for whom."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.display.held_form import ByName, HeldForm
from events.filters.saved import openable_views
from events.models import Report, SavedView
from events.reports import due

if TYPE_CHECKING:
    from accounts.models import AnyUser

MORNING = time(8)


class ReportForm(HeldForm):
    """A report."""

    holder = forms.ChoiceField(
        label=_("Send to"),
        required=False,
        help_text=_("To a team only if the view is shared with it: each member gets what that member may see."),
    )

    class Meta:
        model = Report
        fields = ("view", "frequency", "at", "attach_csv")
        field_classes = {"view": ByName}
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
        initial = {"at": instance.at or MORNING} | (initial or {})
        super().__init__(data, user=user, instance=instance, initial=initial)

    def prepare(self, fields: dict[str, Any]) -> None:
        team = self.instance.team_id
        of_team = SavedView.objects.filter(team=team) if team else None
        fields["view"].queryset = openable_views(self.user, of_team).select_related("team")
        fields["view"].empty_label = _("Choose a view")
        fields["frequency"].choices = [choice for choice in fields["frequency"].choices if choice[0]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.check_view(cleaned.get("view"), self.team() if self.is_new else None)
        return cleaned

    def keep(self) -> Report:
        """Write it. A new one, and one of another frequency or view, is first sent at its next due time."""
        report: Report = self.save(commit=False)
        # An edit writes nothing else: meanwhile somebody may have paused it, and the worker counts what it sends.
        edited = [*self.Meta.fields, "look_at", "updated_at"]
        if self.is_new:
            self.give(report)
        if self.is_new or {"frequency", "view"} & set(self.changed_data):
            due.begin(report)
            edited += ["starts_at", "looked_at"]
        report.look_at = timezone.now()
        report.save(update_fields=None if self.is_new else edited)
        return report
