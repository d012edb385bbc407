"""The one way into the archive: every event that is ever stored comes through `add_events`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from events.models import (
    AuditEvent,
    CoveredSpan,
    Discrepancy,
    EventConflict,
    EventType,
    SyncRun,
    SyncState,
)
from events.nexmo.parse import content_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from accounts.models import NexmoAccount
    from events.nexmo.parse import Event

# An event this much older than the end of what was verified is late; closer ones are merely new.
LATE_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Added:
    """What became of a batch: events new to the archive, known already, and known with other content."""

    new: int
    known: int
    conflicts: int


def add_events(account: NexmoAccount, events: Sequence[Event], *, run: SyncRun | None, fetched_at: datetime) -> Added:
    """Archive a batch in one transaction: rows, the account's count and the run's figures stand or fall together.

    An id that is archived already is left as it is; if its content differs now, that is kept beside it.
    """
    batch: dict[str, Event] = {}
    twins: list[Event] = []
    for event in events:
        first = batch.setdefault(event.identity, event)
        if first is not event:
            twins.append(event)  # the same id twice in one batch: usually the same event, sometimes not
    with transaction.atomic():
        # The lock makes "is it there?" and "put it there" one step, whoever else is at this account.
        SyncState.objects.get_or_create(account=account)
        SyncState.objects.select_for_update().get(account=account)
        known = {
            key: (pk, raw)
            for key, pk, raw in AuditEvent.objects.filter(account=account, event_id_key__in=list(batch))
            .order_by()
            .values_list("event_id_key", "pk", "raw")
        }
        fresh = [event for key, event in batch.items() if key not in known]
        # Oldest first: rows of one batch then lie in the order of time, which keeps the indexes' pages together.
        fresh.sort(key=lambda event: event.created_at or fetched_at)
        rows = [_row(account, event, run, fetched_at) for event in fresh]
        if rows:
            AuditEvent.objects.bulk_create(rows)  # which gives them their places in the chain
        suspects = [event for key, event in batch.items() if key in known and event.raw != known[key][1]]
        conflicts = _keep_conflicts(account, suspects, twins, run, fetched_at)
        _note_late(account, rows, run, fetched_at)
        _learn_types(fresh)
        if run is not None:
            SyncRun.objects.filter(pk=run.pk).update(
                added=F("added") + len(fresh), conflicts_found=F("conflicts_found") + conflicts
            )
    return Added(new=len(fresh), known=len(batch) - len(fresh), conflicts=conflicts)


def _row(account: NexmoAccount, event: Event, run: SyncRun | None, fetched_at: datetime) -> AuditEvent:
    return AuditEvent(
        account=account,
        event_id=event.event_id,
        event_type=event.event_type,
        event_type_description=event.event_type_description,
        # An event without a readable time is shown at the time it was fetched, and says so.
        created_at=event.created_at or fetched_at,
        created_at_basis=event.created_at_basis or "fetched",
        user_email=event.user_email,
        user_id=event.user_id,
        source=event.source,
        source_description=event.source_description,
        source_ip=event.source_ip,
        source_country=event.source_country,
        context=event.context,
        raw=event.raw,
        odd_fields=",".join(event.odd_fields)[:255],
        reported_account=event.account_id if event.account_id not in ("", account.api_key) else "",
        run=run,
        fetched_at=fetched_at,
    )


def _keep_conflicts(
    account: NexmoAccount, suspects: list[Event], twins: list[Event], run: SyncRun | None, seen_at: datetime
) -> int:
    """Store what an archived id looks like now, where its content really differs. Returns how many were new."""
    if not suspects and not twins:
        return 0
    doubtful = [*suspects, *twins]
    archived = {
        row.event_id_key: row
        for row in AuditEvent.objects.filter(account=account, event_id_key__in={event.identity for event in doubtful})
    }
    kept = 0
    for event in doubtful:
        original = archived[event.identity]
        digest = event.digest
        if digest == content_digest(original.raw):
            continue
        _, created = EventConflict.objects.get_or_create(
            event=original,
            digest=digest,
            defaults={"account": account, "raw": event.raw, "run": run, "seen_at": seen_at},
        )
        if created:
            note(original, Discrepancy.Kind.ALTERED, run, seen_at)
        kept += created
    return kept


def note(event: AuditEvent, kind: str, run: SyncRun | None, noticed_at: datetime) -> bool:
    """Record a difference between an archived event and what Nexmo says now. Returns whether it is news."""
    _, created = Discrepancy.objects.get_or_create(
        event=event,
        kind=kind,
        defaults={"account_id": event.account_id, "run": run, "noticed_at": noticed_at},
    )
    return bool(created)


def _note_late(account: NexmoAccount, rows: list[AuditEvent], run: SyncRun | None, noticed_at: datetime) -> None:
    """Record events that turned up in days already verified: Nexmo listed them only later."""
    if not rows:
        return
    spans = [(span.start, span.end - LATE_AFTER) for span in CoveredSpan.objects.filter(account=account)]
    late = [
        Discrepancy(account=account, event=row, kind=Discrepancy.Kind.LATE, run=run, noticed_at=noticed_at)
        for row in rows
        if any((start is None or start <= row.created_at) and row.created_at < end for start, end in spans)
    ]
    Discrepancy.objects.bulk_create(late, ignore_conflicts=True)


def _learn_types(events: list[Event]) -> None:
    """Types that no list has named yet become known through the first event that carries them."""
    described: dict[str, str] = {}
    for event in events:
        if event.event_type:
            described.setdefault(event.event_type, event.event_type_description)
    unknown = described.keys() - set(EventType.objects.filter(code__in=described).values_list("code", flat=True))
    EventType.objects.bulk_create(
        [EventType(code=code, description=described[code]) for code in sorted(unknown)], ignore_conflicts=True
    )
