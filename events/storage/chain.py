"""The hash chain over an account's events.

    record hash  = SHA-256 of the record: the event's fields, in the order of FIELDS, joined by NUL
    digest of n  = SHA-256 of (digest of n-1, record hash of n), both as 32 bytes
    digest of 0  = SHA-256 of "auditsite chain 1", a NUL and the chain's id

The record holds the event as received and every column parsed from it, so that neither can be altered alone. A
removed event leaves its record hash behind, and the chain can still be computed. docs/integrity.md says what this
proves. Whoever changes anything here breaks every chain there is: the evidence pack's verifier repeats it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from events.fields import dump_json

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS = (
    "seq",
    "event_id",
    "event_id_key",
    "event_type",
    "event_type_description",
    "created_at",
    "created_at_basis",
    "user_email",
    "user_id",
    "source",
    "source_description",
    "source_ip",
    "source_ip_key",
    "source_country",
    "context",
    "odd_fields",
    "reported_account",
    "run_id",
    "fetched_at",
    "raw",
)
_SEPARATORS = len(FIELDS) - 1


class BadRecord(ValueError):
    """A field holds a NUL: no event of ours does, so that text cannot be moved from one field to the next."""


def genesis(chain_id: str) -> bytes:
    """The digest before the first event."""
    return hashlib.sha256(f"auditsite chain 1\0{chain_id}".encode()).digest()


def record_hash(values: Sequence[str]) -> bytes:
    """SHA-256 of the record of an event, from its fields as text in the order of FIELDS. Raises BadRecord."""
    return hash_record("\0".join(values))


def hash_record(record: str) -> bytes:
    """SHA-256 of a record that is joined already. Raises BadRecord."""
    if record.count("\0") != _SEPARATORS:
        raise BadRecord
    return hashlib.sha256(record.encode()).digest()


def link(previous: bytes, hash_of_record: bytes) -> bytes:
    """The digest of the next event."""
    return hashlib.sha256(previous + hash_of_record).digest()


def moment(value: datetime | None) -> str:
    """A time as it stands in a record: UTC, microseconds, no zone; empty for none."""
    if value is None:
        return ""
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(timespec="microseconds")


def values_of(event: Any) -> list[str]:
    """The fields of an AuditEvent about to be stored, as they will stand in its record."""
    return [_text(name, getattr(event, name)) for name in FIELDS]


def _text(name: str, value: Any) -> str:
    if name in ("created_at", "fetched_at"):
        return moment(value)
    if name == "context":
        return "" if value is None else dump_json(value)
    return "" if value is None else str(value)
