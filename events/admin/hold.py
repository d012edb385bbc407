"""Legal holds: made and released, and never deleted, because that something was held is part of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override

from accounts.admin import ObjectActions
from events.models import LegalHold

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(LegalHold)
class LegalHoldAdmin(ObjectActions):
    """A hold is released on its own page, which says what follows from that."""

    change_form_template = "admin/events/legalhold/change_form.html"
    list_display = ("__str__", "reason", "created_at", "created_by", "released_at", "released_by")
    list_select_related = ("account", "created_by", "released_by")
    fields = ("account", "first_day", "last_day", "reason", "created_at", "created_by", "released_at", "released_by")
    readonly_fields = ("created_at", "created_by", "released_at", "released_by")
    object_actions = {"release": "release"}

    def get_fields(self, request: HttpRequest, obj: LegalHold | None = None) -> Any:
        return self.fields if obj else ("account", "first_day", "last_day", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: LegalHold | None = None) -> Any:
        return self.fields if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        hold = kwargs.get("obj")
        # Everything of a hold is on record: there is nothing to save once it is made.
        context |= {"show_save": hold is None, "show_save_and_continue": False, "show_save_and_add_another": False}
        if hold and hold.released_at is None and self.has_change_permission(request, hold):
            context["release"] = reverse("admin:events_legalhold_release", args=[hold.pk])
        return super().render_change_form(request, context, *args, **kwargs)

    def release(self, request: HttpRequest, hold: LegalHold) -> None:
        """Let go of a hold: retention may remove again what it kept. Twice is once."""
        standing: Any = LegalHold.objects.filter(pk=hold.pk, released_at=None)
        if not standing.update(released_at=timezone.now(), released_by=request.user):
            self.message_user(request, gettext("This hold had already been released."), messages.INFO)
            return
        with override("en"):
            self.log_change(request, hold, gettext("Released."))
        released = gettext("Released. Retention may remove again what this hold kept, unless another hold keeps it.")
        self.message_user(request, released, messages.SUCCESS)
