"""Which selections to try on an event, by its type: a few of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.detection.sigma.rule import Fields, Rule, Selection

# Event types are an open set, and hostile: no more of them are remembered.
MOST_TYPES = 1_000
Uses = tuple[tuple["Rule", int], ...]


class Dispatch:
    """The selections of many rules. One that several rules use is tried once.

    Only for `service: audit`; the pseudo events of `service: sync` are few.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        uses: dict[int, tuple[Selection, list[tuple[Rule, int]]]] = {}
        for rule in rules:
            for slot, selection in enumerate(rule.selections):
                if selection.service == "audit":
                    uses.setdefault(id(selection), (selection, []))[1].append((rule, slot))
        self._all = tuple((selection, tuple(users)) for selection, users in uses.values())
        self._by_type: dict[str, tuple[tuple[Selection, Uses], ...]] = {}

    def candidates(self, event_type: str) -> tuple[tuple[Selection, Uses], ...]:
        """The selections that an event of this type could match, each with the rules that use it and as which of their
        selections."""
        found = self._by_type.get(event_type)
        if found is None:
            found = tuple(entry for entry in self._all if entry[0].takes(event_type))
            if len(self._by_type) < MOST_TYPES:
                self._by_type[event_type] = found
        return found

    def matches(self, event_type: str, fields: Fields) -> Iterator[tuple[Selection, Uses]]:
        """The selections whose conditions the event satisfies by itself; what they say under `custom` is still open."""
        for entry in self.candidates(event_type):
            if entry[0].matches(fields):
                yield entry
