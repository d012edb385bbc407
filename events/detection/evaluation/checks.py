"""What the site itself notices about an account's syncing: the events of rules with `service: sync`.

failing, behind, silent, gap and retention are states: each stretch of time that one lasts is one finding of a rule,
kept up to date as long as it lasts. vanished and altered are about events: what is noticed within a short time is one
finding.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from events.detection.evaluation import reconcile
from events.detection.evaluation.find import Found, key_of
from events.detection.evaluation.follow import Followed
from events.detection.evaluation.matching import is_away
from events.detection.evaluation.opening import come_up
from events.detection.evaluation.reader import Reader
from events.detection.evaluation.stored import stored_of
from events.detection.findings import writing
from events.detection.rules.ruleset import current_rules
from events.detection.sigma.fields import PlainFields
from events.detection.sigma.windows import folded, group_of
from events.models import (
    ChainHead,
    CoveredSpan,
    DayCount,
    Discrepancy,
    EventConflict,
    Finding,
    RetentionChange,
    SyncState,
    SyncWindow,
)
from events.storage import clock
from events.sync import coverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from events.detection.sigma.rule import Rule
    from events.detection.sigma.windows import Group

logger = logging.getLogger(__name__)

FAILED_IN_A_ROW = 3  # unless it is for a person to mend
FOR_A_PERSON = ("credentials", "secret-unreadable", "denied")
NO_FAILURE = ("", "interrupted", "unverified")
LEAST_BEHIND = timedelta(minutes=30)
INTERVALS_BEHIND = 6
SETTLED_AFTER = 600  # seconds that a worker has run: after a stop everything is behind, and catches up
USUAL = timedelta(days=60)
ACTIVE_DAYS, LEAST_SILENT_DAYS = 20, 3
GAP_AFTER = timedelta(hours=6)
NOTICED_WITHIN = timedelta(days=2)
MOST_EVENTS = 1_000  # that vanished or were altered, of one account
KEPT_UP_EVERY = timedelta(minutes=10)  # how far a lasting finding's end may lie back
_started = time.monotonic()


@dataclass(frozen=True)
class Noticed:
    """Something about an account's syncing that is so now.

    Attributes:
        began: since when.
        events: keys of the events that it is about; none for a state.
    """

    account: int
    api_key: str
    problem: str
    began: datetime
    events: tuple[int, ...] = ()


def look(now: datetime | None = None) -> Followed:
    """Notice what is so now, and bring findings in line. Rules that fail are told and hold up no other."""
    now = now or timezone.now()
    done = Followed()
    rules = [
        rule
        for rule in current_rules().rules.values()
        if all(selection.service == "sync" for selection in rule.selections)
    ]
    noticed = list(notice(now)) if rules else []
    for rule in rules:
        try:
            _apply(rule, noticed, now, done)
        except Exception as error:
            if is_away(error):
                raise
            logger.exception("The rule %s (%s) failed", rule.uid, rule.origin)
            done.problems[rule.uid] = (rule.title, type(error).__name__)
    return done


def _apply(rule: Rule, noticed: Iterable[Noticed], now: datetime, done: Followed) -> None:
    for one in noticed:
        fields = PlainFields({"problem": one.problem, "account": one.api_key})
        group = group_of(rule, 0, fields) if rule.selections[0].matches(fields) else None
        if group is None:
            continue
        if one.events:
            _about_events(rule, one, group, done)
        else:
            _lasting(rule, one, group, now, done)


def _lasting(rule: Rule, one: Noticed, group: Group, now: datetime, done: Followed) -> None:
    key = key_of(rule.uid, (*folded(group), ("problem", one.problem)), one.account, one.began.isoformat())
    finding = Finding.objects.filter(key=key).first() or _continued(rule, one, group, now)
    if finding is not None and now - finding.last_at < KEPT_UP_EVERY:
        return
    with writing.turn():
        if finding is not None:
            writing.prolong(finding, now)
            return
        if Finding.objects.filter(key=key).exists():
            return
        finding = Finding(
            key=key,
            rule=rule.uid,
            title=rule.title[:200],
            severity=rule.severity,
            first_at=one.began,
            last_at=now,
            found_at=now,
        )
        writing.fill(finding, group=dict(group), details={"problem": one.problem})
        suppressed = come_up(finding, dict(group), (), {one.account: (one.began, now)}, now)
        writing.make([writing.Made(finding, accounts=(one.account,), suppressed=suppressed)])
    done.made += 1
    done.accounts.add(one.account)


def _continued(rule: Rule, one: Noticed, group: Group, now: datetime) -> Finding | None:
    """The finding of the same state that lasted until a moment ago: it comes and goes, and is one."""
    rows = Finding.objects.filter(rule=rule.uid, parts__account=one.account, last_at__gte=now - rule.merge)
    for finding in rows.exclude(state=Finding.State.WITHDRAWN).order_by("-found_at", "-pk")[:10]:
        if finding.details and finding.details.get("problem") == one.problem and finding.group == dict(group):
            return finding
    return None


def _about_events(rule: Rule, one: Noticed, group: Group, done: Followed) -> None:
    upto = dict(ChainHead.objects.filter(account=one.account).values_list("account", "seq"))
    facts = sorted(Reader(upto).by_key(one.events), key=lambda fact: fact.place)
    if not facts:
        return  # removed by retention since
    details = {"problem": one.problem}
    found = Found(rule, dict(group), folded(group), tuple((fact, 0) for fact in facts), details)
    with writing.turn():
        outcome = reconcile.reconcile(rule, [found], stored_of(rule, one.events), whole=False)
    done.made += outcome.made
    done.extended += outcome.extended
    done.accounts |= outcome.accounts


def notice(now: datetime) -> Iterator[Noticed]:
    """All that is so now, of all accounts."""
    states = list(SyncState.objects.filter(account__is_active=True).select_related("account"))
    keys = {state.account_id: state.account.api_key for state in states}
    for state in states:
        failing = _failing(state, now)
        if failing or _behind(state, now):
            began = state.last_success_at
            if began is None or clock.lies_ahead(began, now):
                first = state.last_run or state.current_run
                began = first.started_at if first else now
            yield Noticed(state.account_id, keys[state.account_id], "failing" if failing else "behind", min(began, now))
    healthy = {state.account_id for state in states if clock.is_within(state.last_success_at, timedelta(days=1), now)}
    for account, last in _silent(healthy, now):
        yield Noticed(account, keys[account], "silent", last)
    for account, began in _gaps(list(keys), now):
        yield Noticed(account, keys[account], "gap", began)
    shorter: dict[int, RetentionChange] = {}
    for change in RetentionChange.objects.filter(effective_at__gt=now).select_related("account"):
        if change.waits(now):
            shorter[change.account_id] = change  # the first one of those that wait
    for account, change in shorter.items():
        yield Noticed(account, change.account.api_key, "retention", min(change.changed_at, now))
    for problem, account, began, events in _contradicted(list(keys), now):
        yield Noticed(account, keys[account], problem, began, events)


def _failing(state: SyncState, now: datetime) -> bool:
    if state.problem_code in NO_FAILURE:
        return False
    return state.problem_code in FOR_A_PERSON or state.failures >= FAILED_IN_A_ROW


def _behind(state: SyncState, now: datetime) -> bool:
    """Nothing fails, and still no sync has succeeded for long."""
    if state.last_success_at is None or state.lease_until and state.lease_until > now:
        return False
    if time.monotonic() - _started < SETTLED_AFTER:
        return False
    return now - state.last_success_at > max(LEAST_BEHIND, INTERVALS_BEHIND * settings.SYNC_INTERVAL)


def _silent(accounts: set[int], now: datetime) -> Iterator[tuple[int, datetime]]:
    """Accounts that have events nearly every day and have had none for longer than ever in the weeks before, though
    they are asked and answer. Days are of UTC; today has only begun."""
    today = now.astimezone(UTC).date()
    days: dict[int, list[int]] = defaultdict(list)
    counts = DayCount.objects.filter(day__lte=today, count__gt=0)
    lately = counts.filter(account__in=accounts, day__gte=today - timedelta(days=LEAST_SILENT_DAYS))
    quiet = accounts - set(lately.values_list("account", flat=True).distinct())  # few, so little is read each minute
    rows = counts.filter(account__in=quiet, day__gte=today - USUAL).order_by("account", "day")
    for account, day in rows.values_list("account", "day").distinct():
        days[account].append((today - day).days)
    for account, ago in days.items():
        longest = max((before - after - 1 for before, after in pairwise(ago)), default=0)
        silent = ago[-1] - 1
        if len(ago) >= ACTIVE_DAYS and silent >= max(LEAST_SILENT_DAYS, 2 * longest + 1):
            last = today - timedelta(days=ago[-1])
            yield account, datetime(last.year, last.month, last.day, tzinfo=UTC)


def _gaps(accounts: Sequence[int], now: datetime) -> Iterator[tuple[int, datetime]]:
    """Accounts with days that could not be verified for hours, between or before days that were."""
    spans: dict[int, list[CoveredSpan]] = defaultdict(list)
    for span in CoveredSpan.objects.filter(account__in=accounts).order_by("account", "end"):
        if not clock.lies_ahead(span.end, now):
            spans[span.account_id].append(span)
    open_ones = {account: coverage.gaps(known) for account, known in spans.items() if coverage.is_patchy(known)}
    windows = SyncWindow.objects.filter(account__in=list(open_ones), verified=False, asked_at__lte=now - GAP_AFTER)
    began: dict[int, datetime] = {}
    for account, first_day, last_day, asked_at in windows.order_by("asked_at").values_list(
        "account", "first_day", "last_day", "asked_at"
    ):
        if account not in began and any(
            (last_day is None or start is None or last_day >= start.date())
            and (first_day is None or first_day <= end.date())
            for start, end in open_ones[account]
        ):
            began[account] = asked_at
    yield from began.items()


def _contradicted(accounts: Sequence[int], now: datetime) -> Iterator[tuple[str, int, datetime, tuple[int, ...]]]:
    """Events that Nexmo no longer hands over, or hands over with other content, noticed lately."""
    since = now - NOTICED_WITHIN
    noted = Discrepancy.objects.standing().filter(account__in=accounts, noticed_at__gte=since)
    kinds = {"vanished": Discrepancy.Kind.VANISHED, "altered": Discrepancy.Kind.ALTERED}
    for problem, kind in kinds.items():
        moments: dict[int, dict[int, datetime]] = defaultdict(dict)
        for account, event, at in noted.filter(kind=kind).order_by("pk").values_list("account", "event", "noticed_at"):
            moments[account].setdefault(event, at)
        if problem == "altered":
            rows = EventConflict.objects.filter(account__in=accounts, seen_at__gte=since).order_by("pk")
            for account, event, at in rows.values_list("account", "event", "seen_at"):
                moments[account].setdefault(event, at)
        for account, events in moments.items():
            yield from ((problem, account, *part) for part in _together(events))


def _together(events: dict[int, datetime]) -> Iterator[tuple[datetime, tuple[int, ...]]]:
    """Events noticed within an hour of the one before."""
    part: list[int] = []
    for event, at in sorted(events.items(), key=lambda entry: entry[1]):
        if part and (at - events[part[-1]] > timedelta(hours=1) or len(part) == MOST_EVENTS):
            yield events[part[0]], tuple(part)
            part = []
        part.append(event)
    if part:
        yield events[part[0]], tuple(part)
