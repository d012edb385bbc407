"""Which index serves a question: chosen here, not by the databases' planners, whose guesses flip.

Every index ends in (created_at, id), so that each of its values yields its events in order. A question becomes a few
branches, one per value or pair of values of the best index, whose heads are merged; what the index does not answer is
checked row by row, along a walk that is never longer than MOST_WALKED.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from django.utils import timezone

from events.reading.conditions import Conditions, Sql, joined
from events.reading.filterable import COLUMNS, PAIR_RANK, PAIRS
from events.reading.rows import TABLE, Row, as_time
from events.storage import first_seen

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BRANCHES = 50
MOST_REPEATED = 20_000  # values in all branches together; SQLite may take no more than 32,766
MOST_WALKED = 8_000
MOST_ON_PAGE = 250  # rows; more are asked for by exports only
PROBED = 2_000  # how far a look ahead goes; so many candidates are looked through whole

# The dimensions that an index begins with, and its name, the most selective first.
_RANKED = [(dimension.rank, (name,), dimension.index) for name, dimension in COLUMNS.items()] + [
    (PAIR_RANK, names, index) for names, index in PAIRS.items()
]
INDEXES: dict[tuple[str, ...], str] = {names: index for _, names, index in sorted(_RANKED)} | {(): "event_time"}
FIRST_SEEN = "first_seen_time"


class Key(NamedTuple):
    """A place in the order of events."""

    created_at: Any  # as the database has it
    pk: int


@dataclass(frozen=True)
class Span:
    """From where to where to read: times, both included, and a key to begin beyond.

    Attributes:
        upto: leaves out what was archived after the event with this primary key.
    """

    start: datetime | None
    end: datetime | None
    beyond: Key | None = None
    newest_first: bool = True
    upto: int | None = None

    @property
    def order(self) -> str:
        return "created_at DESC, id DESC" if self.newest_first else "created_at, id"

    def sql(self) -> Sql:
        """The condition, with one bound at each end: SQLite would use only the first of two."""
        start, end = db_time(self.start), db_time(self.end)
        conditions: list[Sql] = []
        if self.beyond and self.newest_first and (end is None or self.beyond.created_at <= end):
            at, pk = self.beyond
            end = at
            # The redundant first half is what the index can use; as one OR it would be a scan.
            conditions.append(("(created_at < %s OR id < %s)", [at, pk]))
        elif self.beyond and not self.newest_first and (start is None or self.beyond.created_at >= start):
            at, pk = self.beyond
            start = at
            conditions.append(("(created_at > %s OR id > %s)", [at, pk]))
        if start is not None:
            conditions.insert(0, ("created_at >= %s", [start]))
        if end is not None:
            conditions.insert(0, ("created_at <= %s", [end]))
        if self.upto is not None:
            conditions.append(("id <= %s", [self.upto]))
        return joined(conditions)


@dataclass(frozen=True)
class Plan:
    """Branches of one index, and what is left to check in each row.

    Attributes:
        names: the dimensions that the index begins with.
    """

    index: str
    branches: list[Sql]
    rest: list[Sql]
    names: tuple[str, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether the index answers all of it, so that no row is read in vain."""
        return not self.rest


def db_time(moment: datetime | None) -> Any:
    return None if moment is None else connection.ops.adapt_datetimefield_value(moment)


def stored_key(at: Any, pk: int) -> Key:
    """A place, by a time in any form that queries tell."""
    return Key(db_time(as_time(at)), pk)


def table(index: str) -> str:
    """The events, by an index; SQLite needs its name, PostgreSQL picks it itself."""
    if index == FIRST_SEEN:
        return _first_events()
    return f"{TABLE} INDEXED BY {index}" if connection.vendor == "sqlite" else TABLE


def _first_events() -> str:
    """The events that FirstSeen names, in its order: each is looked up there, by its key, and in no other way."""
    noted = {"id": "f.event_id AS id"} | {
        name: f"f.{name}" for name in ("account_id", "user_email", "source_country", "created_at")
    }
    filtered = (dimension.column for dimension in COLUMNS.values())
    names = dict.fromkeys(("id", *Row._fields[1:], *filtered, "raw", "searchable"))
    columns = ", ".join(noted.get(name, f"e.{name}") for name in names)
    # SQLite keeps the order of a CROSS JOIN. PostgreSQL cannot see through OFFSET 0.
    event = (
        f"INDEXED BY {FIRST_SEEN} CROSS JOIN {TABLE} AS e ON e.id = f.event_id"
        if connection.vendor == "sqlite"
        else f"CROSS JOIN LATERAL (SELECT * FROM {TABLE} WHERE id = f.event_id OFFSET 0) AS e"
    )
    return f"(SELECT {columns} FROM {first_seen.TABLE} AS f {event}) AS first_events"


