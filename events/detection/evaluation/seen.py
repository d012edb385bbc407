"""Which values were never seen before in an account: the first event with each, kept as events are followed.

Values are those of a few fields together. Of the archive's columns every event counts; of what stands in contexts, the
events of the types that a rule selects. What is kept is filled from the archive when a rule first asks, and stays when
retention removes events: they were seen.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice, product
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.detection.sigma.fields import COLUMNS, fold
from events.models import SeenField, SeenValue
from events.reading.rows import as_time, time_column

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.reader import Reader
    from events.detection.sigma.rule import Rule, Selection

    Place = tuple[datetime, int]

# Columns that facts have as attributes of the same name.
PLAIN = frozenset(COLUMNS) - {"account"}
CHUNK = 500  # values in one statement
MOST_VALUES = 10_000  # of one event
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

    @cached_property
    def key(self) -> str:
        text = json.dumps([self.fields, None if self.types is None else sorted(self.types)])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def is_plain(self) -> bool:
        """Whether all fields are columns of facts."""
        return set(self.fields) <= PLAIN

    def counts(self, event_type: str) -> bool:
        return self.types is None or event_type.upper() in self.types


def noted_for(rule: Rule) -> list[What]:
    """What a rule asks the first events of, each once."""
    asked = ((selection, selection.custom.get("first_seen")) for selection in rule.selections)
    return list(dict.fromkeys(What.of(selection, first["fields"]) for selection, first in asked if first))


@dataclass
class Seen:
    """The first event with each value of an account: what the table says, and what came after.

    Attributes:
        seq: up to where the table is filled.
        upto: up to where `later` reaches beyond it.
        later: the first event with each value among those.
        displaced: keys of events that were the first with a value until others were followed.
        news: keys of events followed last that are the first with a value.
    """

    what: What
    account: int
    seq: int = 0
    upto: int = 0
    later: dict[str, Place] = field(default_factory=dict)
    displaced: list[int] = field(default_factory=list)
    news: set[int] = field(default_factory=set)
    _known: dict[str, Place | None] = field(default_factory=dict)

    @classmethod
    def load_all(cls, several: Iterable[What], account: int) -> list[Seen]:
        """The same of several fields, in one statement."""
        filled = dict(SeenField.objects.filter(account=account).values_list("what", "seq"))
        return [cls(what, account, seq, seq) for what in several for seq in (filled.get(what.key, 0),)]

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
            return [_digest(tuple(values))]
        several = [value if isinstance(value, list) else [value] for value in values]
        # Lists in a context are as long as somebody likes, and their combinations far more.
        return [_digest(combination) for combination in islice(product(*several), MOST_VALUES)]

    def add(self, facts: Iterable[Fact], upto: int) -> None:
        """Count the events that follow, up to a place in the chain."""
        self._count(self._first_of(_latest_first(facts)), upto)

    def _follow(self, latest_first: Sequence[Fact], upto: int) -> None:
        firsts = self._first_of(latest_first)
        before = self.firsts(firsts)
        self._count(firsts, upto)
        self.news, self.displaced = set(), []
        for digest, fact in firsts.items():
            known = before.get(digest)
            if known is None or fact.place < known:
                self.news.add(fact.pk)
                if known is not None:
                    self.displaced.append(known[1])

    def _first_of(self, latest_first: Sequence[Fact]) -> dict[str, Fact]:
        """The first event with each value, of these."""
        if self.what.types is not None:
            types = {
                event_type for event_type in {fact.event_type for fact in latest_first} if self.what.counts(event_type)
            }
            latest_first = [fact for fact in latest_first if fact.event_type in types]
        if not self.what.is_plain:
            return {digest: fact for fact in latest_first for digest in self.values_of(fact)}
        firsts: dict[str, Fact] = {}
        values_of = attrgetter(*self.what.fields)
        for value, fact in dict(zip(map(values_of, latest_first), latest_first, strict=True)).items():
            values = value if isinstance(value, tuple) else (value,)
            if "" in values:
                continue
            digest = _digest(values)
            first = firsts.get(digest)
            if first is None or fact.place < first.place:  # the same in other letters
                firsts[digest] = fact
        return firsts

    def _count(self, firsts: Mapping[str, Fact], upto: int) -> None:
        for digest, fact in firsts.items():
            first = self.later.get(digest)
            if first is None or fact.place < first:
                self.later[digest] = fact.place
        self.upto = upto

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
            # As a queryset, the values would cost more than their lookup; on PostgreSQL so would a mark for each.
            on_postgresql = connection.vendor == "postgresql"
            among = "= ANY(string_to_array(%s, ','))" if on_postgresql else f"IN ({', '.join(['%s'] * len(chunk))})"
            for value, at, pk in _rows(
                f"SELECT value, {time_column()}, event FROM {SeenValue._meta.db_table} "
                f"WHERE account_id = %s AND what = %s AND value {among}",
                [self.account, self.what.key, *([",".join(chunk)] if on_postgresql else chunk)],
            ):
                self._known[value] = (as_time(at), pk)

    def first_within(self, start: datetime, end: datetime) -> list[int]:
        """The keys of the events of a span that are the first with a value."""
        stored = connection.ops.adapt_datetimefield_value
        rows = _rows(
            f"SELECT event FROM {SeenValue._meta.db_table} "
            "WHERE account_id = %s AND what = %s AND created_at >= %s AND created_at <= %s",
            [self.account, self.what.key, stored(start), stored(end)],
        )
        found = {pk for (pk,) in rows}
        found.update(pk for at, pk in self.later.values() if start <= at <= end)
        return sorted(found)

    def _fresh(self) -> list[tuple[Any, ...]]:
        """What the table does not have yet: values of `ROW`."""
        self._look_up(self.later)
        stored, key = connection.ops.adapt_datetimefield_value, self.what.key
        return [
            (self.account, key, digest, pk, stored(at))
            for digest, (at, pk) in self.later.items()
            if (known := self._known[digest]) is None or (at, pk) < known
        ]


def follow(several: Sequence[Seen], facts: Iterable[Fact], upto: int) -> None:
    """Count an account's new events; and note which are the first with a value, and which ones are it no more."""
    ordered = _latest_first(facts)
    for seen in several:
        seen._follow(ordered, upto)


