"""Findings out of hits: the windows of correlations, and matches that belong together.

What is found is decided by the set of hits alone, never by the order in which they came. The windows are those of
pySigma's SQLite backend: each hit ends one, as long as the rule's timespan, with both ends in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from events.detection.sigma.fields import fold

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from datetime import datetime

    from events.detection.sigma.rule import Correlation, Fields, Rule

# Fields and their values, in the rule's order. The value of a field that is not there is None.
Group = tuple[tuple[str, Any], ...]
USER, ADDRESS = "user_email", "source_ip"


@dataclass(frozen=True)
class Hit:
    """A match of one of a rule's selections.

    Attributes:
        at: the event's own time.
        key: of the event; hits of one event share it. Keys of one rule's hits must be comparable.
        slot: the selection's place in the rule, from 0.
        group: as `group_of` tells it.
        value: as `value_of` tells it; only value_count looks at it.
    """

    at: datetime
    key: Any
    slot: int
    group: Group
    value: Any = None


@dataclass(frozen=True)
class Episode:
    """Hits that are one finding, oldest first.

    Attributes:
        group: as its first hit spells it.
        figure: the largest that any of its windows has; of a rule without correlation, its number of events.
    """

    group: Group
    hits: tuple[Hit, ...]
    figure: int

    @property
    def identity(self) -> Group:
        """The group, whatever the letters' case."""
        return folded(self.group)


def group_of(rule: Rule, slot: int, fields: Fields) -> Group | None:
    """The group that a hit belongs to; None: to none, as it lacks a field that a correlation groups by."""
    if rule.correlation is not None:
        aliases = rule.correlation.aliases
        group: list[tuple[str, Any]] = []
        for name in rule.correlation.group_by:
            value = _one(fields.get(aliases[name].get(slot, name) if name in aliases else name))
            if value is None:
                return None
            group.append((name, value))
        return tuple(group)
    names: Iterable[str] = rule.group_by
    if rule.has_default_group and fields.get(USER) is None:
        names = (ADDRESS if name == USER else name for name in rule.group_by)
    return tuple((name, _one(fields.get(name))) for name in names)


def value_of(rule: Rule, fields: Fields) -> Any:
    """What value_count counts of a hit."""
    if rule.correlation is None or not rule.correlation.value_field:
        return None
    value = fields.get(rule.correlation.value_field)
    return tuple(value) if isinstance(value, list) else value


