"""How the filtered events divide: by type and account, by user, address, country and source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.masking import mask, may_hide
from events.reading import rollups
from events.reading.filterable import ENTITIES, FACETS
from events.reading.pages import find
from events.reading.plan import Span
from events.reading.rows import TABLE, as_time, is_one_of_keys
from events.reading.users import one_user

if TYPE_CHECKING:
    from datetime import datetime

    from events.reading.conditions import Conditions

SAMPLE = 2_000


@dataclass(frozen=True)
class Sample:
    """The newest events that match, SAMPLE of them at the most.

    Attributes:
        rows: their values in the order of FACETS, and their times.
        complete: these are all there are.
    """

    rows: list[tuple[Any, ...]]
    complete: bool
    reached: datetime | None = None  # how far back was looked; None where the rows show it

    @property
    def oldest(self) -> datetime | None:
        """The time of the oldest of them."""
        return self.rows[-1][-1] if self.rows else None

    @property
    def looked_back_to(self) -> datetime | None:
        """What is older is unknown; None where all is known."""
        return None if self.complete else self.reached or self.oldest


@dataclass(frozen=True)
class Facet:
    """One way the events divide: the commonest values first. `exact`: counted over all, not over the sample."""

    name: str
    values: list[tuple[Any, int]]
    exact: bool


def sample(conditions: Conditions) -> Sample:
    """The newest events that match, as far as one look at the archive finds them."""
    matches = find(conditions, Span(conditions.start, conditions.end), SAMPLE + 1, rows=False)
    keys = matches.keys[:SAMPLE]
    complete = matches.reached is None and len(matches.keys) <= SAMPLE
    reached = as_time(matches.reached.created_at) if matches.reached and len(matches.keys) <= SAMPLE else None
    if not keys:
        return Sample([], complete, reached)
    where, values = is_one_of_keys(key.pk for key in keys)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(FACETS.values())}, created_at FROM {TABLE} WHERE {where}", values)
        rows = [(*row[:-1], as_time(row[-1])) for row in cursor.fetchall()]
    if may_hide({value for row in rows for value in row if isinstance(value, str)}):
        rows = [tuple(mask(value) if isinstance(value, str) else value for value in row) for row in rows]
    rows.sort(key=lambda row: row[-1], reverse=True)
    return Sample(with_one_user(rows), complete, reached)


def with_one_user(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of a sample with each user in one spelling."""
    place = list(FACETS).index(ENTITIES["user"].name)
    return [row if row[place].isascii() else (*row[:place], one_user(row[place]), *row[place + 1 :]) for row in rows]


def facets(conditions: Conditions, sampled: Sample) -> list[Facet]:
    """The facets of what matches: types and accounts exactly where the rollups know them, the rest of the sample."""
    exact: dict[str, Counter[tuple[Any, ...]]] = {}
    if not sampled.complete and rollups.answers(conditions):
        counted, complete = rollups.totals(conditions, ("account_id", "event_type"))
        if complete:
            exact = {"event_type": Counter(), "account": Counter()}
            for (account, event_type), number in counted.items():
                exact["event_type"][event_type] += number
                exact["account"][account] += number
    return [
        Facet(name, exact[name].most_common(), exact=True)
        if name in exact
        else Facet(name, Counter(row[place] for row in sampled.rows).most_common(), exact=sampled.complete)
        for place, name in enumerate(FACETS)
    ]
