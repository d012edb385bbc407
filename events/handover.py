"""What others rely on of a person who leaves, and handing it to somebody else.

Accounts, saved views that others use, and the person's own channels, subscriptions, streams, reports and review
schedules. API tokens and evidence packs are left out: they are the person's alone, and end with them. What belongs to a
team stays the team's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy, override

from accounts import permissions
from accounts.models import NexmoAccount
from events.detection.findings import triage
from events.detection.findings.sight import Person, Sight
from events.filters.saved import Openable, openable_views
from events.models import (
    Channel,
    Finding,
    FindingAccount,
    FindingChange,
    Report,
    ReviewSchedule,
    SavedView,
    Stream,
    Subscription,
)
from events.streams.read import may_have_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from django.db.models import QuerySet

WITH_VIEWS = (Subscription, Stream, Report, ReviewSchedule)  # each looks at a saved view
WITH_ADDRESSES = (Channel, Stream)  # each sends to an address that the new owner has not chosen
WITH_ACCOUNTS = (Subscription, Stream)  # each tells that address of accounts

ASSIGNED_AT_ONCE = 100  # findings: others who write some wait so long


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
    rows = model.objects.select_related("view") if model in WITH_VIEWS else model.objects.all()  # named after it
    return lambda person: rows.filter(owner=person)


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


def findings_of(person: User) -> QuerySet[FindingAccount]:
    """The parts of findings that are assigned to a person and still to be dealt with."""
    parts: QuerySet[FindingAccount] = FindingAccount.objects.filter(assigned_to=person, state__in=Finding.UNFINISHED)
    return parts


def findings_in_words(person: User) -> str:
    """Such as "2 open findings"; "" where none is assigned to the person."""
    count = findings_of(person).order_by().values("finding").distinct().count()
    return ngettext("%(count)s open finding", "%(count)s open findings", count) % {"count": count} if count else ""


def may_take_findings(person: User, to: User) -> bool:
    """Whether somebody may handle all that is assigned to a person, once that person's accounts are theirs too."""
    seen = NexmoAccount.objects.keys_visible_to(to).keys()
    others = findings_of(person).exclude(account__in=[*seen]).exclude(account__owner=person)
    return to.has_perm(permissions.TRIAGE) and not others.exists()


def assign_findings(person: User, to: User | None, by: User) -> int:
    """Assign to somebody else, or to nobody, what is assigned to a person. Returns how many findings that were."""
    within: dict[int, set[int]] = {}
    for finding, account in findings_of(person).order_by("finding").values_list("finding", "account"):
        within.setdefault(finding, set()).add(account)
    deed = triage.Deed(FindingChange.Action.ASSIGNED, person=Person(to.pk, to.get_username()) if to else None)
    sight, keys, done = Sight.of(by), list(within), 0
    for at in range(0, len(keys), ASSIGNED_AT_ONCE):
        parts = sight.parts_of(keys[at : at + ASSIGNED_AT_ONCE])
        versions = {key: triage.version_of(part) for key, part in parts.items()}
        done += len(triage.act(sight, deed, versions, within).changed)
    return done


def things_of(person: User) -> dict[Any, list[Any]]:
    """What there is to hand over, by model; kinds of which there is nothing are left out."""
    found = {model: list(kind.of(person)) for model, kind in KINDS.items()}
    return {model: things for model, things in found.items() if things}


def may_have_all_of(user: User, stream: Stream) -> bool:
    """Whether somebody may see what the stream sends in its format, or the access log, if it sends that."""
    if stream.contents == Stream.Contents.ACCESS and not user.has_perm(permissions.VIEW_ACCESS_LOG):
        return False
    return may_have_whole(user, stream)


def in_words(things: Mapping[Any, list[Any]]) -> str:
    """Such as "2 accounts, 1 stream"."""
    return ", ".join(str(KINDS[model].words % {"count": len(found)}) for model, found in things.items())


def all_in_words(person: User) -> str:
    """What a person is relied on for, findings too; "" where there is nothing."""
    return ", ".join(filter(None, (in_words(things_of(person)), findings_in_words(person))))


def called(thing: Any) -> str:
    """What a thing is known by: a name of its own, or that of what it tells."""
    if isinstance(thing, NexmoAccount):
        return str(thing)
    return str(getattr(thing, "name", "") or getattr(thing, "title", "") or thing.view.name)


def leavers() -> Q:
    """People who are switched off and have something that should be handed over."""
    having = Q(pk__in=SavedView.objects.filter(team__isnull=False).order_by().values("owner"))
    for model in KINDS:
        if model is not SavedView:
            having |= Q(pk__in=model.objects.filter(owner__isnull=False).order_by().values("owner"))
    assigned = FindingAccount.objects.filter(assigned_to__isnull=False, state__in=Finding.UNFINISHED)
    having |= Q(pk__in=assigned.order_by().values("assigned_to"))
    return having & Q(is_active=False)


