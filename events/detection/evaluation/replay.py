"""Putting what a rule finds in the archive into the inbox: all of it, or what touches a period or some accounts.

Findings are written in batches, each a transaction under the lock of all who write findings, so that nobody waits long
and a replay that is broken off has lost nothing: begun again, it writes what is missing. What was followed meanwhile is
counted before each batch. A batch holds whole clusters, findings as they are and as they should be that share events,
because only these decide about one another (`reconcile.py`).

Of a period, findings that touch it are taken whole: the archive is read beyond it as far as they reach.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from events.detection.evaluation import reconcile
from events.detection.evaluation.find import Found, earlier, later, span_of
from events.detection.evaluation.follow import follow
from events.detection.evaluation.hunt import Hunting, Tick
from events.detection.evaluation.stored import load, stored_of
from events.detection.findings import writing
from events.models import DetectionCursor, Finding, FindingEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from events.detection.sigma.rule import Rule

BATCH = 500  # findings in one transaction
BATCH_EVENTS = 10_000  # and their events; a finding is never split
LEAST_MARGIN = timedelta(hours=1)

Wrote = Callable[[int, int], None]  # findings that are in the inbox, and of how many


@dataclass(frozen=True)
class Scope:
    """Which findings are put into the inbox: those with an event of these accounts (None: all) and this span, both
    ends included."""

    accounts: frozenset[int] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, account: int, at: datetime) -> bool:
        return (
            (self.accounts is None or account in self.accounts)
            and (self.since is None or self.since <= at)
            and (self.until is None or at <= self.until)
        )

    @property
    def is_all(self) -> bool:
        return self == Scope()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Scope:
        """As a `Hunt` keeps it: account (a key), since and until, each where it is limited."""
        since, until = (datetime.fromisoformat(said[name]) if name in said else None for name in ("since", "until"))
        return cls(frozenset({said["account"]}) if "account" in said else None, since, until)


@dataclass
class Cluster:
    """Findings that share events.

    Attributes:
        found: what the rule finds there.
        stored: keys of findings of the database.
        is_live: whether any of those is not withdrawn.
        events, accounts: keys of all their events, and of the accounts that these are of.
    """

    first_at: datetime
    last_at: datetime
    found: list[Found] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    is_live: bool = False
    is_in_scope: bool = False
    events: set[int] = field(default_factory=set)
    accounts: set[int] = field(default_factory=set)

    def add(self, event: int, account: int, is_in_scope: bool) -> None:
        self.events.add(event)
        self.accounts.add(account)
        self.is_in_scope |= is_in_scope

    def absorb(self, other: Cluster) -> None:
        self.first_at, self.last_at = min(self.first_at, other.first_at), max(self.last_at, other.last_at)
        self.found += other.found
        self.stored += other.stored
        self.is_live |= other.is_live
        self.is_in_scope |= other.is_in_scope
        self.events |= other.events
        self.accounts |= other.accounts

    @property
    def state(self) -> int:
        """What tells whether it is found as it was before."""
        told = ((one.key, one.events[-1][0].pk, len(one.events), str(one.details)) for one in self.found)
        return hash((tuple(sorted(told)), tuple(sorted(self.stored)) if not self.found else ()))


@dataclass
class Replay:
    """A rule's findings on their way into the inbox.

    Attributes:
        tick: told of the events that are looked at.
        wrote: told after each batch; may raise to stop.
    """

    rule: Rule
    scope: Scope = Scope()
    tick: Tick | None = None
    wrote: Wrote | None = None
    outcome: reconcile.Outcome = field(default_factory=reconcile.Outcome)
    found: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.margin = max(span_of(self.rule), LEAST_MARGIN)
        self.is_everywhere = self.rule.spans_accounts
        self._done: set[int] = set()  # clusters, by state

    def run(self) -> None:
        """Do it. Raises TooMany: the rule matches too many events."""
        self.hunting = self._hunted()
        waiting = self._planned()
        while True:
            if waiting is None:
                self.hunting = self._hunted()
                waiting = self._planned()
                continue
            with writing.turn():
                if self.hunting.catch_up() or not self._is_current(waiting):
                    waiting = self._planned()
                    if waiting is None:
                        continue
                if not waiting:
                    return
                batch = list(_batch(waiting))
                self._write(batch)
            self._done |= {cluster.state for cluster in batch}
            del waiting[: len(batch)]
            if self.wrote:
                left = sum(len(cluster.found) for cluster in waiting)
                self.wrote(len(self.found) - left, len(self.found))

    def _hunted(self) -> Hunting:
        scope = self.scope
        since = scope.since and earlier(scope.since, self.margin)
        until = scope.until and later(scope.until, self.margin)
        # What is found over several accounts is found in all of them.
        accounts = None if scope.accounts is None or self.is_everywhere else sorted(scope.accounts)
        hunting = Hunting(self.rule, accounts, since, until, self.tick)
        hunting.run(dict(DetectionCursor.objects.values_list("account", "seq")))
        return hunting

    def _planned(self) -> list[Cluster] | None:
        """What is left to write, oldest first. None: findings reach beyond what was read."""
        since = self.hunting.since
        # Windows that end earlier lack some of their hits.
        found = self.hunting.hits.found(since=since and later(since, span_of(self.rule)))
        chosen = [cluster for cluster in self._clusters(found) if cluster.is_in_scope]
        if self._widen(chosen):
            return None
        self.found = [one for cluster in chosen for one in cluster.found]
        return [one for one in chosen if (one.found or one.is_live) and one.state not in self._done]

    def _widen(self, chosen: Sequence[Cluster]) -> bool:
        """Whether more has to be read to know all that these are made of, and what could join them."""
        span, hunting = span_of(self.rule), self.hunting
        beyond = [timedelta()]
        if hunting.since:
            beyond += [hunting.since - earlier(one.first_at, span) for one in chosen]
        if hunting.until:
            beyond += [later(one.last_at, span) - hunting.until for one in chosen]
        if longest := max(beyond):
            self.margin = max(2 * self.margin, self.margin + longest)
        if hunting.accounts is not None and any(one.accounts - set(hunting.accounts) for one in chosen):
            self.is_everywhere = True  # the rule's findings spanned accounts once
            return True
        return bool(longest)

    def _clusters(self, found: Sequence[Found]) -> list[Cluster]:
        """All that is found and all that is stored there, what shares events together; oldest first."""
        joined = _Joined()
        for one in found:
            cluster = Cluster(one.first_at, one.last_at, [one])
            for fact, _ in one.events:
                cluster.add(fact.pk, fact.account_id, self.scope.holds(fact.account_id, fact.at))
            joined.add(cluster)
        for finding, evidence in self._stored():
            cluster = Cluster(finding.first_at, finding.last_at, stored=[finding.pk])
            cluster.is_live = finding.state != Finding.State.WITHDRAWN
            cluster.is_in_scope = self.scope.is_all
            for event, account, at in evidence:
                cluster.add(event, account, self.scope.holds(account, at))
            joined.add(cluster)
        return joined.clusters()

    def _stored(self) -> Iterator[tuple[Finding, list[tuple[int, int, datetime]]]]:
        """The rule's findings of the time that was read, each with its events: key, account and time."""
        within = Q(rule=self.rule.uid)
        if self.hunting.since:
            within &= Q(last_at__gte=self.hunting.since)
        if self.hunting.until:
            within &= Q(first_at__lte=self.hunting.until)
        listed = Finding.objects.filter(within).only("pk", "state", "first_at", "last_at")
        findings = list(listed.order_by("pk"))
        for start in range(0, len(findings), writing.CHUNK):
            chunk = findings[start : start + writing.CHUNK]
            its: dict[int, list[tuple[int, int, datetime]]] = defaultdict(list)
            rows = FindingEvent.objects.filter(finding__in=[finding.pk for finding in chunk]).order_by()
            for pk, event, account, at in rows.values_list("finding_id", "event_id", "account_id", "created_at"):
                its[pk].append((event, account, at))
            for finding in chunk:
                yield finding, its[finding.pk]

    def _is_current(self, waiting: Sequence[Cluster]) -> bool:
        """Whether nobody has changed the findings of the next batch since it was planned."""
        batch = list(_batch(waiting))
        known = {pk for cluster in batch for pk in cluster.stored}
        events = {event for cluster in batch for event in cluster.events}
        stored = stored_of(self.rule, events)
        return {one.finding.pk for one in stored} <= known and all(one.events <= events for one in stored)

    def _write(self, batch: Sequence[Cluster]) -> None:
        found = [one for cluster in batch for one in cluster.found]
        stored = load(sorted(pk for cluster in batch for pk in cluster.stored))
        done = reconcile.reconcile(self.rule, found, stored, whole=True)
        self.outcome.made += done.made
        self.outcome.extended += done.extended
        self.outcome.withdrawn += done.withdrawn
        self.outcome.accounts |= done.accounts


