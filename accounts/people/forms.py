"""The forms of a person: roles and teams in words, individual permissions apart; and a new password."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts import roles
from accounts.rights_form import EditorsForm, PermissionsField, RolesField
from accounts.teams import sight
from accounts.widgets import TickList


class PersonForm(EditorsForm, UserChangeForm):
    """A person. Roles and teams are both groups to Django, and two questions to people."""

    told_by_name: ClassVar[dict[str, str]] = {
        "roles": gettext_noop("assignment of role"),
        "teams": gettext_noop("membership in team"),
    }
    password = None  # type: ignore[assignment]  # changed on a page of its own
    roles = RolesField()
    teams = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        required=False,
        label=_("Teams"),
        help_text=_("This person sees the accounts that are shared with these teams."),
        widget=TickList(label=_("Teams"), empty=_("No teams yet.")),
    )
    user_permissions = PermissionsField(label=_("Permissions"))

    class Meta(UserChangeForm.Meta):
        fields: ClassVar[Any] = (
            "username",
            "first_name",
            "last_name",
            "email",
            "is_active",
            "is_staff",
            "is_superuser",
        )
        labels = {
            "email": _("Email"),
            "is_active": _("May log in"),
            "is_staff": _("May use the admin"),
            "is_superuser": roles.SUPERUSER,
        }
        help_texts = {
            "username": _("For logging in. At most 150 letters, digits and @ . + - _"),
            "is_active": _("Clear this for people who leave, instead of deleting them: their records keep a name."),
            "is_staff": _("Account admins need this to add and change accounts, auditors to read the records there."),
            "is_superuser": _("Needs no role, and sees every account."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = list(self.instance.groups.all()) if self.instance.pk else []
        if "roles" in self.fields:
            self.initial["roles"] = [group.name for group in groups if group.name in roles.ROLES]
        if "teams" in self.fields:
            self.fields["teams"].queryset = self._team_choices()  # type: ignore[attr-defined]
            self.initial["teams"] = [group.pk for group in groups if group.name not in roles.ROLES]
        if "user_permissions" in self.fields and self.instance.pk:
            self.initial["user_permissions"] = [permission.pk for permission in self.instance.user_permissions.all()]

    def _team_choices(self) -> Any:
        """Teams to put somebody into: only superusers hand out those that carry permissions."""
        teams = sight.all_teams()
        return teams if self.editor.is_superuser else teams.filter(permissions=None)  # type: ignore[union-attr]

    def clean_is_active(self) -> bool:
        return self._not_to_oneself("is_active", _("You cannot switch yourself off."))

    def clean_is_superuser(self) -> bool:
        return self._not_to_oneself(
            "is_superuser",
            _("You cannot remove this from yourself. Ask another superuser, so that one always remains."),
        )

    def _not_to_oneself(self, name: str, refusal: Any) -> bool:
        wanted = bool(self.cleaned_data[name])
        if self.instance == self.editor and self.initial.get(name) and not wanted:
            raise ValidationError(refusal, code="oneself")
        return wanted

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        cleaned = self.cleaned_data
        groups = set(self.instance.groups.all())
        if "roles" in cleaned:
            groups = {group for group in groups if group.name not in roles.ROLES}
            groups |= set(Group.objects.filter(name__in=cleaned["roles"]))
        if "teams" in cleaned:
            offered = set(self.fields["teams"].queryset)  # type: ignore[attr-defined]
            groups = (groups - offered) | set(cleaned["teams"])
        self.instance.groups.set(groups)
        if "user_permissions" in cleaned:
            self.instance.user_permissions.set(cleaned["user_permissions"])


class SetPasswordForm(AdminPasswordChangeForm):
    """A new password, twice. Whoever should not log in is switched off, which keeps the password out of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)
        for field in self.fields.values():
            field.required = True
