"""A rule tried over the archive: what it would have found, with progress.

A trial and the evaluation of what arrives agree exactly, because both call `find.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from django.db.models import Sum
from django.utils.translation import gettext_noop

from events.detection.evaluation.find import Found, Hits, candidates, types_of
from events.detection.evaluation.follow import types
from events.detection.evaluation.history import History
from events.detection.evaluation.increment import touched
from events.detection.evaluation.reader import Reader
from events.detection.evaluation.seen import follow as follow_seen
from events.detection.evaluation.seen import noted_for
from events.detection.evaluation.ways import accounts_of, ways_to
from events.models import AuditEvent, ChainHead, DayCount, DetectionCursor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.ways import Way
    from events.detection.sigma.rule import Rule


Tick = Callable[[int, int, int], None]  # events done, of how many, and hits so far
KIND = "hunt"  # of the background job; its subject is the key of a Hunt
SLICE = 5_000  # events read at a time
MOST_HITS = 200_000  # a rule that matches more says nothing
# Kept with the trial, and translated where it is shown.
TOO_MANY = gettext_noop("It matches more than 200,000 events. A useful rule matches far fewer: narrow it.")
NEWEST, EVENTS_SHOWN = 50, 20  # of a result that is kept


class TooMany(Exception):
    """The rule matches more events than can be looked at together."""


@dataclass
class Hunting:
    """A rule's search through the archive.

    Attributes:
        accounts: only these; None: all.
        since, until: only events of this span, both ends included. Conditions still look at what came before.
        done, total: events looked at, and how many there are to look at.
    """

    rule: Rule
    accounts: Sequence[int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    tick: Tick | None = None
    done: int = 0
    total: int = 0
    upto: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(selection.service != "audit" for selection in self.rule.selections):
            raise ValueError("Rules about syncing look at the present: there is nothing to look for in the archive.")
        self.hits = Hits(self.rule)

    def run(self, upto: dict[int, int] | None = None) -> list[Found]:
        """What the rule finds.

        Args:
            upto: up to which place of each account's chain events count; all that there are unless it is said.

        Raises:
            TooMany: it matches too many events.
        """
        self.upto = dict(ChainHead.objects.values_list("account", "seq")) if upto is None else dict(upto)
        reader = Reader(self.upto)
        history = self.history = History(reader, types(), _beginnings(self.upto))
        wanted = types_of(self.rule, history)
        values = ways_to(self.rule) if wanted is None else None
        self.total = self._expected(wanted, values, history)
        self._prepare(history)
        for facts in self._slices(reader, wanted, values):
            self._add(history, facts)
            self._advance(len(facts))
            reader.forget()
            history.forget()
        return self.hits.found()

    def _add(self, history: History, facts: Sequence[Fact]) -> None:
        for slot in range(len(self.rule.selections)):
            self.hits.add(history, slot, candidates(self.rule, slot, facts))
        if len(self.hits.hits) > MOST_HITS:
            raise TooMany(TOO_MANY)

    def _advance(self, events: int) -> None:
        self.done += events
        if self.tick:
            self.tick(self.done, max(self.total, self.done), len(self.hits.hits))

    def _chosen(self) -> list[int]:
        return [account for account in self.upto if self.accounts is None or account in self.accounts]

    def _named(self) -> list[int] | None:
        """Keys of the accounts that events can be of; None: all."""
        named = accounts_of(self.rule, self.history.reader.keys)
        if named is None:
            return None if self.accounts is None else self._chosen()
        return [account for account in self._chosen() if account in named]

    def _expected(self, wanted: Sequence[str] | None, values: Sequence[Way] | None, history: History) -> int:
        """About how many events there are to look at: those of the days in question."""
        named = self._named()
        rows = DayCount.objects.filter(account__in=self._chosen() if named is None else named)
        if wanted is not None:
            rows = rows.filter(event_type__in=wanted)
        if self.since:
            rows = rows.filter(day__gte=self.since.date())
        if self.until:
            rows = rows.filter(day__lte=self.until.date())
        to_note = sum(
            self.upto[account] - history.load_seen(what, account).upto
            for what in noted_for(self.rule)
            for account in self._chosen()
        )
        if values is None:
            return (rows.aggregate(total=Sum("count"))["total"] or 0) + to_note
        counted = (history.reader.count_with(way, named, self.since, self.until) for way in values)
        return sum(counted) + to_note

    def _prepare(self, history: History) -> None:
        """Read which values came when first, where the table does not say so yet."""
        for what in noted_for(self.rule):
            for account in self._chosen():
                seen, before = history.load_seen(what, account), [0]
                before[0] = seen.upto

                def advance(upto: int, before: list[int] = before) -> None:
                    self._advance(upto - before[0])
                    before[0] = upto

                seen.read(Reader(self.upto, history.reader.keys), self.upto[account], advance)

    def _slices(
        self, reader: Reader, wanted: Sequence[str] | None, values: Sequence[Way] | None
    ) -> Iterator[list[Fact]]:
        """All events that the rule can use, a part at a time, each along an index."""
        named = self._named()
        if values is not None:
            for way in values:
                yield from reader.stream_with(way, named, self.since, self.until, SLICE)
            return
        chosen: list[int | None] = [None] if named is None else list(named)
        each: list[str | None] = [None] if wanted is None else list(wanted)
        for account, event_type in product(chosen, each):
            yield from reader.stream(account, event_type, self.since, self.until, SLICE)

    def catch_up(self) -> bool:
        """Count what was followed since: in the transaction that writes. Returns whether any concerns the rule."""
        concerned, chosen = False, set(self.accounts or ())
        now = dict(DetectionCursor.objects.values_list("account", "seq"))
        for account, seq in sorted(now.items()):
            before = self.upto.get(account, 0)
            if seq <= before:
                continue
            if self.accounts is not None and account not in chosen:
                self.upto[account] = seq
                continue
            reader = Reader(now | {account: seq})
            new = reader.in_chain(account, before, seq)
            old_beginning = _beginnings({account: before})[account] if before else None
            history = History(reader, types(), _beginnings(now), {account: old_beginning})
            history.seen = self.history.seen
            follow_seen([history.load_seen(what, account) for what in noted_for(self.rule)], new, seq)
            about = [(slot, fact) for slot, fact in touched(self.rule, history, new) if self._is_within(fact)]
            self._take(history, about)
            self.upto[account] = seq
            concerned |= bool(about)
        return concerned

    def _is_within(self, fact: Fact) -> bool:
        return (self.since is None or self.since <= fact.at) and (self.until is None or fact.at <= self.until)

    def _take(self, history: History, about: Sequence[tuple[int, Fact]]) -> None:
        for slot in range(len(self.rule.selections)):
            facts = [fact for place, fact in about if place == slot]
            self.hits.add(history, slot, candidates(self.rule, slot, facts))


def _beginnings(upto: dict[int, int]) -> dict[int, datetime | None]:
    """The time of each account's earliest event, of those that count."""
    found = {}
    for account, seq in upto.items():
        rows = AuditEvent.objects.filter(account=account, seq__lte=seq).order_by("created_at", "pk")
        found[account] = rows.values_list("created_at", flat=True).first()
    known = DetectionCursor.objects.filter(account__in=list(upto)).exclude(began_at=None)
    for account, seq, began in known.values_list("account", "seq", "began_at"):
        # Also what retention has removed since.
        if seq <= upto[account] and (found[account] is None or began < found[account]):
            found[account] = began
    return found


def summary(found: Sequence[Found]) -> dict[str, Any]:
    """What was found, as a `Hunt` keeps it: how many by month, and the newest, each with its first events.

    months: pairs of "2026-03" and a number, in order. newest: group, accounts, first_at, last_at, events (account,
    event_id, event_type, at, step), more (events that are not listed).
    """
    months = Counter(f"{one.first_at:%Y-%m}" for one in found)
    newest = sorted(found, key=lambda one: (one.last_at, one.key), reverse=True)[:NEWEST]
    return {"months": sorted(months.items()), "newest": [shown(one) for one in newest]}


def shown(found: Found, most: int = EVENTS_SHOWN) -> dict[str, Any]:
    return {
        "key": found.key,
        "group": found.group,
        "accounts": sorted(found.accounts),
        "first_at": found.first_at.isoformat(),
        "last_at": found.last_at.isoformat(),
        "events": [
            {
                "account": fact.account_id,
                "event_id": fact.event_id,
                "event_type": fact.event_type,
                "at": fact.at.isoformat(),
                "step": found.step(slot),
            }
            for fact, slot in found.events[:most]
        ],
        "more": max(0, len(found.events) - most),
    }
