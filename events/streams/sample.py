"""The event that a test sends: made up, and marked as such in every format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.utils import timezone

from events.streams.record import EventRecord

if TYPE_CHECKING:
    from events.models import Stream


def sample(stream: Stream) -> EventRecord:
    """An event of no account, with number 0."""
    now = timezone.now()
    event_id = f"00000000-0000-4000-8000-{stream.pk:012d}"
    raw = {"id": event_id, "event_type": "AUDITSITE_TEST", "created_at": now.isoformat(), "source": "AUDITSITE"}
    return EventRecord(
        account="test",
        account_name="Auditsite",
        sequence=0,
        digest="0" * 64,
        raw=json.dumps(raw),
        event_id=event_id,
        event_type="AUDITSITE_TEST",
        event_type_description="A test of this stream. It is not an audit event.",
        created_at=now,
        created_at_basis="",
        user_email="",
        user_id="",
        source="AUDITSITE",
        source_description="",
        source_ip="",
        source_country="",
        context=None,
        received_at=now,
        is_test=True,
    )
