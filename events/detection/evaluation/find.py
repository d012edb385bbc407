"""What a rule finds: the one function behind evaluation, trial and replay, so that they agree.

A rule's selections are matched with events, its `custom` conditions decided from the archive, and the hits put together
by `events.detection.sigma.windows`. What is found depends on the set of events alone, never on the order of arrival.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from events.detection.sigma.windows import Hit, findings_of, folded, group_of, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.history import History
    from events.detection.sigma.rule import Fields, Rule, Selection
    from events.detection.sigma.windows import Episode, Group


@dataclass(frozen=True)
class Found:
    """One match of a rule.

    Attributes:
        identity: its group, as groups are compared.
        events: each with the place of the selection that it matched; an event stands there once for each.
        details: what conditions compared.
    """

    rule: Rule
    group: dict[str, Any]
    identity: Group
    events: tuple[tuple[Fact, int], ...]
    details: dict[str, Any] | None

    @property
    def key(self) -> str:
        """The same match has the same key, whoever finds it and when."""
        return key_of(self.rule.uid, self.identity, self.events[0][0].account_id, self.events[0][0].event_id)

    @property
    def accounts(self) -> set[int]:
        return {fact.account_id for fact, _ in self.events}

    @property
    def first_at(self) -> datetime:
        return self.events[0][0].at

    @property
    def last_at(self) -> datetime:
        return self.events[-1][0].at

    def step(self, slot: int) -> str:
        """What the selection is called, where there are several."""
        return self.rule.selections[slot].name[:100] if self.rule.correlation else ""


def key_of(rule: str, identity: Group, account: int, event_id: str) -> str:
    """What a finding is known by: its rule, group and first event."""
    return hashlib.sha256(json.dumps([rule, identity, account, event_id], default=str).encode()).hexdigest()


def span_of(rule: Rule) -> timedelta:
    """How far apart hits can be that belong together directly."""
    return rule.correlation.timespan if rule.correlation else rule.merge


def only_grows(rule: Rule) -> bool:
    """Whether more events can only add to what was found before: no hit is lost, and no window stops being enough."""
    if any(selection.custom for selection in rule.selections):
        return False
    correlation = rule.correlation
    return correlation is None or correlation.kind != "temporal_ordered" and correlation.only_at_least


@dataclass
class Hits:
    """The hits of a rule.

    Attributes:
        hits: by event and selection.
        facts: the events, by key.
        examined: all events that a selection matches by their own fields, whether conditions hold or not.
    """

    rule: Rule
    hits: dict[tuple[int, int], Hit] = field(default_factory=dict)
    facts: dict[int, Fact] = field(default_factory=dict)
    details: dict[int, dict[str, Any]] = field(default_factory=dict)
    examined: set[int] = field(default_factory=set)

    def add(self, history: History, slot: int, candidates: Iterable[tuple[Fact, Group]]) -> None:
        """Add those of a selection's candidates for which its conditions hold, and take back those for which they do
        not hold any more."""
        groups = {fact.pk: (fact, group) for fact, group in candidates}
        selection = self.rule.selections[slot]
        self.examined.update(groups)
        if selection.custom:
            holding = history.narrow(selection, [fact for fact, _ in groups.values()])
        else:
            holding = dict.fromkeys(groups, _NOTHING)
        for pk, (fact, group) in groups.items():
            if pk not in holding:
                self.hits.pop((pk, slot), None)
                continue
            value = value_of(self.rule, fact)
            self.hits[pk, slot] = Hit(fact.at, pk, slot, group, tuple(value) if isinstance(value, list) else value)
            self.facts[pk] = fact
            if holding[pk]:
                self.details[pk] = holding[pk]

    def found(self, since: datetime | None = None, part: Iterable[Hit] | None = None) -> list[Found]:
        """What they make together.

        Args:
            since: windows that end before lack some of their hits.
            part: only these of them.
        """
        hits = self.hits.values() if part is None else part
        return [self._found(episode) for episode in findings_of(self.rule, hits, since)]

    def parts(self, place_of: Callable[[datetime], int | None]) -> list[tuple[int, list[Hit]]]:
        """The hits by the stretch of time that each lies in, in order."""
        found: dict[int, list[Hit]] = defaultdict(list)
        for hit in self.hits.values():
            if (place := place_of(hit.at)) is not None:
                found[place].append(hit)
        return sorted(found.items())

    def _found(self, episode: Episode) -> Found:
        compared = (self.details[hit.key] for hit in episode.hits if hit.key in self.details)
        return Found(
            rule=self.rule,
            group=dict(episode.group),
            identity=episode.identity,
            events=tuple((self.facts[hit.key], hit.slot) for hit in episode.hits),
            details=next(compared, None),
        )


_NOTHING: dict[str, Any] = {}


def candidates(
    rule: Rule, slot: int, facts: Iterable[Fact], groups: Collection[Group] | None = None
) -> list[tuple[Fact, Group]]:
    """The events that one of the rule's selections matches by their own fields, with their group.

    Args:
        groups: only of these, as groups are compared; None: all.
    """
    found = []
    for fact in matching(rule.selections[slot], facts):
        group = group_of(rule, slot, fact)
        if group is not None and (groups is None or folded(group) in groups):
            found.append((fact, group))
    return found


def matching(selection: Selection, facts: Iterable[Fact]) -> list[Fact]:
    """The events that a selection matches by their own fields."""
    found = []
    tries: dict[str, Callable[[Fields], bool] | None] = {}
    for fact in facts:
        event_type = fact.event_type
        if event_type not in tries:
            tries[event_type] = _matcher(selection, event_type)
        matches = tries[event_type]
        if matches is not None and matches(fact):
            found.append(fact)
    return found


def _matcher(selection: Selection, event_type: str) -> Callable[[Fields], bool] | None:
    """What is left to ask of events of one type; None: none can match."""
    if selection.given is not None:
        return selection.given(event_type)
    return selection.matches if selection.takes(event_type) else None


def types_of(rule: Rule, history: History) -> list[str] | None:
    """The types of the archive that a rule can use; None: all."""
    if rule.uid not in history.types_by_rule:
        lists = [history.types_of(selection) for selection in rule.selections]
        known = [one for one in lists if one is not None]
        history.types_by_rule[rule.uid] = (
            sorted({code for one in known for code in one}) if len(known) == len(lists) else None
        )
    return history.types_by_rule[rule.uid]


def look(
    rule: Rule,
    history: History,
    facts: Iterable[Fact],
    groups: Collection[Group],
    known: Mapping[int, Sequence[tuple[Fact, Group]]],
) -> Hits:
    """The hits among some events, of some groups.

    Where a window needs all selections, those that cost most are asked last, and only of groups that have the others.

    Args:
        known: candidates beside these events, by the selection's place.
    """
    hits, facts, all_needed = Hits(rule), list(facts), needs_all(rule)
    for slot in cheapest_first(rule) if all_needed else range(len(rule.selections)):
        matched = candidates(rule, slot, facts, groups)
        matched += [(fact, group) for fact, group in known.get(slot, ()) if folded(group) in groups]
        hits.add(history, slot, matched)
        if all_needed:
            groups = {folded(hit.group) for (_, place), hit in hits.hits.items() if place == slot}
    return hits


def needs_all(rule: Rule) -> bool:
    """Whether a finding has hits of every selection."""
    correlation = rule.correlation
    if correlation is None or not correlation.kind.startswith("temporal"):
        return False
    return not any(correlation.compare(figure) for figure in range(len(rule.selections)))


def cheapest_first(rule: Rule) -> list[int]:
    """The places of its selections, those last whose conditions cost most to decide."""
    return sorted(range(len(rule.selections)), key=lambda slot: cost(rule, slot))


def cost(rule: Rule, slot: int) -> int:
    """How much it costs to decide a selection's conditions, compared with others."""
    return max((_COSTS.get(name, 1) for name in rule.selections[slot].custom), default=0)


_COSTS = {"dormant": 2, "impossible_travel": 2, "shared_without_team": 3, "unusual_hours": 4}
COSTLY = 4


def ranges(moments: Sequence[datetime], margin: timedelta, most: int) -> list[tuple[datetime, datetime]]:
    """Spans that hold all of these moments with a margin on both sides, at most so many; they do not overlap."""
    spans: list[list[datetime]] = []
    for moment in sorted(moments):
        start, end = earlier(moment, margin), later(moment, margin)
        if spans and start <= spans[-1][1]:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    if len(spans) > most:
        widest = sorted(range(1, len(spans)), key=lambda place: spans[place - 1][1] - spans[place][0])
        borders = [0, *sorted(widest[: most - 1]), len(spans)]
        spans = [[spans[first][0], spans[last - 1][1]] for first, last in pairwise(borders)]
    return [(start, end) for start, end in spans]


def earlier(moment: datetime, by: timedelta) -> datetime:
    """A moment before, as far as the calendar goes."""
    try:
        return moment - by
    except OverflowError:
        return datetime.min.replace(tzinfo=moment.tzinfo) + timedelta(days=1)


def later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo) - timedelta(days=1)
