"""Sync states in plain words, for pages, the admin and the terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from events.health.completeness import believable, reach
from events.models import CoveredSpan, SyncRun, SyncState
from events.storage import clock
from events.sync import coverage
from events.sync.pace import Watch, watch_of
from events.sync.state import latest_due, longest_lease
from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.models import NexmoAccount


LEVELS = ("ok", "working", "waiting", "late", "problem", "off")
TITLES = {
    "ok": gettext_lazy("Up to date"),
    "working": gettext_lazy("Syncing"),
    "waiting": gettext_lazy("Waiting"),
    "late": gettext_lazy("Late or not fully verified"),
    "problem": gettext_lazy("Failing"),
    "off": gettext_lazy("Inactive"),
}
WORST_FIRST = ("problem", "late", "waiting", "working", "ok", "off")
NEEDS_ATTENTION = ("problem", "late")
BEGINNING_SHOWN = timedelta(minutes=10)
PACE_AFTER = timedelta(seconds=5)  # a pace measured over less is a guess


@dataclass(frozen=True)
class Health:
    """How an account's syncing is.

    `level` is one of LEVELS; `moving` says that it will change within seconds.
    """

    level: str
    label: str
    sentence: str
    moving: bool = False
    percent: int | None = None


@dataclass(frozen=True)
class Pace:
    """How fast a run reads, by what it has read since it began; waits count too."""

    seen: int
    expected: int
    per_second: float

    @property
    def remaining(self) -> timedelta | None:
        """Until what Nexmo has counted so far is read; None where that cannot be told."""
        if not self.per_second or self.seen >= self.expected:
            return None
        return timedelta(seconds=(self.expected - self.seen) / self.per_second)

    def __str__(self) -> str:
        fast = grouped(round(self.per_second)) if self.per_second >= 10 else number_format(round(self.per_second, 1), 1)
        if self.expected >= self.seen:
            read = _("%(seen)s of %(expected)s events read, %(fast)s a second.")
        else:
            read = _("%(seen)s events read, %(fast)s a second.")
        text = read % {"seen": grouped(self.seen), "expected": grouped(self.expected), "fast": fast}
        if self.remaining is None:
            return text
        if self.remaining < timedelta(minutes=1):
            return text + " " + _("Less than a minute to go.")
        now = timezone.now()
        return (
            text + " " + _("About %(time)s to go.") % {"time": _spaced(timeuntil(now + self.remaining, now, depth=1))}
        )


def _spaced(duration: str) -> str:
    """Django's duration with a usual blank: pages mark the one that does not break, as they do in foreign text."""
    return duration.replace("\xa0", " ")


@dataclass(frozen=True)
class AccountStatus:
    """One account as its pages show it."""

    account: NexmoAccount
    state: SyncState
    health: Health
    complete_until: datetime | None
    complete_since: datetime | None  # None together with a complete_until: since the beginning
    gap_count: int
    spans: list[CoveredSpan] = field(default_factory=list)  # in order of time, those that can be believed
    is_stale: bool = False  # what is complete ends longer ago than it should
    pace: Pace | None = None

    @property
    def event_count(self) -> int:
        return self.state.event_count

    @property
    def last_success_at(self) -> datetime | None:
        """When a sync last succeeded; None also where what is recorded is in the future."""
        moment: datetime | None = self.state.last_success_at
        return None if clock.lies_ahead(moment) else moment

    @property
    def checked_at(self) -> datetime | None:
        """When all counts were last compared with Nexmo's; None also where what is recorded is in the future."""
        moment: datetime | None = self.state.checked_at
        return None if clock.lies_ahead(moment) else moment

    @property
    def due_at(self) -> datetime | None:
        """When the next sync is due; None: as soon as possible, as it is where what is recorded cannot be meant."""
        moment: datetime | None = self.state.due_at
        return None if moment is not None and moment > latest_due(timezone.now()) else moment

    @property
    def watch(self) -> Watch | None:
        """How it is watched, where it is asked more often than usual."""
        return watch_of(self.state, timezone.now())

    @property
    def is_blocked(self) -> bool:
        """Nothing is asked before a person has changed the credentials."""
        return bool(self.state.refused_credentials)


def is_beginning(runs: Sequence[SyncRun], now: datetime) -> bool:
    """Whether an account's first sync is to come, under way, or over for a few minutes at most.

    Args:
        runs: the latest of the account, or all.
    """
    if not runs:
        return True
    ended = runs[0].finished_at
    return len(runs) == 1 and (ended is None or now - ended < BEGINNING_SHOWN)


LABELS = {
    "credentials": gettext_lazy("Credentials refused"),
    "secret-unreadable": gettext_lazy("Secret unreadable"),
    "denied": gettext_lazy("Access denied"),
    "rate-limited": gettext_lazy("Rate-limited by Nexmo"),
    "unavailable": gettext_lazy("Nexmo unreachable"),
    "malformed": gettext_lazy("Unexpected response"),
    "interrupted": gettext_lazy("Interrupted"),
    "unverified": gettext_lazy("Not fully verified"),
    "clock": gettext_lazy("Clock is wrong"),
}


