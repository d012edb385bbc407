"""Events as rules read them: few columns, and an event's context only where a rule asks for it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.detection.sigma.fields import COLUMNS as FIELDS
from events.detection.sigma.fields import EventFields
from events.reading.rows import TABLE, as_time, is_one_of_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

CHUNK = 500  # keys in one statement


class Contexts:
    """The contexts of events that were read together: asked for when the first of a type is looked at."""

    __slots__ = ("keys", "texts")

    def __init__(self) -> None:
        self.keys: dict[str, list[int]] = {}
        self.texts: dict[int, str | None] = {}

    def of(self, fact: Fact) -> str | None:
        """An event's context as JSON text."""
        keys = self.keys.pop(fact.event_type, None)
        if keys is not None:
            self.texts.update(_read_contexts(keys))
        if fact.pk not in self.texts:  # forgotten since
            self.texts.update(_read_contexts([fact.pk]))
        return self.texts.pop(fact.pk, None)

    def clear(self) -> None:
        self.keys.clear()
        self.texts.clear()


def _read_contexts(keys: list[int]) -> Iterator[tuple[int, str | None]]:
    for start in range(0, len(keys), CHUNK):
        where, values = is_one_of_keys(keys[start : start + CHUNK])
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id, context FROM {TABLE} WHERE {where}", values)
            yield from cursor.fetchall()


COLUMNS = (
    "id", "account_id", "seq", "event_type", "created_at", "user_email", "source_ip", "source_country", "source",
    "user_id", "event_id",
)  # fmt: skip


class Fact(EventFields):
    """One event. Its context is read from the database when a rule first asks for it."""

    __slots__ = (
        "_api_key", "_at", "_contexts", "account_id", "event_id", "event_type", "pk", "seq", "source", "source_country",
        "source_ip", "stored_at", "user_email", "user_id",
    )  # fmt: skip

    def __init__(self, row: Sequence[Any], api_key: str, contexts: Contexts) -> None:
        """
        Args:
            row: `COLUMNS`, and its context where that was read with them.
            contexts: where it is to be asked for otherwise.
        """
        (
            self.pk, self.account_id, self.seq, self.event_type, self.stored_at, self.user_email, self.source_ip,
            self.source_country, self.source, self.user_id, self.event_id, *context,
        ) = row  # fmt: skip
        self._known = {}
        self._context: Any = context[0] if context else None
        self._is_read = bool(context) and self._context is None
        self._lowered = None
        self._contexts: Contexts | None = None if context else contexts  # until its own is read
        self._api_key = api_key
        self._at: datetime | None = None

    @property
    def at(self) -> datetime:
        if self._at is None:
            self._at = as_time(self.stored_at)
        return self._at

    @property
    def place(self) -> tuple[datetime, int]:
        """Its place in the order of events: by time, then by key."""
        return self.at, self.pk

    def _derived(self, name: str) -> Any:
        if name in _ATTRIBUTES:
            return getattr(self, _ATTRIBUTES[name]) or None
        return super()._derived(name)

    def _text(self) -> str:
        if self._contexts is not None:
            self._context = self._contexts.of(self)
            self._is_read = self._context is None
            self._contexts = None
        return super()._text()


_ATTRIBUTES = {name: "_api_key" if name == "account" else name for name in FIELDS}


def by_account(facts: Iterable[Fact]) -> dict[int, list[Fact]]:
    found: dict[int, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.account_id].append(fact)
    return found
