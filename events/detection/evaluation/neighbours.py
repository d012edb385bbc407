"""Which event comes before or after another one with the same value of a field."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from events.nexmo.values import ip_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.reader import Reader

# The columns that an index leads along in the order of time, and how a value is looked up there.
COLUMNS: dict[str, tuple[str, str]] = {
    "user_email": ("user_email", "event_user_time"),
    "source_ip": ("source_ip_key", "event_ip_time"),
    "source_country": ("source_country", "event_country_time"),
    "source": ("source", "event_source_time"),
    "event_type": ("event_type", "event_account_type_time"),
    "account": ("account_id", "event_account_time"),
}


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
            plain = self.of(name, everywhere=everywhere) if also else None
            self._of[key] = FieldNeighbours(self.reader, name, also, everywhere, plain)
        return self._of[key]


class FieldNeighbours:
    """The events before and after others with the same value of one field."""

    def __init__(
        self, reader: Reader, name: str, also: str, everywhere: bool, plain: FieldNeighbours | None = None
    ) -> None:
        """
        Args:
            plain: the same without `also`, which mostly is the same.
        """
        self.reader, self.name, self.also, self.everywhere, self.plain = reader, name, also, everywhere, plain
        self.column, self.index = COLUMNS[name]
        self._loaded: set[int] = set()
        self._took_batch = False
        self._before: dict[int, Fact] = {}
        self._after: dict[int, Fact] = {}

    def forget(self) -> None:
        self._loaded.clear()
        self._before.clear()
        self._after.clear()

    def _key(self, fact: Fact) -> tuple[int, Any]:
        """The account (0: all) and the value; "" where it has none."""
        value = (fact.account_id if self.name == "account" else fact.get(self.name)) or ""
        if self.name == "source_ip" and value:
            value = ip_key(value)
        return 0 if self.everywhere else fact.account_id, value

    def load(self, facts: Iterable[Fact]) -> None:
        """Look up what comes before and after these events."""
        wanted = []
        for fact in facts:
            if fact.pk not in self._loaded and self._key(fact)[1]:
                if not self.everywhere and fact.pk in self.reader.batch_keys and self._take_batch(fact.account_id):
                    continue
                self._loaded.add(fact.pk)
                wanted.append(fact)
        self._look_up(wanted)

    def _take_batch(self, account: int) -> bool:
        """Put the batch in memory in order, where it is all that the account has of its time. Returns whether it is."""
        if not self.reader.is_whole_within([account]):
            return False
        if not self._took_batch:
            self._took_batch = True
            runs: dict[Any, list[Fact]] = defaultdict(list)
            for fact in self.reader.batch:
                if (value := self._key(fact)[1]) and (fact.source_country or not self.also):
                    runs[value].append(fact)
            ends: dict[int, Fact] = {}
            for run in runs.values():
                run.sort(key=lambda fact: fact.place)
                self._loaded.update(fact.pk for fact in run)
                for one, other in pairwise(run):
                    self._after[one.pk], self._before[other.pk] = other, one
                ends[run[0].pk] = run[0]
                if not self.reader.is_newest:
                    ends[run[-1].pk] = run[-1]
            self._look_up(list(ends.values()))
        return True

    def _look_up(self, facts: Sequence[Fact]) -> None:
        """Find the neighbours of these events in the archive, those that are not known yet."""
        if self.plain is not None:
            facts = self._take_over(facts, self.plain)
        accounts: dict[int, list[Fact]] = defaultdict(list)
        for fact in facts:
            accounts[self._key(fact)[0]].append(fact)
        found: list[tuple[int, int | None, int | None]] = []
        for account, mine in accounts.items():
            points = [(fact.pk, self._key(fact)[1], fact.at) for fact in mine]
            where = self.reader.counting(account or None, self.index) + self.also
            found += self.reader.neighbours(self.column, self.index, where, points)
        there = {
            fact.pk: fact for fact in self.reader.by_key([pk for _, *pks in found for pk in pks if pk is not None])
        }
        for pk, before, after in found:
            if before in there:
                self._before.setdefault(pk, there[before])
            if after in there:
                self._after.setdefault(pk, there[after])

    def _take_over(self, facts: Sequence[Fact], plain: FieldNeighbours) -> list[Fact]:
        """Take over the neighbours of any country, where they have one. Returns the events that are left."""
        plain.load(facts)
        left = []
        for fact in facts:
            before, after = plain.before(fact), plain.after(fact)
            if before is not None and not before.source_country or after is not None and not after.source_country:
                left.append(fact)
                continue
            if before is not None:
                self._before.setdefault(fact.pk, before)
            if after is not None:
                self._after.setdefault(fact.pk, after)
        return left

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

    def pairs(self) -> Iterator[tuple[Fact, Fact]]:
        """The events of the batch in memory, each behind the one before it."""
        self.load(self.reader.batch)
        for fact in self.reader.batch:
            before = self._before.get(fact.pk)
            if before is not None:
                yield before, fact

    def divided(self, new: Sequence[Fact]) -> Iterator[tuple[Fact | None, Fact, Fact]]:
        """Events that were there before and now follow on a new one: what came before them until now, the new one, and
        the event itself."""
        self.load(new)
        keys = {fact.pk for fact in new}
        for between in new:
            fact = self._after.get(between.pk)
            if fact is None or fact.pk in keys:
                continue
            before = self._before.get(between.pk)
            while before is not None and before.pk in keys:
                before = self._before.get(before.pk)
            yield before, between, fact

    def following(self, facts: Sequence[Fact]) -> list[Fact]:
        """The events that come right after these."""
        self.load(facts)
        return [after for fact in facts if (after := self.after(fact)) is not None]

    def preceding(self, facts: Sequence[Fact]) -> list[Fact]:
        self.load(facts)
        return [before for fact in facts if (before := self.before(fact)) is not None]
