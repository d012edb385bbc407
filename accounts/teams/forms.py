"""The form of a team: members, accounts and roles in words; individual permissions apart."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Group, User
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts import roles
from accounts.models import NexmoAccount
from accounts.rights_form import EditorsForm, PermissionsField, RolesField
from accounts.widgets import TickList


class PeopleField(forms.ModelMultipleChoiceField):
    """People by the name they log in with, and their own."""

    def label_from_instance(self, obj: Any) -> str:
        full_name = obj.get_full_name()
        return f"{obj.get_username()} ({full_name})" if full_name else str(obj.get_username())


class TeamForm(EditorsForm):
    """A team: who is in it, what is shared with it, and what it lets its members do."""

    told_by_name: ClassVar[dict[str, str]] = {
        "members": gettext_noop("member"),
        "roles": gettext_noop("assignment of role"),
    }

    members = PeopleField(
        User.objects.none(),
        required=False,
        label=_("Members"),
        widget=TickList(label=_("Members"), empty=_("No people yet.")),
    )
    accounts = forms.ModelMultipleChoiceField(
        NexmoAccount.objects.none(),
        required=False,
        label=_("Accounts"),
        help_text=_("All members see these accounts and their events."),
        widget=TickList(label=_("Accounts"), empty=_("You manage no accounts.")),
    )
    roles = RolesField(
        help_text=_("Additional rights of every member. Most teams need none: members see what is shared with them.")
    )
    permissions = PermissionsField(label=_("Further permissions"))

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
