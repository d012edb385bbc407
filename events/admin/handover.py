"""The page on which superusers hand to somebody else what a person who leaves is relied on for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.admin import PersonAdmin
from accounts.models import NexmoAccount
from events import handover
from events.models import Stream

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

LACKING = (
    (
        NexmoAccount,
        permissions.CHANGE_ACCOUNTS,
        _("%(person)s cannot manage these accounts yet: give the role Account admins."),
    ),
    (Stream, permissions.MANAGE_STREAMS, _("These streams send nothing yet: %(person)s may not manage streams.")),
)


class HandOverForm(forms.Form):
    """Who gets it."""

    to = forms.ModelChoiceField(User.objects.none(), label=_("New owner"), empty_label=_("Choose a person"))
    switch_off = forms.BooleanField(
        label=_("Switch channels and streams off first"),
        required=False,
        initial=True,
        help_text=_(
            "They may send to an address of the person who leaves. The new owner checks that and switches them on."
        ),
    )

    def __init__(self, *args: Any, person: User, sends: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).exclude(pk=person.pk).order_by("username")
        self.fields["to"].queryset = people  # type: ignore[attr-defined]
        if not sends:
            del self.fields["switch_off"]


class LeftFilter(admin.SimpleListFilter):
    """People who are gone, and whose things nobody has yet."""

    title = _("to hand over")
    parameter_name = "left"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("things", _("Switched off, with things to hand over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(handover.leavers()) if self.value() else queryset


class HandingOverAdmin(PersonAdmin):
    """People, and the way to let one go without losing what others rely on."""

    list_filter: ClassVar[Any] = (*PersonAdmin.list_filter, LeftFilter)
    for_superusers: ClassVar[dict[str, str]] = {**PersonAdmin.for_superusers, "relied_on_for": ""}
    readonly_fields: ClassVar[Any] = (*PersonAdmin.readonly_fields, "relied_on_for")
    fieldsets: ClassVar[Any] = (
        *PersonAdmin.fieldsets[:2],
        (_("Leaving"), {"fields": ("relied_on_for",)}),
        *PersonAdmin.fieldsets[2:],
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.hand_over)
        return [path("<path:object_id>/hand-over/", view, name="auth_user_hand_over"), *super().get_urls()]

    def hand_over(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What a person is relied on for, and to whom it goes."""
        if not request.user.is_superuser:
            raise PermissionDenied
        person: User | None = self.get_object(request, unquote(object_id))
        if person is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        things = handover.things_of(person)
        sends = any(model in things for model in handover.WITH_ADDRESSES)
        data = request.POST if request.method == "POST" else None
        form = HandOverForm(data, person=person, sends=sends)
        if things and form.is_valid():
            to = form.cleaned_data["to"]
            self._do(request, person, to, form.cleaned_data.get("switch_off", False))
            return redirect(self.page_of(person))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Hand over from %(person)s") % {"person": person},
            "object": person,
            "opts": self.opts,
            "page": self.page_of(person),
            "things": [
                (handover.in_words({model: found}), [thing.name for thing in found if hasattr(thing, "name")])
                for model, found in things.items()
            ],
            "form": form,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/auth/user/hand_over.html", context)

    def _do(self, request: HttpRequest, person: User, to: User, switch_off: bool) -> None:
        try:
            things = handover.hand_over(person, to, switch_off=switch_off)
        except handover.Refused as error:  # the other was switched off meanwhile
            self.message_user(request, str(error), messages.ERROR)
            return
        with override("en"):
            self.log_change(request, person, f"Handed over to {to}: {handover.in_words(things)}.")
        text = gettext("%(things)s now belong to %(person)s.")
        self.message_user(request, text % {"things": handover.in_words(things), "person": to}, messages.SUCCESS)
        for model, permission, sentence in LACKING:
            if model in things and not to.has_perm(permission):
                self.message_user(request, sentence % {"person": to}, messages.WARNING)

    # --- the ways that lead there -------------------------------------------------------------------------------------

    def address(self, person: User) -> str:
        """The address of a person's page of handing over."""
        return reverse("admin:auth_user_hand_over", args=[quote(person.pk)])

    @admin.display(description=_("relied on for"))
    def relied_on_for(self, person: User) -> str:
        things = handover.things_of(person)
        if not things:
            return gettext("Nothing to hand over.")
        words = handover.in_words(things)
        return format_html('{}. <a href="{}">{}</a>', words, self.address(person), gettext("Hand over"))

    def alternatives(self, request: HttpRequest, obj: User) -> dict[str, Any]:
        found = super().alternatives(request, obj)
        if request.user.is_superuser and handover.things_of(obj):
            found["hand_over"] = self.address(obj)
        return found

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            self._remind(request, obj)

    def switch_off(self, request: HttpRequest, obj: User) -> None:
        super().switch_off(request, obj)
        if not obj.is_active:
            self._remind(request, obj)

    def _remind(self, request: HttpRequest, person: User) -> None:
        """Nobody syncs, shares or mends what somebody owns who is gone."""
        things = handover.things_of(person)
        if not things:
            return
        if not request.user.is_superuser:
            text = gettext("Ask a superuser to hand over what others rely on %(person)s for.") % {"person": person}
            self.message_user(request, text, messages.WARNING)
            return
        said = gettext("%(person)s still has %(things)s.") % {"person": person, "things": handover.in_words(things)}
        link = format_html('{} <a href="{}">{}</a>', said, self.address(person), gettext("Hand over to somebody else"))
        self.message_user(request, link, messages.WARNING)
