"""Own detection rules in the admin: their list with a switch. They are written, tried and read on the site's own pages,
to which the admin leads, because a rule is tried over the archive before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import ExplainedDeletion
from events.detection.rules import own_rules
from events.models import Finding, OwnRule
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


@admin.register(OwnRule)
class OwnRuleAdmin(ExplainedDeletion):
    """Whoever may write rules may do all of this; nobody else sees it."""

    list_display = ("title", "is_enabled", "version", "changed_at", "changed_by")
    list_display_links = None
    list_filter = ("is_enabled",)
    list_select_related = ("changed_by",)
    search_fields = ("title", "uid", "text")
    actions = ("enable", "disable")
    switches_off = False  # by an action, and on the rule's own page

    def has_module_permission(self, request: HttpRequest) -> bool:
        return own_rules.may_write(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return own_rules.may_write(request.user)

    has_add_permission = has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return own_rules.may_write(request.user) and super().has_delete_permission(request, obj)

    # --- the site's pages -------------------------------------------------------------------------------------------

    def get_list_display(self, request: HttpRequest) -> Any:
        return ("link", *self.list_display[1:], "delete_link")

    @admin.display(description=_("title"), ordering="title")
    def link(self, own: OwnRule) -> str:
        return format_html('<a href="{}">{}</a>', reverse("events:rule", args=[own.uid]), own.title)

    @admin.display(description="")
    def delete_link(self, own: OwnRule) -> str:
        return format_html(
            '<a class="deletelink" href="{}">{}</a>',
            reverse("admin:events_ownrule_delete", args=[own.pk]),
            gettext("Delete"),
        )

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return self._on_the_site(request, reverse("events:rule_new"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return self._on_the_site(request, self._page_with(object_id))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return self._on_the_site(request, self._page_with(object_id))

    def _page_with(self, object_id: str) -> str:
        """The page of the rule with this key; the list, where there is none."""
        own = self.model.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        return self.page_of(own) if own else reverse("admin:events_ownrule_changelist")

    def _on_the_site(self, request: HttpRequest, address: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(address)

    def page_of(self, obj: OwnRule) -> str:
        return reverse("events:rule", args=[obj.uid])

    # --- leaving ----------------------------------------------------------------------------------------------------

    def consequences(self, request: HttpRequest, obj: OwnRule) -> list[Any]:
        said = [
            gettext("Its text and all its versions (%(count)s) are deleted. To keep them, switch it off instead.")
            % {"count": grouped(obj.version)}
        ]
        if count := Finding.objects.filter(rule=obj.uid).count():
            text = ngettext(
                "What it found stays: %(count)s finding.", "What it found stays: %(count)s findings.", count
            )
            said.append(text % {"count": grouped(count)})
        return said

    # --- switching --------------------------------------------------------------------------------------------------

    @admin.action(description=_("Switch on"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[OwnRule]) -> None:
        """Have the selected rules evaluated; one that cannot be read stays off, and it is said why."""
        self._switch_all(request, queryset, on=True)

    @admin.action(description=_("Switch off"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[OwnRule]) -> None:
        """Have the selected rules evaluated no longer. What they found stays."""
        self._switch_all(request, queryset, on=False)

    def _switch_all(self, request: HttpRequest, queryset: QuerySet[OwnRule], *, on: bool) -> None:
        done = 0
        for own in queryset:
            try:
                own_rules.switch_own(own, request.user, on=on)
            except own_rules.Refused as error:
                for problem in own_rules.told(error.problems):
                    self.message_user(request, str(problem), messages.ERROR)
                continue
            done += 1
        if on:
            text = ngettext("%(count)s rule is on.", "%(count)s rules are on.", done)
        else:
            text = ngettext("%(count)s rule is off.", "%(count)s rules are off.", done)
        if done:
            self.message_user(request, text % {"count": done}, messages.SUCCESS)
