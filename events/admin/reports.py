"""Reports in the admin: their list, which leads to the site's own pages, where they are set up and looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from events.admin.records import LookedAtAdmin
from events.models import Report

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(Report)
class ReportAdmin(LookedAtAdmin):
    """Read-only, for superusers: also other people's. What a view is called is its owner's to tell."""

    list_display = ("link", "frequency", "at", "holder", "is_active", "last_sent_at", "sent_count", "failed_count")
    list_display_links = None
    list_filter = ("frequency", "is_active")
    list_select_related = ("owner", "team")
    exclude = ("view", "look_at", "looked_at")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    has_module_permission = has_view_permission

    @admin.display(description=_("report"), ordering="pk")
    def link(self, report: Report) -> str:
        return format_html('<a href="{}">{}</a>', reverse("events:report", args=[report.pk]), report.pk)

    @admin.display(description=_("to whom"))
    def holder(self, report: Report) -> str:
        return str(report.team or report.owner)