def _latest_first(facts: Iterable[Fact]) -> list[Fact]:
    """So that of those with a value the last one is its first: dictionaries keep that by themselves."""
    return sorted(facts, key=attrgetter("stored_at", "pk"), reverse=True)


# With the types of PostgreSQL. No value holds a comma.
ROW = {"account_id": "bigint", "what": "text", "value": "text", "event": "bigint", "created_at": "timestamptz"}


def write(several: Sequence[Seen]) -> None:
    """Put what came after into the table. In the caller's transaction, and by one at a time."""
    rows = [row for seen in several for row in seen._fresh()]
    if rows:
        # There are thousands of a batch: as models they would take several times as long.
        insert = f"INSERT INTO {SeenValue._meta.db_table} ({', '.join(ROW)}) "
        conflict = (
            " ON CONFLICT (account_id, what, value) DO UPDATE "
            "SET event = EXCLUDED.event, created_at = EXCLUDED.created_at"
        )
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Texts that the database takes apart: of lists the driver would write each item by itself.
                columns = [",".join(map(str, column)) for column in zip(*rows, strict=True)]
                arrays = ", ".join(f"string_to_array(%s, ',')::{kind}[]" for kind in ROW.values())
                cursor.execute(f"{insert}SELECT * FROM unnest({arrays}){conflict}", columns)
            else:
                cursor.executemany(f"{insert}VALUES ({', '.join(['%s'] * len(ROW))}){conflict}", rows)
    SeenField.objects.bulk_create(
        [SeenField(account_id=seen.account, what=seen.what.key, seq=seen.upto) for seen in several],
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["account", "what"],
        update_fields=["seq"],
    )


def _rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


@lru_cache(maxsize=20_000, typed=True)
def _digest(values: tuple[Any, ...]) -> str:
    text = json.dumps([fold(str(value)) for value in values])
    return hashlib.sha256(text.encode()).hexdigest()
