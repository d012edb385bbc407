"""What admins of ours have in common: a log in one language, deletions that say what they do, and for what gives people
rights, fields and buttons only for those who may touch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, quote, unquote
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from accounts.kept_forms import restored
from accounts.rights_form import EditorsForm
from accounts.roles import RoleReader

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

NAMED = 5  # in a sentence; the others are counted


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


class KeptForms(EnglishLog):
    """Forms that are filled in again, where they were sent before their reader had confirmed who they are."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        typed = restored(request)
        return type(form.__name__, (_FilledInAgain, form), {"typed": typed}) if typed else form


class _FilledInAgain(ModelForm):
    typed: ClassVar[Any] = None

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(self.typed if data is None else data, *args, **kwargs)


class ObjectActions(KeptForms):
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
            extra_context |= self.alternatives(request, obj)
        response = super().delete_view(request, object_id, extra_context)
        found = getattr(response, "context_data", None)  # a redirect has none
        if found and (obstacles := _dependents(found)):
            found |= {"obstacles": obstacles, "title": _("%(name)s cannot be deleted") % {"name": obj}}
        return response

    def _explanation(self, request: HttpRequest, obj: Any, more: dict[str, Any]) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(name)s cannot be deleted") % {"name": obj},
            "object": obj,
            "opts": self.opts,
            "page": self.page_of(obj),
            **self.alternatives(request, obj),
            **more,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.delete_confirmation_template, context)

    def alternatives(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What can be done instead of deleting the object, for the page that explains the deletion."""
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


class RightsAdmin(ExplainedDeletion):
    """People, or teams: what gives rights. Many may read it, with fields of their own; fewer may touch it."""

    for_superusers: ClassVar[dict[str, str]] = {}  # fields that give rights, and what others read in their place
    only_shown: ClassVar[dict[str, str]] = {}  # fields, and what those read in their place who may not touch the object

    def may_touch(self, request: HttpRequest, obj: Any) -> bool:
        """Whether the reader may change or delete this object, where they may change or delete such objects at all."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or self.may_touch(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or self.may_touch(request, obj))

    def fields_for_reader(self, request: HttpRequest, obj: Any, fieldsets: Any) -> Any:
        """Fieldsets as this reader may use them."""
        if request.user.is_superuser:
            return fieldsets
        changeable = obj is None or self.has_change_permission(request, obj)
        return read_instead(fieldsets, self.for_superusers if changeable else self.for_superusers | self.only_shown)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        shown = frozenset(flatten_fieldsets(self.get_fieldsets(request, obj)))
        return type(form.__name__, (form,), {"editor": request.user, "shown": shown})

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Who was put in and who was taken out, where Django would say which list was changed."""
        message = super().construct_change_message(request, form, formsets, add)
        if not isinstance(form, EditorsForm):
            return message
        with override("en"):
            told = form.changes_by_name()
            labels = {str(form.fields[name].label) for name in told}
        for part in message:
            if "changed" in part:
                part["changed"]["fields"] = [label for label in part["changed"]["fields"] if label not in labels]
        others = [part for part in message if part.get("changed", {}).get("fields", True)]
        return [*others, *(change for changes in told.values() for change in changes)]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        obj: Any = super().get_object(request, object_id, from_field)
        if obj is not None:
            obj.shown_to = request.user
        return obj

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        reader = RoleReader()
        for obj in changes.result_list:
            obj.role_reader = reader
        return changes


def listed(things: list[Any]) -> str:
    """The first few by name, and how many more there are."""
    names = ", ".join(str(thing) for thing in things[:NAMED])
    more = len(things) - NAMED
    if more <= 0:
        return names
    text = ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more)
    return text % {"names": names, "count": more}


def read_instead(fieldsets: Any, shown: dict[str, str]) -> Any:
    """Fieldsets with other fields in some fields' places; an empty name leaves a field out, and a part with none."""
    changed = []
    for title, options in fieldsets:
        names = [shown.get(field, field) for field in options["fields"]]
        changed.append((title, {**options, "fields": [name for name in names if name]}))
    return [(title, options) for title, options in changed if options["fields"]]


def _dependents(found: dict[str, Any]) -> list[str]:
    """Why an object stays that Django found other records to depend on, as sentences."""
    said = []
    if kinds := sorted(str(kind) for kind in found["perms_lacking"]):
        text = _("Deleting it would also delete records that you may not delete: %(kinds)s.")
        said.append(text % {"kinds": listed(kinds)})
    if found["protected"]:
        said.append(_("Other records depend on it and must be kept."))
    return said