def choose(conditions: Conditions, span: Span, wanted: int, *, heads: bool = True) -> Plan:
    """The plan for the first `wanted` events.

    Args:
        heads: of very many accounts, take only those whose newest events can be among them.
    """
    if conditions.new_country:
        return _along_first_seen(conditions)
    values = conditions.values()
    simple = conditions.is_plain
    usable = _usable(conditions, values)
    for names in usable:
        if simple and set(names) == values.keys():
            return _plan(conditions, names)
    if heads and simple and set(values) == {"account"} and wanted <= MOST_ON_PAGE:
        ahead = _accounts_ahead(conditions.accounts or (), span, wanted)
        if len(ahead) <= MOST_ON_PAGE:  # unless very many have an event in the same second
            return _plan(Conditions(accounts=ahead), ("account",))
    return _plan(conditions, _sparsest(conditions, span, usable))


def choose_for_all(conditions: Conditions) -> Plan:
    """The plan for all events that match: here a walk may be as long as it takes."""
    if conditions.new_country:
        return _along_first_seen(conditions)
    values = conditions.values()
    usable = _usable(conditions, values)
    for names in usable:
        if set(names) == values.keys():
            return _plan(conditions, names)
    return _plan(conditions, _sparsest(conditions, Span(conditions.start, conditions.end), usable))


def _along_first_seen(conditions: Conditions) -> Plan:
    """Users and the countries they come from are few, so that a walk along all of them needs no end."""
    return Plan(FIRST_SEEN, [joined(conditions.rest(("new_country",)))], [])


def _usable(conditions: Conditions, values: Mapping[str, tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """The indexes that answer some of the conditions in few branches, each of which repeats what is left to check."""
    most = min(MOST_BRANCHES, MOST_REPEATED // max(conditions.size, 1))
    return [
        names
        for names in INDEXES
        if set(names) <= values.keys() and (not names or prod(len(values[name]) for name in names) <= most)
    ]


def _plan(conditions: Conditions, names: tuple[str, ...]) -> Plan:
    return Plan(INDEXES[names], _branches(conditions, names), conditions.rest(names), names)


def by_account(conditions: Conditions) -> Plan | None:
    """The plan along the accounts in question; None where they are all, or too many."""
    return _plan(conditions, ("account",)) if 0 < len(conditions.accounts or ()) <= MOST_BRANCHES else None


def _branches(conditions: Conditions, names: tuple[str, ...]) -> list[Sql]:
    values = conditions.values()
    where = " AND ".join(f"{COLUMNS[name].column} = %s" for name in names) or "1 = 1"
    return [(where, list(combination)) for combination in product(*(values[name] for name in names))]


def _sparsest(conditions: Conditions, span: Span, usable: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The index whose events lie the farthest apart, from where the span begins on: a walk along it gets farthest."""
    if usable == [()]:
        return ()
    rates = dict.fromkeys(usable, 0.0)
    queries, params, probes = [], [], []
    where, bounds = span.sql()
    for names in usable:
        branches = _branches(conditions, names)
        per_branch = -(-PROBED // len(branches))
        for condition, values in branches:
            probes.append((names, per_branch))
            queries.append(
                f"(SELECT created_at FROM {table(INDEXES[names])} WHERE {condition} AND {where} "
                f"ORDER BY {span.order} LIMIT 1 OFFSET {per_branch - 1})"
            )
            params += values + bounds
    # The walk begins at the first event of all, wherever that is.
    queries.append(f"(SELECT created_at FROM {table(INDEXES[()])} WHERE {where} ORDER BY {span.order} LIMIT 1)")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(queries)}", params + bounds)
        *ends, first = cursor.fetchone()
    begin = as_time(first) if first else timezone.now()
    for (names, per_branch), end in zip(probes, ends, strict=True):
        if end is not None:  # else it has few events, and they are looked through whole
            rates[names] += per_branch / max(abs((begin - as_time(end)).total_seconds()), 1.0)
    best = min(usable, key=lambda names: (rates[names], usable.index(names)))
    if len(_branches(conditions, best)) > 1 and rates[()] < 2 * rates[best]:
        return ()  # one long walk gets farther than many short ones
    return best


def _accounts_ahead(accounts: tuple[int, ...], span: Span, wanted: int) -> tuple[int, ...]:
    """Of very many accounts, those that can have one of the first `wanted` events.

    Where `wanted` accounts each have an event before all of another's, that other has none among them.
    """
    where, bounds = span.sql()
    head = f"(SELECT created_at FROM {TABLE} WHERE account_id = a.id AND {where} ORDER BY {span.order} LIMIT 1)"
    listed = ", ".join(str(int(account)) for account in accounts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a.id, {head} FROM accounts_nexmoaccount a WHERE a.id IN ({listed})", bounds)
        heads = [(at, account) for account, at in cursor.fetchall() if at is not None]
    heads.sort(reverse=span.newest_first)
    if len(heads) > wanted:
        last = heads[wanted - 1][0]
        heads = [head for head in heads if (head[0] >= last if span.newest_first else head[0] <= last)]
    return tuple(account for _, account in heads)
