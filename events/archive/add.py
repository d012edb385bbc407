"""The one way into the archive: every event that is ever stored comes through `add_events`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import connection, connections
from django.db.models import F

from accounts.prepared import executed
from events.fields import dump_json
from events.masking import mask
from events.models import (
    AuditEvent,
    CoveredSpan,
    Discrepancy,
    EventConflict,
    EventType,
    SyncRun,
    SyncState,
)
from events.nexmo.ids import id_key
from events.nexmo.parse import content_digest, id_as_sent
from events.nexmo.values import ip_key
from events.storage import chain
from events.storage.appending import ChainAppender
from events.storage.search_index import searchable_text
from events.storage.transactions import write_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
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
    with write_turn():
        # The lock makes "is it there?" and "put it there" one step, whoever else is at this account.
        SyncState.objects.get_or_create(account=account)
        SyncState.objects.select_for_update().get(account=account)
        for event in _under_archived_ids(account, events):
            first = batch.setdefault(event.identity, event)
            if first is not event:
                twins.append(event)  # the same id twice in one batch: usually the same event, sometimes not
        known = {
            key: (pk, raw)
            for key, pk, raw in AuditEvent.objects.filter(account=account, event_id_key__in=list(batch))
            .order_by()
            .values_list("event_id_key", "pk", "raw")
        }
        withdraw_vanished(account, [pk for pk, _ in known.values()], run, fetched_at)
        fresh = [event for key, event in batch.items() if key not in known]
        # Oldest first: rows of one batch then lie in the order of time, which keeps the indexes' pages together.
        fresh.sort(key=lambda event: event.created_at or fetched_at)
        _insert(account, fresh, run, fetched_at)
        suspects = [event for key, event in batch.items() if key in known and event.raw != known[key][1]]
        conflicts = _keep_conflicts(account, suspects, twins, run, fetched_at)
        _note_late(account, fresh, run, fetched_at)
        _learn_types(fresh)
        if run is not None:
            SyncRun.objects.filter(pk=run.pk).update(
                added=F("added") + len(fresh), conflicts_found=F("conflicts_found") + conflicts
            )
    return Added(new=len(fresh), known=len(batch) - len(fresh), conflicts=conflicts)


def _under_archived_ids(account: NexmoAccount, events: Sequence[Event]) -> Sequence[Event]:
    """The events, each that an older version archived under an id cut short with that id: it is no new event."""
    former = {key for event in events if (key := event.former_identity)}
    if not former:
        return events
    rows = AuditEvent.objects.filter(account=account, event_id_key__in=former).order_by()
    archived = {id_key(id_as_sent(raw)): event_id for event_id, raw in rows.values_list("event_id", "raw")}
    return [
        replace(event, event_id=archived.get(id_key(id_as_sent(event.raw)), event.event_id))
        if event.former_identity
        else event
        for event in events
    ]


# As the table has them; the record of the chain holds most of them, in the same form.
_COLUMNS = ("account_id", *chain.FIELDS, "searchable", "digest")


def _insert(account: NexmoAccount, events: list[Event], run: SyncRun | None, fetched_at: datetime) -> None:
    """Put new events at the end of the account's chain.

    Not through model instances: they would cost more than the database does.
    """
    if not events:
        return
    end = ChainAppender(account.pk, state_is_locked=True)
    _write(_rows(account, events, run, fetched_at, end))
    end.finish()


def _rows(
    account: NexmoAccount, events: list[Event], run: SyncRun | None, fetched_at: datetime, end: ChainAppender
) -> Iterator[list[Any]]:
    """The events with their places in the chain, as the table has them."""
    fetched = chain.moment(fetched_at)
    fetched_stored = _stored(fetched_at, fetched)
    run_id = str(run.pk) if run else ""
    ip_keys = {address: ip_key(address) for address in {event.source_ip for event in events}}
    for event in events:
        # An event without a readable time is shown at the time it was fetched, and says so.
        created_at = event.created_at or fetched_at
        created = chain.moment(created_at)
        context = None if event.context is None else dump_json(event.context)
        values = [
            "",
            event.event_id,
            event.identity,
            event.event_type,
            event.event_type_description,
            created,
            event.created_at_basis or "fetched",
            event.user_email,
            event.user_id,
            event.source,
            event.source_description,
            event.source_ip,
            ip_keys[event.source_ip],
            event.source_country,
            context or "",
            ",".join(event.odd_fields)[:255],
            event.account_id if event.account_id.lower() not in ("", account.api_key.lower()) else "",
            run_id,
            fetched,
            event.raw,
        ]
        seq, digest = end.place(values)
        row: list[Any] = [account.pk, *values, searchable_text(event.raw), digest]
        row[_SEQ], row[_CREATED], row[_CONTEXT], row[_RUN], row[_FETCHED] = (
            seq,
            _stored(created_at, created),
            context,
            run.pk if run else None,
            fetched_stored,
        )
        yield row


_ROWS_A_STATEMENT = 100  # SQLite takes some 32,000 values in one

_SEQ, _CREATED, _CONTEXT, _RUN, _FETCHED = (
    _COLUMNS.index(name) for name in ("seq", "created_at", "context", "run_id", "fetched_at")
)


def _stored(moment: datetime, recorded: str) -> Any:
    """A time as the database has it, also given as its record has it. Django's own way takes five times as long."""
    if connection.vendor != "sqlite":
        return connection.ops.adapt_datetimefield_value(moment)
    return f"{recorded[:10]} {recorded[11:].removesuffix('.000000')}"


