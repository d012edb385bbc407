"""Recomputing the archive: every record, every link, every seal.

Reads with a plain cursor: millions of events are to be checked in minutes.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from events.archive import seals
from events.models import AuditEvent, ChainHead, DayCount, MonthCount, RemovedEvent, Seal, SyncState
from events.storage import chain, first_seen, search_index, triggers
from events.storage.search_index import searchable_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accounts.models import NexmoAccount

CHUNK = 2_000


@dataclass
class Verdict:
    """What came of checking one account's chain.

    `problem` is empty when everything fits; else it says what was found first, and where.
    """

    account: NexmoAccount
    events: int = 0
    removed: int = 0
    seals: int = 0
    problem: str = ""
    digests: dict[int, str] = field(default_factory=dict, repr=False)


def verify_database() -> list[str]:
    """What is wrong with the database as a whole: guards that are missing."""
    gone = triggers.missing(connection)
    unsearchable = search_index.missing(connection)
    return [f"The database does not guard the archive: trigger {name} is missing." for name in gone] + [
        f"Searches miss events: {name} is missing. Stop the site and the workers, drop the table or index "
        f"{search_index.INDEX} or {search_index.POSTGRESQL_INDEX} if there is one, and run `manage.py migrate`: "
        "it is made anew."
        for name in unsearchable
    ]


def verify_account(
    account: NexmoAccount,
    *,
    public_keys: list[str] | None = None,
    outside_seals: list[seals.Statement] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Check one account's chain against its head and its seals.

    Args:
        public_keys: keys whose seals count, in hex; by default the key of SEAL_KEY.
        outside_seals: statements kept off this machine, already checked for their signatures.
        progress: called now and then with the number of events checked so far.
    """
    verdict = Verdict(account)
    # One view of the data for the whole check, whatever a sync adds meanwhile.
    with _one_view():
        try:
            _verify(verdict, public_keys, outside_seals or [], progress)
        except _Broken as broken:
            verdict.problem = str(broken)
    return verdict


class _Broken(Exception):
    pass


