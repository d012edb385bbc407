"""What a stream of findings sends next: findings as they are now, in the order in which they were found or changed.

The cursor follows their history, which is written in turn, so that its keys are in the order of time. Of each finding
only the part in accounts that the stream may see is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from events.detection.rules import known_rules
from events.models import AuditEvent, Finding, FindingAccount, FindingChange, FindingEvent
from events.reading.standing import standing_of
from events.streams.batch import Items
from events.streams.formats import FORMATS
from events.streams.read import Portion
from events.streams.record import FindingRecord, FoundEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.models import Stream, StreamCursor

SOURCE = "findings"  # what their batches come from, in place of an account
KEY = "finding"  # what keys of their items begin with; the number of the change follows
MOST_AT_ONCE = 100
MOST_EVENTS = 50  # of one finding


def head() -> int:
    """The key of the last change."""
    newest: int | None = FindingChange.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


def portions(stream: Stream, accounts: Sequence[NexmoAccount], upto: int, cursor: StreamCursor) -> Iterator[Portion]:
    """What the stream sends of these accounts' findings, each portion read when it is asked for, as if all before it
    were taken.

    Args:
        upto: the last change that counts.
    """
    at = cursor.seq
    while at < upto:
        items, at = read(stream, accounts, at)
        yield Portion(cursor, SOURCE, items, at)


def read(stream: Stream, accounts: Sequence[NexmoAccount], beyond: int) -> tuple[Items, int]:
    """The next findings beyond a change, and up to which change was looked at. One that changed often within a batch
    stands in it once, at its last change."""
    changes = list(
        FindingChange.objects.filter(pk__gt=beyond)
        .order_by("pk")
        .values_list("pk", "finding", "at", "accounts")[:MOST_AT_ONCE]
    )
    if not changes:
        return Items(KEY, [], [], []), beyond
    by_key = {account.pk: account for account in accounts}
    # What was done about parts in other accounts is not even told by sending the finding again.
    last = {
        finding: (pk, at) for pk, finding, at, about in changes if about is None or not by_key.keys().isdisjoint(about)
    }
    known = Finding.objects.in_bulk(list(last))
    written = FORMATS[stream.format]
    seqs, ats, bodies = [], [], []
    with translation.override("en"):  # programs read it
        for pk, (change, at) in sorted(last.items(), key=lambda entry: entry[1][0]):
            record = record_of(known[pk], by_key, at) if pk in known else None
            if record is not None and (stream.since is None or record.last_at >= stream.since):
                seqs.append(change)
                ats.append(record.last_at)
                bodies.append(written.finding_json(record).encode())
    return Items(KEY, seqs, ats, bodies), changes[-1][0]


def record_of(finding: Finding, accounts: Mapping[int, NexmoAccount], changed_at: datetime) -> FindingRecord | None:
    """A finding as far as those who see these accounts may know it; None where that is nothing."""
    parts = list(
        FindingAccount.objects.filter(finding=finding, account__in=accounts).order_by("first_at", "account_id")
    )
    if not parts:
        return None
    rule = known_rules.rule_of(finding.rule)
    advice = known_rules.advice_of(rule)
    standing = standing_of(parts)
    return FindingRecord(
        number=finding.pk,
        rule=finding.rule,
        title=advice.title if advice else finding.title,
        severity=standing.severity,
        state=standing.state,
        resolution=standing.resolution,
        found_at=min(part.found_at for part in parts),
        first_at=min(part.first_at for part in parts),
        last_at=max(part.last_at for part in parts),
        event_count=sum(part.event_count for part in parts),
        explanation=advice.description if advice else "",
        next_steps=advice.next_steps if advice else (),
        tags=rule.tags if rule else (),
        accounts=tuple((accounts[part.account_id].api_key, accounts[part.account_id].name) for part in parts),
        events=_events(finding, parts, accounts),
        changed_at=changed_at,
        url=f"{settings.SITE_URL}{reverse('events:finding', args=[finding.pk])}",
    )


def _events(
    finding: Finding, parts: Sequence[FindingAccount], accounts: Mapping[int, NexmoAccount]
) -> tuple[FoundEvent, ...]:
    rows = list(
        FindingEvent.objects.filter(finding=finding, account__in=[part.account_id for part in parts])
        .order_by("created_at", "id")
        .values_list("event", "account", "nexmo_id", "created_at", "step")[:MOST_EVENTS]
    )
    kept = {
        event.pk: event
        for event in AuditEvent.objects.filter(pk__in=[row[0] for row in rows], account__in=accounts).only(
            "event_type", "user_email", "source_ip", "source_country", "seq", "digest", "account_id"
        )
    }
    found = []
    for pk, account, nexmo_id, at, step in rows:
        event = kept.get(pk)
        if event is not None and event.account_id != account:
            event = None  # removed, and its key given to another account's
        found.append(
            FoundEvent(
                account=accounts[account].api_key,
                event_id=nexmo_id,
                event_type=event.event_type if event else "",
                created_at=at,
                user_email=event.user_email if event else "",
                source_ip=event.source_ip if event else "",
                source_country=event.source_country if event else "",
                step=step,
                sequence=event.seq if event else 0,
                digest=event.digest if event else "",
            )
        )
    return tuple(found)
