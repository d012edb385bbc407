"""Bringing the findings in the database in line with what a rule finds now, in one transaction of its caller.

A finding that shares events with what is found keeps its number: it is extended, or loses the events that no longer
belong to it. Where late events made one of two, the older one takes it all and the other is withdrawn; one whose events
no longer match is withdrawn; one that matches again comes back. What retention removed since still counts.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from events.detection.evaluation.find import key_of
from events.detection.evaluation.opening import come_up
from events.detection.evaluation.stored import Stored, holders_of, still_there
from events.detection.findings import writing
from events.detection.findings.writing import Evidence
from events.models import Finding, FindingAccount, FindingChange, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.find import Found
    from events.detection.findings.suppress import Span
    from events.detection.sigma.rule import Rule
    from events.detection.sigma.windows import Group

ACTIONS, STATES = FindingChange.Action, Finding.State


@dataclass
class Wanted:
    """A finding as it should be."""

    found: Found
    evidence: dict[tuple[int, str], Evidence]
    facts: list[Fact]
    stored: Stored | None = None
    met: list[Stored] = field(default_factory=list)  # all that share events with it

    @property
    def events(self) -> set[int]:
        return {event for event, _ in self.evidence}


@dataclass
class Outcome:
    """What was done.

    Attributes:
        accounts: those with findings that were changed.
    """

    made: int = 0
    extended: int = 0
    withdrawn: int = 0
    accounts: set[int] = field(default_factory=set)


def reconcile(rule: Rule, found: Sequence[Found], stored: Sequence[Stored], *, whole: bool) -> Outcome:
    """Make the stored findings what was found.

    Args:
        stored: all findings of the rule that hold events of what was found; and, where it is whole, all others that it
            could be about.
        whole: whether what is found is all that there is of these findings. Otherwise it is a part: what they hold
            already stays.
    """
    act = _Act(rule, timezone.now(), is_whole=whole)
    wanted = [_wanted(one) for one in found]
    # Looked up by group and by event throughout: a replay may be of 100,000 findings, and others wait for its lock.
    wanted_by: dict[Group, list[Wanted]] = defaultdict(list)
    stored_by: dict[Group, list[Stored]] = defaultdict(list)
    for piece in wanted:
        wanted_by[piece.found.identity].append(piece)
    for one in stored:
        stored_by[one.identity].append(one)
    for identity in wanted_by.keys() | (stored_by.keys() if whole else set()):
        (act.replace if whole else act.grow)(wanted_by[identity], stored_by[identity])
    act.write()
    return act.outcome


def _wanted(found: Found) -> Wanted:
    evidence = {}
    for fact, slot in found.events:
        step = found.step(slot)
        evidence[fact.pk, step] = Evidence(fact.pk, step, fact.account_id, fact.event_id, fact.at)
    return Wanted(found, evidence, list({fact.pk: fact for fact, _ in found.events}.values()))


class _Act:
    """One reconciliation. Decides first and writes then, so that keys can change hands."""

    def __init__(self, rule: Rule, now: datetime, *, is_whole: bool) -> None:
        self.rule, self.now, self.is_whole = rule, now, is_whole
        self.outcome = Outcome()
        self.may_suppress: bool | None = None  # not looked up yet
        self.wanted: list[Wanted] = []
        self.revived: set[int] = set()
        self.obsolete: list[Stored] = []

    def grow(self, wanted: Sequence[Wanted], stored: Sequence[Stored]) -> None:
        """What is found is a part: findings that share events with one another through it become one."""
        pieces = list(wanted)
        for one in sorted((one for one in stored if one.is_live), key=lambda one: one.finding.pk):
            touching = [piece for piece in pieces if piece.events & one.events]
            if not touching:
                continue
            first = min(touching, key=lambda piece: min(_places(piece.evidence)))
            for piece in touching:
                if piece is not first:
                    pieces.remove(piece)
                    first.evidence |= piece.evidence
                    first.facts += piece.facts
                    first.met += piece.met
                    if first.stored and piece.stored:
                        older, newer = sorted((first.stored, piece.stored), key=lambda each: each.finding.pk)
                        first.stored = older
                        self.obsolete.append(newer)
                    else:
                        first.stored = first.stored or piece.stored
            first.evidence |= one.evidence
            first.met.append(one)
            if first.stored is None:
                first.stored = one
            elif first.stored is not one:
                self.obsolete.append(one)
        withdrawn = holders_of(one for one in stored if not one.is_live)
        for piece in pieces:
            if len(piece.met) > 1:  # one takes the events of the others
                for one in piece.met:
                    one.complete()
                    piece.evidence |= one.evidence
            self._revive(piece, withdrawn)
        self.wanted += pieces

    def replace(self, wanted: Sequence[Wanted], stored: Sequence[Stored]) -> None:
        """What is found is all there is: each finding becomes one of them, or is withdrawn."""
        looked_at = {pk for one in wanted for pk in one.events}
        there = looked_at | still_there({pk for one in stored for pk in one.events} - looked_at)
        holders = holders_of(one for one in stored if one.is_live)
        withdrawn = holders_of(one for one in stored if not one.is_live)
        free = {one.finding.pk for one in stored if one.is_live}
        heirs: dict[int, Wanted] = {}  # by the key of the finding that each becomes
        for piece in sorted(wanted, key=lambda piece: min(_places(piece.evidence))):
            sharing = {one.finding.pk: one for event in piece.events for one in holders.get(event, ())}
            if oldest := min(sharing.keys() & free, default=None):
                piece.stored = sharing[oldest]
                free.remove(oldest)
            else:
                self._revive(piece, withdrawn)
            if piece.stored:
                heirs[piece.stored.finding.pk] = piece
        by_event: dict[int, int] = {}  # the first piece that has an event
        for place, piece in enumerate(wanted):
            for event in piece.events:
                by_event.setdefault(event, place)
        for one in stored:
            heir = heirs.get(one.finding.pk)
            if not one.is_live and heir is None:
                continue
            removed = {key: each for key, each in one.evidence.items() if each.event not in there}
            if heir is None:
                places = [by_event[event] for event in one.events if event in by_event]
                heir = wanted[min(places)] if places else None
            if heir is not None:
                heir.evidence |= {key: each for key, each in removed.items() if key not in heir.evidence}
            if one.finding.pk in free and (heir is not None or not removed):
                self.obsolete.append(one)
        self.wanted += wanted

    def _revive(self, piece: Wanted, withdrawn: Mapping[int, Sequence[Stored]]) -> None:
        """A finding that was withdrawn comes back, where no other has its events."""
        if piece.stored is not None:
            return
        sharing = {one.finding.pk: one for event in piece.events for one in withdrawn.get(event, ())}
        if oldest := min(sharing.keys() - self.revived, default=None):
            piece.stored = sharing[oldest]
            self.revived.add(oldest)

    def write(self) -> None:
        for one in self.obsolete:
            self._withdraw(one)
        changed = []
        for piece in self.wanted:
            if piece.stored is not None and (key := self._key(piece)) != piece.stored.finding.key:
                # Keys are unique, and one may have to be free before another finding takes it.
                writing.update(piece.stored.finding, key=_spare_key(piece.stored.finding.pk))
                changed.append((piece.stored.finding, key))
        for finding, key in changed:
            writing.update(finding, key=key)
        for piece in self.wanted:
            if piece.stored is not None:
                self._adjust(piece, piece.stored)
        writing.make([self._made(piece) for piece in self.wanted if piece.stored is None])

    def _key(self, piece: Wanted) -> str:
        """Known by its first event, also where that was removed since."""
        first = min(piece.evidence.values(), key=lambda each: (each.at, each.event))
        stored = piece.stored
        if stored is not None and not stored.is_whole and not writing.precedes(first, stored.finding):
            return stored.finding.key
        return key_of(self.rule.uid, piece.found.identity, first.account, first.nexmo_id)

    def _made(self, piece: Wanted) -> writing.Made:
        finding = Finding(
            key=self._key(piece),
            rule=self.rule.uid,
            title=self.rule.title[:200],
            severity=self.rule.severity,
            found_at=self.now,
        )
        writing.fill(finding, group=piece.found.group, details=piece.found.details)
        evidence = list(piece.evidence.values())
        writing.describe(finding, evidence)
        suppressed = self._come_up(finding, piece, _spans(evidence))
        self.outcome.made += 1
        self.outcome.accounts |= {each.account for each in evidence}
        return writing.Made(finding, evidence, suppressed=suppressed)

    def _come_up(self, finding: Finding, piece: Wanted, spans: Mapping[int, Span]) -> dict[int, Suppression]:
        # What the site notices about syncing is news, however old the events are that it is about.
        is_news = any(selection.service == "sync" for selection in self.rule.selections)
        if self.may_suppress is None:
            self.may_suppress = Suppression.objects.filter(rule=self.rule.uid).exists()
        return come_up(
            finding, piece.found.group, piece.facts, spans, self.now, is_news=is_news, may_suppress=self.may_suppress
        )

    def _adjust(self, piece: Wanted, stored: Stored) -> None:
        finding = stored.finding
        added = {key: each for key, each in piece.evidence.items() if key not in stored.evidence}
        gone = {key: each for key, each in stored.evidence.items() if key not in piece.evidence}
        compared = piece.found.details != finding.details and (self.is_whole or bool(piece.found.details))
        if not (added or gone or compared) and stored.is_live:
            return
        new = {event for event, _ in added} - stored.events
        writing.remove_evidence(finding, gone.values())
        writing.add_evidence(finding, added.values())
        values: dict[str, Any] = {}
        if compared:
            values["details"] = piece.found.details
        evidence = list(piece.evidence.values()) if stored.is_whole else None
        accounts = {each.account for each in added.values() if each.event in new}
        before = set(writing.accounts_of(finding)) if accounts else set()
        if evidence is None:
            writing.enlarge(finding, [each for each in added.values() if each.event in new], self.now)
        else:
            writing.describe(finding, evidence)
        if new:
            values["extended_at"] = self.now
            writing.note(finding, ACTIONS.EXTENDED, self.now, str(len(new)), accounts)
            self.outcome.extended += 1
        writing.update(finding, evidence, **values)
        if new or not stored.is_live:
            self._reopen(piece, finding, accounts, before)
        if gone:
            writing.settle([finding.pk])  # it may have lost a part
        self.outcome.accounts |= writing.accounts_of(finding)

    def _reopen(self, piece: Wanted, finding: Finding, accounts: set[int], before: set[int]) -> None:
        """Have those parts come up again that were settled and have grown, or all of one that was withdrawn; nobody
        has decided about a part that is new.

        Args:
            accounts: those that got events.
            before: those that it had.
        """
        was, routed = finding.state, finding.routed_at
        parts = list(FindingAccount.objects.filter(finding=finding).select_related("finding").order_by("account_id"))
        rising = [
            part
            for part in parts
            if part.state == STATES.WITHDRAWN
            or part.account_id in accounts
            and (part.state in (STATES.RESOLVED, STATES.SUPPRESSED) or part.account_id not in before)
        ]
        if not rising:
            return
        spans = {part.account_id: (part.first_at, part.last_at) for part in rising}
        suppressed = self._come_up(finding, piece, spans)
        comes_up = [part for part in rising if part.account_id not in suppressed and part.account_id in before]
        writing.reopen(rising, suppressed, self.now)
        is_news = finding.routed_at is None
        if comes_up and is_news or was not in Finding.UNFINISHED and len(suppressed) < len(rising):
            writing.update(finding, routed_at=finding.routed_at)
        else:
            finding.routed_at = routed
        # Settled, they did not follow their rule's level.
        writing.set_level([finding], self.rule.severity, self.now)

    def _withdraw(self, stored: Stored) -> None:
        finding = stored.finding
        writing.note(finding, ACTIONS.WITHDRAWN, self.now, finding.state)
        # Another finding may begin with the same event from now on.
        writing.update(finding, state=STATES.WITHDRAWN, key=_spare_key(finding.pk))
        writing.settle([finding.pk])
        self.outcome.withdrawn += 1
        self.outcome.accounts |= {each.account for each in stored.evidence.values()}


def _spans(evidence: Iterable[Evidence]) -> dict[int, Span]:
    return {account: (first, last) for account, (first, last, _) in writing.parts_of(evidence).items()}


def _places(evidence: dict[tuple[int, str], Evidence]) -> Iterable[tuple[datetime, int]]:
    return ((each.at, each.event) for each in evidence.values())


def _spare_key(pk: int) -> str:
    return hashlib.sha256(f"spare {pk}".encode()).hexdigest()