def _write(rows: Iterable[list[Any]]) -> None:
    """Write rows as they are made: PostgreSQL takes some in while the next are."""
    into = f"{AuditEvent._meta.db_table} ({', '.join(_COLUMNS)})"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    # Not by executemany: after each statement FTS5 writes out what it holds of the search index, which takes twice as
    # long as everything else.
    marks, rows = f"({', '.join(['%s'] * len(_COLUMNS))})", iter(rows)
    while some := list(islice(rows, _ROWS_A_STATEMENT)):
        statement = f"INSERT INTO {into} VALUES {', '.join([marks] * len(some))}"
        executed(connections[connection.alias], statement, [value for row in some for value in row]).close()


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
        withdrawn_at=None,
        defaults={"account_id": event.account_id, "run": run, "noticed_at": noticed_at},
    )
    return bool(created)


def withdraw_vanished(account: NexmoAccount, events: Sequence[int], run: SyncRun | None, seen_at: datetime) -> int:
    """Withdraw that these events (by key) are no longer at Nexmo: it has just shown them. Returns how many had it."""
    standing = Discrepancy.objects.standing().filter(account=account, kind=Discrepancy.Kind.VANISHED, event__in=events)
    return int(standing.update(withdrawn_at=seen_at, withdrawn_by=run)) if events else 0


def _note_late(account: NexmoAccount, fresh: list[Event], run: SyncRun | None, noticed_at: datetime) -> None:
    """Record events that turned up in days already verified: Nexmo listed them only later."""
    spans = [(span.start, span.end - LATE_AFTER) for span in CoveredSpan.objects.filter(account=account)]
    late = [
        event.identity
        for event in fresh
        if event.created_at
        and any((start is None or start <= event.created_at) and event.created_at < end for start, end in spans)
    ]
    rows = (
        AuditEvent.objects.filter(account=account, event_id_key__in=late).only("pk", "seq").order_by() if late else ()
    )
    Discrepancy.objects.bulk_create(
        [
            Discrepancy(account=account, event=row, kind=Discrepancy.Kind.LATE, run=run, noticed_at=noticed_at)
            for row in rows
        ]
    )


def _learn_types(events: list[Event]) -> None:
    """Types that no list has named yet become known through the first event that carries them."""
    described: dict[str, str] = {}
    for event in events:
        if event.event_type:
            described.setdefault(event.event_type, mask(event.event_type_description))  # everybody sees it
    unknown = described.keys() - set(EventType.objects.filter(code__in=described).values_list("code", flat=True))
    EventType.objects.bulk_create(
        [EventType(code=code, description=described[code]) for code in sorted(unknown)], ignore_conflicts=True
    )
