"""Background jobs of detection: evaluating what came, noticing what fails, and rules tried over the archive.

One job evaluates at a time, whatever the number of workers. It is asked for after each sync that added events, and done
every minute all the same. Syncs never wait for it: what it does is in jobs and transactions of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from events.detection import watching
from events.detection.evaluation import checks
from events.detection.evaluation.follow import Followed, follow
from events.detection.evaluation.hunt import KIND, Hunting, TooMany, summary
from events.detection.evaluation.levels import apply_levels
from events.detection.evaluation.replay import Scope, replay
from events.detection.rules.ruleset import current_rules, read
from events.models import Hunt
from events.operations import jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.detection.evaluation.find import Found
    from events.detection.sigma.rule import Rule

EVERY = timedelta(minutes=1)
NOTED_EVERY = timedelta(seconds=1)  # how often a trial's progress is noted


@jobs.handler("detect", every=EVERY, urgent=True)
def detect(job: jobs.Claim) -> None:
    """Evaluate all that came since; first, open findings follow rules whose level has changed."""
    watching.watch(apply_levels(current_rules()))
    # Told batch by batch: while a long archive is followed for the first time, others have news.
    follow(lambda events, total: job.renew(done=events, total=total), told=_tell)


@jobs.handler("check_syncing", every=EVERY)
def check_syncing(job: jobs.Claim) -> None:
    """Notice accounts that fail, lag, fall silent or contradict themselves."""
    _tell(checks.look())


def _tell(done: Followed) -> None:
    """Have it told at once where something was found, and accounts watched where something is suspicious."""
    if done.accounts:
        jobs.enqueue("route_alerts")
    watching.watch(done.accounts | done.evaluated)


@jobs.handler(KIND, attempts=3)
def hunt(job: jobs.Claim) -> None:
    """Try a rule over the archive; its subject is the key of a `Hunt`, which keeps what it finds."""
    trial = Hunt.objects.filter(pk=job.subject).exclude(state=Hunt.State.DONE).first()
    if trial is None:
        return  # withdrawn, or done by a worker that died before it could say so
    Hunt.objects.filter(pk=trial.pk).update(state=Hunt.State.RUNNING, done=0)
    progress = _Progress(job, trial)
    try:
        rule = _rule_of(trial.text)
        if trial.replay:
            scope = Scope.of(_asked(trial).get("scope", {}))
            found = _put_into_the_inbox(rule, scope, job, progress)
        else:
            found = Hunting(rule, tick=progress).run()
    except jobs.JobInterrupted:
        raise
    except Exception as error:
        # Its text is for people only where it was written for them.
        _finish(trial, Hunt.State.FAILED, problem=str(error) if isinstance(error, TooMany | ValueError) else "")
        if isinstance(error, TooMany | ValueError):
            raise jobs.JobFailed(str(error)) from None
        raise
    result = summary(found) | _asked(trial)
    _finish(trial, Hunt.State.DONE, found=len(found), result=result, done=progress.done, total=progress.total)


def _asked(trial: Hunt) -> dict[str, Any]:
    """The part of the archive that a replay is asked for."""
    kept: Any = trial.result or {}
    return {"scope": kept["scope"]} if kept.get("scope") else {}


def _rule_of(text: str) -> Rule:
    """The rule to try.

    Raises:
        ValueError: it cannot be read; or there are several.
    """
    rules, problems = read(text, "rule")
    if problems:
        raise ValueError(str(problems[0]))
    if len(rules) != 1:
        raise ValueError("One rule can be tried at a time.")
    return rules[0]


def _put_into_the_inbox(rule: Rule, scope: Scope, job: jobs.Claim, progress: _Progress) -> Sequence[Found]:
    found, outcome = replay(rule, progress, lambda: job.renew(), scope=scope, wrote=progress.wrote)
    if outcome.accounts:
        jobs.enqueue("route_alerts")
        watching.watch(outcome.accounts)
    return found


class _Progress:
    """Notes how far a trial is, now and then, and holds its job."""

    def __init__(self, job: jobs.Claim, trial: Hunt) -> None:
        self.job, self.trial = job, trial
        self.noted_at = timezone.now() - NOTED_EVERY
        self.done = self.total = 0

    def __call__(self, done: int, total: int, hits: int) -> None:
        self.done, self.total = done, total
        self._note(done=done, total=total)

    def wrote(self, done: int, total: int) -> None:
        """Note how many findings are in the inbox."""
        self._note(result={"written": [done, total]} | _asked(self.trial))

    def _note(self, **values: Any) -> None:
        now = timezone.now()
        if timedelta() <= now - self.noted_at < NOTED_EVERY:
            return
        self.noted_at = now
        self.job.renew(done=values.get("done"), total=values.get("total"))
        # Where somebody withdrew it meanwhile, nobody wants to know any more.
        if not Hunt.objects.filter(pk=self.trial.pk).update(**values):
            raise jobs.JobFailed("It was withdrawn.")


def _finish(trial: Hunt, state: Hunt.State, **values: Any) -> None:
    Hunt.objects.filter(pk=trial.pk).update(state=state, finished_at=timezone.now(), **values)
