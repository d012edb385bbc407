"""What is asked of the archive, as plain values: one declaration for pages, exports, counts and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.storage import first_seen
from events.storage.search_index import POSTGRESQL_TEXT, TEXT, like_pattern, spellings, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

# A piece of SQL and its parameters.
Sql = tuple[str, list[Any]]

# Conditions that are one value or another of a column, and the column.
COLUMNS = {
    "accounts": "account_id",
    "event_types": "event_type",
    "user_emails": "user_email",
    "sources": "source",
    "countries": "source_country",
    "addresses": "source_ip_key",
}
# Of its user from its country in its account.
IS_FIRST = f"id IN (SELECT event_id FROM {first_seen.TABLE})"


@dataclass(frozen=True)
class Conditions:
    """All must hold; where a condition has several values, one of them must.

    Attributes:
        accounts: keys of accounts; None for all there are. Never empty by accident: () matches nothing.
        addresses: single IP addresses, as in `AuditEvent.source_ip_key`.
        networks: ranges of addresses, first and last. An event from any address or network will do.
        start, end: both included.
        text: words that the event must contain, in any order, spelling and case; a phrase in quotes is one word, and
            what has a minus before it must not be there. `events.search.words` reads it.
        without: values that must not be there: pairs of a name in COLUMNS, or "networks", and its values.
        new_country: only the first event of its user from its country in its account, as far as the archive goes.
        nothing: a contradiction, such as an unreadable value: matches no event.
    """

    accounts: tuple[int, ...] | None = None
    event_types: tuple[str, ...] = ()
    user_emails: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    networks: tuple[tuple[str, str], ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""
    without: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    new_country: bool = False
    nothing: bool = False

    def __post_init__(self) -> None:
        # The same value twice would be two branches of one index, and each event of it twice on the page.
        for name in (*COLUMNS, "networks"):
            values = getattr(self, name)
            if values:
                object.__setattr__(self, name, tuple(dict.fromkeys(values)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match."""
        return self.nothing or self.accounts == () or bool(self.start and self.end and self.start > self.end)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but values of columns, and times."""
        return not (self.networks or self.text or self.without or self.new_country)

    @property
    def is_sought(self) -> bool:
        """Whether an index of texts or addresses may name candidates. First events are few enough as they are."""
        return bool(self.text or self.networks) and not self.new_country

    def values(self) -> dict[str, tuple[Any, ...]]:
        """The conditions on single columns that an index can look up, by name."""
        found: dict[str, tuple[Any, ...]] = {}
        for name in COLUMNS:
            values = getattr(self, name)
            if values and not (name == "addresses" and self.networks):
                found[name] = values
        return found

    def rest(self, served: Iterable[str] = ()) -> list[Sql]:
        """Everything but the times and what `served` names, as SQL to check row by row."""
        found = [is_one_of(COLUMNS[name], values) for name, values in self.values().items() if name not in served]
        if self.networks:
            found.append(self.from_networks())
        if self.text and "text" not in served:
            found.append(contains(self.text))
        for name, unwanted in self.without:
            text, values = in_ranges(unwanted) if name == "networks" else is_one_of(COLUMNS[name], unwanted)
            found.append((f"NOT ({text})", values))
        if self.new_country and "new_country" not in served:
            found.append((IS_FIRST, []))
        return found

    def rest_columns(self, served: Iterable[str] = ()) -> tuple[str, ...]:
        """The columns that `rest` looks at."""
        found = [COLUMNS[name] for name in self.values() if name not in served]
        found += ["source_ip_key" if name == "networks" else COLUMNS[name] for name, _ in self.without]
        if self.networks:
            found.append("source_ip_key")
        if self.text:
            found += ["raw", "searchable"]
        return tuple(dict.fromkeys(found))

    def from_networks(self) -> Sql:
        """The condition on addresses and networks together."""
        return in_ranges([(key, key) for key in self.addresses] + list(self.networks))


def in_ranges(ranges: Sequence[tuple[str, str]]) -> Sql:
    """The condition of an address being in one of these ranges."""
    return (
        "(" + " OR ".join(["source_ip_key BETWEEN %s AND %s"] * len(ranges)) + ")",
        [key for pair in ranges for key in pair],
    )


def is_one_of(column: str, values: tuple[Any, ...]) -> Sql:
    if len(values) == 1:
        return f"{column} = %s", [values[0]]
    return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def contains(text: str, served: Collection[str] = ()) -> Sql:
    """The condition of containing a text's words, but for those in `served`, and none that it refuses."""
    asked = words(text)
    refused = [contains_word(word) for word in asked.unwanted]
    return joined(
        [contains_word(word) for word in asked.wanted if word not in served]
        + [(f"NOT {condition}", patterns) for condition, patterns in refused]
    )


def contains_word(word: str) -> Sql:
    """The condition of containing one word or phrase, checked in the event itself."""
    like = f"{POSTGRESQL_TEXT} ILIKE %s" if connection.vendor == "postgresql" else rf"({TEXT}) LIKE %s ESCAPE '\'"
    patterns = [like_pattern(spelling) for spelling in spellings(word)]
    return "(" + " OR ".join([like] * len(patterns)) + ")", list(patterns)


def joined(conditions: Iterable[Sql]) -> Sql:
    """All of these, as one condition."""
    texts, params = [], []
    for text, values in conditions:
        texts.append(text)
        params += values
    return " AND ".join(texts) or "1 = 1", params
