"""What the admin shows of allauth: no e-mail addresses, and second factors only to remove lost ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.base.internal.flows import delete_dangling_recovery_codes
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.utils.translation import gettext as _

from accounts.admin import ExplainedDeletion
from accounts.people import rights

if TYPE_CHECKING:
    from django.http import HttpRequest

# Nothing is sent by e-mail here, so there are no addresses to manage.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)  # people end their own, and an administrator all of a person's


@admin.register(Authenticator)
class SecondFactorAdmin(ExplainedDeletion):
    """An administrator removes a lost second factor; its owner then sets up a new one. Whoever has rights that the
    administrator lacks keeps theirs.
    """

    switches_off = False
    list_display = ("user", "type", "created_at", "last_used_at")
    search_fields = ("user__username",)
    fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or rights.may_touch(request.user, obj.user))

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        super().delete_model(request, obj)
        delete_dangling_recovery_codes(obj.user)  # they stand in for one, and would lead to nothing

    def question(self, obj: Authenticator) -> str:
        return _("Remove %(person)s's second factor?") % {"person": obj.user}

    def consequences(self, request: HttpRequest, obj: Authenticator) -> list[Any]:
        person = {"person": obj.user}
        if obj.type == Authenticator.Type.RECOVERY_CODES:
            return [_("%(person)s's recovery codes stop working; new ones can be made.") % person]
        others = Authenticator.objects.filter(user=obj.user).exclude(type=Authenticator.Type.RECOVERY_CODES)
        if others.exclude(pk=obj.pk).exists():
            return [_("%(person)s still logs in with another second factor.") % person]
        return [
            _("%(person)s then logs in with the password alone, and can set up a new second factor.") % person,
            _("Their recovery codes are removed too."),
            _("Verify who asked for this: from now on the password alone is enough."),
        ]
