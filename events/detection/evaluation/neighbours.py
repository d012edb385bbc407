"""Which event comes before or after another one with the same value of a field."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from events.nexmo.values import ip_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact, Reader

    Place = tuple[datetime, int]

# The columns that an index leads along in the order of time, and how a value is looked up there.
COLUMNS: dict[str, tuple[str, str]] = {
    "user_email": ("user_email", "event_user_time"),
    "source_ip": ("source_ip_key", "event_ip_time"),
    "source_country": ("source_country", "event_country_time"),
    "source": ("source", "event_source_time"),
    "event_type": ("event_type", "event_account_type_time"),
    "account": ("account_id", "event_account_time"),
}
MOST_AT_ONCE = 60  # values in one statement


class Neighbours:
    """Neighbours by all fields, each read once."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._of: dict[tuple[str, str, bool], FieldNeighbours] = {}

    def forget(self) -> None:
        for neighbours in self._of.values():
            neighbours.forget()

    def of(self, name: str, *, with_country: bool = False, everywhere: bool = False) -> FieldNeighbours:
        """Neighbours by a field.

        Args:
            with_country: only of events with a country.
            everywhere: of all accounts together, not of each by itself.
        """
        also = " AND source_country <> ''" if with_country else ""
        if name not in COLUMNS:
            raise ValueError(f"No index leads along {name}.")
        key = (name, also, everywhere)
        if key not in self._of:
            self._of[key] = FieldNeighbours(self.reader, name, also, everywhere)
        return self._of[key]


class FieldNeighbours:
    """The events before and after others with the same value of one field."""

    def __init__(self, reader: Reader, name: str, also: str, everywhere: bool) -> None:
        self.reader, self.name, self.also, self.everywhere = reader, name, also, everywhere
        self.column, self.index = COLUMNS[name]
        self._spans: dict[tuple[int, Any], tuple[datetime, datetime]] = {}
        self._before: dict[int, Fact] = {}
        self._after: dict[int, Fact] = {}
        self._batch: dict[tuple[int, Any], list[Fact]] | None = None

    def forget(self) -> None:
        self._spans.clear()
        self._before.clear()
        self._after.clear()

    def _key(self, fact: Fact) -> tuple[int, Any]:
        """The account (0: all) and the value; "" where it has none."""
        value = (fact.account_id if self.name == "account" else fact.get(self.name)) or ""
        if self.name == "source_ip" and value:
            value = ip_key(value)
        return 0 if self.everywhere else fact.account_id, value

    def load(self, facts: Iterable[Fact]) -> None:
        """Read the neighbourhoods of these events."""
        wanted: dict[tuple[int, Any], list[datetime]] = defaultdict(list)
        for fact in facts:
            if (key := self._key(fact))[1]:
                wanted[key].append(fact.at)
        missing = {}
        for key, moments in wanted.items():
            start, end = min(moments), max(moments)
            if (known := self._spans.get(key)) is not None:
                if known[0] <= start and end <= known[1]:
                    continue
                start, end = min(start, known[0]), max(end, known[1])
            missing[key] = (start, end)
        keys = list(missing)
        for first in range(0, len(keys), MOST_AT_ONCE):
            self._read({key: missing[key] for key in keys[first : first + MOST_AT_ONCE]})

    def _read(self, spans: dict[tuple[int, Any], tuple[datetime, datetime]]) -> None:
        queries: list[tuple[str, list[Any]]] = []
        for (account, value), (start, end) in spans.items():
            where, params = f"{self.column} = %s", [value]
            where += self.reader.counting(None if self.everywhere else account) + self.also
            first, last = self.reader.as_stored(start), self.reader.as_stored(end)
            if self.everywhere or not self.reader.has_all(account, start, end):
                queries.append((f"{where} AND created_at >= %s AND created_at <= %s", [*params, first, last]))
            queries += [
                (f"{where} AND created_at < %s ORDER BY created_at DESC, id DESC LIMIT 1", [*params, first]),
                (f"{where} AND created_at > %s ORDER BY created_at, id LIMIT 1", [*params, last]),
            ]
        found: dict[tuple[int, Any], list[Fact]] = {key: [] for key in spans}
        if not self.everywhere:
            for key, facts in self._in_memory().items():
                if key in found and self.reader.has_all(key[0], *spans[key]):
                    start, end = spans[key]
                    found[key] = [fact for fact in facts if start <= fact.at <= end]
        for fact in self.reader.united(self.index, queries):
            found[self._key(fact)].append(fact)
        for key, facts in found.items():
            facts.sort(key=lambda fact: fact.place)
            self._spans[key] = spans[key]
            for one, other in pairwise(facts):
                self._after[one.pk], self._before[other.pk] = other, one

    def _in_memory(self) -> dict[tuple[int, Any], list[Fact]]:
        """The events of the batch that is whole in memory, by account and value."""
        if self._batch is None:
            self._batch = defaultdict(list)
            for fact in self.reader.batch:
                if not self.also or fact.source_country:
                    self._batch[self._key(fact)].append(fact)
        return self._batch

    def also_in(self, accounts: Collection[int], facts: Sequence[Fact]) -> list[Fact]:
        """Those whose value some event of these accounts has too."""
        values: dict[Any, list[Fact]] = defaultdict(list)
        for fact in facts:
            if (value := self._key(fact)[1]) != "":
                values[value].append(fact)
        there = self.reader.with_values(self.column, self.index, list(values), accounts)
        return [fact for value, mine in values.items() if value in there for fact in mine]

    def before(self, fact: Fact) -> Fact | None:
        """The last event before it; its neighbourhood was loaded."""
        return self._before.get(fact.pk)

    def after(self, fact: Fact) -> Fact | None:
        return self._after.get(fact.pk)

    def following(self, facts: Sequence[Fact]) -> list[Fact]:
        """The events that come right after these."""
        self.load(facts)
        return [after for fact in facts if (after := self.after(fact)) is not None]

    def preceding(self, facts: Sequence[Fact]) -> list[Fact]:
        self.load(facts)
        return [before for fact in facts if (before := self.before(fact)) is not None]
