"""What others rely on of a person who leaves, and handing it to somebody else.

Accounts, saved views that others use, and the person's own channels, subscriptions, streams, reports and review
schedules. API tokens and evidence packs are left out: they are the person's alone, and end with them. What belongs to a
team stays the team's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from accounts.models import NexmoAccount
from events.models import Channel, Report, ReviewSchedule, SavedView, Stream, Subscription

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import QuerySet

WITH_VIEWS = (Subscription, Stream, Report, ReviewSchedule)  # each looks at a saved view
WITH_ADDRESSES = (Channel, Stream)  # each sends to an address that the new owner has not chosen


class Refused(Exception):
    """Why nothing was handed over, in a sentence for a person."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing that is handed over.

    Attributes:
        words: how many there are, for `% {"count": number}`.
        of: those of a person.
    """

    words: Any
    of: Callable[[User], QuerySet[Any]]


def _owned(model: Any) -> Callable[[User], QuerySet[Any]]:
    return lambda person: model.objects.filter(owner=person)


def _needed_views(person: User) -> QuerySet[SavedView]:
    """A person's views that a team sees, or that something looks at: deleting one would change or end that."""
    used = Q(team__isnull=False)
    for model in WITH_VIEWS:
        used |= Q(pk__in=model.objects.filter(view__owner=person).order_by().values("view"))
    views: QuerySet[SavedView] = SavedView.objects.filter(used, owner=person)
    return views


KINDS: Mapping[Any, Kind] = {
    NexmoAccount: Kind(ngettext_lazy("%(count)s account", "%(count)s accounts", "count"), _owned(NexmoAccount)),
    SavedView: Kind(
        ngettext_lazy("%(count)s saved view that others use", "%(count)s saved views that others use", "count"),
        _needed_views,
    ),
    Channel: Kind(ngettext_lazy("%(count)s alert channel", "%(count)s alert channels", "count"), _owned(Channel)),
    Subscription: Kind(
        ngettext_lazy("%(count)s alert subscription", "%(count)s alert subscriptions", "count"), _owned(Subscription)
    ),
    Stream: Kind(ngettext_lazy("%(count)s stream", "%(count)s streams", "count"), _owned(Stream)),
    Report: Kind(ngettext_lazy("%(count)s report", "%(count)s reports", "count"), _owned(Report)),
    ReviewSchedule: Kind(
        ngettext_lazy("%(count)s review schedule", "%(count)s review schedules", "count"), _owned(ReviewSchedule)
    ),
}


def things_of(person: User) -> dict[Any, list[Any]]:
    """What there is to hand over, by model; kinds of which there is nothing are left out."""
    found = {model: list(kind.of(person)) for model, kind in KINDS.items()}
    return {model: things for model, things in found.items() if things}


def in_words(things: Mapping[Any, list[Any]]) -> str:
    """Such as "2 accounts, 1 stream"."""
    return ", ".join(str(KINDS[model].words % {"count": len(found)}) for model, found in things.items())


def leavers() -> Q:
    """People who are switched off and have something that should be handed over."""
    having = Q(pk__in=SavedView.objects.filter(team__isnull=False).order_by().values("owner"))
    for model in KINDS:
        if model is not SavedView:
            having |= Q(pk__in=model.objects.filter(owner__isnull=False).order_by().values("owner"))
    return having & Q(is_active=False)


@transaction.atomic
def hand_over(person: User, to: User, *, switch_off: bool = True) -> dict[Any, list[Any]]:
    """Make somebody else the owner of all that a person is relied on for. What was handed over, by model.

    Args:
        switch_off: whether channels and streams wait until their new owner has looked where they send.

    Raises:
        Refused: the other person cannot log in, or is the same.
    """
    if person.pk == to.pk or not User.objects.filter(pk=to.pk, is_active=True).exists():
        raise Refused(_("Choose somebody else, who can log in."))
    things = things_of(person)
    now = timezone.now()
    names = set(SavedView.objects.filter(owner=to).values_list("name", flat=True))
    for view in things.get(SavedView, ()):
        view.owner, view.name, view.updated_at = to, _free_name(view.name, person, names), now
        names.add(view.name)
        view.save(update_fields=["owner", "name", "updated_at"])
    for model, found in things.items():
        if model is SavedView:
            continue
        changes: dict[str, Any] = {"owner": to}
        if model is not NexmoAccount:
            changes["updated_at"] = now  # a worker that is just sending it notices, and stops
        if switch_off and model in WITH_ADDRESSES:
            changes["is_active"] = False
        model.objects.filter(pk__in=[thing.pk for thing in found]).update(**changes)
    return things


def _free_name(name: str, person: User, taken: set[str]) -> str:
    """The view's name, or one that says whose it was where the new owner has a view of that name already."""
    longest = SavedView._meta.get_field("name").max_length or 0
    number, free = 1, name
    while free in taken:
        ending = f" ({person.get_username()[:30]})" if number == 1 else f" ({person.get_username()[:30]} {number})"
        free, number = name[: longest - len(ending)] + ending, number + 1
    return free