@contextlib.contextmanager
def _one_view() -> Iterator[None]:
    """Reads that all see the same moment, and keep nobody from writing."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # Not atomic(): our transactions take SQLite's one lock for writing when they begin.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")


def _verify(
    verdict: Verdict,
    public_keys: list[str] | None,
    outside: list[seals.Statement],
    progress: Callable[[int], None] | None,
) -> None:
    account = verdict.account
    head = ChainHead.objects.filter(account=account).first()
    stored = list(Seal.objects.filter(account=account).order_by("seq", "pk"))
    statements = _check_seals(verdict, stored, public_keys) + outside
    if head is None:
        if AuditEvent.objects.filter(account=account).exists():
            raise _Broken("There are events, but the head of their chain is gone.")
        if statements:
            raise _Broken(f"A seal speaks of {statements[-1].count:,} events, but there is no chain.")
        return
    wanted = {statement.count for statement in statements}
    digest = chain.genesis(head.chain_id)
    verdict.digests[0] = digest.hex()
    removed = _removed(account)
    next_removed = next(removed, None)
    seq = 0
    for row in _rows(account):
        row_seq = row[0]
        while next_removed is not None and next_removed[0] == seq + 1 and row_seq != seq + 1:
            seq += 1
            digest = chain.link(digest, bytes.fromhex(next_removed[1]))
            verdict.removed += 1
            if seq in wanted:
                verdict.digests[seq] = digest.hex()
            next_removed = next(removed, None)
        if row_seq != seq + 1:
            where = f"before event {row[2]} (number {row_seq:,})"
            if row_seq <= seq:
                raise _Broken(f"The order is wrong {where}: the number occurs twice.")
            raise _Broken(f"Number {seq + 1:,} is missing {where}: an event was removed.")
        seq = row_seq
        if row[3] is None:
            raise _Broken(f"Event {row[2]} (number {seq:,}) was altered: a field holds a NUL.")
        digest = chain.link(digest, row[3])
        if digest.hex() != row[1]:
            raise _Broken(f"Event {row[2]} (number {seq:,}) was altered, inserted or moved: its digest does not fit.")
        if row[4] is not None and searchable_text(row[4]) != row[5]:
            raise _Broken(f"Event {row[2]} (number {seq:,}) is hidden from search: its searchable text was altered.")
        if seq in wanted:
            verdict.digests[seq] = row[1]
        verdict.events += 1
        if progress and not verdict.events % CHUNK:
            progress(verdict.events)
    while next_removed is not None and next_removed[0] == seq + 1:
        seq += 1
        digest = chain.link(digest, bytes.fromhex(next_removed[1]))
        verdict.removed += 1
        if seq in wanted:
            verdict.digests[seq] = digest.hex()
        next_removed = next(removed, None)
    if next_removed is not None:
        raise _Broken(f"A removal is recorded for number {next_removed[0]:,}, which the chain does not have.")
    if seq < head.seq:
        raise _Broken(f"The chain ends at number {seq:,}, but {head.seq:,} events were linked: the newest are gone.")
    if seq > head.seq:
        raise _Broken(f"The chain has {seq:,} events, but only {head.seq:,} were linked: some were inserted.")
    if head.digest != (digest.hex() if seq else ""):
        raise _Broken("The head of the chain does not fit its last event.")
    count = SyncState.objects.filter(account=account).values_list("event_count", flat=True).first()
    if count is not None and count != verdict.events:
        raise _Broken(f"The account's count says {count:,} events, but {verdict.events:,} are there.")
    for statement in statements:
        _check_statement(statement, head, verdict)
    _check_rollups(account)
    if progress:
        progress(verdict.events)


def _check_rollups(account: NexmoAccount) -> None:
    """The counts by day and month are those of the events, and the first events are the first."""
    day = "(created_at AT TIME ZONE 'UTC')::date" if connection.vendor == "postgresql" else "date(created_at)"
    table = connection.ops.quote_name(AuditEvent._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {day}, event_type, COUNT(*) FROM {table} WHERE account_id = %s GROUP BY 1, 2",  # noqa: S608
            [account.pk],
        )
        days = {(str(day), event_type): count for day, event_type, count in cursor.fetchall()}
    months: Counter[tuple[str, str]] = Counter()
    for (each, event_type), count in days.items():
        months[f"{each[:7]}-01", event_type] += count
    for model, unit, real in ((DayCount, "day", days), (MonthCount, "month", months)):
        kept = model.objects.filter(account=account, count__gt=0).values_list(unit, "event_type", "count")
        counted = {(str(start), event_type): count for start, event_type, count in kept}
        if wrong := sorted(counted.items() ^ real.items()):
            (start, event_type), _ = wrong[0]
            raise _Broken(
                f"The count of {event_type or 'events without type'} for the {unit} of {start} says "
                f"{counted.get((start, event_type), 0):,}, but {real.get((start, event_type), 0):,} are there."
            )
    with connection.cursor() as cursor:
        cursor.execute(first_seen.from_events(), [account.pk])
        firsts = set(cursor.fetchall())
        cursor.execute(first_seen.NOTED, [account.pk])
        noted = set(cursor.fetchall())
    for _, _, user, country, _ in sorted(firsts ^ noted):
        raise _Broken(f"What is noted as the first event of {user} from {country} is not the first there is.")


def _check_seals(verdict: Verdict, stored: list[Seal], public_keys: list[str] | None) -> list[seals.Statement]:
    statements = []
    for seal in stored:
        try:
            statement = seals.read(seal.statement, seal.signature, public_keys)
        except seals.BadSeal as error:
            raise _Broken(f"The seal of {seal.sealed_at:%Y-%m-%d %H:%M} is not genuine: {error}") from None
        if (statement.count, statement.digest) != (seal.seq, seal.digest):
            raise _Broken(f"The seal of {seal.sealed_at:%Y-%m-%d %H:%M} says other than its row.")
        statements.append(statement)
    verdict.seals = len(statements)
    return statements


def _check_statement(statement: seals.Statement, head: ChainHead, verdict: Verdict) -> None:
    when = statement.sealed_at
    if statement.chain != head.chain_id:
        raise _Broken(f"The seal of {when} belongs to another chain: this one was begun anew.")
    if statement.count > head.seq:
        raise _Broken(
            f"The seal of {when} counts {statement.count:,} events, the chain {head.seq:,}: the newest are gone."
        )
    if verdict.digests.get(statement.count) != statement.digest:
        raise _Broken(
            f"The seal of {when} does not fit event number {statement.count:,}: the chain was rewritten before it."
        )


def record_hashes(account: NexmoAccount, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Number and record hash of each link from `first` to `last`, of events and of what removed ones left behind."""
    removed = _removed(account, first)
    next_removed = next(removed, None)
    for row in _rows(account, first):
        while next_removed is not None and next_removed[0] < row[0]:
            yield next_removed[0], bytes.fromhex(next_removed[1])
            next_removed = next(removed, None)
        if row[0] > last:
            return
        if row[3] is None:
            raise chain.BadRecord
        yield row[0], row[3]
    while next_removed is not None and next_removed[0] <= last:
        yield next_removed[0], bytes.fromhex(next_removed[1])
        next_removed = next(removed, None)


