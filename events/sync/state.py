"""The only writer of sync states and runs: claim, renew, note progress, finish.

A claim is one conditional UPDATE that must hit one row, so that an account never has two syncs at once, whatever the
number of workers and machines. The holder renews its lease with every page; one that died is taken over when the
lease ends, or at once when its process is seen to be gone on this machine. Dates further in the future than these
rules can have set them come from a wrong clock, and count for nothing.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from events.models import CoveredSpan, RequestCount, SyncRun, SyncState, SyncWindow
from events.storage import clock, leases
from events.sync import coverage, pace
from events.sync.limits import LEASE, LONGEST_BACKOFF, RETRY_UNVERIFIED_AFTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from accounts.models import AnyUser, NexmoAccount
    from events.nexmo.errors import AuditAPIError


MOST_RECORDS = 20  # of one span of days that fails in one way, whatever the figures
RECORDS_COMPARED = 200
_FIGURES = re.compile(r"[0-9][0-9,]*+")


class LeaseLost(Exception):
    """Another process took this account over: stop at once and write nothing more."""


def ensure(accounts: Iterable[NexmoAccount]) -> None:
    """Give accounts that have none a state."""
    SyncState.objects.bulk_create([SyncState(account=account) for account in accounts], ignore_conflicts=True)


def release_dead_leases() -> None:
    """Release accounts held by processes of this machine that are gone, so that they are due again at once."""
    leases.release_gone(SyncState.objects.filter(lease_until__gt=timezone.now()))


def claim(account: NexmoAccount, trigger: str, requested_by: Any = None) -> SyncRun | None:
    """Take the account for one sync. Returns the new run, or None when another sync of it is under way."""
    ensure([account])
    now = timezone.now()
    with transaction.atomic():
        state = SyncState.objects.select_for_update().get(account=account)
        free = _is_free(now)
        if state.lease_owner and leases.owner_is_gone(state.lease_owner):
            free |= Q(lease_owner=state.lease_owner)
        owner = leases.new_owner()
        # Conditional on the row as it is at this moment: the lock above is a no-op on SQLite.
        if not SyncState.objects.filter(free, account=account).update(
            lease_owner=owner, lease_until=now + longest_lease(), due_at=now, wanted_at=None, wanted_by=None
        ):
            return None
        SyncRun.objects.filter(account=account, status=SyncRun.Status.RUNNING).update(
            status=SyncRun.Status.INTERRUPTED,
            finished_at=now,
            doing="",
            problem_code="interrupted",
            problem="The process that ran this sync ended. Nothing is lost; the next run continues from there.",
        )
        run = SyncRun.objects.create(
            account=account, trigger=trigger, requested_by=requested_by, started_at=now, doing="Starting"
        )
        SyncState.objects.filter(account=account).update(current_run=run)
    run.lease_owner = owner
    return run


def request(accounts: Any, user: AnyUser) -> int:
    """Note that a person wants these accounts (a queryset) synced now; a worker picks them up.

    Returns:
        For how many nobody had asked already. However many accounts there are, this takes the same few statements.
    """
    ensure(accounts.filter(sync_state=None))
    states = SyncState.objects.filter(account__in=accounts, wanted_at=None)
    return int(states.update(wanted_at=timezone.now(), wanted_by=user))


def renew(run: SyncRun, **figures: Any) -> None:
    """Note progress and hold the lease. Raises LeaseLost when it is somebody else's now."""
    held = SyncState.objects.filter(account=run.account_id, lease_owner=run.lease_owner).update(
        lease_until=timezone.now() + longest_lease()
    )
    if not held:
        raise LeaseLost
    if figures:
        SyncRun.objects.filter(pk=run.pk).update(**figures)


def next_moment(account: NexmoAccount, interval: float) -> float:
    """Take the account's next free moment for a request; returns how many seconds away it is.

    A conditional UPDATE decides, so that the pace holds over all threads, processes and machines together.
    """
    state = SyncState.objects.filter(account=account)
    while True:
        now = timezone.now()
        moments = state.values_list("next_request_at", flat=True)[:1]
        if not moments:
            raise LeaseLost  # the account was removed
        known = moments[0]
        # Nobody is far ahead of the pace but a machine whose clock was wrong: that must not hold up the account.
        farthest = now + timedelta(seconds=max(60.0, 10 * interval))
        moment = now if known is None or known > farthest else max(now, known)
        if state.filter(next_request_at=known).update(next_request_at=moment + timedelta(seconds=interval)):
            return max(0.0, (moment - timezone.now()).total_seconds()) if moment > now else 0.0


def add_requests(account: NexmoAccount, counts: dict[str, int]) -> None:
    """Add to the numbers of requests by status: one UPDATE for each status known already."""
    for status, count in counts.items():
        known = RequestCount.objects.filter(account=account, status=status)
        if not known.update(count=F("count") + count):
            RequestCount.objects.bulk_create([RequestCount(account=account, status=status)], ignore_conflicts=True)
            known.update(count=F("count") + count)