@dataclass
class HandedOver:
    """What became of a person's things.

    Attributes:
        things: what has a new owner, by model.
        left: views that stay the person's: they name accounts that the new owner does not see.
        narrowed: what keeps to the accounts that the person saw, where the new owner sees more.
        stopped: what does nothing any more: its view is not the new owner's to open.
        withheld: streams that send nothing any more: all that they send is not the new owner's to see.
    """

    things: dict[Any, list[Any]] = field(default_factory=dict)
    left: list[SavedView] = field(default_factory=list)
    narrowed: list[Any] = field(default_factory=list)
    stopped: list[Any] = field(default_factory=list)
    withheld: list[Stream] = field(default_factory=list)


@transaction.atomic
def hand_over(person: User, to: User, *, by: User, switch_off: bool = True) -> HandedOver:
    """Make somebody else the owner of all that a person is relied on for, and write that down for each.

    Args:
        by: who does it.
        switch_off: whether channels and streams wait until their new owner has looked where they send.

    Raises:
        Refused: the other person cannot log in, or is the same.
    """
    if person.pk == to.pk or not User.objects.filter(pk=to.pk, is_active=True).exists():
        raise Refused(_("Choose somebody else, who can log in."))
    before = _sight_of(person)
    found, result = things_of(person), HandedOver()
    accounts = found.pop(NexmoAccount, [])  # first: what the new owner sees decides about the others
    _give(result, accounts, person, to, {})
    _give_views(result, found.pop(SavedView, []), person, to)
    for model, things in found.items():
        off = {"is_active": False} if switch_off and model in WITH_ADDRESSES else {}
        _give(result, things, person, to, {"updated_at": timezone.now(), **off})  # whoever is just sending it stops
    after = NexmoAccount.objects.keys_visible_to(to).keys()
    for model in WITH_ACCOUNTS:
        result.narrowed += [thing for thing in result.things.get(model, ()) if _narrow(thing, before, after)]
    looking = [thing for model in WITH_VIEWS for thing in result.things.get(model, ()) if thing.view_id]
    openable = set(openable_views(to).filter(pk__in={thing.view_id for thing in looking}).values_list("pk", flat=True))
    result.withheld = [stream for stream in result.things.get(Stream, ()) if not may_have_all_of(to, stream)]
    result.stopped = [thing for thing in looking if thing.view_id not in openable]
    _log(result, person, to, by)
    return result


def _sight_of(person: User) -> Set[int]:
    """The accounts that a person sees, or would if they could log in."""
    able = User.objects.get(pk=person.pk)
    able.is_active = True
    return NexmoAccount.objects.keys_visible_to(able).keys()


def _give(result: HandedOver, things: list[Any], person: User, to: User, changes: Mapping[str, Any]) -> None:
    """Make things another's, unless they have become somebody else's meanwhile."""
    for thing in things:
        if type(thing).objects.filter(pk=thing.pk, owner=person).update(owner=to, **changes):
            result.things.setdefault(type(thing), []).append(thing)


def _give_views(result: HandedOver, views: list[SavedView], person: User, to: User) -> None:
    """The same for views; those stay that would name accounts to the new owner which that person does not see."""
    is_openable, now = Openable(to), timezone.now()
    names = set(SavedView.objects.filter(owner=to).values_list("name", flat=True))
    for view in views:
        if not is_openable(view.owner_id, view.query):
            result.left.append(view)
            continue
        view.name = _free_name(view.name, person, names)
        names.add(view.name)
        _give(result, [view], person, to, {"name": view.name, "updated_at": now})


def _narrow(thing: Any, before: Set[int], after: Set[int]) -> bool:
    """Have a thing go on telling of no more than it did. Whether that takes anything: it may send to an address of the
    person who leaves."""
    told = after if thing.all_accounts else after & set(thing.accounts.values_list("pk", flat=True))
    if told <= before:
        return False
    type(thing).objects.filter(pk=thing.pk).update(all_accounts=False)
    thing.accounts.set(told & before)
    return True


def _log(result: HandedOver, person: User, to: User, by: User) -> None:
    """In each thing's history, and in the person's, which names them all. Within the transaction."""
    names = [called(thing) for things in result.things.values() for thing in things]
    with override("en"):
        told = f"Handed over to {to}: {in_words(result.things)} ({', '.join(names)})."
    for things in result.things.values():
        LogEntry.objects.log_actions(by.pk, things, CHANGE, f"Owner changed from {person} to {to}.")
    for narrowed in result.narrowed:
        text = f"Narrowed to the accounts that {person} saw."
        LogEntry.objects.log_actions(by.pk, [narrowed], CHANGE, text)
    if names:
        LogEntry.objects.log_actions(by.pk, [person], CHANGE, told, single_object=True)


def _free_name(name: str, person: User, taken: set[str]) -> str:
    """The view's name, or one that says whose it was where the new owner has a view of that name already."""
    longest = SavedView._meta.get_field("name").max_length or 0
    number, free = 1, name
    while free in taken:
        ending = f" ({person.get_username()[:30]})" if number == 1 else f" ({person.get_username()[:30]} {number})"
        free, number = name[: longest - len(ending)] + ending, number + 1
    return free