def _one(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def folded(group: Group) -> Group:
    """A group as groups are compared: a number and its text are the same."""
    return tuple((name, None if value is None else fold(str(value))) for name, value in group)


def findings_of(rule: Rule, hits: Iterable[Hit], since: datetime | None = None) -> list[Episode]:
    """What the rule finds in these hits, oldest first. Hits without group are to be left out beforehand.

    Args:
        since: windows of a correlation that end before are passed over: not all of their hits are given.
    """
    groups: defaultdict[Group, list[Hit]] = defaultdict(list)
    for hit in set(hits):
        groups[folded(hit.group)].append(hit)
    episodes: list[Episode] = []
    for members in groups.values():
        members.sort(key=_order)
        found = _merged(rule, members) if rule.correlation is None else _correlated(rule.correlation, members, since)
        episodes.extend(found)
    return sorted(episodes, key=lambda episode: _order(episode.hits[0]))


def _order(hit: Hit) -> tuple[datetime, Any, int]:
    return hit.at, hit.key, hit.slot


def _merged(rule: Rule, hits: Sequence[Hit]) -> Iterator[Episode]:
    begin = 0
    for place in range(1, len(hits) + 1):
        if place == len(hits) or hits[place].at - hits[place - 1].at > rule.merge:
            part = tuple(hits[begin:place])
            yield Episode(part[0].group, part, len({hit.key for hit in part}))
            begin = place


def _correlated(correlation: Correlation, hits: Sequence[Hit], since: datetime | None) -> Iterator[Episode]:
    if correlation.kind == "temporal_ordered":
        return _chained(correlation, hits, since)
    return _counted(correlation, hits, since)


class _Figure:
    """The figure of a window, kept as hits come in at its end and go out at its beginning."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.counts: Counter[Hashable] = Counter()

    def add(self, hit: Hit) -> None:
        self.counts.update(self._counted(hit))

    def remove(self, hit: Hit) -> None:
        for one in self._counted(hit):
            self.counts[one] -= 1
            if not self.counts[one]:
                del self.counts[one]

    def _counted(self, hit: Hit) -> Iterable[Hashable]:
        if self.kind == "event_count":
            return (hit.key,)
        if self.kind != "value_count":
            return (hit.slot,)
        values = hit.value if isinstance(hit.value, (list, tuple)) else (hit.value,)
        return {fold(str(value)) for value in values if value is not None}

    def __int__(self) -> int:
        return len(self.counts)


def _windows(
    correlation: Correlation, hits: Sequence[Hit], kind: str, since: datetime | None
) -> Iterator[tuple[int, int, int]]:
    """Each different window: the place of its first hit, the place behind its last one, and its figure."""
    figure = _Figure(kind)
    begin = end = 0
    while end < len(hits):
        at = hits[end].at
        while end < len(hits) and hits[end].at == at:
            figure.add(hits[end])
            end += 1
        while hits[begin].at < at - correlation.timespan:
            figure.remove(hits[begin])
            begin += 1
        if since is None or at >= since:
            yield begin, end, int(figure)


def _counted(correlation: Correlation, hits: Sequence[Hit], since: datetime | None) -> Iterator[Episode]:
    """All hits of a window are its evidence, so windows that share any are neighbours."""
    spans: list[list[int]] = []  # begin, end, figure
    for begin, end, figure in _windows(correlation, hits, correlation.kind, since):
        if not correlation.compare(figure):
            continue
        if spans and begin < spans[-1][1]:
            spans[-1][1:] = [end, max(spans[-1][2], figure)]
        else:
            spans.append([begin, end, figure])
    for begin, end, figure in spans:
        yield Episode(hits[begin].group, tuple(hits[begin:end]), figure)


def _chained(correlation: Correlation, hits: Sequence[Hit], since: datetime | None) -> Iterator[Episode]:
    """Windows that hold selections in their order: of each the earliest that is later than the one before."""
    times: defaultdict[int, list[datetime]] = defaultdict(list)
    members: defaultdict[tuple[int, datetime], list[Hit]] = defaultdict(list)
    for hit in hits:
        if not times[hit.slot] or times[hit.slot][-1] != hit.at:
            times[hit.slot].append(hit.at)
        members[hit.slot, hit.at].append(hit)
    slots = sorted(times)
    joined = _Joined()
    for _begin, end, figure in _windows(correlation, hits, "temporal", since):
        if not correlation.compare(figure):
            continue
        last = hits[end - 1].at
        first = last - correlation.timespan
        evidence: set[Hit] = set()
        if correlation.required:
            for wanted in combinations(slots, correlation.required):
                chain = _chain(times, wanted, first, last)
                if chain and len(chain) == len(wanted):
                    evidence.update(hit for step in chain for hit in members[step])
        else:
            present = [slot for slot in slots if _place(times[slot], first, last) is not None]
            chain = _chain(times, present, first, last)
            if chain and len(chain) == len(present):
                evidence.update(hit for step in chain for hit in members[step])
        if evidence:
            joined.add(evidence, figure)
    for part, figure in joined.parts():
        ordered = tuple(sorted(part, key=_order))
        yield Episode(ordered[0].group, ordered, figure)


def _place(times: Sequence[datetime], first: datetime, last: datetime) -> int | None:
    place = bisect_left(times, first)
    return place if place < len(times) and times[place] <= last else None


def _chain(
    times: dict[int, list[datetime]], slots: Sequence[int], first: datetime, last: datetime
) -> list[tuple[int, datetime]] | None:
    """The times at which the selections follow one another within a window; None where they do not."""
    chain: list[tuple[int, datetime]] = []
    for slot in slots:
        of_slot = times[slot]
        place = bisect_right(of_slot, chain[-1][1]) if chain else bisect_left(of_slot, first)
        if place == len(of_slot) or of_slot[place] > last:
            return None
        chain.append((slot, of_slot[place]))
    return chain


class _Joined:
    """Sets of hits, those that share an event made one."""

    def __init__(self) -> None:
        self._owner: dict[Any, int] = {}
        self._sets: dict[int, set[Hit]] = {}
        self._figures: dict[int, int] = {}
        self._last = 0

    def add(self, evidence: set[Hit], figure: int) -> None:
        met = {self._owner[hit.key] for hit in evidence if hit.key in self._owner}
        if met:
            # The largest stays where it is: what moves is moved few times.
            number = max(met, key=lambda one: len(self._sets[one]))
        else:
            number = self._last = self._last + 1
            self._sets[number] = set()
        for other in met - {number}:
            evidence |= self._sets.pop(other)
            figure = max(figure, self._figures.pop(other))
        self._sets[number] |= evidence
        self._figures[number] = max(figure, self._figures.get(number, 0))
        self._owner.update((hit.key, number) for hit in evidence)

    def parts(self) -> Iterable[tuple[set[Hit], int]]:
        return ((self._sets[number], self._figures[number]) for number in self._sets)
