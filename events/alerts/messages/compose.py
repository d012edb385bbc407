"""What one delivery says, made at the moment it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from events.alerts.messages import bodies, texts
from events.alerts.messages.facts import Event, Facts, address, events_by_keys, facts_of
from events.alerts.messages.message import Message
from events.alerts.messages.receivers import accounts_of, reader_of
from events.models import Delivery, DigestItem, Finding, FindingAccount
from events.wording import delivery_problems as problems
from events.wording.safe_text import quoted, subject

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import NexmoAccount
    from events.models import SavedView, Subscription

MOST_EVENTS = 20  # of a view, in one message
MOST_FINDINGS = 100  # of a digest; the others are counted
NOT_FINDINGS = (Finding.State.SUPPRESSED, Finding.State.WITHDRAWN)
EVENT_TYPES = {
    Delivery.Kind.OPENED: "finding.opened",
    Delivery.Kind.EXTENDED: "finding.extended",
    Delivery.Kind.REMINDER: "finding.reminder",
    Delivery.Kind.ESCALATED: "finding.escalated",
}


class NotNeeded(Exception):
    """There is nothing to send, or nobody to tell. Its text is a code of `events.wording.delivery_problems`."""


def compose(delivery: Delivery) -> Message:
    """The message of a delivery, of what its receivers may see now.

    Raises:
        NotNeeded: nothing is left of it.
    """
    reader = reader_of(delivery.channel)
    with reader.reading():
        if delivery.kind == Delivery.Kind.TEST:
            return _test(delivery)
        if delivery.subscription is None or not delivery.subscription.is_active or _holder_is_gone(delivery):
            raise NotNeeded(problems.OFF)
        accounts = accounts_of(delivery.subscription)
        if delivery.kind == Delivery.Kind.DIGEST:
            return _digest(delivery, delivery.subscription, accounts)
        if delivery.kind == Delivery.Kind.VIEW:
            return _view(delivery, delivery.subscription, accounts)
        if delivery.finding_id is None and delivery.content:
            return _many(delivery, delivery.subscription, accounts)
        return _finding(delivery, delivery.subscription, accounts)


def _holder_is_gone(delivery: Delivery) -> bool:
    owner = delivery.channel.owner
    return owner is not None and not owner.is_active


def _finding(delivery: Delivery, subscription: Subscription, accounts: list[NexmoAccount]) -> Message:
    finding = delivery.finding
    if finding is None or finding.state in NOT_FINDINGS:
        raise NotNeeded(problems.SETTLED)
    if finding.state == Finding.State.RESOLVED:
        raise NotNeeded(problems.SETTLED)
    nags = delivery.kind in (Delivery.Kind.REMINDER, Delivery.Kind.ESCALATED)
    if nags and finding.state != Finding.State.OPEN:
        raise NotNeeded(problems.SETTLED)
    facts = facts_of(finding, accounts)
    if facts is None:
        raise NotNeeded(problems.GONE)
    return Message(
        EVENT_TYPES[Delivery.Kind(delivery.kind)],
        texts.finding_title(facts, delivery.kind),
        texts.finding_body(facts, delivery.kind),
        {"finding": bodies.finding(facts), "subscription": bodies.subscription(subscription)},
        finding.severity,
        facts.url,
        finding.key,
    )


def _digest(delivery: Delivery, subscription: Subscription, accounts: list[NexmoAccount]) -> Message:
    listed = _findings_of(delivery, accounts)
    count = listed.count()
    told = (facts_of(finding, accounts) for finding in listed[:MOST_FINDINGS])
    findings: list[Facts] = [facts for facts in told if facts]
    total, events = 0, list[Event]()
    for item in delivery.items.exclude(content=None).order_by("id"):
        more, its = _view_events(item.content or {}, accounts, MOST_EVENTS - len(events))
        total, events = total + more, [*events, *its]
    if not findings and not events:
        raise NotNeeded(problems.GONE)
    url = address(reverse("events:findings"))
    if events and subscription.view:
        url = address(subscription.view.get_absolute_url())
    return Message(
        "digest",
        texts.digest_title(count, total),
        texts.digest_body(findings, count, texts.event_lines(events, total), url),
        {
            "findings": [bodies.finding(facts) for facts in findings],
            "finding_count": count,
            "events": [bodies.event(event) for event in events],
            "event_count": total,
            "subscription": bodies.subscription(subscription),
        },
        max((facts.finding.severity for facts in findings), default=0),
        url,
        delivery.key,
    )


def _many(delivery: Delivery, subscription: Subscription, accounts: list[NexmoAccount]) -> Message:
    """A reminder or escalation of findings that went out together."""
    content: Any = delivery.content
    items = DigestItem.objects.filter(delivery__in=content.get("digests", ()), delivery__subscription=subscription)
    listed = _visible(items, accounts).filter(state=Finding.State.OPEN).order_by("-severity", "pk")
    count = listed.count()
    told = (facts_of(finding, accounts) for finding in listed[:MOST_FINDINGS])
    findings = [facts for facts in told if facts]
    if not findings:
        raise NotNeeded(problems.SETTLED)
    url = address(reverse("events:findings"))
    return Message(
        f"digest.{EVENT_TYPES[Delivery.Kind(delivery.kind)].partition('.')[2]}",
        texts.many_title(count, delivery.kind),
        texts.many_body(findings, count, url),
        {
            "findings": [bodies.finding(facts) for facts in findings],
            "finding_count": count,
            "subscription": bodies.subscription(subscription),
        },
        max(facts.finding.severity for facts in findings),
        url,
        delivery.key,
    )


def _visible(items: Any, accounts: list[NexmoAccount]) -> QuerySet[Finding]:
    """Findings that items of digests tell, as far as they lie in these accounts."""
    parts = FindingAccount.objects.filter(finding=OuterRef("pk"), account__in=[account.pk for account in accounts])
    rows: QuerySet[Finding] = Finding.objects.filter(Exists(parts), pk__in=items.order_by().values("finding"))
    return rows


def _findings_of(delivery: Delivery, accounts: list[NexmoAccount]) -> QuerySet[Finding]:
    """What is left to tell of a digest's findings, the worst first."""
    rows = _visible(delivery.items, accounts)
    return rows.exclude(state__in=(*NOT_FINDINGS, Finding.State.RESOLVED)).order_by("-severity", "pk")


