"""What is asked of the archive, as plain values: one declaration for pages, exports, counts and evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.reading.filterable import COLUMNS, DIMENSIONS
from events.storage import first_seen
from events.storage.search_index import POSTGRESQL_TEXT, TEXT, like_pattern, lower_ascii, spellings, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

# A piece of SQL and its parameters.
Sql = tuple[str, list[Any]]

DEEPEST = 100  # conditions in one chain
APPLICATION = "application"  # the dimension whose values stand in texts only
_LETTER = re.compile("[A-Za-z]")  # others have one case in an event's text

# Of its user from its country in its account.
IS_FIRST = f"id IN (SELECT event_id FROM {first_seen.TABLE})"


@dataclass(frozen=True)
class Conditions:
    """All must hold; where a condition has several values, one of them must.

    Attributes:
        accounts: keys of accounts; None for all there are. Never empty by accident: () matches nothing.
        wanted: values by the name of their dimension (`events.reading.filterable`), accounts apart. Applications are
            pairs of account and id; no account stands for any.
        unwanted: in the same way, values that must not be there.
        start, end: both included.
        text: words that the event must contain, in any order, spelling and case; a phrase in quotes is one word, and
            what has a minus before it must not be there. `events.storage.search_index.words` reads it.
        new_country: only the first event of its user from its country in its account, as far as the archive goes.
        oldest_first: the order that lists and files have.
        nothing: a contradiction, such as an unreadable value: matches no event.
    """

    accounts: tuple[int, ...] | None = None
    wanted: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unwanted: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""
    new_country: bool = False
    oldest_first: bool = False
    nothing: bool = False

    def __post_init__(self) -> None:
        # The same value twice would be two branches of one index, and each event of it twice on the page.
        if self.accounts:
            object.__setattr__(self, "accounts", tuple(dict.fromkeys(self.accounts)))
        for name in ("wanted", "unwanted"):
            values: Mapping[str, tuple[Any, ...]] = getattr(self, name)
            if values:
                once = {dimension: tuple(dict.fromkeys(its)) for dimension, its in values.items() if its}
                object.__setattr__(self, name, once)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match."""
        return self.nothing or self.accounts == () or bool(self.start and self.end and self.start > self.end)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but values of columns, and times."""
        return not (self.is_in_texts or self.unwanted or self.new_country or self.ranges)

    @property
    def is_sought(self) -> bool:
        """Whether an index of texts or ranges may name candidates. First events are few enough as they are."""
        return bool(self.is_in_texts or self.ranges) and not self.new_country

    @property
    def is_in_texts(self) -> bool:
        """Whether something is looked for in the events' texts."""
        return bool(self.text or self.wanted.get(APPLICATION))

    @property
    def looked_for(self) -> str:
        """All that is looked for in texts, as one text."""
        ids = dict.fromkeys(told(app) for _, app in self.wanted.get(APPLICATION, ()))
        return " ".join(filter(None, (self.text, *ids)))

    @property
    def ranges(self) -> dict[str, tuple[tuple[Any, Any], ...]]:
        """The wanted ranges of columns, by dimension, where there is any that is more than one value."""
        return {
            name: values
            for name, values in self.wanted.items()
            if DIMENSIONS[name].ranges and any(first != last for first, last in values)
        }

    @property
    def size(self) -> int:
        """How many values there are in all lists."""
        return sum(len(values) for values in (*self.wanted.values(), *self.unwanted.values()))

    def values(self) -> dict[str, tuple[Any, ...]]:
        """The conditions on single columns that an index can look up, by dimension."""
        looked_up: dict[str, tuple[Any, ...]] = {"account": self.accounts} if self.accounts else {}
        ranges = self.ranges
        for name, values in self.wanted.items():
            if name not in ranges and name in COLUMNS:
                looked_up[name] = tuple(first for first, _ in values) if DIMENSIONS[name].ranges else values
        return looked_up

    def rest(self, served: Iterable[str] = ()) -> list[Sql]:
        """Everything but the times and what `served` names, as SQL to check row by row."""
        conditions = [
            is_one_of(DIMENSIONS[name].column, values) for name, values in self.values().items() if name not in served
        ]
        conditions += [in_ranges(DIMENSIONS[name].column, values) for name, values in self.ranges.items()]
        if self.text and "text" not in served:
            conditions.append(contains(self.text))
        if applications := self.wanted.get(APPLICATION):
            conditions.append(tells_one_of(applications))
        for name, values in self.unwanted.items():
            if name == APPLICATION:
                text, params = tells_one_of(values)
                conditions.append((f"NOT {text}", params))
                continue
            dimension = DIMENSIONS[name]
            text, params = (in_ranges if dimension.ranges else is_one_of)(dimension.column, values)
            conditions.append((f"NOT ({text})", params))
        if self.new_country and "new_country" not in served:
            conditions.append((IS_FIRST, []))
        return conditions


