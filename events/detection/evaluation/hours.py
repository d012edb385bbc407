"""The condition `unusual_hours`: whether a user hardly ever did anything at this time of the day."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from events.detection.evaluation.facts import by_account

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.history import History
    from events.detection.sigma.rule import Selection

    User = tuple[int, str]  # in an account

LEAST_KNOWN = 50  # events of a user before, to know what is usual
PAST = timedelta(days=30)  # how far back they are looked for, beyond the history that a rule asks for
NEAR = 60  # minutes from the same time of day
# How many times as many events are looked at as must be near: enough for somebody who is active around the clock.
DEPTH = 16


class UnusualHours:
    """Hardly any of the user's events in the time before, in this account, were near this time of day (UTC)."""

    def __init__(self, history: History, selection: Selection, parameters: Mapping[str, Any]) -> None:
        self.history, self.selection = history, selection
        self.share: float = parameters["share"]
        self.least: timedelta = parameters["history"]
        self.past = self.least + PAST

    def holding(self, candidates: Sequence[Fact]) -> dict[int, dict[str, Any]]:
        found = {}
        users: dict[User, list[Fact]] = defaultdict(list)
        for fact in candidates:
            if fact.user_email:
                users[fact.account_id, fact.user_email].append(fact)
        for (account, user), facts in self._doubtful(users).items():
            moments = self.history.reader.moments(account, user, facts[0].at - self.past, facts[-1].at)
            usual = _TimesOfDay(moments)
            for fact in facts:
                usual.move(fact.at - self.past, fact.at)
                if usual.known < LEAST_KNOWN or not usual.is_known_since(fact.at - self.least):
                    continue
                if (near := usual.near(fact.at)) < usual.known * self.share:
                    found[fact.pk] = {"near": near, "known": usual.known}
        return found

    def _doubtful(self, users: Mapping[User, Sequence[Fact]]) -> dict[User, Sequence[Fact]]:
        """Those of users' events, each user's in order, for which it may hold. What a user did last shows for most of
        them that their hour is a usual one, and what lies further back need not be read."""
        ordered = {user: sorted(facts, key=lambda fact: fact.place) for user, facts in users.items()}
        # Of longer stretches hardly anything lies in the past of all events.
        short = {user: facts for user, facts in ordered.items() if facts[-1].at - facts[0].at <= self.past / 2}
        doubtful: dict[User, Sequence[Fact]] = {user: facts for user, facts in ordered.items() if user not in short}
        reader = self.history.reader
        spans = [(user[1], facts[0].at - self.past, facts[-1].at) for user, facts in short.items()]
        enough = {
            user: most * self.share
            for user, most in zip(short, reader.count_moments(spans), strict=True)
            if most >= LEAST_KNOWN
        }
        asked = [
            (*user, short[user][-1].at - self.past, short[user][0].at, int(most * DEPTH) + LEAST_KNOWN)
            for user, most in enough.items()
        ]
        for (user, most), minutes in zip(enough.items(), reader.latest_minutes(asked), strict=True):
            usual = _TimesOfDay.of(minutes)
            if facts := [fact for fact in short[user] if usual.near(fact.at) < most]:
                doubtful[user] = facts
        return doubtful

    def possible(self) -> Collection[int] | None:
        return None

    def affected(self, new: Sequence[Fact]) -> Iterable[Fact]:
        if self.history.is_newest(new):
            return
        reader, types = self.history.reader, self.history.types_of(self.selection)
        for account, facts in by_account(new).items():
            users = sorted({fact.user_email for fact in facts if fact.user_email})
            if not users:
                continue
            first, last = min(fact.at for fact in facts), max(fact.at for fact in facts) + self.past
            # Where the values must be new too, it can hold for few.
            firsts = self.history.firsts_within(self.selection, account, first, last)
            if firsts is not None:
                yield from (fact for fact in firsts if fact.user_email in users)
                continue
            marks = ", ".join(["%s"] * len(users))
            yield from reader.between([account], types, first, last, also=(f" AND user_email IN ({marks})", users))


class _TimesOfDay:
    """How many moments of a stretch of time lie at each minute of the day. Stretches are asked for in order."""

    def __init__(self, moments: Sequence[int]) -> None:
        """Of moments in microseconds since 1970, in order."""
        self.moments = moments
        self.minutes = [moment // _MINUTE % _DAY for moment in moments]
        self.counts = [0] * _DAY
        self.start = self.end = 0

    @classmethod
    def of(cls, minutes: Iterable[int]) -> _TimesOfDay:
        """Of minutes of the day alone, all of which count."""
        usual = cls(())
        for minute in minutes:
            usual.counts[minute] += 1
        return usual

    def move(self, start: datetime, end: datetime) -> None:
        """Count the moments from one on, and before another."""
        first, last = bisect_left(self.moments, _stamp(start)), bisect_left(self.moments, _stamp(end))
        for minute in self.minutes[self.end : last]:
            self.counts[minute] += 1
        for minute in self.minutes[self.start : first]:
            self.counts[minute] -= 1
        self.start, self.end = first, max(last, self.end)

    @property
    def known(self) -> int:
        return self.end - self.start

    def is_known_since(self, moment: datetime) -> bool:
        """Whether the first that counts was no later."""
        return self.moments[self.start] <= _stamp(moment)

    def near(self, moment: datetime) -> int:
        """How many lie at most an hour from this time of day, by the minute."""
        minute = _stamp(moment) // _MINUTE % _DAY
        first, last = minute - NEAR, minute + NEAR + 1
        near = sum(self.counts[max(first, 0) : min(last, _DAY)])
        return near + (sum(self.counts[first:]) if first < 0 else 0) + sum(self.counts[: max(last - _DAY, 0)])


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_MINUTE, _DAY = 60_000_000, 24 * 60  # microseconds, minutes


def _stamp(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
