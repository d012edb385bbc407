"""The form that takes an account's credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.form_parts import mark_errors
from accounts.models import NexmoAccount
from accounts.teams import sight
from accounts.widgets import TickList

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SECRET_FIELDS = ("api_secret", "api_secret_secondary")
NOTHING_TYPED = _("Enter the account's API secret, from the Nexmo dashboard.")
NEW_HINT = _("Stored encrypted, never shown again.")
KEEP_HINT = _("Stored encrypted and never shown again. Leave empty to keep the stored one.")
NEW_SECOND_HINT = _("For rotation: tried when Nexmo refuses the first.")
KEEP_SECOND_HINT = _("For rotation: tried when Nexmo refuses the first. Leave empty to keep the stored one.")
# One sentence for both, so that nobody finds out which keys are registered here.
REFUSED = _(
    "Nexmo refused this API key with this secret, or the account is registered here already. Copy both again from the "
    "Nexmo dashboard; if they are right, ask an administrator to share the account with your team."
)
KEEP_DAYS_HINT = _(
    "Older events are removed whenever <code>manage.py apply_retention --yes</code> runs, unless a legal hold "
    "keeps them. Empty: kept forever."
)


class NexmoAccountForm(forms.ModelForm):
    """Credentials are write-only: an empty secret keeps the stored one, even one that cannot be read just now."""

    api_secret = forms.CharField(
        label=_("API secret"),
        required=False,
        max_length=256,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    api_secret_secondary = forms.CharField(
        label=_("Second API secret"),
        required=False,
        max_length=256,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text=KEEP_SECOND_HINT,
    )
    remove_second_secret = forms.BooleanField(
        label=_("Remove second secret"), required=False, help_text=_("Delete the stored second secret.")
    )

    teams = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        label=_("Teams"),
        required=False,
        help_text=_("Members of these teams see its events."),
        widget=TickList(label=_("Teams"), empty=_("You are not in any team to share it with.")),
    )

    class Meta:
        model = NexmoAccount
        fields = ("name", "api_key", "api_secret", "api_secret_secondary", "owner", "teams", "is_active", "keep_days")
        labels = {"is_active": _("Active: synced regularly"), "keep_days": _("Keep events for (days)")}
        help_texts = {"keep_days": KEEP_DAYS_HINT}

    user: User  # who fills the form in; set by the admin and by NewAccountForm
    has_hidden_twin = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["api_secret"].help_text = KEEP_HINT if self.instance.pk else NEW_HINT
        if not self.instance.pk:
            self.fields["api_secret"].required = True
            self.fields["api_secret"].error_messages["required"] = NOTHING_TYPED
            if "api_secret_secondary" in self.fields:
                self.fields["api_secret_secondary"].help_text = NEW_SECOND_HINT
        if not self.instance.pk or not self.instance.__dict__.get("api_secret_secondary"):
            self.fields.pop("remove_second_secret", None)
        teams = self.fields.get("teams")
        if isinstance(teams, forms.ModelMultipleChoiceField):
            teams.queryset = self._team_choices()

    def _team_choices(self) -> Any:
        """Teams one may share with: all for superusers, else one's own, and those it is shared with already."""
        teams = sight.all_teams()
        if not self.user.is_superuser:
            allowed = Q(user=self.user)
            if self.instance.pk:
                allowed |= Q(nexmo_accounts=self.instance)
            teams = teams.filter(allowed).distinct()
        return teams

    def clean_api_key(self) -> str:
        api_key: str = self.cleaned_data["api_key"].strip()
        twins = NexmoAccount.objects.filter(api_key__iexact=api_key).exclude(pk=self.instance.pk)
        if twins.visible_to(self.user).exists():
            raise ValidationError(_("This API key is already registered."), code="unique")
        self.has_hidden_twin = twins.exists()
        if self.has_hidden_twin:
            self.hidden_twin()
        return api_key

    def hidden_twin(self) -> None:
        """The key belongs to an account that is not visible to who typed it."""
        raise ValidationError(REFUSED, code="unique")

    def clean_keep_days(self) -> int | None:
        """Keeping events for a shorter time removes evidence: it takes a permission of its own."""
        days: int | None = self.cleaned_data["keep_days"]
        before = self.initial.get("keep_days")
        shortens = self.instance.pk and days is not None and (before is None or days < before)
        if shortens and not self.user.has_perm(permissions.SHORTEN_RETENTION):
            raise ValidationError(
                _("You can lengthen this, or leave it empty, but not shorten it. Ask an administrator."), code="shorter"
            )
        return days

    def clean_api_secret(self) -> Any:
        if typed := self.cleaned_data["api_secret"]:
            return typed
        return self.instance.__dict__.get("api_secret")

    def clean_api_secret_secondary(self) -> Any:
        return self.cleaned_data["api_secret_secondary"] or self.instance.__dict__.get("api_secret_secondary", "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("remove_second_secret") and not self.data.get("api_secret_secondary"):
            cleaned["api_secret_secondary"] = ""
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # The model's own validation would read, and so decrypt, a stored secret that may be unreadable.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions | set(SECRET_FIELDS)


class NewAccountForm(NexmoAccountForm):
    """What is needed to begin with an account; whoever fills it in becomes its owner. The rest is for the admin."""

    api_secret_secondary = remove_second_secret = None  # type: ignore[assignment]
    save_anyway = forms.BooleanField(label=_("Save anyway"), required=False)

    class Meta(NexmoAccountForm.Meta):
        fields = ("name", "api_key", "api_secret", "teams")  # type: ignore[assignment]
        labels = {"name": _("Label"), "teams": _("Share with teams")}
        widgets = {"teams": forms.CheckboxSelectMultiple}

    def __init__(self, data: Any = None, *, user: User) -> None:
        self.user = user
        super().__init__(data, label_suffix="")
        for name in ("name", "api_key", "api_secret"):
            self.fields[name].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        self.fields["api_secret"].widget.attrs["autocomplete"] = "new-password"
        if not self.fields["teams"].queryset.exists():  # type: ignore[attr-defined]
            del self.fields["teams"]

    def hidden_twin(self) -> None:
        """Nothing yet: Nexmo is asked first, as for any other key. Whoever has its secret may know."""

    def validate_unique(self) -> None:
        if not self.has_hidden_twin:
            super().validate_unique()

    def blame(self, field: str, sentence: str) -> None:
        """Say what is wrong beside a field; beside none, where it is `""` or not a field of this form."""
        self.add_error(field if field in self.fields else None, sentence)

    def prepare(self) -> None:
        """Make ready to be shown, after everything was checked: the first field to type in has the focus, and assistive
        technology is told which fields are wrong and where that is said."""
        mark_errors(self)
        wrong = [name for name in self.fields if name in self.errors]
        # Whatever was wrong, the secret has to be typed again.
        first = (wrong or ["api_secret"])[0] if self.is_bound else "name"
        self.fields[first].widget.attrs["autofocus"] = True

    def save(self, commit: bool = True) -> Any:
        """Raises IntegrityError when another account got the key in the meantime."""
        self.instance.owner = self.user
        return super().save(commit)
