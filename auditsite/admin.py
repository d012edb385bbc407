"""What the admin shows of allauth: no e-mail addresses, and second factors only to remove lost ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin

from accounts.admin import EnglishLog

if TYPE_CHECKING:
    from django.http import HttpRequest

# Nothing is sent by e-mail here, so there are no addresses to manage.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class SecondFactorAdmin(EnglishLog):
    """An administrator takes a lost second factor away; its owner then makes a new one."""

    list_display = ("user", "type", "created_at", "last_used_at")
    search_fields = ("user__username",)
    fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
