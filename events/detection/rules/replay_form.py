"""Of which part of the archive findings go into the inbox when a rule is saved: a period, an account, or all."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from events.filters.dates import MomentField


class ReplayForm(forms.Form):
    """A part of the archive. Empty: all of it. For people who see all accounts, as who writes rules does."""

    date_from = MomentField(label=_("From"), required=False)
    date_to = MomentField(label=_("To"), required=False)
    account = forms.ModelChoiceField(
        NexmoAccount.objects.order_by("name", "api_key"),
        label=_("Account"),
        required=False,
        to_field_name="api_key",
        empty_label=_("All accounts"),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, label_suffix="", auto_id="replay-%s")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("date_from"), cleaned.get("date_to")
        if start and end and start.first > end.last:
            self.add_error("date_to", _("This is before the start: swap the two dates."))
        return cleaned

    @property
    def scope(self) -> dict[str, Any]:
        """What the form says, as a `Hunt` keeps it: the key of an account, and the first and last instant."""
        start, end, account = (self.cleaned_data.get(name) for name in ("date_from", "date_to", "account"))
        said = {
            "account": account.pk if account else None,
            "since": start.first.isoformat() if start else None,
            "until": end.last.isoformat() if end else None,
        }
        return {name: value for name, value in said.items() if value is not None}
