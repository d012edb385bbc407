"""The form of a new token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.form_parts import AccountsByName, mark_errors
from accounts.models import ApiToken, NexmoAccount
from accounts.tokens import lifecycle
from accounts.widgets import TickList

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from accounts.tokens.secret import Credentials

DAYS = (7, 30, 90, 180, 365)
USUAL = 90


class TokenForm(forms.ModelForm):
    """What a token is called, how long it lasts, and what it is for. `user` is who makes it."""

    days = forms.TypedChoiceField(label=_("Expires"), coerce=int)
    accounts = AccountsByName(
        NexmoAccount.objects.none(),
        label=_("Accounts"),
        required=False,
        widget=TickList(label=_("Accounts"), empty=_("You cannot see any accounts yet.")),
    )

    class Meta:
        model = ApiToken
        fields = ("name", "days", "all_accounts", "accounts", "may_acknowledge")
        labels = {
            "name": _("Name"),
            "all_accounts": _("All accounts I can see, including new ones"),
            "may_acknowledge": _("May acknowledge findings"),
        }
        help_texts = {
            "may_acknowledge": _("If you may do so yourself. Without this, the token can only read."),
            "all_accounts": "",
        }

    field_order = ("name", "days", "all_accounts", "accounts", "may_acknowledge")

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, label_suffix="")
        self.user = user
        fields: dict[str, Any] = self.fields
        fields["accounts"].queryset = NexmoAccount.objects.visible_to(user)
        offered = [days for days in DAYS if days < settings.API_TOKEN_DAYS] + [settings.API_TOKEN_DAYS]
        fields["days"].choices = [(days, _lasting(days)) for days in offered]
        self.initial["days"] = max(days for days in offered if days <= max(USUAL, offered[0]))
        mark_errors(self)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("all_accounts") and not cleaned.get("accounts") and "accounts" not in self.errors:
            self.add_error("accounts", _("Choose accounts, or all of them."))
        if self.user.api_tokens.standing(timezone.now()).count() >= lifecycle.MOST:
            text = _("You already have %(count)s API tokens. Revoke one that is no longer needed first.")
            raise ValidationError(text, code="too_many", params={"count": lifecycle.MOST})
        return cleaned

    @property
    def api_keys(self) -> list[str]:
        """Of the accounts that were chosen; none where it is for all of them."""
        asked = self.cleaned_data
        return [] if asked["all_accounts"] else [account.api_key for account in asked["accounts"]]

    def make(self) -> tuple[ApiToken, Credentials]:
        """Write it; the secret is in the answer, and nowhere else."""
        asked = self.cleaned_data
        return lifecycle.make(
            self.user,
            asked["name"],
            timezone.now() + timedelta(days=asked["days"]),
            accounts=None if asked["all_accounts"] else asked["accounts"],
            may_acknowledge=asked["may_acknowledge"],
        )


def _lasting(days: int) -> str:
    day = timezone.localtime(timezone.now() + timedelta(days=days)).date()
    text = ngettext("in %(count)s day (%(date)s)", "in %(count)s days (%(date)s)", days)
    return text % {"count": days, "date": day.isoformat()}
