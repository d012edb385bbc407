"""The roles that ship with the site: groups with permissions, made by the migrations; and what they are in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.functional import cached_property
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import Group, User

ACCOUNT_ADMINS = "Account admins"
AUDITORS = "Auditors"
RESPONDERS = "Responders"

ROLES = (ACCOUNT_ADMINS, AUDITORS, RESPONDERS)

TITLES = {ACCOUNT_ADMINS: _("Account admins"), AUDITORS: _("Auditors"), RESPONDERS: _("Responders")}
POWERS = {
    ACCOUNT_ADMINS: _("add accounts and manage their own, handle findings"),
    AUDITORS: _("see everything, change nothing"),
    RESPONDERS: _("handle findings of the accounts they see"),
}
SENTENCES = {role: format_lazy("{}: {}", TITLES[role], POWERS[role]) for role in ROLES}
SUPERUSER = _("Superuser: manages everything, people and teams too")


class RoleReader:
    """Which roles teams and people have, by their permissions. One of these serves a whole page: what makes up a role
    is read once. Read teams with their `permissions` prefetched, and people with `READ_WITH`.
    """

    READ_WITH = ("user_permissions", "groups__permissions")

    @cached_property
    def _permissions(self) -> dict[str, frozenset[int]]:
        from django.contrib.auth.models import Group

        pairs = Group.permissions.through.objects.filter(group__name__in=ROLES).values_list(
            "group__name", "permission_id"
        )
        made_of: dict[str, set[int]] = {}
        for role, permission in pairs:
            made_of.setdefault(role, set()).add(permission)
        return {role: frozenset(permissions) for role, permissions in made_of.items()}

    def permissions(self, roles: Iterable[str]) -> set[int]:
        """Keys of all permissions that these roles are made of."""
        return {permission for role in roles for permission in self._permissions.get(role, ())}

    def of_team(self, team: Group) -> list[str]:
        """The roles that all members of a team have by being in it."""
        return self._whole({permission.pk for permission in team.permissions.all()})

    def of_person(self, person: User) -> list[str]:
        """The roles a person has, by whatever way. A superuser's are not asked for: they may do everything."""
        held = {permission.pk for permission in person.user_permissions.all()}
        for group in person.groups.all():
            held |= {permission.pk for permission in group.permissions.all()}
        return self._whole(held)

    def _whole(self, held: set[int]) -> list[str]:
        """The roles that are wholly held; one that is part of another that is held too goes without saying."""
        whole = {role: made_of for role, made_of in self._permissions.items() if made_of and made_of <= held}
        return [role for role in ROLES if role in whole and not any(whole[role] < other for other in whole.values())]


def grant(apps: Any, app_label: str, permissions: dict[str, tuple[str, ...]]) -> None:
    """Give each role its permissions in one app, making role and permission rows where they do not exist yet.

    Django makes the permission rows only after all migrations have run, which is too late for a migration that
    hands them out; so they are made here under the names that Django will look for.
    """
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    content_type_model = apps.get_model("contenttypes", "ContentType")
    for role, codenames in permissions.items():
        group, _ = group_model.objects.get_or_create(name=role)
        for codename in codenames:
            model = codename.split("_", 1)[1]  # also of a permission of our own that is about one model
            if model not in apps.all_models[app_label]:
                model = "nexmoaccount"  # a permission of our own, which Django declares with that model
            content_type, _ = content_type_model.objects.get_or_create(app_label=app_label, model=model)
            permission, _ = permission_model.objects.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": "Can " + codename.replace("_", " ")}
            )
            group.permissions.add(permission)
