"""Which events of a batch each selection matches by their own fields: looked at once for all rules, a type at a time.

Three things keep it cheap. A selection whose conditions on the past can hold for few events of the batch is tried on
these alone. One that only looks at columns is tried once for all events that are alike in them. And what an event's
type decides is decided once (`sigma/dispatch.py`).
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError

from events.storage.unreadable import is_of_the_row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.history import History
    from events.detection.sigma.dispatch import Candidate, Dispatch
    from events.detection.sigma.rule import Fields, Rule, Selection

Matched = dict[str, dict[int, list["Fact"]]]  # by the rule's id, then by the selection's place


def is_away(error: Exception) -> bool:
    """Whether an error comes of a database that is not there: no rule's fault, and no row's."""
    return isinstance(error, OperationalError | InterfaceError) and not is_of_the_row(error)


def match(
    dispatch: Dispatch, history: History, batch: Sequence[Fact], failed: Callable[[Rule, Exception], None]
) -> Matched:
    """The events that each selection matches, without those for which its conditions cannot hold.

    Args:
        batch: new events, which the history's reader holds.
        failed: told of each rule that uses a selection which cannot be decided; the others are.
    """
    matched: Matched = defaultdict(lambda: defaultdict(list))
    possible: dict[int, Collection[int] | None] = {}
    by_type: dict[str, list[Fact]] = defaultdict(list)
    for fact in batch:
        by_type[fact.event_type].append(fact)
    for event_type, facts in by_type.items():
        alike = _Alike(facts)
        for matches, candidate in dispatch.tries(event_type):
            try:
                found = _found(candidate.selection, matches, history, alike, possible)
            except Exception as error:  # of whatever kind: the other rules are evaluated
                if is_away(error):
                    raise
                _tell(candidate, error, failed)
                continue
            if found:
                for rule, slot in candidate.uses:
                    matched[rule.uid][slot] += found
    return matched


def _tell(candidate: Candidate, error: Exception, failed: Callable[[Rule, Exception], None]) -> None:
    for rule, _ in candidate.uses:
        failed(rule, error)


def _found(
    selection: Selection,
    matches: Callable[[Fields], bool],
    history: History,
    alike: _Alike,
    possible: dict[int, Collection[int] | None],
) -> list[Fact]:
    if selection.custom:
        if id(selection) not in possible:
            possible[id(selection)] = history.possible(selection)
        keys = possible[id(selection)]
        if keys is not None:
            return [fact for fact in alike.among(keys) if matches(fact)]
    if (needed := selection.needed_keys) is not None:
        return [fact for fact in alike.facts if fact.may_have(needed) and matches(fact)]
    if selection.reads is None:
        return [fact for fact in alike.facts if matches(fact)]
    return [fact for group in alike.groups(selection.reads) if matches(group[0]) for fact in group]


class _Alike:
    """The events of one type in a batch, put together by what they have in common."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = facts
        self._by_key: dict[int, Fact] | None = None
        self._groups: dict[frozenset[str], Collection[list[Fact]]] = {}

    def among(self, keys: Collection[int]) -> list[Fact]:
        """Those with these keys."""
        if self._by_key is None:
            self._by_key = {fact.pk: fact for fact in self.facts}
        if len(keys) < len(self._by_key):
            return [self._by_key[pk] for pk in keys if pk in self._by_key]
        return [fact for fact in self.facts if fact.pk in keys]

    def groups(self, columns: frozenset[str]) -> Collection[list[Fact]]:
        """All, those together that have the same values in these columns."""
        if columns not in self._groups:
            # They are of one type, however it is spelled, and of one account.
            names = sorted(columns - {"event_type", "account"})
            if not names:
                self._groups[columns] = [list(self.facts)]
            else:
                values_of: Callable[[Fact], Any] = attrgetter(*names)
                found: dict[Any, list[Fact]] = defaultdict(list)
                for fact in self.facts:
                    found[values_of(fact)].append(fact)
                self._groups[columns] = found.values()
        return self._groups[columns]