def _view(delivery: Delivery, subscription: Subscription, accounts: list[NexmoAccount]) -> Message:
    view: SavedView | None = subscription.view
    total, events = _view_events(delivery.content or {}, accounts)
    if view is None or not events:
        raise NotNeeded(problems.GONE)
    url = address(view.get_absolute_url())
    return Message(
        "view.matched",
        texts.view_title(view.name, total),
        texts.bounded(texts.event_lines(events, total), url),
        {
            "view": {"id": view.pk, "name": view.name, "url": url},
            "event_count": total,
            "events": [bodies.event(event) for event in events],
            "subscription": bodies.subscription(subscription),
        },
        url=url,
        topic=delivery.key,
    )


def _view_events(
    content: dict[str, Any], accounts: list[NexmoAccount], most: int = MOST_EVENTS
) -> tuple[int, list[Event]]:
    """How many events a view found, and the first of them; of accounts that are still visible."""
    visible = {account.pk: account for account in accounts}
    total = sum(count for account, count in content.get("counts", ()) if account in visible)
    keys = [(pk, account, "") for pk, account in content.get("events", ()) if account in visible]
    return total, events_by_keys(keys[:most], visible) if most > 0 else []


def _test(delivery: Delivery) -> Message:
    url = address(reverse("events:alerts"))
    name = quoted(delivery.channel.name, 80)
    return Message(
        "test",
        subject(_("Test of the channel %(name)s") % {"name": name}),
        texts.bounded([_("This is a test sent from Auditsite. Alerts will arrive here.")], url),
        {"channel": {"id": delivery.channel_id, "name": delivery.channel.name}, "sent_at": bodies.time(timezone.now())},
        url=url,
        topic=delivery.key,
    )
