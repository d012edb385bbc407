"""New events of saved views: each account is followed by the sequence numbers of its chain, with a cursor for each
subscription that moves in the transaction which writes down what is to be sent."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from events.alerts import times
from events.alerts.messages.receivers import accounts_of, reader_of
from events.alerts.route import Listeners, add_to_digest, are_too_many
from events.filters.form import EventFilter
from events.models import AuditEvent, ChainHead, Delivery, SavedView, Severity, Subscription, SubscriptionCursor
from events.storage.transactions import write_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2_000  # events of one account that are looked at in one transaction
KEPT = 20  # keys of events that a message can name

HIDDEN, UNREADABLE = "hidden", "unreadable"  # why a subscription tells nothing: `Subscription.problem`


class _Overtaken(Exception):
    """Another worker was quicker: it tells what these cursors pass."""


@dataclass
class Matches:
    """What a view found: how many events of each account, and the first of them."""

    counts: list[tuple[int, int]] = field(default_factory=list)
    events: list[tuple[int, int]] = field(default_factory=list)  # event, account
    spans: list[tuple[int, int, int]] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        return {"counts": self.counts, "events": self.events[:KEPT]}


def begin(subscription: Subscription) -> None:
    """Follow from now on: what is archived already is not told."""
    accounts = [account.pk for account in subscription.accounts_in_sight()]
    _begin(subscription, accounts)


def _begin(subscription: Subscription, accounts: Sequence[int]) -> None:
    heads = dict(ChainHead.objects.filter(account__in=accounts).values_list("account", "seq"))
    SubscriptionCursor.objects.bulk_create(
        [SubscriptionCursor(subscription=subscription, account_id=pk, seq=heads.get(pk, 0)) for pk in accounts],
        ignore_conflicts=True,
    )


def follow_views() -> int:
    """Look at all events that arrived since, for each subscription to a view, so many at a time. Returns how often
    there were any."""
    count = 0
    for subscription in Listeners.now(what=Subscription.What.VIEW).subscriptions:
        try:
            while follow(subscription):
                count += 1
        except Exception:
            # One view that cannot be asked holds up no other.
            logger.exception("The view of alert subscription %s could not be followed", subscription.pk)
    return count


def follow(subscription: Subscription) -> bool:
    """Look at the next events of one subscription. Whether to look again: something was found, or there are more."""
    accounts = accounts_of(subscription)
    known = dict(SubscriptionCursor.objects.filter(subscription=subscription).values_list("account", "seq"))
    fresh = [account.pk for account in accounts if account.pk not in known]
    if fresh:
        _begin(subscription, fresh)  # one that was shared since: from now on
    heads = dict(
        ChainHead.objects.filter(account__in=[account.pk for account in accounts]).values_list("account", "seq")
    )
    behind = {
        account.pk: (known[account.pk], min(heads[account.pk], known[account.pk] + MOST_AT_ONCE))
        for account in accounts
        if account.pk in known and heads.get(account.pk, 0) > known[account.pk]
    }
    if not behind:
        return False
    found, problem = _matches(subscription, behind)
    try:
        _move(subscription, behind, found, problem)
    except _Overtaken:
        return False
    more = any(upto < heads[account] for account, (_before, upto) in behind.items())
    return bool(found.events) or more


def _move(subscription: Subscription, behind: dict[int, tuple[int, int]], found: Matches, problem: str) -> None:
    """Move the cursors and write down what is to be told, all or nothing."""
    with write_turn():
        for account, (before, upto) in sorted(behind.items()):
            row = SubscriptionCursor.objects.filter(subscription=subscription, account=account, seq=before)
            if not row.update(seq=upto):
                raise _Overtaken
        if problem != subscription.problem:
            Subscription.objects.filter(pk=subscription.pk).update(problem=problem)
            subscription.problem = problem
        if found.events:
            _tell(subscription, found)


def _matches(subscription: Subscription, behind: dict[int, tuple[int, int]]) -> tuple[Matches, str]:
    """The events in these spans of sequence numbers that are the view's, asked with the holder's own sight."""
    found = Matches()
    if subscription.view is None or not view_is_visible(subscription):
        return found, HIDDEN
    zone = reader_of(subscription.channel).zone
    with timezone.override(zone):  # days are the holder's
        event_filter = EventFilter(QueryDict(subscription.view.query), accounts=subscription.accounts_in_sight())
        if not event_filter.is_valid():
            return found, UNREADABLE
        for account, (before, upto) in sorted(behind.items()):
            span = AuditEvent.objects.filter(Q(seq__gt=before) & Q(seq__lte=upto), account=account)
            keys = list(event_filter.filter_queryset(span).order_by("seq").values_list("pk", flat=True))
            if keys:
                found.counts.append((account, len(keys)))
                found.events += [(pk, account) for pk in keys[:KEPT]]
                found.spans.append((account, before, upto))
    return found, ""


def view_is_visible(subscription: Subscription) -> bool:
    """Whether the holder may still open the view: an own one or of a team; a team's must be shared with just that."""
    own = SavedView.objects.visible_to(subscription.owner) if subscription.owner else None
    views = SavedView.objects.filter(team=subscription.team_id) if own is None else own
    return subscription.view_id is not None and bool(views.filter(pk=subscription.view_id).exists())


def _tell(subscription: Subscription, found: Matches) -> None:
    now = timezone.now()
    pace = subscription.pace
    if are_too_many(subscription, now, kind=Delivery.Kind.VIEW):  # such as all that a new account brings
        pace = Subscription.Pace.HOURLY
    due = times.due_at(subscription, Severity.INFORMATIONAL, reader_of(subscription.channel).zone, now, pace)
    if pace != Subscription.Pace.AT_ONCE:
        add_to_digest(subscription, due, now, content=found.content())
        return
    occasion = hashlib.sha256(repr(found.spans).encode()).hexdigest()[:40]
    Delivery.objects.create(
        subscription=subscription,
        channel=subscription.channel,
        kind=Delivery.Kind.VIEW,
        occasion=f"view {occasion}",
        content=found.content(),  # type: ignore[misc]
        created_at=now,
        due_at=due,
    )
