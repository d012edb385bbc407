"""What admins of ours have in common: a log in one language, and deletions that say what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class EnglishLog(admin.ModelAdmin):
    """Writes down what people do in one language: the admin's log is stored, and read by others."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        with override("en"):
            return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        with override("en"):
            return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        with override("en"):
            return super().log_deletions(request, queryset)


class ObjectActions(EnglishLog):
    """Buttons on the page of one object, each with an address of its own that only takes POST."""

    object_actions: dict[str, str] = {}  # the part of the address, and the method that acts on request and object

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(
                f"<path:object_id>/{part}/",
                self.admin_site.admin_view(self._acting(method)),
                name=f"{name}_{part.replace('-', '_')}",
            )
            for part, method in self.object_actions.items()
        ]
        return [*own, *super().get_urls()]

    def _acting(self, method: str) -> Any:
        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            obj: Any = self.get_object(request, unquote(object_id))
            if obj is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
            if not self.has_change_permission(request, obj):
                raise PermissionDenied
            getattr(self, method)(request, obj)
            return HttpResponseRedirect(self.page_of(obj))

        return view

    def page_of(self, obj: Any) -> str:
        """Where an object is changed."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(obj.pk)])


class ExplainedDeletion(ObjectActions):
    """Objects are deleted one at a time, after a page that says what goes with them. Where they stay, it says why, and
    offers to switch them off at once.
    """

    delete_confirmation_template = "admin/explained_deletion.html"
    switches_off = True  # whether objects have an `is_active` to take away instead

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.switches_off:
            self.object_actions = {**self.object_actions, "switch-off": "switch_off"}

    def obstacles(self, request: HttpRequest, obj: Any) -> list[Any]:
        """Why the object cannot be deleted, as sentences; nothing where it can be."""
        return []

    def question(self, obj: Any) -> str:
        """What the page before a deletion is called."""
        return _("Delete %(name)s?") % {"name": obj}

    def consequences(self, request: HttpRequest, obj: Any) -> list[Any]:
        """What goes with the object, and what stays, as sentences."""
        return []

    def switch_off_refusal(self, request: HttpRequest, obj: Any) -> Any:
        """Why this reader may not switch the object off; nothing where they may."""
        return ""

    def switched_off(self, request: HttpRequest, obj: Any) -> str:
        """What has changed by switching it off, as a sentence."""
        return ""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        obj = self.get_object(request, unquote(object_id))
        if obj is not None and self.has_delete_permission(request, obj):
            # Before Django collects what depends on it, which may be a million events.
            if obstacles := self.obstacles(request, obj):
                return self._explanation(request, obj, {"obstacles": obstacles})
            extra_context = {**(extra_context or {}), "consequences": self.consequences(request, obj)}
            extra_context |= {"title": self.question(obj), "page": self.page_of(obj)}
            extra_context |= self._switch(request, obj)
        return super().delete_view(request, object_id, extra_context)

    def _explanation(self, request: HttpRequest, obj: Any, more: dict[str, Any]) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(name)s cannot be deleted") % {"name": obj},
            "object": obj,
            "opts": self.opts,
            "page": self.page_of(obj),
            **self._switch(request, obj),
            **more,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.delete_confirmation_template, context)

    def _switch(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        if not self.switches_off or not self.has_change_permission(request, obj):
            return {}
        if self.switch_off_refusal(request, obj):
            return {}
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_switch_off"
        return {"switch_off": reverse(name, args=[quote(obj.pk)]), "is_on": obj.is_active}

    def switch_off(self, request: HttpRequest, obj: Any) -> None:
        """Take the object out of use, and say what that means. Twice is once."""
        if refusal := self.switch_off_refusal(request, obj):
            self.message_user(request, refusal, messages.ERROR)
            return
        if obj.is_active:
            obj.is_active = False
            obj.save(update_fields=["is_active"])
            with override("en"):
                self.log_change(request, obj, _("Switched off."))
        self.message_user(request, self.switched_off(request, obj), messages.SUCCESS)