def replay(
    rule: Rule,
    tick: Tick | None = None,
    still: Callable[[], None] | None = None,
    *,
    scope: Scope | None = None,
    wrote: Wrote | None = None,
) -> tuple[list[Found], reconcile.Outcome]:
    """Put what a rule finds in the archive into the inbox. What is there already is not added again.

    Args:
        still: called now and then while the archive is followed to its end first; may raise to stop.
        wrote: as `Replay` has it.

    Returns:
        What was found, and what was done.

    Raises:
        TooMany: it matches too many events.
    """
    follow(lambda done, total: still() if still else None)
    replaying = Replay(rule, scope or Scope(), tick, wrote)
    replaying.run()
    return replaying.found, replaying.outcome


def _batch(waiting: Iterable[Cluster]) -> Iterator[Cluster]:
    """The first clusters, as many as are written together."""
    findings = events = 0
    for cluster in waiting:
        findings += max(len(cluster.found), len(cluster.stored))
        events += len(cluster.events)
        if findings > BATCH and findings > max(len(cluster.found), len(cluster.stored)):
            return
        if events > BATCH_EVENTS and events > len(cluster.events):
            return
        yield cluster


class _Joined:
    """Clusters, those that share an event made one."""

    def __init__(self) -> None:
        self._owner: dict[int, int] = {}
        self._clusters: dict[int, Cluster] = {}
        self._last = 0

    def add(self, cluster: Cluster) -> None:
        met = {self._owner[event] for event in cluster.events if event in self._owner}
        # The largest stays where it is: what moves is moved few times.
        number = max(met, key=lambda one: len(self._clusters[one].events), default=0)
        moved = set(cluster.events)
        for other in met - {number}:
            moved |= self._clusters[other].events
            self._clusters[number].absorb(self._clusters.pop(other))
        if number:
            self._clusters[number].absorb(cluster)
        else:
            number = self._last = self._last + 1
            self._clusters[number] = cluster
        self._owner.update(dict.fromkeys(moved, number))

    def clusters(self) -> list[Cluster]:
        return sorted(self._clusters.values(), key=lambda one: (one.first_at, min(one.events, default=0)))
