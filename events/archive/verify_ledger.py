"""Recomputing the ledger, and comparing it with what it records and with the seals.

Also which accounts there are: an account that the ledger or a seal names must be there, with its own key and chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, Max, Min, Q

from accounts.models import NexmoAccount
from events.archive import seals
from events.models import (
    AccessBatch,
    AccessRemoval,
    AuditEvent,
    ChainHead,
    Discrepancy,
    EventConflict,
    LedgerEntry,
    LegalHold,
    Removal,
    RemovedEvent,
    RetentionChange,
    Review,
    ReviewStatement,
    Seal,
    SyncWindow,
)
from events.storage import ledger
from events.storage.unreadable import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.models.ledger import Recorded

Kind = LedgerEntry.Kind
CHUNK = 2_000
# Each with what the ledger needs of other tables, and nothing more: an event may have been altered so that it cannot be
# read, which its chain says better.
RECORDED: tuple[tuple[type[Recorded], tuple[str, ...]], ...] = (
    (ChainHead, ("account__api_key",)),
    (LegalHold, ()),
    (Removal, ()),
    (Discrepancy, ("event__seq",)),
    (EventConflict, ("event__seq",)),
    (SyncWindow, ()),
    (RetentionChange, ()),
    (ReviewStatement, ()),
    (AccessBatch, ()),
    (AccessRemoval, ()),
)


def problems(public_keys: list[str] | None, outside: list[seals.Statement]) -> Iterator[str]:
    """Everything that is wrong with the ledger, the removals, and the set of accounts."""
    try:
        yield from _problems(public_keys, outside)
    except UNREADABLE as error:
        yield f"The ledger was compared no further: a value cannot be read ({type(error).__name__}), so it was altered."


def _problems(public_keys: list[str] | None, outside: list[seals.Statement]) -> Iterator[str]:
    entries: dict[tuple[str, int], tuple[str, int | None, int | None]] = {}
    digests = {ledger.GENESIS.hex()}
    broken = _read_ledger(entries, digests)
    if broken:
        yield broken
    else:
        yield from _compare(entries)
    yield from _retention()
    yield from _removals()
    yield from _orphans()
    yield from _empty_reviews()
    yield from _seals(digests, public_keys, outside)


def _read_ledger(entries: dict[tuple[str, int], tuple[str, int | None, int | None]], digests: set[str]) -> str:
    """Walk the ledger to its end or its first fault, which is returned."""
    digest, number = ledger.GENESIS, 0
    for entry in LedgerEntry.objects.order_by("number").iterator(chunk_size=CHUNK):
        number += 1
        if entry.number < 1:
            return f"Entry {entry.number:,} of the ledger was inserted: they are counted from 1."
        if entry.number != number:
            return f"Entry {number:,} of the ledger is missing."
        digest = ledger.link(digest, number, entry.kind, entry.account_pk, entry.row, entry.seq, entry.record_hash)
        if digest.hex() != entry.digest:
            return f"Entry {number:,} of the ledger was altered, inserted or moved: its digest does not fit."
        digests.add(entry.digest)
        if entry.kind == Kind.COVERAGE:
            rebuilt = ledger.Entry(entry.kind, entry.row, entry.account_pk, (), detail=entry.detail)
            if rebuilt.hash() != entry.record_hash:
                return f"Entry {number:,} of the ledger was altered: its coverage does not fit its hash."
            continue
        if entry.detail:
            return f"Entry {number:,} of the ledger was altered: only coverage is kept in the ledger itself."
        if (entry.kind, entry.row) in entries:
            return f"Entry {number:,} of the ledger repeats an earlier one."
        entries[entry.kind, entry.row] = entry.record_hash, entry.account_pk, entry.seq
    return ""


def _compare(entries: dict[tuple[str, int], tuple[str, int | None, int | None]]) -> Iterator[str]:
    """The records agree with the ledger, and every record that it lists is there."""
    accounts = {row for kind, row in entries if kind == Kind.ACCOUNT}
    for model, related in RECORDED:
        rows = model._default_manager.select_related(*(path.partition("__")[0] for path in related))
        rows = rows.only(*(field.name for field in model._meta.concrete_fields), *related)
        for row in rows.order_by("pk").iterator(chunk_size=CHUNK):
            for entry in row.ledger_entries():
                noted = entries.pop((entry.kind, entry.row), None)
                if noted is None:
                    yield f"{_named(entry.kind, entry.row)} is not in the ledger: it was inserted, or its release was."
                elif noted != (entry.hash(), entry.account, entry.seq):
                    yield f"{_named(entry.kind, entry.row)} was altered: the ledger says otherwise."
    removed: dict[int | None, set[int]] = {}
    for (kind, row), (_, account, seq) in entries.items():
        if seq is not None:
            if account not in removed:
                removed[account] = set(
                    RemovedEvent.objects.filter(account=account).values_list("seq", flat=True).iterator()
                )
            if seq in removed[account]:
                continue  # it went with its event
        if kind in (Kind.WINDOW, Kind.RETENTION) and account not in accounts:
            continue  # of an account that never had an event, and is gone
        yield f"{_named(kind, row)} is in the ledger, and was removed from the database."


def _named(kind: str, row: int) -> str:
    names = {
        Kind.ACCOUNT: "Account",
        Kind.HOLD: "Legal hold",
        Kind.RELEASE: "The release of legal hold",
        Kind.REMOVAL: "Removal",
        Kind.DISCREPANCY: "Discrepancy",
        Kind.WITHDRAWAL: "The withdrawal of discrepancy",
        Kind.CONFLICT: "Conflict",
        Kind.WINDOW: "Unverified window",
        Kind.RETENTION: "Change of retention",
        Kind.REVIEW: "The statement of a review",
        Kind.ACCESS: "Batch of the access log",
        Kind.ACCESS_REMOVAL: "Removal from the access log",
    }
    key = NexmoAccount.objects.filter(pk=row).values_list("api_key", flat=True).first() if kind == Kind.ACCOUNT else ""
    return f"{names.get(Kind(kind), kind)} {row}{f' ({key})' if key else ''}"


def _retention() -> Iterator[str]:
    """Accounts keep events as long as the last change on record says; before there was a record, as chosen then."""
    last: dict[int, int | None] = dict(
        RetentionChange.objects.order_by("changed_at", "pk").values_list("account", "days_after")
    )
    for pk, api_key, days in NexmoAccount.objects.filter(pk__in=last).values_list("pk", "api_key", "keep_days"):
        if days != last[pk]:
            chosen, recorded = (f"{each} days" if each else "ever" for each in (days, last[pk]))
            yield f"Account {api_key} keeps its events for {chosen}, but the last change on record says {recorded}."


def _removals() -> Iterator[str]:
    """Each removal removed as many events as it says, all of its own account."""
    counted = Removal.objects.annotate(
        left_behind=Count("events"), first=Min("events__account"), last=Max("events__account")
    ).order_by("pk")
    for removal in counted.exclude(
        Q(left_behind=F("count")) & (Q(first=None) | Q(first=F("account"), last=F("account")))
    ):
        yield (
            f"Removal {removal.pk} says it removed {removal.count:,} events of one account; "
            f"{removal.left_behind:,} were removed in its name."
        )
    stray: Any = RemovedEvent.objects.exclude(removal__in=Removal.objects.order_by().values("pk")).first()
    if stray is not None:
        yield f"Number {stray.seq:,} of account {stray.account_id} was removed without a removal on record."


def _orphans() -> Iterator[str]:
    """What belongs to an account that is gone: databases that check no references let it stay."""
    known = NexmoAccount.objects.order_by().values("pk")
    for model in (AuditEvent, Seal, ReviewStatement, RemovedEvent, Removal, ChainHead):
        gone = model.objects.order_by().exclude(account__in=known).values_list("account_id", flat=True).first()
        if gone is not None:
            yield f"There are rows of {model._meta.db_table} of account {gone}, which is gone."


def _empty_reviews() -> Iterator[str]:
    """Each review has something that was signed."""
    for review in Review.objects.order_by("pk").exclude(pk__in=ReviewStatement.objects.order_by().values("review")):
        yield f"The review {review.pk} has no signed statement: it was inserted, or they were removed."


def _seals(digests: set[str], public_keys: list[str] | None, outside: list[seals.Statement]) -> Iterator[str]:
    """Every seal, wherever it is kept, is of an account and a chain that are here, and fits the ledger."""
    chains = dict(ChainHead.objects.values_list("account__api_key", "chain_id"))
    accounts = set(NexmoAccount.objects.values_list("api_key", flat=True))
    for statement in [*_stored(public_keys), *outside]:
        name = f"The seal of {statement.sealed_at} of account {statement.account}"
        if statement.account not in accounts:
            yield f"{name} speaks of {statement.count:,} events, but that account is gone."
        elif chains.get(statement.account) != statement.chain:
            yield f"{name} is of another chain than the account's: keys were exchanged, or it was begun anew."
        if statement.ledger and statement.ledger not in digests:
            yield f"{name} does not fit the ledger: it was rewritten or cut before that seal."


def _stored(public_keys: list[str] | None) -> Iterator[seals.Statement]:
    for seal in Seal.objects.order_by("pk").iterator(chunk_size=CHUNK):
        try:
            yield seals.read(seal.statement, seal.signature, public_keys)
        except seals.BadSeal:
            continue  # its account's own check says so
