"""What happened, in one line of English: programs read it, and so its language is nobody's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import get_language, override

from events.streams.formats.meanings import words
from events.wording.sentences import plain_sentence

if TYPE_CHECKING:
    from events.streams.record import EventRecord


def what_happened(record: EventRecord) -> str:
    """The sentence of the event, else what its type means."""
    if get_language() == "en":
        return _sentence(record)
    with override("en"):
        return _sentence(record)


def _sentence(record: EventRecord) -> str:
    return plain_sentence(record.event_type, record.details) or words(record)
