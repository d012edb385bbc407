"""Teams and people, with what the archive keeps of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext, ngettext

from accounts.admin import TeamAdmin
from events import handover
from events.admin.handover import HandingOverAdmin
from events.archive import permanent
from events.models import Channel, EvidencePack, ReviewSchedule, SavedView, Subscription
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django.http import HttpRequest

admin.site.unregister(Group)
admin.site.unregister(User)


@admin.register(Group)
class SharingTeamAdmin(TeamAdmin):
    """Teams, and the views that are shared with them."""

    def consequences(self, request: HttpRequest, obj: Group) -> list[Any]:
        said = super().consequences(request, obj)
        if views := SavedView.objects.filter(team=obj).count():
            text = ngettext(
                "A saved view shared with it becomes its owner's alone.",
                "%(count)s saved views shared with it become their owners' alone.",
                views,
            )
            said.append(text % {"count": grouped(views)})
        return said


@admin.register(User)
class RecordedPersonAdmin(HandingOverAdmin):
    """People, and what they left in the archive."""

    def obstacles(self, request: HttpRequest, obj: User) -> list[Any]:
        return [*super().obstacles(request, obj), *permanent.of_person(obj)]

    def consequences(self, request: HttpRequest, obj: User) -> list[Any]:
        said = super().consequences(request, obj)
        views = SavedView.objects.filter(owner=obj).count()
        if views:
            text = ngettext(
                "A saved view of this person is deleted too, even if a team uses it.",
                "%(count)s saved views of this person are deleted too, even those that a team uses.",
                views,
            )
            said.append(text % {"count": grouped(views)})
        things = handover.things_of(obj)
        ending = {model: things[model] for model in (Channel, Subscription) if model in things}
        if ending:
            text = gettext("Deleted too: %(things)s. To keep what others rely on, hand it over first.")
            said.append(text % {"things": handover.in_words(ending)})
        schedules = ReviewSchedule.objects.filter(owner=obj).count()
        if schedules:
            text = ngettext(
                "A review schedule of this person ends, and its history is deleted. Reviews that were signed stay.",
                "%(count)s review schedules of this person end, and their history is deleted. Reviews that were signed "
                "stay.",
                schedules,
            )
            said.append(text % {"count": grouped(schedules)})
        packs = EvidencePack.objects.filter(requested_by=obj).count()
        if packs:
            text = ngettext(
                "An evidence pack that this person asked for can no longer be downloaded.",
                "%(count)s evidence packs that this person asked for can no longer be downloaded.",
                packs,
            )
            said.append(text % {"count": grouped(packs)})
        return said
