"""Which selections to try on an event, by its type: a few of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.detection.sigma.rule import Fields, Rule, Selection

# Event types are an open set, and hostile: no more of them are remembered.
MOST_TYPES = 1_000


class Candidate(NamedTuple):
    """A selection that an event could match, with the rules that use it, each as which of its selections."""

    selection: Selection
    uses: tuple[tuple[Rule, int], ...]


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
        self._all = tuple(Candidate(selection, tuple(users)) for selection, users in uses.values())
        self._by_type: dict[str, tuple[tuple[Callable[[Fields], bool], Candidate], ...]] = {}

    def candidates(self, event_type: str) -> tuple[Candidate, ...]:
        """What an event of this type could match."""
        return tuple(candidate for _, candidate in self._tries(event_type))

    def tries(self, event_type: str) -> tuple[tuple[Callable[[Fields], bool], Candidate], ...]:
        """The same, each with what is left to ask of an event of this type."""
        return self._tries(event_type)

    def matches(self, event_type: str, fields: Fields) -> list[Candidate]:
        """The selections whose conditions the event satisfies by itself; what they say under `custom` is still open."""
        return [candidate for matches, candidate in self._tries(event_type) if matches(fields)]

    def _tries(self, event_type: str) -> tuple[tuple[Callable[[Fields], bool], Candidate], ...]:
        found = self._by_type.get(event_type)
        if found is None:
            found = tuple(self._made(event_type))
            if len(self._by_type) < MOST_TYPES:
                self._by_type[event_type] = found
        return found

    def _made(self, event_type: str) -> Iterator[tuple[Callable[[Fields], bool], Candidate]]:
        for candidate in self._all:
            given = candidate.selection.given
            matches = given(event_type) if given else candidate.selection.matches
            if matches is not None:
                yield matches, candidate
