"""What new events change of what a rule found before: no more is read than lies around them.

A rule that only grows (`find.only_grows`) is looked at as far as its windows reach on both sides; what is found there
joins what it touches. For the others (conditions on the archive's past, ordered steps) late events may take away what
was found, so whole findings are looked at again: the stretch grows until none reaches beyond it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

from events.detection.evaluation import reconcile
from events.detection.evaluation.find import (
    COSTLY,
    Found,
    Hits,
    cheapest_first,
    cost,
    earlier,
    later,
    look,
    matching,
    needs_all,
    only_grows,
    ranges,
    span_of,
    types_of,
)
from events.detection.evaluation.stored import CHUNK, Stored, grown_of, stored_of
from events.detection.sigma.windows import folded, group_of
from events.models import FindingEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.history import History
    from events.detection.sigma.rule import Rule
    from events.detection.sigma.windows import Group

    Touched = list[tuple[int, Fact]]  # the selection's place, and the event
    Span = tuple[datetime, datetime]

EVENT = "event_id"
MOST_SPANS = 1_000  # that are read around the events of one batch


@dataclass
class Increment:
    """What became of a rule's findings around new events.

    Attributes:
        new: the events that are evaluated for the first time; no finding has any of them yet.
        found: what is found there now.
        examined: the events that were looked at; findings with any of them are concerned.
        reach: the stretches within which all findings concerned must lie.
        whole: whether `found` is all that there is of them, or a part.
    """

    rule: Rule
    new: frozenset[int] | set[int]
    found: list[Found] = field(default_factory=list)
    examined: set[int] = field(default_factory=set)
    reach: list[Span] = field(default_factory=list)
    whole: bool = False

    def write(self) -> reconcile.Outcome | None:
        """Bring the stored findings in line, in the caller's transaction. None: they changed since, look again."""
        events = self.examined | {fact.pk for one in self.found for fact, _ in one.events}
        look_up = stored_of if self.whole else grown_of
        stored = look_up(self.rule, events - self.new)
        if self.whole and not all(_lies_within(self.rule, one, self.reach) for one in stored):
            return None
        return reconcile.reconcile(self.rule, self.found, stored, whole=self.whole)


def touched(
    rule: Rule, history: History, new: Sequence[Fact], matched: Mapping[int, Sequence[Fact]] | None = None
) -> Touched:
    """What new events bring to a rule: those that its selections match by their own fields, and those of before whose
    conditions may be decided otherwise now.

    Args:
        matched: the new events that each selection matches, by its place, where that is known.
    """
    found: Touched = []
    for slot, selection in enumerate(rule.selections):
        facts = matching(selection, new) if matched is None else matched.get(slot, ())
        found += [(slot, fact) for fact in facts]
        if selection.custom:
            found += [(slot, fact) for fact in matching(selection, history.affected(selection, new).values())]
    return found


def increment(
    rule: Rule, history: History, new: Sequence[Fact], matched: Mapping[int, Sequence[Fact]] | None = None
) -> Increment | None:
    """Look at a rule around new events. None: they change nothing."""
    about = touched(rule, history, new, matched)
    if not about:
        return None
    # What is new in one account may decide about events of others.
    accounts = None if rule.spans_accounts else sorted({fact.account_id for _, fact in about})
    keys = history.reader.batch_keys if new is history.reader.batch else {fact.pk for fact in new}
    if only_grows(rule):
        return _grown(rule, accounts, history, about, keys)
    relevant = _relevant(rule, history, about, keys)
    return _anew(rule, accounts, history, relevant, keys) if relevant else None


def _groups(rule: Rule, about: Touched) -> set[Group]:
    return {folded(group) for slot, fact in about if (group := group_of(rule, slot, fact)) is not None}


def _read(
    rule: Rule, accounts: list[int] | None, history: History, spans: Sequence[Span], groups: set[Group], about: Touched
) -> Hits:
    """The hits of some groups within some spans, which are in order. Of new events it is known which the selections
    match."""
    new = history.reader.batch_keys
    known: dict[int, list[tuple[Fact, Group]]] = defaultdict(list)
    for slot, fact in about:
        if fact.pk in new and _place(spans, fact.at) is not None and (group := group_of(rule, slot, fact)) is not None:
            known[slot].append((fact, group))
    facts = history.reader.around_batch(accounts, types_of(rule, history), spans)
    return look(rule, history, facts, groups, known)


