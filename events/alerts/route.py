"""Who is told of which finding. What is to be sent is written in the transaction that notes the finding as routed, so
that nothing is lost or told twice wherever a process ends."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, Max
from django.utils import timezone

from events.alerts import times
from events.alerts.messages.receivers import accounts_of, reader_of
from events.detection.findings import writing
from events.models import Delivery, DigestItem, Finding, FindingAccount, FindingChange, Subscription
from events.reading.standing import standing_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from events.alerts.messages.receivers import Reader

logger = logging.getLogger(__name__)

BATCH = 100
APART = timedelta(minutes=10)  # between two messages that a finding has grown
MOST_AN_HOUR = 100  # messages of a rule's findings, or of a view, that go out at once; the others go out together
NEWS = timedelta(days=7)  # a finding that grew by older events alone is not told again


@dataclass
class Listeners:
    """All subscriptions in force, with what each may see: read once for a batch."""

    subscriptions: list[Subscription]
    _accounts: dict[int, frozenset[int]] = field(default_factory=dict)
    _readers: dict[int, Reader] = field(default_factory=dict)

    @classmethod
    def now(cls, **narrowed: Any) -> Listeners:
        found = Subscription.objects.filter(is_active=True, channel__is_active=True, **narrowed).select_related(
            "owner__profile", "channel__owner__profile", "view", "escalate_to"
        )
        return cls([each for each in found if each.owner is None or each.owner.is_active])

    def accounts(self, subscription: Subscription) -> frozenset[int]:
        """Keys of the accounts that the subscription is about, of those its holder may see."""
        if subscription.pk not in self._accounts:
            self._accounts[subscription.pk] = frozenset(account.pk for account in accounts_of(subscription))
        return self._accounts[subscription.pk]

    def reader(self, subscription: Subscription) -> Reader:
        if subscription.channel_id not in self._readers:
            self._readers[subscription.channel_id] = reader_of(subscription.channel)
        return self._readers[subscription.channel_id]

    def of(self, parts: Sequence[FindingAccount]) -> list[Subscription]:
        """Those that want to know of a finding with these parts: of those that they may see, something is left to be
        done."""
        return [each for each in self.subscriptions if self._is_wanted(each, parts)]

    def _is_wanted(self, subscription: Subscription, parts: Sequence[FindingAccount]) -> bool:
        if subscription.what == Subscription.What.RULE and subscription.rule != parts[0].rule:
            return False
        its = [part for part in parts if part.account_id in self.accounts(subscription)]
        if not its or not (standing := standing_of(its)).is_unfinished:
            return False
        return subscription.what == Subscription.What.RULE or bool(
            subscription.what == Subscription.What.SEVERITY and standing.severity >= subscription.severity
        )


def route_findings() -> int:
    """Write down what is to be sent of all findings that are new or have grown. Returns of how many."""
    done = 0
    while keys := _unrouted():
        listeners = Listeners.now(what__in=(Subscription.What.SEVERITY, Subscription.What.RULE))
        for pk in keys:
            # As all who write findings: with a lock on one alone, it and an evaluation could wait for each other.
            with writing.turn():
                done += _route(pk, listeners)
    return done


def _unrouted() -> list[int]:
    new = Finding.objects.filter(routed_at=None).order_by("id").values_list("pk", flat=True)[:BATCH]
    grown = Finding.objects.filter(extended_at__gt=F("routed_at")).order_by("id").values_list("pk", flat=True)[:BATCH]
    return [*new, *grown]


def _route(pk: int, listeners: Listeners) -> bool:
    """One finding, within a transaction."""
    finding = Finding.objects.filter(pk=pk).first()
    if finding is None:
        return False
    routed, grown = finding.routed_at, finding.extended_at
    if routed is not None and (grown is None or grown <= routed):
        return False  # another worker was quicker
    now = timezone.now()
    is_news = finding.routed_at is None or finding.last_at >= now - NEWS
    if finding.state in Finding.UNFINISHED and is_news:
        parts = list(FindingAccount.objects.filter(finding=finding).order_by("account_id"))
        grown_in = _grown_in(finding, {part.account_id for part in parts})
        for subscription in listeners.of(parts) if parts else ():
            # Who sees only what has not grown is not told that the rest has.
            if grown_in & listeners.accounts(subscription) or routed is None and not was_told(subscription, finding):
                tell(finding, subscription, listeners.reader(subscription), now)
    # Not the present: what is being added to it at this moment carries an earlier time, and is told next.
    Finding.objects.filter(pk=pk).update(routed_at=finding.extended_at or finding.found_at)
    return True


def _grown_in(finding: Finding, accounts: set[int]) -> set[int]:
    """Of a finding's accounts those that events were added of since it was routed; all, where that is not noted."""
    if finding.extended_at is None:
        return accounts if finding.routed_at is None else set()
    added = finding.changes.filter(action=FindingChange.Action.EXTENDED)
    if finding.routed_at is None:  # it is new, or came up again
        added = added.filter(at=finding.extended_at)
    else:
        added = added.filter(at__gt=finding.routed_at)
    noted: list[Any] = list(added.values_list("accounts", flat=True))
    if not noted:
        return accounts
    return {account for each in noted for account in (accounts if each is None else each)} & accounts


