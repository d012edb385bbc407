"""The conditions under `custom`: what an event means beside others of the archive.

Each answers two questions. Which of some candidates does it hold for? And which events, known before, may it now decide
otherwise because of new ones: late events arrive in any order, and what was found must be as if they had come in time.
What is read lies along an index, in the neighbourhood of the events in question.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from events.detection.evaluation.facts import by_account
from events.detection.evaluation.hours import UnusualHours
from events.detection.evaluation.neighbours import COLUMNS
from events.detection.evaluation.seen import What

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import timedelta

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.history import History
    from events.detection.sigma.rule import Selection

Details = dict[str, Any]
FEW = 100  # events whose neighbours are looked up one by one; of more, all are read in order
MOST_STEPS = 5  # beyond one another


class Condition(Protocol):
    """One of the conditions of a selection."""

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        """Those for which it holds, by key, with what was compared."""

    def possible(self) -> Collection[int] | None:
        """The keys of those new events, of the batch that is held, for which it can hold; None: of any."""

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        """Events that were there before, for which it may not hold any more, or hold now, because of new ones. Whether
        the selection matches them is for the caller to look at."""


class FirstSeen:
    """The fields' values together were never seen before in this account, which has a history before."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.history, self.selection = history, selection
        self.what = What.of(selection, parameters["fields"])
        self.least: timedelta = parameters["history"]

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        found: dict[int, Details] = {}
        for account, facts in by_account(candidates).items():
            began = self.history.began.get(account)
            old = [fact for fact in facts if began is not None and fact.at - began >= self.least]
            if not old:
                continue
            seen = self.history.seen_in(self.what, account)
            new = self.history.reader.batch_keys
            found |= {fact.pk: {} for fact in old if fact.pk in seen.news}
            old = [fact for fact in old if fact.pk not in new]
            digests = {fact.pk: seen.values_of(fact) for fact in old}
            firsts = seen.firsts({digest for several in digests.values() for digest in several})
            for fact in old:
                if any(firsts.get(digest) == fact.place for digest in digests[fact.pk]):
                    found[fact.pk] = {}
        return found

    def possible(self) -> Collection[int] | None:
        batch = self.history.reader.batch
        return self.history.seen_in(self.what, batch[0].account_id).news if batch else None

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        reader = self.history.reader
        if self.history.is_newest(new):
            return
        for account in {fact.account_id for fact in new}:
            yield from reader.by_key(self.history.seen_in(self.what, account).displaced)
            before, now = self.history.began_before.get(account), self.history.began.get(account)
            if before is not None and now is not None and now < before:
                # These have enough history now.
                types = self.history.types_of(self.selection)
                yield from reader.between([account], types, now + self.least, before + self.least)


class Dormant:
    """The first event with a known value of a field after a long silence of that value in the account."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.neighbours = history.neighbours.of(parameters["field"])
        self.history = history
        self.least: timedelta = parameters["for"]

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        self.neighbours.load(candidates)
        found = {}
        for fact in candidates:
            before = self.neighbours.before(fact)
            if before is not None and self._holds(before, fact):
                found[fact.pk] = {"previous_at": before.at.isoformat()}
        return found

    def _holds(self, before: Fact, fact: Fact) -> bool:
        return fact.at - before.at >= self.least

    def possible(self) -> Collection[int] | None:
        return {fact.pk for before, fact in self.neighbours.pairs() if self._holds(before, fact)}

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        if not self.history.is_newest(new):
            for before, between, fact in self.neighbours.divided(new):
                if self._holds(before or between, fact):  # the longer of the two silences
                    yield fact


class ImpossibleTravel:
    """An event of a user from another country than his previous one in the account, a short time before."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.neighbours = history.neighbours.of("user_email", with_country=True)
        self.history = history
        self.within: timedelta = parameters["within"]

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        candidates = [fact for fact in candidates if fact.get("source_country")]
        self.neighbours.load(candidates)
        found = {}
        for fact in candidates:
            before = self.neighbours.before(fact)
            if before is not None and self._holds(before, fact):
                country = before.get("source_country")
                found[fact.pk] = {"previous_country": country, "previous_at": before.at.isoformat()}
        return found

    def _holds(self, before: Fact, fact: Fact) -> bool:
        is_elsewhere = before.source_country.upper() != fact.source_country.upper()
        return is_elsewhere and fact.at - before.at <= self.within

    def possible(self) -> Collection[int] | None:
        return {fact.pk for before, fact in self.neighbours.pairs() if self._holds(before, fact)}

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        if not self.history.is_newest(new):
            for before, between, fact in self.neighbours.divided([fact for fact in new if fact.source_country]):
                if self._holds(between, fact) or before is not None and self._holds(before, fact):
                    yield fact