def _place(spans: Sequence[Span], moment: datetime) -> int | None:
    """In which of these spans, which are in order and do not overlap, a moment lies."""
    place = bisect_right(spans, moment, key=itemgetter(0)) - 1
    return place if place >= 0 and moment <= spans[place][1] else None


def _spans(rule: Rule, accounts: list[int] | None, history: History, about: Touched) -> list[Span]:
    """Where to look. What is in memory anyway is not read in parts."""
    most = 1 if history.reader.is_whole_within(accounts) else MOST_SPANS
    return ranges([fact.at for _, fact in about], span_of(rule), most)


def _grown(rule: Rule, accounts: list[int] | None, history: History, about: Touched, new: set[int]) -> Increment:
    groups = _groups(rule, about)
    keys = {fact.pk for _, fact in about}
    hits = _read(rule, accounts, history, _spans(rule, accounts, history, about), groups, about)
    # Hits of different spans may come together: what some of a group's hits make, all of them make.
    found = [found for found in hits.found() if any(fact.pk in keys for fact, _ in found.events)]
    return Increment(rule, new, found)


def _relevant(rule: Rule, history: History, about: Touched, new: set[int]) -> Touched:
    """Without events that are no hits now and were none before."""
    hits: dict[int, set[int]] = {}
    by_event = rule.correlation is not None and EVENT in rule.correlation.group_by and needs_all(rule)
    for slot in cheapest_first(rule):
        facts = [fact for place, fact in about if place == slot]
        if by_event and hits:
            # All hits of a group are one event's: where another selection leaves it out, this one adds nothing.
            left = set.intersection(*hits.values())
            facts = [fact for fact in facts if fact.pk in left or fact.pk not in new]
        selection = rule.selections[slot]
        if not by_event and hits and cost(rule, slot) >= COSTLY and needs_all(rule):
            hits[slot] = {fact.pk for fact in facts}  # `look` asks it last, and only where there are the others
            continue
        hits[slot] = set(history.narrow(selection, facts)) if selection.custom else {fact.pk for fact in facts}
    others = list({fact.pk for slot, fact in about if fact.pk not in hits[slot] and fact.pk not in new})
    before: set[int] = set()
    for start in range(0, len(others), CHUNK):
        rows = FindingEvent.objects.filter(event__in=others[start : start + CHUNK], finding__rule=rule.uid)
        before.update(rows.order_by().values_list("event", flat=True))
    relevant = [entry for entry in about if entry[1].pk in hits[entry[0]] or entry[1].pk in before]
    if by_event:
        all_of = set.intersection(*hits.values())
        relevant = [entry for entry in relevant if entry[1].pk in all_of or entry[1].pk not in new]
    return relevant


def _anew(rule: Rule, accounts: list[int] | None, history: History, about: Touched, new: set[int]) -> Increment:
    groups = _groups(rule, about)
    margin = span_of(rule)
    spans = _spans(rule, accounts, history, about)
    while True:
        # Of the new events, those that are no hits are left out already.
        hits = _read(rule, accounts, history, spans, groups, about)
        done = Increment(rule, new, examined=hits.examined, whole=True, reach=spans)
        for place, part in hits.parts(partial(_place, spans)):
            done.found += hits.found(later(spans[place][0], margin), part)
        stored = stored_of(rule, done.examined - new)
        beyond = [one.finding for one in stored if not _lies_within(rule, one, spans)]
        if not beyond:
            return done
        spans = _joined(spans + [(earlier(one.first_at, margin), later(one.last_at, margin)) for one in beyond])


def _lies_within(rule: Rule, one: Stored, spans: Sequence[Span]) -> bool:
    """Whether all that a finding is made of, and what could join it, was read."""
    first, last = earlier(one.finding.first_at, span_of(rule)), later(one.finding.last_at, span_of(rule))
    place = _place(spans, first)
    return place is not None and last <= spans[place][1]


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
