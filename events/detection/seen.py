"""Which values were never seen before in an account: the first event with each, kept as events are followed.

Values are those of a few fields together. Of the archive's columns every event counts; of what stands in contexts, the
events of the types that a rule selects. What is kept is filled from the archive when a rule first asks, and stays when
retention removes events: they were seen.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from events.detection.sigma.fields import COLUMNS, fold
from events.models import SeenField, SeenValue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from events.detection.facts import Fact, Reader
    from events.detection.sigma.rule import Selection

    Place = tuple[datetime, int]

CHUNK = 500  # values in one statement
STRIDE = 5_000  # places of a chain read at a time


@dataclass(frozen=True)
class What:
    """Fields whose values count together, and the types of event that they are looked for in; None: all."""

    fields: tuple[str, ...]
    types: frozenset[str] | None

    @classmethod
    def of(cls, selection: Selection, fields: Iterable[str]) -> What:
        fields = tuple(fields)
        return cls(fields, None if set(fields) <= set(COLUMNS) else selection.event_types)

    @property
    def key(self) -> str:
        text = json.dumps([self.fields, None if self.types is None else sorted(self.types)])
        return hashlib.sha256(text.encode()).hexdigest()

    def counts(self, event_type: str) -> bool:
        return self.types is None or event_type.upper() in self.types


@dataclass
class Seen:
    """The first event with each value of an account: what the table says, and what came after.

    Attributes:
        seq: up to where the table is filled.
        upto: up to where `later` reaches beyond it.
        later: the first event with each value among those.
        displaced: keys of events that were the first with a value until others were followed.
    """

    what: What
    account: int
    seq: int = 0
    upto: int = 0
    later: dict[str, Place] = field(default_factory=dict)
    displaced: list[int] = field(default_factory=list)
    _digests: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _known: dict[str, Place | None] = field(default_factory=dict)

    @classmethod
    def load(cls, what: What, account: int) -> Seen:
        seq = SeenField.objects.filter(account=account, what=what.key).values_list("seq", flat=True).first() or 0
        return cls(what, account, seq, seq)

    def values_of(self, fact: Fact) -> list[str]:
        """A digest for each combination of the fields' values; none where one is absent."""
        values = [fact.get(name) for name in self.what.fields]
        if None in values:
            return []
        if not any(isinstance(value, list) for value in values):
            return [self._digest(tuple(values))]
        several = [value if isinstance(value, list) else [value] for value in values]
        return [self._digest(combination) for combination in product(*several)]

    def _digest(self, values: tuple[Any, ...]) -> str:
        found = self._digests.get(values)
        if found is None:
            text = json.dumps([fold(str(value)) for value in values])
            found = self._digests[values] = hashlib.sha256(text.encode()).hexdigest()
        return found

    def add(self, facts: Iterable[Fact], upto: int) -> None:
        """Count the events that follow, up to a place in the chain."""
        for fact in facts:
            if self.what.counts(fact.event_type):
                for digest in self.values_of(fact):
                    first = self.later.get(digest)
                    if first is None or fact.place < first:
                        self.later[digest] = fact.place
        self.upto = upto

    def follow(self, facts: Sequence[Fact], upto: int) -> None:
        """Count new events, and note which ones are not the first any more."""
        values = {digest for fact in facts if self.what.counts(fact.event_type) for digest in self.values_of(fact)}
        before = self.firsts(values)
        self.add(facts, upto)
        self.displaced = [place[1] for digest, place in before.items() if self.later.get(digest, place) < place]

    def read(self, reader: Reader, upto: int, tick: Callable[[int], None] | None = None) -> None:
        """Count the events up to a place, from the archive."""
        while self.upto < upto:
            end = min(self.upto + STRIDE, upto)
            self.add(reader.in_chain(self.account, self.upto, end), end)
            reader.forget()
            if tick:
                tick(end)

    def firsts(self, digests: Collection[str]) -> dict[str, Place]:
        """The first event with each of these values, of those that were seen at all."""
        self._look_up(digests)
        places = {}
        for digest in digests:
            both = [place for place in (self._known[digest], self.later.get(digest)) if place is not None]
            if both:
                places[digest] = min(both)
        return places

    def _look_up(self, digests: Collection[str]) -> None:
        missing = [digest for digest in digests if digest not in self._known]
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            self._known.update(dict.fromkeys(chunk))
            rows = SeenValue.objects.filter(account=self.account, what=self.what.key, value__in=chunk)
            for value, at, pk in rows.values_list("value", "created_at", "event"):
                self._known[value] = (at, pk)

    def write(self) -> None:
        """Put what came after into the table. In the caller's transaction, and by one at a time."""
        self._look_up(self.later)
        fresh = [
            SeenValue(account_id=self.account, what=self.what.key, value=digest, created_at=at, event=pk)
            for digest, (at, pk) in self.later.items()
            if (known := self._known[digest]) is None or (at, pk) < known
        ]
        SeenValue.objects.bulk_create(
            fresh,
            batch_size=CHUNK,
            update_conflicts=True,
            unique_fields=["account", "what", "value"],
            update_fields=["event", "created_at"],
        )
        SeenField.objects.bulk_create(
            [SeenField(account_id=self.account, what=self.what.key, seq=self.upto)],
            update_conflicts=True,
            unique_fields=["account", "what"],
            update_fields=["seq"],
        )
        self._known.update({row.value: (row.created_at, row.event) for row in fresh})
        self.later.clear()
        self.seq = self.upto