class SharedWithoutTeam:
    """The event before or after it with the same value, not long apart, is of an account that shares neither a team nor
    the owner with its own."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.neighbours = history.neighbours.of(parameters["field"], everywhere=True)
        self.within: timedelta = parameters["within"]
        self.history = history
        self.teams = history.teams

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        candidates = self._doubtful(candidates)
        self.neighbours.load(candidates)
        return {
            fact.pk: {}
            for fact in candidates
            if any(
                other is not None
                and abs(fact.at - other.at) <= self.within
                and other.account_id in self.teams.strangers(fact.account_id)
                for other in (self.neighbours.before(fact), self.neighbours.after(fact))
            )
        }

    def possible(self) -> Collection[int] | None:
        return None if any(self.teams.strangers(fact.account_id) for fact in self.history.reader.batch[:1]) else ()

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        new = self._doubtful(new)
        return [*self.neighbours.preceding(new), *self.neighbours.following(new)]

    def _doubtful(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those with a value that another account without a common team has at all."""
        found: list[Fact] = []
        for account, mine in by_account(facts).items():
            if others := self.teams.strangers(account):
                found += self.neighbours.also_in(others, mine)
        return found


class Raised:
    """A number is higher than the account's previous one, by a factor where the rule names one."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.history, self.selection = history, selection
        self.name: str = parameters["field"]
        self.factor: float = parameters["factor"]
        self._numbers: dict[int, list[Fact]] = {}

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        found = {}
        for account, facts in by_account(candidates).items():
            numbered = [fact for fact in facts if fact.get(self.name) is not None]
            previous = self._beside(account, numbered, after=False)
            for fact in numbered:
                if (before := previous.get(fact.pk)) is None:
                    continue
                value, earlier = fact.get(self.name), before.get(self.name)
                if value > earlier and value >= earlier * self.factor:
                    found[fact.pk] = {"previous": earlier, "previous_at": before.at.isoformat()}
        return found

    def possible(self) -> Collection[int] | None:
        return None

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        if self.history.is_newest(new):
            return
        for account, facts in by_account(new).items():
            numbered = [fact for fact in facts if self.history_counts(fact)]
            yield from self._beside(account, numbered, after=True).values()

    def history_counts(self, fact: Fact) -> bool:
        return self.selection.takes(fact.event_type) and fact.get(self.name) is not None

    def _types(self) -> list[str]:
        return [code for code in self.history.types if self.selection.takes(code) and code.upper().startswith(NUMBERED)]

    def _beside(self, account: int, facts: Sequence[Fact], *, after: bool) -> dict[int, Fact]:
        """The event with such a number that comes right before (or after) each of these, by their keys."""
        found: dict[int, Fact] = {}
        left = {fact.pk: fact for fact in facts}  # where to go on, by the event that it is for
        steps = MOST_STEPS if len(facts) <= FEW else 0
        while left and steps:
            steps -= 1
            nearest = self._nearest(account, {fact.pk: fact for fact in left.values()}, after=after)
            beyond = {pk: nearest[fact.pk] for pk, fact in left.items() if fact.pk in nearest}
            left = {pk: fact for pk, fact in beyond.items() if fact.get(self.name) is None}
            found |= {pk: fact for pk, fact in beyond.items() if pk not in left}
        if left:
            ordered = self._in_order(account)
            for one, other in pairwise(ordered if not after else ordered[::-1]):
                if other.pk in left:
                    found[other.pk] = one
        return found

    def _nearest(self, account: int, points: Mapping[int, Fact], *, after: bool) -> dict[int, Fact]:
        """The event of these types right before (or after) each of some events, whether it has a number or not."""
        reader, types, (column, index) = self.history.reader, self._types(), COLUMNS["event_type"]
        asked = [(fact.pk, code, fact.at) for fact in points.values() for code in types]
        rows = reader.neighbours(column, index, reader.counting(account, index), asked)
        wanted = [(pk, later if after else before) for pk, before, later in rows]
        there = {fact.pk: fact for fact in reader.by_key(list({key for _, key in wanted if key is not None}))}
        choose = min if after else max
        found: dict[int, Fact] = {}
        for pk, key in wanted:
            if key is not None and key in there:
                one = there[key]
                found[pk] = choose(found.get(pk, one), one, key=lambda fact: fact.place)
        return found

    def _in_order(self, account: int) -> list[Fact]:
        """The account's events that have such a number."""
        if account not in self._numbers:
            types = self._types()
            facts = self.history.reader.between([account], types, None, None) if types else []
            self._numbers[account] = sorted(
                (fact for fact in facts if fact.get(self.name) is not None), key=lambda fact: fact.place
            )
        return self._numbers[account]


NUMBERED = "AUTORELOAD_"  # the types of event that have numbers
KINDS: dict[str, Any] = {
    "first_seen": FirstSeen,
    "dormant": Dormant,
    "impossible_travel": ImpossibleTravel,
    "unusual_hours": UnusualHours,
    "shared_without_team": SharedWithoutTeam,
    "raised": Raised,
}
