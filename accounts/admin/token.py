"""API tokens in the admin: all there ever were, to look at and to revoke. They are made on their person's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, override

from accounts.admin.base import EnglishLog
from accounts.models import ApiToken
from accounts.tokens import lifecycle

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(ApiToken)
class ApiTokenAdmin(EnglishLog):
    """Superusers revoke whosever tokens. Nothing of a token can be changed, and none is deleted but with its person:
    that there was one is part of the record."""

    list_display = ("name", "identifier", "person", "last_used_at", "expires_at", "revoked_at")
    list_filter: ClassVar[Any] = (("person", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("person",)
    search_fields = ("name", "identifier", "person__username")
    search_help_text = _("Search by name, identifier or person")
    fields = (
        *("person", "name", "identifier", "all_accounts", "accounts", "may_acknowledge"),
        *("created_at", "expires_at", "revoked_at", "revoked_by", "last_used_at", "last_used_address"),
    )
    readonly_fields = fields
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        match = request.resolver_match  # the page that deletes a person asks about what goes along, too
        return bool(match and (match.url_name or "").startswith("auth_user_"))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return bool(request.user.is_superuser)

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Have the selected tokens refused from now on. Twice is once."""
        done = 0
        for token in queryset.select_related("person"):
            if lifecycle.revoke(token, request.user):  # type: ignore[arg-type]  # staff are people
                done += 1
                with override("en"):
                    self.log_change(request, token, "Revoked.")
        text = ngettext(
            "%(count)s token was revoked and is refused from now on.",
            "%(count)s tokens were revoked and are refused from now on.",
            done,
        )
        self.message_user(request, text % {"count": done}, messages.SUCCESS if done else messages.INFO)
