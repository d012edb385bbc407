"""Streams in the admin: their list, which leads to the site's own pages, where they are set up and looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from events.admin.records import LookedAtAdmin
from events.models import Stream

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(Stream)
class StreamAdmin(LookedAtAdmin):
    """Read-only. A superuser sees all of them: also other people's, without addresses and secrets."""

    list_display = ("link", "kind", "contents", "format", "holder", "is_active", "last_sent_at", "failures")
    list_display_links = None
    list_filter = ("kind", "contents", "format", "is_active")
    list_select_related = ("owner", "team")
    search_fields = ("name", "shown")
    # Secrets, and what says nothing to people.
    exclude = (
        "address",
        "secret",
        "options",
        "narrowed",
        "lease_until",
        "lease_owner",
        "test_asked_at",
        "tested_at",
        "test_problem",
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(permissions.MANAGE_STREAMS))

    has_module_permission = has_view_permission

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stream]:
        streams: QuerySet[Stream] = super().get_queryset(request)
        if request.user.is_superuser:
            return streams
        return streams.filter(pk__in=Stream.objects.visible_to(request.user).values("pk"))

    @admin.display(description=_("name"), ordering="name")
    def link(self, stream: Stream) -> str:
        return format_html('<a href="{}">{}</a>', reverse("events:stream", args=[stream.pk]), stream.name)

    @admin.display(description=_("owner"))
    def holder(self, stream: Stream) -> str:
        return str(stream.team or stream.owner)
