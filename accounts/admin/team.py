"""Teams: groups with their members, the accounts shared with them, and their roles in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.admin.base import RightsAdmin, listed
from accounts.teams import sight
from accounts.teams.forms import TeamForm

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

TEAM_FIELDSETS: Any = (
    (None, {"fields": ("name", "members")}),
    (_("Shared with it"), {"fields": ("accounts",)}),
    (_("What it lets its members do"), {"fields": ("roles",)}),
    (
        _("Advanced"),
        {
            "classes": ("collapse",),
            "fields": ("permissions",),
            "description": _("Individual permissions in addition to roles. Rarely needed."),
        },
    ),
)
ROLE_FIELDSETS: Any = (
    (None, {"fields": ("name", "roles_in_words", "members")}),
    (
        _("Advanced"),
        {
            "classes": ("collapse",),
            "fields": ("permissions",),
            "description": _("What this role is made of. An update of the site may add to it."),
        },
    ),
)
READ_ONLY = ("roles_in_words", "member_names", "account_names")


class TeamAdmin(RightsAdmin, GroupAdmin):
    """Teams, and the roles that ship with the site. Only superusers touch those that carry permissions."""

    form = TeamForm
    switches_off = False
    list_display: Any = ("title", "member_count", "account_count", "roles_in_words")
    filter_horizontal: ClassVar[Any] = ()
    search_help_text = _("Search by name")
    for_superusers: ClassVar[dict[str, str]] = {"roles": "roles_in_words", "permissions": ""}
    only_shown: ClassVar[dict[str, str]] = {"members": "member_names", "accounts": "account_names"}

    def may_touch(self, request: HttpRequest, obj: Group) -> bool:
        return request.user.is_superuser or not (_is_role(obj) or obj.permissions.exists())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields_for_reader(request, obj, ROLE_FIELDSETS if _is_role(obj) else TEAM_FIELDSETS)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # The site looks its roles up by name.
        return (*READ_ONLY, "name") if _is_role(obj) else READ_ONLY

    def view_on_site(self, obj: Group) -> Any:
        return None if _is_role(obj) else reverse("accounts:team", args=[obj.pk])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return sight.with_sizes(super().get_queryset(request), request.user)  # type: ignore[no-any-return]

    @admin.display(description=_("name"), ordering="name")
    def title(self, team: Group) -> Any:
        return roles.TITLES.get(team.name, team.name)

    @admin.display(description=_("members"), ordering="people")
    def member_count(self, team: Any) -> int:
        return int(team.people)

    @admin.display(description=_("accounts"), ordering="accounts")
    def account_count(self, team: Any) -> Any:
        return "–" if _is_role(team) else team.accounts

    @admin.display(description=_("what it lets its members do"))
    def roles_in_words(self, team: Any) -> Any:
        if _is_role(team):
            text = gettext("A role of the site: %(power)s.")
            return text % {"power": roles.POWERS[team.name]}
        reader = getattr(team, "role_reader", None) or roles.RoleReader()
        carried = reader.of_team(team)
        said: list[Any] = [roles.SENTENCES[role] for role in carried]
        further = len({permission.pk for permission in team.permissions.all()} - reader.permissions(carried))
        if further:
            more = ngettext("%(count)s individual permission", "%(count)s individual permissions", further)
            said.append(more % {"count": further})
        if not said:
            return gettext("See its accounts.")
        return format_html_join("", "<div>{}</div>", ((sentence,) for sentence in said))

    @admin.display(description=_("members"))
    def member_names(self, team: Any) -> str:
        return ", ".join(person.get_username() for person in team.user_set.order_by("username")) or "–"

    @admin.display(description=_("accounts"))
    def account_names(self, team: Any) -> str:
        return ", ".join(map(str, sight.shared_accounts(team, team.shown_to))) or "–"

    def obstacles(self, request: HttpRequest, obj: Group) -> list[str]:
        if not _is_role(obj):
            return []
        return [gettext("This role belongs to the site. Remove people from it instead, on its page.")]

    def consequences(self, request: HttpRequest, obj: Group) -> list[str]:
        people = [person.get_username() for person in obj.user_set.order_by("username")]
        if not people or not obj.nexmo_accounts.exists():
            return [gettext("Nobody loses access to an account. People and accounts stay.")]
        accounts = listed(list(sight.shared_accounts(obj, request.user))) or gettext("accounts not visible to you")
        text = gettext(
            "Its members (%(people)s) lose access to %(accounts)s, unless they own it or another team shares it."
        )
        return [
            text % {"people": listed(people), "accounts": accounts},
            gettext("People, accounts and archived events stay."),
        ]


def _is_role(team: Group | None) -> bool:
    return team is not None and team.name in roles.ROLES
