"""The forms of teams and people: members, accounts and roles in words; single permissions apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.models import NexmoAccount
from accounts.teams import sight
from accounts.widgets import TickList

if TYPE_CHECKING:
    from accounts.models import AnyUser


class PeopleField(forms.ModelMultipleChoiceField):
    """People by the name they log in with, and their own."""

    def label_from_instance(self, obj: Any) -> str:
        full_name = obj.get_full_name()
        return f"{obj.get_username()} ({full_name})" if full_name else str(obj.get_username())


class RolesField(forms.MultipleChoiceField):
    """The roles that ship with the site, as sentences."""

    def __init__(self, **options: Any) -> None:
        widget = TickList(label=_("Roles"), empty="")
        super().__init__(
            choices=list(roles.SENTENCES.items()), required=False, label=_("Roles"), widget=widget, **options
        )


def _permissions_field(label: Any) -> forms.ModelMultipleChoiceField:
    return forms.ModelMultipleChoiceField(
        Permission.objects.select_related("content_type"),
        required=False,
        label=label,
        widget=TickList(label=label, empty=""),
    )


class EditorsForm(forms.ModelForm):
    """A form that holds the fields its editor is shown, and no others. Django keeps every field that a form declares,
    shown or not, and would take its value from whoever sends one.
    """

    editor: AnyUser  # who fills the form in; these two are set by the admin
    shown: frozenset[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in set(self.fields) - self.shown:
            del self.fields[name]


class TeamForm(EditorsForm):
    """A team: who is in it, what is shared with it, and what it lets its members do."""

    members = PeopleField(
        User.objects.none(),
        required=False,
        label=_("Members"),
        widget=TickList(label=_("Members"), empty=_("There is nobody yet.")),
    )
    accounts = forms.ModelMultipleChoiceField(
        NexmoAccount.objects.none(),
        required=False,
        label=_("Accounts"),
        help_text=_("All members see these accounts and their events."),
        widget=TickList(label=_("Accounts"), empty=_("There is no account that you manage.")),
    )
    roles = RolesField(
        help_text=_("What every member may do besides. Most teams need none: members see what is shared with them.")
    )
    permissions = _permissions_field(_("Further permissions"))

    class Meta:
        model = Group
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = roles.RoleReader()
        team = self.instance
        if "members" in self.fields:
            self.fields["members"].queryset = self._people()  # type: ignore[attr-defined]
            self.initial["members"] = list(team.user_set.values_list("pk", flat=True)) if team.pk else []
        if "accounts" in self.fields:
            self.fields["accounts"].queryset = NexmoAccount.objects.manageable_by(self.editor)  # type: ignore[attr-defined]
            self.initial["accounts"] = list(self._shared()) if team.pk else []
        if "permissions" in self.fields:
            self._begin_with_permissions()

    def _people(self) -> Any:
        people = Q(is_active=True)
        if self.instance.pk:
            people |= Q(groups=self.instance)
        return User.objects.filter(people).distinct().order_by("username")

    def _shared(self) -> Any:
        return self.instance.nexmo_accounts.values_list("pk", flat=True)

    def _begin_with_permissions(self) -> None:
        team = self.instance
        held = set(team.permissions.values_list("pk", flat=True)) if team.pk else set()
        if "roles" in self.fields:  # what a role is made of is not ticked a second time
            carried = self.reader.of_team(team) if team.pk else []
            self.initial["roles"] = carried
            held -= self.reader.permissions(carried)
        self.initial["permissions"] = list(held)

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        team, cleaned = self.instance, self.cleaned_data
        if "members" in cleaned:
            team.user_set.set(cleaned["members"])
        if "accounts" in cleaned:
            # Those that the editor does not manage are not offered, and stay as they are.
            offered = self.fields["accounts"].queryset  # type: ignore[attr-defined]
            kept = team.nexmo_accounts.exclude(pk__in=offered.values("pk"))
            team.nexmo_accounts.set({*cleaned["accounts"], *kept})
        if "permissions" in cleaned:
            of_roles = self.reader.permissions(cleaned.get("roles", ()))
            team.permissions.set({*(permission.pk for permission in cleaned["permissions"]), *of_roles})


class PersonForm(EditorsForm, UserChangeForm):
    """A person. Roles and teams are both groups to Django, and two questions to people."""

    password = None  # type: ignore[assignment]  # changed on a page of its own
    roles = RolesField()
    teams = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        required=False,
        label=_("Teams"),
        help_text=_("This person sees the accounts that are shared with these teams."),
        widget=TickList(label=_("Teams"), empty=_("There is no team yet.")),
    )
    user_permissions = _permissions_field(_("Permissions"))

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
            "is_active": _(
                "Take this away from people who leave, instead of deleting them: their records keep a name."
            ),
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
            "is_superuser", _("You cannot take this away from yourself: ask another superuser, so that one remains.")
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
