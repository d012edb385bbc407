"""Teams: groups with their members, the accounts shared with them, and their roles in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.admin.base import ExplainedDeletion
from accounts.admin.person import listed, read_instead
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
            "description": _("Single permissions beside the roles. Hardly any team needs any."),
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
FOR_SUPERUSERS = {"roles": "roles_in_words", "permissions": ""}


class TeamAdmin(ExplainedDeletion, GroupAdmin):
    """Teams, and the roles that ship with the site. Only superusers touch those that carry permissions."""

    form = TeamForm
    switches_off = False
    list_display: Any = ("title", "member_count", "account_count", "roles_in_words")
    filter_horizontal: ClassVar[Any] = ()
    search_help_text = _("Search by name")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = ROLE_FIELDSETS if _is_role(obj) else TEAM_FIELDSETS
        if request.user.is_superuser:
            return fieldsets
        if obj is None or self.has_change_permission(request, obj):
            return read_instead(fieldsets, FOR_SUPERUSERS)
        return read_instead(fieldsets, FOR_SUPERUSERS | {"members": "member_names", "accounts": "account_names"})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # The site looks its roles up by name.
        return (*READ_ONLY, "name") if _is_role(obj) else READ_ONLY

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        shown = frozenset(flatten_fieldsets(self.get_fieldsets(request, obj)))
        return type(form.__name__, (form,), {"editor": request.user, "shown": shown})

    def view_on_site(self, obj: Group) -> Any:
        return None if _is_role(obj) else reverse("accounts:team", args=[obj.pk])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return sight.with_sizes(super().get_queryset(request), request.user)  # type: ignore[no-any-return]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        team: Any = super().get_object(request, object_id, from_field)
        if team is not None:
            team.shown_to = request.user
        return team

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        reader = roles.RoleReader()
        for team in changes.result_list:
            team.role_reader = reader
        return changes

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

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
            more = ngettext("%(count)s single permission", "%(count)s single permissions", further)
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
        return [gettext("This role belongs to the site. Take people out of it instead, on its page.")]

    def consequences(self, request: HttpRequest, obj: Group) -> list[str]:
        people = [person.get_username() for person in obj.user_set.order_by("username")]
        if not people or not obj.nexmo_accounts.exists():
            return [gettext("Nobody loses access to an account. People and accounts stay.")]
        accounts = listed(list(sight.shared_accounts(obj, request.user))) or gettext("accounts that you do not see")
        text = gettext(
            "Its members (%(people)s) lose access to %(accounts)s, unless they own it or another team shares it."
        )
        return [
            text % {"people": listed(people), "accounts": accounts},
            gettext("People, accounts and archived events stay."),
        ]


def _may_touch(request: HttpRequest, team: Group | None) -> bool:
    if team is None or request.user.is_superuser:
        return True
    return not _is_role(team) and not team.permissions.exists()


def _is_role(team: Group | None) -> bool:
    return team is not None and team.name in roles.ROLES
