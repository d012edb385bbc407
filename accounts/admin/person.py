"""People: who may log in, what they may do in words, and the accounts they own and see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.admin.base import RightsAdmin, listed
from accounts.login import sessions
from accounts.models import NexmoAccount
from accounts.people import rights
from accounts.people.forms import PersonForm, SetPasswordForm
from accounts.teams import sight

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

BEYOND = _("You can only read this page: this person holds permissions that you lack.")


class TeamFilter(admin.SimpleListFilter):
    """Teams and roles that people are in."""

    title = _("team or role")
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        named = [(str(team.pk), team.name) for team in sight.all_teams()]
        return [*((role, roles.TITLES[role]) for role in roles.ROLES), *named]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        chosen = self.value()
        if not chosen:
            return queryset
        if chosen in roles.ROLES:
            return queryset.filter(groups__name=chosen)
        return queryset.filter(groups=int(chosen)) if chosen.isdecimal() and len(chosen) < 10 else queryset.none()


class PersonAdmin(RightsAdmin, UserAdmin):
    """People. Only superusers make superusers and give roles, and nobody touches whoever has rights that they lack."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = SetPasswordForm
    add_fieldsets: Any = ((None, {"fields": ("username", "password1", "password2")}),)
    add_form_template: ClassVar[Any] = None
    list_display: Any = (
        "username",
        "full_name",
        "email",
        "roles_in_words",
        "team_names",
        "is_active",
        "is_staff",
    )
    list_filter: ClassVar[Any] = (TeamFilter, "is_active", "is_staff")
    search_help_text = _("Search by username, name or email")
    filter_horizontal: ClassVar[Any] = ()
    readonly_fields: ClassVar[Any] = (
        "password_link",
        "roles_in_words",
        "team_names",
        "owned_accounts",
        "shared_accounts",
        "last_login",
        "date_joined",
    )
    # Whoever could give these could take everything: others read them, or do without.
    for_superusers: ClassVar[dict[str, str]] = {"is_superuser": "", "roles": "roles_in_words", "user_permissions": ""}
    only_shown: ClassVar[dict[str, str]] = {"teams": "team_names", "password_link": ""}
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "first_name", "last_name", "email", "password_link")}),
        (_("Logging in"), {"fields": ("is_active", "is_staff", "last_login", "date_joined")}),
        (_("Roles"), {"fields": ("roles", "is_superuser")}),
        (_("Teams"), {"fields": ("teams",)}),
        (_("Accounts"), {"fields": ("owned_accounts", "shared_accounts")}),
        (
            _("Advanced"),
            {
                "classes": ("collapse",),
                "fields": ("user_permissions",),
                "description": _("Individual permissions in addition to roles. Rarely needed."),
            },
        ),
    )

    object_actions = {"end-sessions": "end_sessions"}

    def may_touch(self, request: HttpRequest, obj: User) -> bool:
        return rights.may_touch(request.user, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets: Any = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        fieldsets = self.fields_for_reader(request, obj, fieldsets)
        if super().has_change_permission(request) and not self.may_touch(request, obj):
            (title, options), *others = fieldsets
            fieldsets = [(title, {**options, "description": BEYOND}), *others]
        return fieldsets

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        """A new password for somebody else; for the own one, the page that asks for the old one."""
        if id == str(request.user.pk):
            return redirect("account_change_password")
        return super().user_change_password(request, id, form_url)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people: QuerySet[User] = super().get_queryset(request)
        return people.prefetch_related(*roles.RoleReader.READ_WITH)

    # --- what is shown of somebody ------------------------------------------------------------------------------------

    @admin.display(description=_("name"), empty_value="–")
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @admin.display(description=_("roles"))
    def roles_in_words(self, person: Any) -> Any:
        reader = getattr(person, "role_reader", None) or roles.RoleReader()
        if person.is_superuser:
            return roles.SUPERUSER
        return format_html_join("", "<div>{}</div>", ((text,) for text in sight.in_words(reader, person))) or "–"

    @admin.display(description=_("teams"))
    def team_names(self, person: User) -> str:
        return ", ".join(sorted(group.name for group in person.groups.all() if group.name not in roles.ROLES)) or "–"

    @admin.display(description=_("password"))
    def password_link(self, person: User) -> SafeString:
        where = reverse("admin:auth_user_password_change", args=[person.pk])
        if person.has_usable_password():
            return format_html('{} <a href="{}">{}</a>', gettext("Set."), where, gettext("Change it"))
        return format_html(
            '{} <a href="{}">{}</a>', gettext("Not set, so this person cannot log in."), where, gettext("Set one")
        )

    @admin.display(description=_("owns"))
    def owned_accounts(self, person: Any) -> SafeString | str:
        return _links(NexmoAccount.objects.visible_to(person.shown_to).filter(owner=person))

    @admin.display(description=_("also sees"))
    def shared_accounts(self, person: Any) -> SafeString | str:
        if not person.is_active:
            return gettext("Nothing: this person cannot log in.")
        if NexmoAccount.objects.sees_all(person):
            return gettext("All accounts.")
        seen = NexmoAccount.objects.shared_with(person).exclude(owner=person)
        return _links(NexmoAccount.objects.visible_to(person.shown_to).filter(pk__in=seen.order_by().values("pk")))

    # --- sessions -----------------------------------------------------------------------------------------------------

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            context["open_sessions"] = UserSession.objects.filter(user=obj).count()
            context["end_sessions"] = reverse("admin:auth_user_end_sessions", args=[obj.pk])
        return super().render_change_form(request, context, add, change, form_url, obj)

    def end_sessions(self, request: HttpRequest, obj: User) -> None:
        """End all sessions of somebody, as when a laptop is lost; of one's own, all but this one."""
        sessions.end(request, obj)
        self.log_change(request, obj, "Sessions ended.")
        text = gettext("All sessions of %(person)s were ended.")
        self.message_user(request, text % {"person": obj.get_username()}, messages.SUCCESS)

    # --- leaving ------------------------------------------------------------------------------------------------------

    def obstacles(self, request: HttpRequest, obj: User) -> list[str]:
        if obj == request.user:
            return [gettext("You cannot delete yourself. Ask another administrator.")]
        owned = NexmoAccount.objects.filter(owner=obj)
        count = owned.count()
        if not count:
            return []
        named = listed(list(owned.visible_to(request.user))) or gettext("none visible to you")
        text = ngettext(
            "%(person)s owns an account (%(accounts)s). Hand it over first, or switch the person off.",
            "%(person)s owns %(count)s accounts (%(accounts)s). Hand them over first, or switch the person off.",
            count,
        )
        return [text % {"person": obj, "count": count, "accounts": named}]

    def consequences(self, request: HttpRequest, obj: User) -> list[str]:
        person = obj.get_username()
        said = [gettext("%(person)s can no longer log in.") % {"person": person}]
        teams = [group.name for group in obj.groups.all() if group.name not in roles.ROLES]
        if teams:
            said.append(gettext("%(person)s is removed from: %(teams)s.") % {"person": person, "teams": listed(teams)})
        said.append(
            gettext("Their API tokens, display settings, second factor and log of changes made here are deleted too.")
        )
        return said

    def switch_off_refusal(self, request: HttpRequest, obj: User) -> str:
        return gettext("You cannot switch yourself off.") if obj == request.user else ""

    def switched_off(self, request: HttpRequest, obj: User) -> str:
        text = gettext(
            "%(person)s is switched off and can no longer log in; open sessions end at their next request, and API "
            "tokens are refused."
        )
        return text % {"person": obj}


def _links(accounts: Any) -> SafeString | str:
    found = [(account.get_absolute_url(), account) for account in accounts]
    if not found:
        return gettext("None.")
    return format_html_join("", '<div><a href="{}">{}</a></div>', found)
