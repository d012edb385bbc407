"""The ledger: one hash chain over everything that is recorded beside the events.

Accounts, legal holds and their release, removals, discrepancies, conflicts, readings that failed, reviews, and coverage
where the readings behind it are pruned: each is entered in the transaction that records it, and an entry is never
removed.

    digest of n = SHA-256 of (digest of n-1, SHA-256 of the entry's fields joined by NUL), both as 32 bytes
    digest of 0 = SHA-256 of "auditsite ledger 1"

Every seal states the ledger's digest, so that a rewritten ledger does not fit the seals made before. Entries hold the
hash of what they record, not its content: what retention removes is gone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection, transaction

from events.storage import chain

if TYPE_CHECKING:
    from collections.abc import Iterable

GENESIS = hashlib.sha256(b"auditsite ledger 1").digest()
_LOCK = 0x617564697473  # of PostgreSQL's advisory locks; any number that nobody else uses


@dataclass(frozen=True)
class Entry:
    """Something to enter.

    Args:
        kind: what it is, such as "hold".
        row: the primary key of the row that records it.
        account: the primary key of the account it belongs to; None for all of them.
        seq: the number of the event it belongs to, with which it may be removed; None for what stays.
        values: what is recorded, in a fixed order.
        detail: text that is kept in the entry itself, where no row keeps it.
    """

    kind: str
    row: int
    account: int | None
    values: tuple[Any, ...]
    seq: int | None = None
    detail: str = ""

    def hash(self) -> str:
        """SHA-256 of what is recorded, in hex."""
        return hashlib.sha256("\0".join(map(text_of, (*self.values, self.detail))).encode()).hexdigest()


def text_of(value: Any) -> str:
    """A recorded value as text; times in UTC, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return chain.moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(int(value))
    # A NUL could move text from one field to the next.
    return str(value).replace("\\", "\\\\").replace("\0", "\\0")


def link(previous: bytes, number: int, kind: str, account: int | None, row: int, seq: int | None, hashed: str) -> bytes:
    """The digest after an entry."""
    fields = "\0".join(map(text_of, (number, kind, account, row, seq, hashed)))
    return chain.link(previous, hashlib.sha256(fields.encode()).digest())


def enter(entries: Iterable[Entry], model: Any = None) -> None:
    """Add entries at the end, in the transaction of what they record. Held until it ends, so that there is one order.

    Whoever also locks an account's state or the table of holds does so before.
    """
    wanted = list(entries)
    if not wanted:
        return
    rows = (model or apps.get_model("events", "LedgerEntry")).objects
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = rows.order_by("-number").values_list("number", "digest").first()
        number, digest = (last[0], bytes.fromhex(last[1])) if last else (0, GENESIS)
        new = []
        for entry in wanted:
            number += 1
            hashed = entry.hash()
            digest = link(digest, number, entry.kind, entry.account, entry.row, entry.seq, hashed)
            new.append(
                rows.model(
                    number=number,
                    kind=entry.kind,
                    account_pk=entry.account,
                    row=entry.row,
                    seq=entry.seq,
                    detail=entry.detail,
                    record_hash=hashed,
                    digest=digest.hex(),
                )
            )
        rows.bulk_create(new, batch_size=500)


def head() -> str:
    """The digest after the last entry, in hex."""
    last = apps.get_model("events", "LedgerEntry").objects.order_by("-number").values_list("digest", flat=True).first()
    return last or GENESIS.hex()
