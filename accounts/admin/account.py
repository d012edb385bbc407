"""Accounts: what they are called, their credentials, and who sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.admin.base import ExplainedDeletion, listed
from accounts.forms import NexmoAccountForm
from accounts.models import NexmoAccount

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest


class NexmoAccountAdmin(ExplainedDeletion):
    """Superusers manage every account; other staff their own; auditors read all."""

    form = NexmoAccountForm
    list_display: Any = ("name", "api_key", "owner", "is_active")
    list_filter: ClassVar[Any] = (
        "is_active",
        ("teams", admin.RelatedOnlyFieldListFilter),
        ("owner", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = ("name", "api_key", "owner__username", "owner__email")
    search_help_text = _("Search by name, API key or owner")
    list_select_related = ("owner",)
    autocomplete_fields = ("owner",)
    save_on_top = False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: NexmoAccount | None = None) -> Any:
        changeable = obj is None or self.has_change_permission(request, obj)
        credentials: list[Any] = ["api_key"]
        if changeable:
            credentials += ["api_secret", "api_secret_secondary"]
            if obj and obj.__dict__.get("api_secret_secondary"):
                credentials.append("remove_second_secret")
        sharing = ["owner", "teams"] if _chooses_owner(request) or not changeable else ["teams"]
        return (
            (None, {"fields": ["name", "is_active"]}),
            (_("Credentials"), {"fields": credentials}),
            (_("Who sees it"), {"fields": sharing}),
            (_("Retention"), {"fields": ["keep_days"]}),
        )

    def get_form(
        self, request: HttpRequest, obj: NexmoAccount | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def get_queryset(self, request: HttpRequest) -> QuerySet[NexmoAccount]:
        accounts: Any = super().get_queryset(request)
        if request.user.has_perm(permissions.VIEW_ALL_ACCOUNTS):
            return accounts.visible_to(request.user)  # type: ignore[no-any-return]
        return accounts.manageable_by(request.user)  # type: ignore[no-any-return]

    def has_change_permission(self, request: HttpRequest, obj: NexmoAccount | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._manages(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: NexmoAccount | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._manages(request, obj)

    def _manages(self, request: HttpRequest, obj: NexmoAccount | None) -> bool:
        return obj is None or NexmoAccount.objects.manageable_by(request.user).filter(pk=obj.pk).exists()

    def consequences(self, request: HttpRequest, obj: NexmoAccount) -> list[str]:
        said = [
            gettext("Its API key and secrets are deleted here. Nothing changes at Nexmo."),
            gettext("It never had archived events, so none are lost."),
        ]
        teams = [team.name for team in obj.teams.order_by("name")]
        if teams:
            said.append(gettext("It is no longer shared with: %(teams)s.") % {"teams": listed(teams)})
        return said

    def switched_off(self, request: HttpRequest, obj: NexmoAccount) -> str:
        text = gettext("%(account)s is switched off: it is no longer synced, and its archived events stay readable.")
        return text % {"account": obj}

    def save_model(self, request: HttpRequest, obj: NexmoAccount, form: Any, change: bool) -> None:
        if not change and not _chooses_owner(request):
            obj.owner = cast("User", request.user)
        super().save_model(request, obj, form, change)


def _chooses_owner(request: HttpRequest) -> bool:
    return request.user.is_superuser
