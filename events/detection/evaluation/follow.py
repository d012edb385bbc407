"""Following the archive: each account's chain from where its cursor stands, a batch at a time.

What a batch changes of the findings and the cursor beyond it are one transaction: killed at any instant, evaluation
goes on where it was, and nothing is lost or done twice. Events are read before, without a lock, so that no sync waits.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from events.detection.evaluation.history import History
from events.detection.evaluation.increment import Increment, increment
from events.detection.evaluation.matching import is_away, match
from events.detection.evaluation.reader import Reader, api_keys
from events.detection.evaluation.seen import Seen, What, noted_for
from events.detection.evaluation.seen import follow as follow_seen
from events.detection.evaluation.seen import write as write_seen
from events.detection.findings import writing
from events.detection.rules.ruleset import RuleSet, current_rules
from events.detection.sigma.dispatch import Dispatch
from events.models import ChainHead, DetectionCursor, EventType, SyncState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from events.detection.evaluation.facts import Fact
    from events.detection.sigma.rule import Rule

logger = logging.getLogger(__name__)

BATCH = 5_000  # events in one transaction
LONGEST_PROBLEM = 2_000
Problems = dict[str, tuple[str, str]]  # by the rule's id: its title, and what happened


@dataclass
class Followed:
    """What was done.

    Attributes:
        accounts: those with findings that were changed.
        evaluated: those with events that were evaluated.
        failed: those that could not be evaluated further.
        problems: rules that failed.
    """

    events: int = 0
    made: int = 0
    extended: int = 0
    withdrawn: int = 0
    accounts: set[int] = field(default_factory=set)
    evaluated: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    problems: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, other: Followed) -> None:
        self.events += other.events
        self.made += other.made
        self.extended += other.extended
        self.withdrawn += other.withdrawn
        self.accounts |= other.accounts
        self.evaluated |= other.evaluated
        self.failed |= other.failed
        self.problems |= other.problems


def behind() -> dict[int, tuple[int, int]]:
    """Accounts with events that were not evaluated yet: from where, and up to where.

    One whose first sync is still under way has to wait: its newest events come first, and would all look unheard of.
    """
    cursors = dict(DetectionCursor.objects.values_list("account", "seq"))
    first = SyncState.objects.filter(last_success_at=None, lease_until__gt=timezone.now(), current_run__isnull=False)
    heads = ChainHead.objects.order_by().exclude(account__in=first.values("account")).values_list("account", "seq")
    return {account: (cursors.get(account, 0), seq) for account, seq in heads if cursors.get(account, 0) < seq}


def follow(
    tick: Callable[[int, int], None] | None = None,
    rules: Iterable[Rule] | None = None,
    *,
    told: Callable[[Followed], None] | None = None,
) -> Followed:
    """Evaluate all that came since, a batch at a time: of the account that is least behind and of the one that has
    waited longest, in turn. So nobody's news wait for long archives, and these come to their end.

    Args:
        tick: told after each batch how many events are done, and of how many; may raise to stop.
        rules: instead of those that are on.
        told: told what each batch did.
    """
    done = Followed()
    given = None if rules is None else Follower(rules)
    turn, turns = 0, dict[int, int]()  # when each account had its last one
    while waiting := {account: span for account, span in behind().items() if account not in done.failed}:
        lag = {account: head - seq for account, (seq, head) in waiting.items()}
        turn += 1
        account = min(lag, key=lambda one: (turns.get(one, 0) if turn % 2 == 0 else 0, lag[one]))
        turns[account] = turn
        part = Followed()
        try:
            # Rules may be switched, changed or written while a long archive is followed.
            (given or _current()).step(account, *waiting[account], part)
        except Exception as error:
            if is_away(error):
                raise
            _give_up(account, error, part)
        done.add(part)
        if told and part.evaluated:
            told(part)
        if tick:
            tick(done.events, max(done.events - part.events + sum(lag.values()), done.events))
    return done


_made: tuple[RuleSet, Follower] | None = None


def _current() -> Follower:
    """The rules that are on, made ready once for as long as they are the same."""
    global _made
    rules = current_rules()
    if _made is None or _made[0] is not rules:
        _made = rules, Follower(rules.rules.values())
    return _made[1]


class Follower:
    """Some rules, made ready for evaluation."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = [rule for rule in rules if all(selection.service == "audit" for selection in rule.selections)]
        self.dispatch = Dispatch(self.rules)
        self.keys: Mapping[int, str] = {}
        self.noted = list(dict.fromkeys(what for rule in self.rules for what in noted_for(rule)))
        # Where a rule looks into every context, they are read with the events, not in a second pass.
        self.reads_contexts = any(
            selection.reads is None and selection.event_types is None
            for rule in self.rules
            for selection in rule.selections
        )
        self.has_custom = {rule.uid for rule in self.rules if any(selection.custom for selection in rule.selections)}

    def step(self, account: int, seq: int, head: int, done: Followed) -> None:
        """Evaluate an account's next batch.

        Args:
            seq: up to where it was evaluated.
            head: the end of its chain.
        """
        cursor, _ = DetectionCursor.objects.get_or_create(account_id=account)
        if cursor.seq != seq:
            return  # somebody else was here
        end = min(seq + BATCH, head)
        cursors = DetectionCursor.objects.values_list("account", "seq", "began_at")
        others = {other: (upto, began_at) for other, upto, began_at in cursors}
        upto = {other: upto for other, (upto, _) in others.items()} | {account: end}
        if account not in self.keys:
            self.keys = api_keys()
        reader = Reader(upto, self.keys)
        new = reader.in_chain(account, seq, end, with_contexts=self.reads_contexts)
        reader.hold(account, new)
        began = min((fact.at for fact in new), default=None)
        if cursor.began_at is not None:
            began = cursor.began_at if began is None else min(began, cursor.began_at)
        beginnings = {other: began_at for other, (_, began_at) in others.items()} | {account: began}
        history = History(reader, types(), beginnings, {account: cursor.began_at})
        for seen in Seen.load_all(self.noted, account):
            filled = seen if seen.upto >= seq else self._filled(seen.what, account, seq)
            history.seen[seen.what, account] = filled
        follow_seen(list(history.seen.values()), new, end)
        problems: Problems = {}
        changes = self._look(history, new, problems)
        self._write(cursor, end, began, history, changes, problems, done)

    def _filled(self, what: What, account: int, seq: int) -> Seen:
        """What was seen up to the cursor; for fields that no rule asked for before, filled from the archive now."""
        seen = Seen.load(what, account)
        while seen.upto < seq:
            seen.read(Reader({account: seq}, self.keys), min(seq, seen.upto + 4 * BATCH))
            with writing.turn():
                write_seen([seen])
            seen = Seen.load(what, account)
        return seen

    def _look(self, history: History, new: Sequence[Fact], problems: Problems) -> list[Increment]:
        matched = match(self.dispatch, history, new, lambda rule, error: _note(rule, error, problems))
        changes = []
        for rule in self.rules:
            if rule.uid in problems or rule.uid not in matched and rule.uid not in self.has_custom:
                continue
            try:
                change = increment(rule, history, new, matched.get(rule.uid, {}))
            except Exception as error:  # of whatever kind: the other rules are evaluated
                if is_away(error):
                    raise
                _note(rule, error, problems)
                continue
            if change is not None:
                changes.append(change)
        return changes

    def _write(
        self,
        cursor: DetectionCursor,
        end: int,
        began: Any,
        history: History,
        changes: Sequence[Increment],
        problems: Problems,
        done: Followed,
    ) -> None:
        account, seq = cursor.account_id, cursor.seq
        outcomes = []
        with writing.turn():
            # The cursor must stand where the batch began; from here on nobody else moves it.
            if not DetectionCursor.objects.filter(account=account, seq=seq).update(seq=end):
                return
            for change in changes:
                try:
                    with transaction.atomic():
                        outcome = change.write()
                except Exception as error:
                    if is_away(error):
                        raise
                    _note(change.rule, error, problems)
                    continue
                if outcome is None:
                    # Findings were changed since they were looked at: by a replay. The batch is looked at again.
                    transaction.set_rollback(True)
                    return
                outcomes.append(outcome)
            write_seen([seen for seen in history.seen.values() if seen.account == account])
            told = "\n".join(f"{title}: {problem}" for title, problem in sorted(problems.values()))
            DetectionCursor.objects.filter(account=account).update(
                began_at=began, moved_at=timezone.now(), problem=told[:LONGEST_PROBLEM]
            )
        done.events += end - seq
        done.evaluated.add(account)
        done.problems |= problems
        for outcome in outcomes:
            done.made += outcome.made
            done.extended += outcome.extended
            done.withdrawn += outcome.withdrawn
            done.accounts |= outcome.accounts


def _give_up(account: int, error: Exception, done: Followed) -> None:
    """Leave an account that cannot be read where it is, so that the others go on. It is tried again at the next job."""
    done.failed.add(account)
    told = type(error).__name__
    row = DetectionCursor.objects.filter(account=account).exclude(problem=told)
    if row.update(problem=told):
        logger.error("The events of account %s could not be evaluated; the others are", account, exc_info=error)


def types() -> list[str]:
    """The types of event that the archive holds."""
    return ["", *EventType.objects.order_by("code").values_list("code", flat=True)]


_logged: dict[str, str] = {}


def _note(rule: Rule, error: Exception, problems: Problems) -> None:
    if rule.uid not in problems:
        known, _logged[rule.uid] = _logged.get(rule.uid), repr(error)
        if known != _logged[rule.uid]:  # at each batch it would be the same
            logger.error("The rule %s (%s) failed", rule.uid, rule.origin, exc_info=error)
        problems[rule.uid] = (rule.title, type(error).__name__)
