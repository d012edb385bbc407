"""Records of streams, made of events as Nexmo sends them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from events.fields import dump_json
from events.nexmo.catalog import EVENT_TYPES
from events.nexmo.parse import parse_event
from events.sandbox.odd import odd_events
from events.sandbox.world import HISTORY_DAYS, World
from events.streams.record import EventRecord, FindingRecord, FoundEvent

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DIGEST = hashlib.sha256(b"chain").hexdigest()


def record_of(raw: str, sequence: int = 17, **changes: Any) -> EventRecord:
    """An event as archived, from what was received."""
    event = parse_event(raw, UTC)
    record = EventRecord(
        account="abcd1234",
        account_name="Shop",
        sequence=sequence,
        digest=DIGEST,
        raw=event.raw,
        event_id=event.event_id,
        event_type=event.event_type,
        event_type_description=event.event_type_description,
        created_at=event.created_at or NOON,
        created_at_basis=event.created_at_basis or "fetched",
        user_email=event.user_email,
        user_id=event.user_id,
        source=event.source,
        source_description=event.source_description,
        source_ip=event.source_ip,
        source_country=event.source_country,
        context=None if event.context is None else dump_json(event.context),
        odd_fields=",".join(event.odd_fields),
        received_at=NOON,
        previous_sequence=sequence - 1,
        url="https://audit.example.com/accounts/abcd1234/events/e1/",
    )
    return replace(record, **changes)


def event(
    event_type: str = "NUMBER_LINKED", context: Any = None, *, record: dict[str, Any] | None = None, **fields: Any
) -> EventRecord:
    """An event of a type with this context; `fields` as Nexmo sends them, `record` as the archive adds them."""
    sent = {
        "id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        "event_type": event_type,
        "event_type_description": EVENT_TYPES.get(event_type, "Something new"),
        "created_at": "2026-11-25T16:34:22",
        "user_email": "ann@example.com",
        "user_id": 1234567,
        "account_id": "abcd1234",
        "source": "CD",
        "source_ip": "192.0.2.7",
        "source_description": "Customer dashboard",
        "source_country": "GB",
        "context": context,
    }
    return record_of(json.dumps(sent | fields), **(record or {}))


def finding(**changes: Any) -> FindingRecord:
    """A finding of two events in one account."""
    secret = FoundEvent(
        *("abcd1234", "e1", "ACCOUNT_SECRET_CREATE", NOON - timedelta(hours=1), "ann@example.com", "192.0.2.7", "NL"),
        *("API secret created", 16, DIGEST),
    )
    gone = FoundEvent("abcd1234", "e2", "NUMBER_ASSIGN", NOON - timedelta(minutes=50), step="Number bought")
    record = FindingRecord(
        number=3,
        rule="27974e19-ac80-4073-af5a-b0b66e076a1b",
        title="Secret created, then a number bought",
        severity=3,
        state="open",
        found_at=NOON,
        first_at=secret.created_at,
        last_at=gone.created_at,
        event_count=2,
        explanation="Somebody may use a login that is not theirs.",
        next_steps=("Ask the user.", "Delete the secret."),
        tags=("attack.persistence", "attack.t1098", "attack.t1098.001", "cve.2026-1"),
        accounts=(("abcd1234", "Shop"),),
        events=(secret, gone),
        url="https://audit.example.com/findings/3/",
    )
    return replace(record, **changes)


@cache
def of_each_type() -> dict[str, EventRecord]:
    """An event of each known type, with a context that its type may have."""
    contexts: dict[str, Any] = {
        "USER": {"email": "bob@example.com", "userId": 77, "status": "disabled"},
        "ACCOUNT_SECRET": {"secretId": "ad6dc56f-07b5-46e1-a527-85530e625800"},
        "NUMBER": {"msisdn": "447700900000", "country": "GB", "http": "https://h.example.com/?token=hunter2"},
        "APP": {"applicationId": "78d335fa-323d-0114-9c3d-d6f0d48968cf", "name": "Shop"},
        "IP_WHITELIST": {"ip": "0.0.0.0/0"},
        "AUTORELOAD": {"amount": 500, "threshold": 20},
    }
    records = {}
    for code in EVENT_TYPES:
        context = next((context for prefix, context in contexts.items() if code.startswith(prefix)), None)
        records[code] = event(code, context)
    return records


@cache
def of_the_sandbox() -> tuple[EventRecord, ...]:
    """Everything odd that the sandbox knows, and some hundred events of a usual life."""
    world = World(accounts=3, events=400, seed=1, start=(NOON - timedelta(days=HISTORY_DAYS)).date())
    world.advance(NOON)
    usual = [json.dumps(sent) for account in world.accounts.values() for sent in account.events()]
    odd = [sent if isinstance(sent, str) else json.dumps(sent) for sent in odd_events(account="abcd1234", now=NOON)]
    return tuple(record_of(raw, sequence) for sequence, raw in enumerate((*odd, *usual), 1))