def count_requests(run: SyncRun, requests: int) -> None:
    """Note how many requests a run made, however it ended."""
    SyncRun.objects.filter(pk=run.pk).update(requests=requests)


def record_window(run: SyncRun, window: SyncWindow) -> None:
    """Add a finished window to the ledger and to the run's figures.

    One that failed before in the same way is counted there instead: it may fail so at every run, for ever.
    """
    if window.verified or not _count_repeat(window):
        window.save()
    name = "windows_verified" if window.verified else "windows_unverified"
    SyncRun.objects.filter(pk=run.pk).update(**{name: F(name) + 1})


def _count_repeat(window: SyncWindow) -> bool:
    """Count a window at the record that tells the same of it, if there is one. Returns whether there was.

    Figures that go up and down would make new records for ever. Those between the lowest and the highest on record tell
    nothing new, and after MOST_RECORDS neither do others: they count at the latest record.
    """
    records = SyncWindow.objects.filter(
        account_id=window.account_id, verified=False, first_day=window.first_day, last_day=window.last_day
    )
    kind = _kind(window)
    alike = [record for record in records.order_by("-pk")[:RECORDS_COMPARED] if _kind(record) == kind]
    same = [record for record in alike if _outcome(record) == _outcome(window)]
    if not same and len(alike) < MOST_RECORDS and not _is_within(window, alike):
        return False
    record = (same or alike)[0]
    SyncWindow.objects.filter(pk=record.pk).update(repeats=F("repeats") + 1, asked_again_at=window.asked_at)
    return True


def _outcome(window: SyncWindow) -> tuple[str, int | None, int]:
    return window.reason, window.reported, window.received


def _kind(window: SyncWindow) -> tuple[str, bool]:
    """The reason whatever its figures, and whether there was a count."""
    return _FIGURES.sub("#", window.reason), window.reported is None


def _is_within(window: SyncWindow, records: Sequence[SyncWindow]) -> bool:
    """Whether both figures of a window lie between the lowest and the highest of these records of its kind."""
    if not records:
        return False
    figures = [(record.reported or 0, record.received) for record in records]
    return all(
        min(known) <= figure <= max(known)
        for figure, known in zip((window.reported or 0, window.received), zip(*figures, strict=True), strict=True)
    )


def finish(
    run: SyncRun,
    *,
    error: AuditAPIError | Exception | None = None,
    fingerprint: str = "",
    whole: bool = True,
    clock_problem: str = "",
    withdrawn: str = "",
) -> SyncRun:
    """Close a run, release the account, and decide when it is due again.

    Args:
        error: what ended it; None when it completed.
        fingerprint: of the credentials, to remember when they were refused.
        whole: whether the run was asked for everything, so that a gap left behind is its own failure.
        clock_problem: how this machine's clock and the API's differ; a problem of the account until they agree.
        withdrawn: which dates of the future were taken back; of interest in the record of the run only.
    """
    now = timezone.now()
    with transaction.atomic():
        run.refresh_from_db()
        state = SyncState.objects.select_for_update().get(account=run.account_id)
        if state.lease_owner != run.lease_owner:
            return run  # taken over: that run writes the state now
        code = getattr(error, "code", "") or ("internal" if error else "")
        if error is not None:
            run.status = SyncRun.Status.INTERRUPTED if code == "interrupted" else SyncRun.Status.FAILED
            run.problem_code, run.problem = code, str(error)
        elif run.windows_unverified or (
            whole and coverage.is_patchy(list(CoveredSpan.objects.filter(account=run.account_id).order_by("end")))
        ):
            run.status = SyncRun.Status.INCOMPLETE
            run.problem_code = "unverified"
            run.problem = (
                "Some days could not be verified: what Nexmo counts there and what it sent differ. "
                "They are read again each hour; the account's page lists them with the reasons."
            )
        else:
            run.status = SyncRun.Status.SUCCEEDED
            run.problem_code, run.problem = ("clock", clock_problem) if clock_problem else ("", "")
        state.problem_code, state.problem = run.problem_code, run.problem
        if withdrawn:
            run.problem = f"{run.problem} Withdrawn, because a clock was wrong: {withdrawn}".strip()
        run.finished_at, run.doing = now, ""
        run.save(update_fields=["status", "problem_code", "problem", "finished_at", "doing"])
        failed = run.status == SyncRun.Status.FAILED
        state.failures = state.failures + 1 if failed else 0
        state.refused_credentials = fingerprint if code == "credentials" else ""
        if error is None:
            state.last_success_at = now
        if run.trigger == SyncRun.Trigger.SCHEDULE:
            pace.count(state, run.requests, now)
        if state.due_at is not None:  # else it was woken meanwhile, and is due at once
            state.due_at = now + pace.until_next(state, now, getattr(error, "retry_after", None))
            if code == "interrupted":
                state.due_at = now
            elif not CoveredSpan.objects.filter(account=run.account_id).exists() and error is None:
                # Nothing of it could be verified: all of it would be read again.
                state.due_at = max(state.due_at, now + RETRY_UNVERIFIED_AFTER)
        state.lease_until, state.lease_owner = None, ""
        state.last_run, state.current_run = run, None
        state.save()
    return run


