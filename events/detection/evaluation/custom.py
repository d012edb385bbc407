"""The conditions under `custom`: what an event means beside others of the archive.

Each answers two questions. Which of some candidates does it hold for? And which events, known before, may it now decide
otherwise because of new ones: late events arrive in any order, and what was found must be as if they had come in time.
What is read lies along an index, in the neighbourhood of the events in question.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from events.detection.evaluation.seen import What

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.history import History
    from events.detection.sigma.rule import Selection

Details = dict[str, Any]
LEAST_KNOWN = 50  # events of a user before, to know what is usual
PAST = timedelta(days=30)  # how far back they are looked for, beyond the history that a rule asks for
NEAR = 60  # minutes from the same time of day


class Condition(Protocol):
    """One of the conditions of a selection."""

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        """Those for which it holds, by key, with what was compared."""

    def possible(self) -> Collection[int] | None:
        """The keys of those new events, of the batch that is held, for which it can hold; None: of any."""

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        """Events that were there before, for which it may not hold any more, or hold now, because of new ones. Whether
        the selection matches them is for the caller to look at."""


def by_account(facts: Iterable[Fact]) -> dict[int, list[Fact]]:
    found: dict[int, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.account_id].append(fact)
    return found


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


class UnusualHours:
    """Hardly any of the user's events in the time before, in this account, were near this time of day (UTC)."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.history, self.selection = history, selection
        self.share: float = parameters["share"]
        self.least: timedelta = parameters["history"]
        self.past = self.least + PAST

    def holding(self, candidates: Sequence[Fact]) -> dict[int, Details]:
        found = {}
        users: dict[tuple[int, str], list[Fact]] = defaultdict(list)
        for fact in candidates:
            if fact.user_email:
                users[fact.account_id, fact.user_email].append(fact)
        for (account, user), facts in users.items():
            facts.sort(key=lambda fact: fact.place)
            moments = self.history.reader.moments(account, user, facts[0].at - self.past, facts[-1].at)
            usual = _TimesOfDay(moments)
            for fact in facts:
                usual.move(fact.at - self.past, fact.at)
                if usual.known < LEAST_KNOWN or fact.at - usual.first < self.least:
                    continue
                if (near := usual.near(fact.at)) < usual.known * self.share:
                    found[fact.pk] = {"near": near, "known": usual.known}
        return found

    def possible(self) -> Collection[int] | None:
        return None

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        if self.history.is_newest(new):
            return
        types = self.history.types_of(self.selection)
        for account, facts in by_account(new).items():
            users = sorted({fact.user_email for fact in facts if fact.user_email})
            if users:
                first, last = min(fact.at for fact in facts), max(fact.at for fact in facts)
                marks = ", ".join(["%s"] * len(users))
                yield from self.history.reader.between(
                    [account], types, first, last + self.past, also=(f" AND user_email IN ({marks})", users)
                )


class _TimesOfDay:
    """How many moments of a stretch of time lie at each minute of the day. Stretches are asked for in order."""

    def __init__(self, moments: Sequence[datetime]) -> None:
        self.moments = moments
        self.minutes = [_minute(moment) for moment in moments]
        self.counts = [0] * _DAY
        self.start = self.end = 0

    def move(self, start: datetime, end: datetime) -> None:
        """Count the moments from one on, and before another."""
        while self.end < len(self.moments) and self.moments[self.end] < end:
            self.counts[self.minutes[self.end]] += 1
            self.end += 1
        while self.start < self.end and self.moments[self.start] < start:
            self.counts[self.minutes[self.start]] -= 1
            self.start += 1

    @property
    def known(self) -> int:
        return self.end - self.start

    @property
    def first(self) -> datetime:
        return self.moments[self.start]

    def near(self, moment: datetime) -> int:
        """How many lie at most an hour from this time of day, by the minute."""
        first, last = _minute(moment) - NEAR, _minute(moment) + NEAR + 1
        near = sum(self.counts[max(first, 0) : min(last, _DAY)])
        return near + (sum(self.counts[first:]) if first < 0 else 0) + sum(self.counts[: max(last - _DAY, 0)])


_DAY = 24 * 60


def _minute(moment: datetime) -> int:
    """The minute of the day, in UTC."""
    moment = moment.astimezone(UTC)
    return moment.hour * 60 + moment.minute


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
            known = self._in_order(account)
            previous = {fact.pk: before for before, fact in pairwise(known)}
            for fact in facts:
                value, before = fact.get(self.name), previous.get(fact.pk)
                if value is None or before is None:
                    continue
                earlier = before.get(self.name)
                if value > earlier and value >= earlier * self.factor:
                    found[fact.pk] = {"previous": earlier, "previous_at": before.at.isoformat()}
        return found

    def possible(self) -> Collection[int] | None:
        return None

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        if self.history.is_newest(new):
            return
        for account, facts in by_account(new).items():
            keys = {fact.pk for fact in facts if self.history_counts(fact)}
            if keys:
                known = self._in_order(account)
                yield from (after for fact, after in pairwise(known) if fact.pk in keys)

    def history_counts(self, fact: Fact) -> bool:
        return self.selection.takes(fact.event_type) and fact.get(self.name) is not None

    def _in_order(self, account: int) -> list[Fact]:
        """The account's events that have such a number. They are rare: settings that people change by hand."""
        if account not in self._numbers:
            types = [
                code for code in self.history.types if self.selection.takes(code) and code.upper().startswith(NUMBERED)
            ]
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
