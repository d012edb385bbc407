"""The form of a suppression: what it compares, where, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.validators import text_validator
from events.detection.findings.suppress import MOST_FIELDS, title_of, value_in_words
from events.filters.dates import MomentField
from events.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import NexmoAccount
    from events.models import Finding

FOREVER, WINDOW, EVERYWHERE = "", "window", "all"
SPANS = {"1": _("1 day"), "7": _("7 days"), "30": _("30 days"), "90": _("90 days")}


class SuppressForm(forms.Form):
    """What of a finding's values is to be suppressed; everything is offered; only times and a reason are typed."""

    fields_ = forms.MultipleChoiceField(
        label=_("Suppress findings of this rule that have all of"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose one to three values.")},
    )
    account = forms.ChoiceField(label=_("Account"))
    span = forms.ChoiceField(
        label=_("How long"),
        required=False,
        choices=[*SPANS.items(), (FOREVER, _("Always")), (WINDOW, _("A period of your choice"))],
        initial="30",
    )
    starts_at = MomentField(label=_("From"), required=False)
    expires_at = MomentField(label=_("To"), required=False)
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=300,
        validators=[text_validator],
        help_text=_("So that others can tell later why."),
    )

    def __init__(
        self,
        finding: Finding,
        shared: Mapping[str, str],
        accounts: Sequence[NexmoAccount],
        *,
        everywhere: bool,
        data: Any = None,
    ) -> None:
        """
        Args:
            shared: the values that all its events have, by field.
            accounts: those of the finding that its reader may see.
            everywhere: the reader sees all accounts, and may suppress in all of them.
        """
        super().__init__(data, label_suffix="")
        self.finding, self.shared = finding, dict(shared)
        self.by_key = {account.api_key: account for account in accounts}
        fields: dict[str, Any] = self.fields
        fields["fields_"].choices = [
            (name, f"{title_of(name)}: {value_in_words(name, value)}") for name, value in self.shared.items()
        ]
        whole = [(EVERYWHERE, _("All accounts"))] if everywhere else []
        fields["account"].choices = [*((key, account.name) for key, account in self.by_key.items()), *whole]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if len(cleaned.get("fields_") or ()) > MOST_FIELDS:
            self.add_error("fields_", _("Choose one to three values."))
        if cleaned.get("span") == WINDOW and not self.errors:
            start, end = cleaned.get("starts_at"), cleaned.get("expires_at")
            if not end:
                self.add_error("expires_at", _("Say when it ends."))
            elif start and start.first > end.last:
                self.add_error("expires_at", _("This is before the start: swap the two dates."))
        return cleaned

    @property
    def suppression(self) -> Suppression:
        """What the form says, not saved."""
        cleaned = self.cleaned_data
        starts, expires = self._edges()
        fields: Any = {name: self.shared[name] for name in cleaned["fields_"]}
        return Suppression(
            rule=self.finding.rule,
            account=self.by_key.get(cleaned["account"]),
            fields=fields,
            starts_at=starts,
            expires_at=expires,
            reason=cleaned["reason"].strip(),
        )

    @property
    def digest(self) -> str:
        """Changes with whatever decides what is covered: what was shown before is to be what is saved."""
        cleaned = self.cleaned_data
        parts = [*sorted(cleaned["fields_"]), cleaned["account"], cleaned["span"]]
        parts += [str(cleaned[name].first) for name in ("starts_at", "expires_at") if cleaned.get(name)]
        return salted_hmac("events.detection.suppress", "\0".join(parts)).hexdigest()[:16]

    def _edges(self) -> tuple[datetime | None, datetime | None]:
        cleaned = self.cleaned_data
        if cleaned["span"] == WINDOW:
            start = cleaned.get("starts_at")
            return (start.first if start else None), cleaned["expires_at"].last
        if cleaned["span"] == FOREVER:
            return None, None
        return None, timezone.now() + timedelta(days=int(cleaned["span"]))
