"""Who may see which team, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group, User
from django.db.models import Count, Exists, OuterRef, Q

from accounts import permissions, roles
from accounts.models import NexmoAccount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from accounts.models import AnyUser


def all_teams() -> QuerySet[Group]:
    """Groups that are teams; the others are the roles that ship with the site."""
    return Group.objects.exclude(name__in=roles.ROLES).order_by("name")


def teams_visible_to(user: AnyUser) -> QuerySet[Group]:
    """Teams the user is in, or all for those who see every account."""
    if not (user.is_authenticated and user.is_active):
        return Group.objects.none()
    if NexmoAccount.objects.sees_all(user):
        return all_teams()
    # Not a join: what is counted of a team would then be of this one member.
    return all_teams().filter(Exists(User.groups.through.objects.filter(group=OuterRef("pk"), user=user.pk)))


def teams_acted_for(user: AnyUser, permission: str) -> QuerySet[Group]:
    """Teams in whose name the user may set something up that takes a permission: those that the user is in, all for a
    superuser."""
    if not user.has_perm(permission):  # type: ignore[union-attr]
        return all_teams().none()
    return all_teams() if user.is_superuser else all_teams().filter(user=user.pk)  # type: ignore[union-attr]


def may_manage(user: AnyUser) -> bool:
    """Whether the user may change teams: who is in them, and what their members have in common."""
    return bool(user.is_staff and user.has_perm(permissions.CHANGE_TEAMS))  # type: ignore[union-attr]


def with_sizes(teams: QuerySet[Group], user: AnyUser) -> Any:
    """Teams that tell how many people are in them, and how many accounts that the user may see are shared with them."""
    visible = None if NexmoAccount.objects.sees_all(user) else NexmoAccount.objects.visible_to(user).order_by()
    seen = None if visible is None else Q(nexmo_accounts__in=visible.values("pk"))
    return teams.annotate(
        people=Count("user", distinct=True),  # switched off or not: the team's page lists them all
        accounts=Count("nexmo_accounts", filter=seen, distinct=True),
    ).prefetch_related("permissions")


@dataclass(frozen=True)
class Member:
    """One of a team, as its page shows them."""

    person: User
    roles: list[Any]  # in words, in the reader's language

    @property
    def full_name(self) -> str:
        return self.person.get_full_name()


def members(team: Group, reader: roles.RoleReader) -> list[Member]:
    """The people of a team: those who can log in first."""
    people = team.user_set.order_by("-is_active", "username").prefetch_related(*roles.RoleReader.READ_WITH)
    return [Member(person, in_words(reader, person)) for person in people]


def in_words(reader: roles.RoleReader, person: User) -> list[Any]:
    """A person's roles, as sentences."""
    if person.is_superuser:
        return [roles.SUPERUSER]
    return [roles.SENTENCES[role] for role in reader.of_person(person)]


def shared_accounts(team: Group, user: AnyUser) -> Iterable[NexmoAccount]:
    """Accounts that are shared with a team, of those that the user may see."""
    accounts: Any = NexmoAccount.objects.visible_to(user).filter(teams=team)
    return accounts.select_related("owner")  # type: ignore[no-any-return]
