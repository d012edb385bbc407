"""Recomputing the archive: every record, every link, every seal, and whatever leads to them.

`verify_database` looks at the database as a whole: guards, forms of values, indexes, the ledger. `verify_account` looks
at one account's chain, counts and coverage, `hidden_from_filters` at what an evidence pack relies on. They read with a
plain cursor: millions of events are to be checked in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection

from accounts.access.models import AccessEntry
from accounts.models import NexmoAccount
from events.archive import access_chain, listed_types, proven_coverage, seals, verify_counts, verify_ledger
from events.archive.chain_links import CHUNK, event_id, links, record_hashes, removed_links
from events.archive.review_statements import BadReview, Reviewed
from events.models import (
    AccessBatch,
    AccessRemoval,
    ApplicationName,
    AuditEvent,
    ChainHead,
    CoveredSpan,
    DayCount,
    Discrepancy,
    EventConflict,
    EventType,
    FindingChange,
    FirstSeen,
    LedgerEntry,
    LegalHold,
    MonthCount,
    Removal,
    RemovedEvent,
    RetentionChange,
    Review,
    ReviewStatement,
    Seal,
    SyncState,
    SyncWindow,
)
from events.storage import additions, chain, search_check, search_index, stored_form, triggers
from events.storage.search_index import searchable_text
from events.storage.transactions import snapshot
from events.storage.unreadable import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.models import Model

__all__ = ["Verdict", "hidden_from_filters", "index_problems", "record_hashes", "verify_account", "verify_database"]

# What the archive consists of; each event's form is looked at with its record.
BESIDE_EVENTS = (
    AccessBatch,
    AccessEntry,
    AccessRemoval,
    ApplicationName,
    ChainHead,
    CoveredSpan,
    DayCount,
    Discrepancy,
    EventConflict,
    EventType,
    FindingChange,
    FirstSeen,
    LedgerEntry,
    LegalHold,
    MonthCount,
    Removal,
    RemovedEvent,
    RetentionChange,
    Review,
    ReviewStatement,
    Seal,
    SyncState,
    SyncWindow,
)
TABLES = sorted({*triggers.ALL, *(model._meta.db_table for model in BESIDE_EVENTS)})


@dataclass
class Verdict:
    """What came of checking one account's chain.

    `problem` is empty when everything fits; else it says what was found first, and where.
    """

    account: NexmoAccount
    events: int = 0
    removed: int = 0
    seals: int = 0
    reviews: int = 0
    reviewed_and_removed: int = 0
    problem: str = ""
    digests: dict[int, str] = field(default_factory=dict, repr=False)


class _Broken(Exception):
    pass


# --- the database as a whole ----------------------------------------------------------------------------------------


def verify_database(
    *,
    public_keys: list[str] | None = None,
    outside_seals: list[seals.Statement] | None = None,
    indexes: bool = True,
    whole_search: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """What is wrong with the database as a whole, or with what belongs to no single account.

    Args:
        public_keys, outside_seals: as of `verify_account`.
        indexes: check the indexes too (see `index_problems`).
        whole_search: compare the whole search index with the events, however long that takes.
        progress: called now and then with the number of events compared so far.
    """
    problems = [
        f"The database does not guard the archive: trigger {name} is missing or was replaced."
        for name in triggers.missing(connection)
    ]
    problems += additions.problems(TABLES, connection)
    problems += stored_form.schema_problems((AuditEvent, *BESIDE_EVENTS), connection)
    if connection.vendor == "sqlite":
        problems += _misshapen_rows(BESIDE_EVENTS)
    if indexes:
        problems += index_problems()
    with snapshot():
        problems += _search_problems(whole_search, progress)
        problems += listed_types.problems()
        problems += verify_ledger.problems(public_keys, outside_seals or [])
        problems += access_chain.problems()
    return problems


def _search_problems(whole: bool = False, progress: Callable[[int], None] | None = None, text: str = "") -> list[str]:
    if missing := search_index.missing(connection):
        return [
            f"Searches miss events: {name} is missing or was replaced. Stop the site and the workers, drop the table "
            f"or index {search_index.INDEX} or {search_index.POSTGRESQL_INDEX} if there is one, and run "
            "`manage.py migrate`: it is made anew."
            for name in missing
        ]
    trouble = search_check.problem(connection, whole=whole, text=text, progress=progress)
    return [trouble] if trouble else []


def index_problems() -> list[str]:
    """Indexes that do not lead to their rows, or leave some out. SQLite only; takes about as long as the chains."""
    return list(stored_form.index_problems((AuditEvent, *BESIDE_EVENTS), connection))


def _misshapen_rows(models: Iterable[type[Model]]) -> Iterator[str]:
    for model in models:
        key = stored_form.misshapen(model, connection)
        if key is not None:
            yield f"Row {key} of {model._meta.db_table} holds a value in a form in which nothing is stored."


# --- what filters rely on -------------------------------------------------------------------------------------------

BEHIND_FILTERS = (ApplicationName, EventType, FirstSeen)


def hidden_from_filters(
    accounts: Iterable[NexmoAccount], *, text: str, progress: Callable[[int], None] | None = None
) -> str:
    """What may keep a filter from finding events of these accounts, or nothing.

    Checks the chains with the form of each event, the first events, the list of types and the indexes, in the state
    of the database that the transaction or snapshot shows.

    Args:
        text: what the filter searches for, so that the search index is to be checked.
        progress: called now and then with the number of an account's events checked so far.
    """
    problems = list(stored_form.schema_problems((AuditEvent, *BEHIND_FILTERS), connection))
    if connection.vendor == "sqlite":
        problems += _misshapen_rows(BEHIND_FILTERS)
    problems += listed_types.problems()
    for account in accounts:
        try:
            _check_chain_alone(Verdict(account), progress)
        except _Broken as broken:
            problems.append(str(broken))
    if not problems:
        problems += stored_form.index_problems((AuditEvent, *BEHIND_FILTERS), connection)
    if not problems and text:
        problems += _search_problems(text=text)
    return problems[0] if problems else ""


def _check_chain_alone(verdict: Verdict, progress: Callable[[int], None] | None) -> None:
    """A chain and what was counted of it, whatever seals say."""
    if head := ChainHead.objects.filter(account=verdict.account).first():
        _check_chain(verdict, head, set(), progress)
    elif AuditEvent.objects.filter(account=verdict.account).exists():
        raise _Broken("There are events, but the head of their chain is gone.")
    _check_counts(verdict.account)


# --- one account ----------------------------------------------------------------------------------------------------


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
    with snapshot():
        try:
            _verify(verdict, public_keys, outside_seals or [], progress)
        except (_Broken, BadReview) as broken:
            verdict.problem = str(broken)
        except UNREADABLE as error:
            verdict.problem = f"A value cannot be read ({type(error).__name__}), so it was altered."
    return verdict


def _verify(
    verdict: Verdict,
    public_keys: list[str] | None,
    outside: list[seals.Statement],
    progress: Callable[[int], None] | None,
) -> None:
    account = verdict.account
    head = ChainHead.objects.filter(account=account).first()
    stored = list(Seal.objects.filter(account=account).order_by("seq", "pk"))
    statements = _read_seals(verdict, stored, public_keys) + outside
    reviewed = Reviewed(account, public_keys)
    if head is None:
        if AuditEvent.objects.filter(account=account).exists():
            raise _Broken("There are events, but the head of their chain is gone.")
        if statements:
            raise _Broken(f"A seal speaks of {statements[-1].count:,} events, but there is no chain.")
        if counted := SyncState.objects.filter(account=account).values_list("event_count", flat=True).first():
            raise _Broken(f"The account's count says {counted:,} events, but neither they nor their chain are there.")
    else:
        for statement in statements:
            _check_chain_of(statement, head, account)
        wanted = {statement.count for statement in statements} | reviewed.wanted
        _check_chain(verdict, head, wanted, progress, reviewed)
        for statement in statements:
            _check_statement(statement, head, verdict)
    reviewed.check(head, verdict.digests)
    verdict.reviews, verdict.reviewed_and_removed = len(reviewed.statements), reviewed.removed
    _check_counts(account)
    _check_coverage(account, statements)
    if progress:
        progress(verdict.events)


def _check_chain(
    verdict: Verdict,
    head: ChainHead,
    wanted: set[int],
    progress: Callable[[int], None] | None,
    reviewed: Reviewed | None = None,
) -> None:
    """Recompute the chain from its beginning.

    Args:
        wanted: the numbers whose digests seals and reviews state.
        reviewed: is told of the events that reviews are about.
    """
    account = verdict.account
    digest = chain.genesis(head.chain_id)
    verdict.digests[0] = digest.hex()
    removed = removed_links(account)
    next_removed = next(removed, None)
    seq = 0
    awaited = reviewed.next if reviewed else 0

    def pass_removed(before: int | None) -> None:
        nonlocal seq, digest, next_removed, awaited
        while next_removed is not None and next_removed[0] == seq + 1 and before != seq + 1:
            seq += 1
            digest = chain.link(digest, bytes.fromhex(next_removed[1]))
            verdict.removed += 1
            if seq in wanted:
                verdict.digests[seq] = digest.hex()
            if reviewed and seq == awaited:
                awaited = reviewed.passed(seq, digest.hex(), removed=True)
            next_removed = next(removed, None)

    for link in links(account):
        if link.seq != seq + 1:
            pass_removed(link.seq)
        if link.seq != seq + 1:
            where = f"before event {event_id(account, link.seq)} (number {link.seq:,})"
            if link.seq <= seq:
                raise _Broken(f"The order is wrong {where}: the number occurs twice.")
            raise _Broken(f"Number {seq + 1:,} is missing {where}: an event was removed.")
        seq = link.seq
        if link.record_hash is None:
            raise _Broken(f"{_named(account, seq)} was altered: a field holds a NUL.")
        digest = chain.link(digest, link.record_hash)
        if digest.hex() != link.digest:
            raise _Broken(f"{_named(account, seq)} was altered, inserted or moved: its digest does not fit.")
        if not link.exact:
            raise _Broken(f"{_named(account, seq)} was altered: a field has a form in which nothing is stored.")
        if link.raw is not None and searchable_text(link.raw) != link.searchable:
            raise _Broken(f"{_named(account, seq)} is hidden from search: its searchable text was altered.")
        if seq in wanted:
            verdict.digests[seq] = link.digest
        if reviewed and seq == awaited:
            awaited = reviewed.passed(seq, link.digest)
        verdict.events += 1
        if progress and not verdict.events % CHUNK:
            progress(verdict.events)
    pass_removed(None)
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


def _named(account: NexmoAccount, seq: int) -> str:
    return f"Event {event_id(account, seq)} (number {seq:,})"


def _check_counts(account: NexmoAccount) -> None:
    if problem := verify_counts.problem_of(account):
        raise _Broken(problem)


def _check_coverage(account: NexmoAccount, statements: list[seals.Statement]) -> None:
    """What is claimed to be covered was read, and what was covered when a seal was made still is."""
    if problem := proven_coverage.problem_of(account):
        raise _Broken(problem)
    covered = proven_coverage.merged(proven_coverage.claimed(account))
    for statement in statements:
        lost = proven_coverage.subtraction(proven_coverage.read_statement(statement.covered), covered)
        if lost:
            stretch = proven_coverage.describe(lost[0])
            raise _Broken(f"The seal of {statement.sealed_at} covers the time {stretch}, which is not covered now.")


def _read_seals(verdict: Verdict, stored: list[Seal], public_keys: list[str] | None) -> list[seals.Statement]:
    statements = []
    for seal in stored:
        try:
            statement = seals.read(seal.statement, seal.signature, public_keys)
        except seals.BadSeal as error:
            raise _Broken(f"The seal of {seal.sealed_at:%Y-%m-%d %H:%M} is not genuine: {error}") from None
        if not seals.says(statement, seal):
            raise _Broken(f"The seal of {seal.sealed_at:%Y-%m-%d %H:%M} does not say what its row says.")
        statements.append(statement)
    verdict.seals = len(statements)
    return statements


def _check_chain_of(statement: seals.Statement, head: ChainHead, account: NexmoAccount) -> None:
    if statement.account != account.api_key:
        raise _Broken(
            f"The seal of {statement.sealed_at} is of account {statement.account}: keys or seals were exchanged."
        )
    if statement.chain != head.chain_id:
        raise _Broken(f"The seal of {statement.sealed_at} belongs to another chain: this one was started anew.")


def _check_statement(statement: seals.Statement, head: ChainHead, verdict: Verdict) -> None:
    when = statement.sealed_at
    if statement.count > head.seq:
        raise _Broken(
            f"The seal of {when} counts {statement.count:,} events, the chain {head.seq:,}: the newest are gone."
        )
    if verdict.digests.get(statement.count) != statement.digest:
        raise _Broken(
            f"The seal of {when} does not fit event number {statement.count:,}: the chain was rewritten before it."
        )
    if statement.removed > verdict.removed:
        raise _Broken(f"The seal of {when} counts {statement.removed:,} removed events, the chain {verdict.removed:,}.")