def in_ranges(column: str, ranges: Sequence[tuple[Any, Any]]) -> Sql:
    """The condition of a column being in one of these ranges."""
    return any_of([f"{column} BETWEEN %s AND %s"] * len(ranges)), [end for pair in ranges for end in pair]


def any_of(conditions: Sequence[str]) -> str:
    """One of these, as a balanced tree: SQLite takes no more than 1,000 conditions in a chain."""
    if len(conditions) <= DEEPEST:
        return "(" + " OR ".join(conditions) + ")"
    middle = len(conditions) // 2
    return f"({any_of(conditions[:middle])} OR {any_of(conditions[middle:])})"


def is_one_of(column: str, values: tuple[Any, ...]) -> Sql:
    if len(values) == 1:
        return f"{column} = %s", [values[0]]
    return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def contains(text: str, served: Collection[str] = ()) -> Sql:
    """The condition of containing a text's words, but for those in `served`, and none that it refuses."""
    terms = words(text)
    refused = [contains_word(word) for word in terms.unwanted]
    return joined(
        [contains_word(word) for word in terms.wanted if word not in served]
        + [(f"NOT {condition}", patterns) for condition, patterns in refused]
    )


def contains_word(word: str) -> Sql:
    """The condition of containing one word or phrase, checked in the event itself."""
    if connection.vendor != "postgresql":
        return is_like_word(word)
    return _either([_stands_in_event(spelling) for spelling in spellings(word)])


def _stands_in_event(spelling: str) -> Sql:
    """The same on PostgreSQL, where ILIKE takes half as long again, and three times as long where there are no letters:
    it lowers them first, letter by letter."""
    lowered = lower_ascii(spelling)
    text = POSTGRESQL_TEXT if not _LETTER.search(spelling) else f"lower({POSTGRESQL_TEXT})"
    return f"strpos({text}, %s::text) > 0", [lowered]


def is_like_word(word: str) -> Sql:
    """The same condition, as PostgreSQL's index of texts can look it up."""
    return is_like([like_pattern(spelling) for spelling in spellings(word)])


def is_like(patterns: list[str]) -> Sql:
    """The condition of the event's text being like one of these."""
    like = f"{POSTGRESQL_TEXT} ILIKE %s" if connection.vendor == "postgresql" else rf"({TEXT}) LIKE %s ESCAPE '\'"
    return any_of([like] * len(patterns)), list(patterns)


def told(application_id: str) -> str:
    """How an event's text tells an id: in quotes, as a whole."""
    return f'"{application_id}"'


def tells_one_of(applications: Sequence[tuple[int | None, str]]) -> Sql:
    """The condition of telling the id of one of these applications, each in its account."""
    by_account: dict[int | None, list[Sql]] = {}
    for account, application_id in applications:
        by_account.setdefault(account, []).append(contains_word(told(application_id)))
    there = [
        told_there if account is None else joined([("account_id = %s", [account]), told_there])
        for account, told_there in ((account, _either(ids)) for account, ids in by_account.items())
    ]
    # Whatever an id is called has "app" in it: few events are compared with many ids.
    text, params = joined([contains_word("app"), _either([(f"({text})", params) for text, params in there])])
    return f"({text})", params


def _either(conditions: Sequence[Sql]) -> Sql:
    """One of these, as one condition."""
    return any_of([text for text, _ in conditions]), [param for _, params in conditions for param in params]


def joined(conditions: Iterable[Sql]) -> Sql:
    """All of these, as one condition."""
    texts, params = [], []
    for text, values in conditions:
        texts.append(text)
        params += values
    return " AND ".join(texts) or "1 = 1", params