def latest_due(now: datetime) -> datetime:
    """No account can be due later than this; what is recorded beyond was written by a wrong clock."""
    return clock.latest_believable(now) + max(settings.SYNC_INTERVAL, LONGEST_BACKOFF)


def _is_free(now: datetime, prefix: str = "") -> Q:
    """Of sync states: nobody holds it, or the lease has ended, or ends later than any lease can."""
    name = f"{prefix}lease_until"
    too_late = clock.latest_believable(now) + longest_lease()
    return Q(**{name: None}) | Q(**{f"{name}__lt": now}) | Q(**{f"{name}__gt": too_late})


def withdraw_future_dates(account: NexmoAccount, now: datetime) -> bool:
    """Forget when an account was last synced, and last asked for its event types, where that is in the future.

    Due times, leases, the pace and full checks are judged where they are read, and written anew by the next run.
    """
    latest = clock.latest_believable(now)
    rows = SyncState.objects.filter(account=account)
    withdrawn = rows.filter(last_success_at__gt=latest).update(last_success_at=None)
    withdrawn += rows.filter(types_asked_at__gt=latest).update(types_asked_at=None)
    return bool(withdrawn)


def longest_lease() -> timedelta:
    """How long an account is held: longer than any silence of a healthy sync can last with these settings."""
    longest_answer = timedelta(seconds=10 * settings.NEXMO_TIMEOUT)
    slowest_pace = timedelta(
        seconds=3 / settings.NEXMO_REQUESTS_PER_SECOND if settings.NEXMO_REQUESTS_PER_SECOND else 0
    )
    return max(LEASE, longest_answer, slowest_pace)


def watch(account: NexmoAccount | int, until: datetime | None) -> bool:
    """Have an account asked every WATCH_INTERVAL until then, beginning at once; None: no longer.

    Returns:
        Whether that is other than what was known.
    """
    now = timezone.now()
    if until is not None:
        until = min(until, now + pace.LONGEST_WATCH) if until > now else None
    rows = SyncState.objects.filter(account=account)
    if until is None:
        return bool(rows.exclude(watched_until=None).update(watched_until=None))
    key = account if isinstance(account, int) else account.pk
    SyncState.objects.bulk_create([SyncState(account_id=key)], ignore_conflicts=True)
    changed = rows.exclude(watched_until=until).update(watched_until=until)
    # Failures are tried again as before, and where the hour's requests are spent, the next hour begins the fast pace.
    spent = Q(watch_hour=pace.hour_of(now), watch_requests__gte=settings.WATCH_REQUESTS_PER_HOUR)
    if settings.WATCH_REQUESTS_PER_HOUR:
        soon = now + pace.fast_interval()
        rows.exclude(spent).filter(failures=0, due_at__gt=soon).update(due_at=soon)
    return bool(changed)


def make_due(account: NexmoAccount) -> None:
    """Make an account due at once: its credentials or its switch were changed."""
    ensure([account])
    SyncState.objects.filter(account=account).update(due_at=None, failures=0)


def still_refused(account: NexmoAccount) -> SyncRun | None:
    """Nothing was asked, because nothing changed since the refusal: look again in an hour. Returns the refused run."""
    state: SyncState = SyncState.objects.select_related("last_run").get(account=account)
    SyncState.objects.filter(account=account).update(
        due_at=timezone.now() + LONGEST_BACKOFF, wanted_at=None, wanted_by=None
    )
    return state.last_run


def clear_refusal(account: NexmoAccount) -> None:
    """Forget that these credentials were refused: a person has seen them work."""
    SyncState.objects.filter(account=account).exclude(refused_credentials="").update(
        refused_credentials="", problem_code="", problem="", failures=0, due_at=None
    )


def due(accounts: Any, now: datetime) -> Any:
    """Of these accounts, the active ones whose next sync is due or wanted, longest waiting first."""
    ensure(accounts.filter(sync_state=None, is_active=True))
    return (
        accounts.filter(is_active=True)
        .filter(
            Q(sync_state__due_at=None)
            | Q(sync_state__due_at__lte=now)
            | Q(sync_state__due_at__gt=latest_due(now))
            | ~Q(sync_state__wanted_at=None)
        )
        .filter(_is_free(now, "sync_state__"))
        .order_by(F("sync_state__wanted_at").asc(nulls_last=True), F("sync_state__due_at").asc(nulls_first=True))
    )
