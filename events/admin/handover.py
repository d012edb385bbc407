"""The page on which superusers hand to somebody else what a person who leaves is relied on for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.admin import PersonAdmin
from accounts.admin.base import listed
from accounts.kept_forms import restored
from accounts.models import NexmoAccount
from events import handover
from events.models import Stream
from events.streams.read import sends_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

NOBODY, NEW_OWNER = "nobody", "to"


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

    findings = forms.ChoiceField(
        label=_("Their open findings"),
        required=False,
        choices=[
            ("", _("Leave them assigned")),
            (NOBODY, _("Assign them to nobody")),
            (NEW_OWNER, _("Assign them to the new owner")),
        ],
    )

    def __init__(self, *args: Any, person: User, sends: bool, has_findings: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        people = User.objects.filter(is_active=True).exclude(pk=person.pk).order_by("username")
        self.fields["to"].queryset = people  # type: ignore[attr-defined]
        if not sends:
            del self.fields["switch_off"]
        if not has_findings:
            del self.fields["findings"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        to = cleaned.get("to")
        if to and cleaned.get("findings") == NEW_OWNER and not handover.may_take_findings(self.person, to):
            text = gettext("%(person)s may not handle all of these findings. Assign them to nobody, or leave them.")
            self.add_error("findings", text % {"person": to})
        return cleaned


class LeftFilter(admin.SimpleListFilter):
    """People who are gone, and whose things nobody has yet."""

    title = _("what they left behind")
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
        things, findings = handover.things_of(person), handover.findings_in_words(person)
        sends = any(model in things for model in handover.WITH_ADDRESSES)
        data = request.POST if request.method == "POST" else restored(request)
        form = HandOverForm(data, person=person, sends=sends, has_findings=bool(findings))
        if request.method == "POST" and (things or findings) and form.is_valid():
            self._do(request, person, form.cleaned_data)
            return redirect(self.page_of(person))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Hand over what %(person)s has") % {"person": person},
            "original": person,
            "opts": self.opts,
            "page": self.page_of(person),
            "things": [
                (handover.in_words({model: found}), [handover.called(thing) for thing in found])
                for model, found in things.items()
            ],
            "findings": findings,
            "inbox": f"{reverse('events:findings')}?{urlencode({'assignee': person.get_username()})}",
            "keeps_sight": any(model in things for model in handover.WITH_ACCOUNTS),
            "raw_streams": [stream.name for stream in things.get(Stream, ()) if sends_whole(stream)],
            "form": form,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/auth/user/hand_over.html", context)

    def _do(self, request: HttpRequest, person: User, chosen: dict[str, Any]) -> None:
        to, by, findings = chosen["to"], cast("User", request.user), chosen.get("findings")
        try:
            result = handover.hand_over(person, to, by=by, switch_off=chosen.get("switch_off", False))
        except handover.Refused as error:  # the other was switched off meanwhile
            self.message_user(request, str(error), messages.ERROR)
            return
        if result.things:
            text = gettext("Handed over to %(person)s: %(things)s.")
            values = {"things": handover.in_words(result.things), "person": to}
            self.message_user(request, text % values, messages.SUCCESS)
        if findings:
            count = handover.assign_findings(person, to if findings == NEW_OWNER else None, by)
            text = ngettext("%(count)s finding assigned.", "%(count)s findings assigned.", count)
            if findings == NOBODY:
                text = ngettext("%(count)s finding unassigned.", "%(count)s findings unassigned.", count)
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
        for sentence in _warnings(result, person, to):
            self.message_user(request, sentence, messages.WARNING)

    # --- the ways that lead there -------------------------------------------------------------------------------------

    def address(self, person: User) -> str:
        """The address of a person's page of handing over."""
        return reverse("admin:auth_user_hand_over", args=[quote(person.pk)])

    @admin.display(description=_("relied on for"))
    def relied_on_for(self, person: User) -> str:
        words = handover.all_in_words(person)
        if not words:
            return gettext("Nothing to hand over.")
        return format_html('{}. <a href="{}">{}</a>', words, self.address(person), gettext("Hand over"))

    def alternatives(self, request: HttpRequest, obj: User) -> dict[str, Any]:
        found = super().alternatives(request, obj)
        if request.user.is_superuser and handover.all_in_words(obj):
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
        things = handover.all_in_words(person)
        if not things:
            return
        if not request.user.is_superuser:
            text = gettext("Ask a superuser to hand over what others rely on %(person)s for.") % {"person": person}
            self.message_user(request, text, messages.WARNING)
            return
        said = gettext("%(person)s still has %(things)s.") % {"person": person, "things": things}
        link = format_html('{} <a href="{}">{}</a>', said, self.address(person), gettext("Hand over to somebody else"))
        self.message_user(request, link, messages.WARNING)


def _warnings(result: handover.HandedOver, person: User, to: User) -> Iterator[str]:
    """What a superuser should know of what was handed over: what is left, and what does not work for its new owner."""

    def said(text: str, things: list[Any] = ()) -> str:  # type: ignore[assignment]
        named = listed([handover.called(thing) for thing in things])
        return text % {"person": to, "owner": person, "things": named}

    if NexmoAccount in result.things and not (to.is_staff and to.has_perm(permissions.CHANGE_ACCOUNTS)):
        if to.has_perm(permissions.CHANGE_ACCOUNTS):
            yield said(gettext("%(person)s cannot manage these accounts yet: let them use the admin."))
        else:
            yield said(
                gettext(
                    "%(person)s cannot manage these accounts yet: give them the role Account admins, and let them use "
                    "the admin."
                )
            )
    if Stream in result.things and not to.has_perm(permissions.MANAGE_STREAMS):
        yield said(gettext("These streams send nothing yet: %(person)s may not manage streams."))
    if result.withheld:
        text = gettext(
            "These streams have stopped, because %(person)s may not see all that they send (passwords and tokens in "
            "events as received, or the access log): %(things)s. Give them the permission, or choose another format."
        )
        yield said(text, result.withheld)
    if result.left:
        text = gettext(
            "These views still belong to %(owner)s, because they name accounts that %(person)s does not see: "
            "%(things)s."
        )
        yield said(text, result.left)
    if result.narrowed:
        text = gettext(
            "These still send only what is in the accounts that %(owner)s saw, because %(person)s sees more: "
            "%(things)s."
        )
        yield said(text, result.narrowed)
    if result.stopped:
        text = gettext(
            "These no longer do anything, because %(person)s cannot open the view that each looks at: %(things)s. "
            "Share it with a team of theirs, or choose another."
        )
        yield said(text, result.stopped)