def statuses(accounts: Iterable[NexmoAccount], *, worker_alive: bool) -> list[AccountStatus]:
    """The state of several accounts, in as many queries as for one."""
    accounts = list(accounts)
    states = {
        state.account_id: state
        for state in SyncState.objects.filter(account__in=accounts).select_related("current_run")
    }
    spans: dict[int, list[CoveredSpan]] = {}
    for span in CoveredSpan.objects.filter(account__in=accounts).order_by("end"):
        spans.setdefault(span.account_id, []).append(span)
    now = timezone.now()
    listed = []
    for account in accounts:
        state = states.get(account.pk) or SyncState(account=account)
        recorded = spans.get(account.pk, [])
        covered = believable(recorded, now)
        until, since, gap_count = reach(covered, now)
        health = describe(
            account,
            state,
            now,
            worker_alive=worker_alive,
            patchy=coverage.is_patchy(covered),
            from_the_future=covered != recorded or clock.lies_ahead(state.last_success_at, now),
        )
        listed.append(
            AccountStatus(
                account=account,
                state=state,
                health=health,
                complete_until=until,
                complete_since=since,
                gap_count=gap_count,
                spans=covered,
                is_stale=bool(account.is_active and until and now - until > _patience()),
                pace=pace(state, now),
            )
        )
    return listed


def _runs(state: SyncState, now: datetime) -> bool:
    held = state.lease_until
    return bool(state.current_run and held and now < held <= clock.latest_believable(now) + longest_lease())


def _patience() -> timedelta:
    """How long ago the last good sync may be before an account is late."""
    return max(settings.SYNC_INTERVAL * 3, timedelta(minutes=5))


def pace(state: SyncState, now: datetime) -> Pace | None:
    """How fast the run under way reads; None where none is, or it has only begun."""
    run = state.current_run
    if not run or not _runs(state, now) or not run.seen or now - run.started_at < PACE_AFTER:
        return None
    return Pace(run.seen, run.expected or 0, run.seen / (now - run.started_at).total_seconds())


def describe(
    account: NexmoAccount,
    state: SyncState,
    now: datetime,
    *,
    worker_alive: bool,
    patchy: bool = False,
    from_the_future: bool = False,
) -> Health:
    """What a person should know about an account's syncing, and do.

    Args:
        patchy: older days are missing from its coverage.
        from_the_future: its coverage or its last sync is dated in the future, and so not believed.
    """
    run = state.current_run
    if run and _runs(state, now):
        starting = _("Starting")
        doing = f"{run.doing or starting}."
        if run.added:
            doing += " " + _("%(count)s new so far.") % {"count": grouped(run.added)}
        return Health("working", _("Syncing"), doing, moving=True, percent=run.percent)
    no_worker = "" if worker_alive else " " + _("No worker is running: start one with `manage.py worker`.")
    is_wanted = bool(state.wanted_at and account.is_active)
    begins = _("The sync starts as soon as a worker is free.")
    fails = bool(state.problem_code and state.problem_code != "interrupted")
    if is_wanted and not fails:
        return Health("waiting", _("Waiting"), f"{begins}{no_worker}", moving=True)
    if not account.is_active:
        kept = _("This account is not synced; its archived events stay readable.")
        return Health("off", _("Inactive"), kept)
    if fails:
        again = ""
        if state.failures > 1:
            tried = ngettext("Tried %(count)d time in a row.", "Tried %(count)d times in a row.", state.failures)
            again = " " + tried % {"count": state.failures}
        level = "late" if state.problem_code == "unverified" else "problem"
        label = LABELS.get(state.problem_code) or TITLES["problem"]
        # Asking for a sync mends nothing yet: a failure stays one until a sync succeeds.
        goes_on = f" {begins}{no_worker}" if is_wanted else ""
        return Health(level, str(label), f"{state.problem}{again}{goes_on}", moving=is_wanted)
    if from_the_future:
        wrong = _(
            "Its last syncs are dated in the future: this machine's clock is or was wrong. "
            "How far it is complete is unknown until the next sync corrects those dates."
        )
        return Health("problem", str(LABELS["clock"]), f"{wrong}{no_worker}", moving=worker_alive)
    if not state.last_success_at:
        fetched = _("Its events have not been fetched yet.")
        return Health("waiting", _("Never synced"), f"{fetched}{no_worker}", moving=worker_alive)
    if now - state.last_success_at > _patience():
        ago = _spaced(timesince(state.last_success_at, now, depth=1))
        late = _("The last sync was %(time)s ago.") % {"time": ago}
        return Health("late", _("Late"), f"{late}{no_worker}")
    if patchy:
        patches = _("Some older days are not verified yet; they are tried again hourly.")
        return Health("late", _("Not fully verified"), patches)
    return Health("ok", _("Up to date"), _("Everything that Nexmo lists is archived."))


def outcome(run: SyncRun | None) -> str:
    """One line about a finished run."""
    if run is None:
        return "another sync of it is under way; left to that one."
    if run.status in (SyncRun.Status.SUCCEEDED, SyncRun.Status.INCOMPLETE):
        text = f"{run.added:,} new event(s), {run.seen:,} read in {run.requests:,} request(s). {run.problem}".strip()
        return text if run.status == SyncRun.Status.SUCCEEDED else f"INCOMPLETE: {text}"
    return f"{run.get_status_display().upper()}: {run.problem} {run.added:,} new event(s) were archived before."