def _rows(account: NexmoAccount, first: int = 0) -> Iterator[tuple[Any, ...]]:
    """Number, stored digest, event id and record hash of each event, in the order of the chain; then, where its text
    for searches can't be the event as received itself, that event and the text.

    The hash is None for a row whose fields are not those of a record.
    """
    on_postgresql = connection.vendor == "postgresql"
    table = connection.ops.quote_name(AuditEvent._meta.db_table)
    # PostgreSQL hands over the event only where its text for searches can differ: where JSON escapes or letters beyond
    # ASCII stand in it. SQLite's record ends with it anyway.
    wanted = (
        rf"seq, digest, event_id, {_POSTGRESQL_HASH}, "
        r"CASE WHEN searchable <> '' OR raw ~ '[^\x20-\x5b\x5d-\x7e]' THEN raw END, searchable"
        if on_postgresql
        else f"seq, digest, event_id, {_SQLITE_RECORD}, searchable"
    )
    query = f"SELECT {wanted} FROM {table} WHERE account_id = %s AND seq >= %s ORDER BY seq"  # noqa: S608 - constants
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, [account.pk, first])
        while rows := cursor.fetchmany(CHUNK):
            if on_postgresql:
                yield from rows
            else:
                for seq, digest, event_id, record, searchable in rows:
                    yield seq, digest, event_id, _hash(record), record.rpartition("\0")[2], searchable


def _hash(record: str) -> bytes | None:
    try:
        return chain.hash_record(record)
    except chain.BadRecord:
        return None


# The databases put the record together: fetching 21 columns and joining them in Python takes twice as long. They are
# believed no more than with the plain columns, which they could as well make up.
def _sqlite_field(name: str) -> str:
    if name not in ("created_at", "fetched_at"):
        return f"COALESCE({name}, '')"
    # "2026-03-15 12:01:00[.123456]": what datetime.isoformat makes of it.
    moment = f"substr({name}, 1, 10) || 'T' || substr({name}, 12, 8) || '.'"
    return f"COALESCE({moment} || substr(substr({name}, 21) || '000000', 1, 6), '')"


def _postgresql_field(name: str) -> str:
    if name in ("created_at", "fetched_at"):
        name = f"""to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""
    return f"convert_to(COALESCE({name}::text, ''), 'UTF8')"


_SQLITE_RECORD = " || char(0) || ".join(_sqlite_field(name) for name in chain.FIELDS)
# PostgreSQL's text cannot hold the NUL between the fields, its bytes can, and it hashes as fast as we do.
_POSTGRESQL_HASH = (
    f"pg_catalog.sha256({' || decode($$00$$, $$hex$$) || '.join(_postgresql_field(name) for name in chain.FIELDS)})"
)


def _removed(account: NexmoAccount, first: int = 0) -> Iterator[tuple[int, str]]:
    rows = RemovedEvent.objects.filter(account=account, seq__gte=first).order_by("seq")
    yield from rows.values_list("seq", "record_hash").iterator(chunk_size=CHUNK)
