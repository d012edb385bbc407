"""What happened, in one line of English: programs read it, and so its language is nobody's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import override

from events.streams.formats.meanings import words
from events.wording.sentences import plain_sentence

if TYPE_CHECKING:
    from events.streams.record import EventRecord


def what_happened(record: EventRecord) -> str:
    """The sentence of the event, else what its type means."""
    with override("en"):
        return plain_sentence(record.event_type, record.details) or words(record)