def was_told(subscription: Subscription, finding: Finding) -> bool:
    """Whether the subscription has a message about the finding already, by itself or in a digest."""
    told = Delivery.objects.filter(subscription=subscription, finding=finding)
    return bool(told.exists() or _is_in_digest(subscription, finding))


def _is_in_digest(subscription: Subscription, finding: Finding) -> bool:
    return bool(DigestItem.objects.filter(delivery__subscription=subscription, finding=finding).exists())


def tell(finding: Finding, subscription: Subscription, reader: Reader, now: datetime) -> None:
    """Write down that a subscription is to be told of a finding, or that it has grown. Within a transaction."""
    due = times.due_at(subscription, finding.severity, reader.zone, now)
    if subscription.pace != Subscription.Pace.AT_ONCE:
        add_to_digest(subscription, due, now, finding=finding)
        return
    earlier = Delivery.objects.filter(subscription=subscription, finding=finding)
    if not earlier.filter(occasion=Delivery.Kind.OPENED).exists() and not _is_in_digest(subscription, finding):
        if are_too_many(subscription, now, kind=Delivery.Kind.OPENED, finding__rule=finding.rule):
            due = times.due_at(subscription, finding.severity, reader.zone, now, Subscription.Pace.HOURLY)
            digest = add_to_digest(subscription, due, now, finding=finding)
            Delivery.objects.filter(pk=digest.pk).update(**follow_ups_of(subscription, due))
            return
        _create(subscription, finding, Delivery.Kind.OPENED, Delivery.Kind.OPENED, now, due)
        return
    grown = (Delivery.Kind.OPENED, Delivery.Kind.EXTENDED)
    if (
        finding.extended_at is None
        or earlier.filter(kind__in=grown, state=Delivery.State.WAITING, lease_until=None).exists()
    ):
        return  # what waits will tell the newest
    last = earlier.filter(kind=Delivery.Kind.EXTENDED).aggregate(last=Max("due_at"))["last"]
    if last:
        due = max(due, last + APART)
    _create(subscription, finding, Delivery.Kind.EXTENDED, f"extended {finding.extended_at.isoformat()}", now, due)


def _create(
    subscription: Subscription, finding: Finding, kind: str, occasion: str, now: datetime, due: datetime
) -> None:
    follows = follow_ups_of(subscription, due) if kind == Delivery.Kind.OPENED else {}
    Delivery.objects.bulk_create(
        [
            Delivery(
                subscription=subscription,
                channel=subscription.channel,
                finding=finding,
                kind=kind,
                occasion=occasion,
                created_at=now,
                due_at=due,
                **follows,
            )
        ],
        ignore_conflicts=True,
    )


def follow_ups_of(subscription: Subscription, due: datetime) -> dict[str, datetime | None]:
    """When a reminder and an escalation follow what is told then, unless somebody acknowledges it."""
    every, after = subscription.remind_every, subscription.escalate_after
    return {
        "remind_at": due + timedelta(minutes=every) if every else None,
        "escalate_at": due + timedelta(minutes=after) if after and subscription.escalate_to_id else None,
    }


def are_too_many(subscription: Subscription, now: datetime, **same: Any) -> bool:
    """Whether so many messages like this went out at once within an hour that people stop reading them. A rule that
    floods a channel delays its own findings, not those of other rules."""
    hour = timedelta(hours=1)
    # Later ones were written under a clock that was ahead.
    lately = Delivery.objects.filter(subscription=subscription, created_at__range=(now - hour, now + hour), **same)
    return len(lately.order_by().values_list("pk")[:MOST_AN_HOUR]) == MOST_AN_HOUR


def add_to_digest(
    subscription: Subscription,
    due: datetime,
    now: datetime,
    *,
    finding: Finding | None = None,
    content: dict[str, Any] | None = None,
) -> Delivery:
    """Have something told with others, by the digest that goes out then. Within a transaction. Returns the digest."""
    digest = _open_digest(subscription, due, now)
    item = DigestItem(delivery=digest, finding=finding)
    item.content = content
    DigestItem.objects.bulk_create([item], ignore_conflicts=True)
    return digest


def _open_digest(subscription: Subscription, due: datetime, now: datetime) -> Delivery:
    """The digest that goes out then, locked, so that it is not sent while something is added; another one where that
    was sent already, under a clock that was ahead."""
    for number in itertools.count():
        digest, _made = Delivery.objects.get_or_create(
            subscription=subscription,
            finding=None,
            occasion=f"digest {due.astimezone(UTC).isoformat(timespec='seconds')}{f' {number}' if number else ''}",
            defaults={"channel": subscription.channel, "kind": Delivery.Kind.DIGEST, "created_at": now, "due_at": due},
        )
        free = Delivery.objects.select_for_update().filter(pk=digest.pk, state=Delivery.State.WAITING, lease_until=None)
        if free.first():
            break
    return digest
