"""Background jobs: asked for by pages and commands, done by the worker.

The database decides what runs. A job is claimed by one conditional UPDATE, so that no two workers do it at once, and
held by a lease that its handler renews; when the holder dies, another worker takes the job over. What a handler does
must therefore be safe to begin again.

A kind of job is a function:

    @jobs.handler("count_stars", attempts=3)
    def count_stars(job: jobs.Claim) -> None:
        for number, star in enumerate(stars(job.payload["sky"])):
            job.renew(done=number)      # raises JobInterrupted when the worker stops or lost the job
            ...

    jobs.enqueue("count_stars", subject="north", payload={"sky": 4}, requested_by=request.user)

The module that declares it is imported by `manage.py worker`. Rows are data like any other: what a payload asks for is
checked by the handler as a request from outside would be.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from events.models import BackgroundJob
from events.operations.queue import STOP
from events.storage import clock, leases
from events.storage.unreadable import is_of_the_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from accounts.models import AnyUser

logger = logging.getLogger(__name__)

POLL_EVERY = 1.0  # seconds between two looks for a job that is due
THREADS = 2  # in each worker, beside those that sync: a long job does not hold up all others
URGENT_THREADS = 1  # beside these, for what is urgent alone: several long jobs do not hold it up either
DEFAULT_LEASE = timedelta(minutes=5)
LONGEST_LEASE = timedelta(hours=1)  # one that ends later was written under a wrong clock
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=1)
FARTHEST_DUE = LONGEST_RETRY  # what is due later was written under a wrong clock, and is due now
MOST_ATTEMPTS = 10_000  # counted: a periodic job may fail for years, and its column holds no more than 32,767


class JobInterrupted(Exception):
    """The worker is stopping, or another one has taken the job over. Handlers let it pass."""


class JobFailed(Exception):
    """Raised by a handler to say what went wrong, in words for a person; tried again later only where it says so."""

    def __init__(self, problem: str, *, retry: bool = False) -> None:
        super().__init__(problem)
        self.retry = retry


@dataclass(frozen=True)
class Handler:
    """How jobs of one kind are done."""

    run: Callable[[Claim], None]
    attempts: int
    lease: timedelta
    every: timedelta | None
    urgent: bool


HANDLERS: dict[str, Handler] = {}


def handler(
    kind: str,
    *,
    attempts: int = 5,
    lease: timedelta = DEFAULT_LEASE,
    every: timedelta | None = None,
    urgent: bool = False,
) -> Callable[[Callable[[Claim], None]], Callable[[Claim], None]]:
    """Declare the function that does the jobs of a kind.

    Args:
        attempts: how often a job is tried before it has failed for good; a periodic one never has.
        lease: how long the handler may go without renewing its claim; at most an hour.
        every: do one job of this kind, without subject, this long after the previous one.
        urgent: it is short, and people wait for what it does; each worker has a thread for nothing else.
    """

    def declare(run: Callable[[Claim], None]) -> Callable[[Claim], None]:
        HANDLERS[kind] = Handler(run, attempts, min(lease, LONGEST_LEASE), every, urgent)
        return run

    return declare


def enqueue(
    kind: str,
    subject: str = "",
    *,
    payload: Mapping[str, Any] | None = None,
    requested_by: AnyUser | None = None,
    due_at: datetime | None = None,
) -> None:
    """Have a job done as soon as a worker is free, or at `due_at`, an hour from now at most. Asking again before it
    begins changes nothing but its payload and due time; asking while it runs has it run once more."""
    now = timezone.now()
    BackgroundJob.objects.bulk_create(
        [
            BackgroundJob(
                kind=kind,
                subject=subject,
                payload=dict(payload or {}),
                requested_by_id=requested_by.pk if requested_by else None,
                created_at=now,
                due_at=due_at or now,
            )
        ],
        update_conflicts=True,
        unique_fields=["kind", "subject"],
        update_fields=["payload", "requested_by", "created_at", "due_at", "attempts", "problem", "failed_at"],
    )


@dataclass
class Claim:
    """A job that this process holds."""

    pk: int
    kind: str
    subject: str
    requested_by_id: int | None
    due_at: datetime
    attempts: int
    owner: str
    lease: timedelta

    @cached_property
    def payload(self) -> Any:
        """What the job was given. Read by its handler, so that one that cannot be read fails this job alone."""
        return BackgroundJob.objects.values_list("payload", flat=True).get(pk=self.pk)

    def renew(self, *, done: int | None = None, total: int | None = None) -> None:
        """Hold the job for another lease, and note how far it is. Raises JobInterrupted."""
        if STOP.is_set():
            raise JobInterrupted
        figures = {name: value for name, value in (("done", done), ("total", total)) if value is not None}
        if not self.mine().update(lease_until=timezone.now() + self.lease, **figures):
            raise JobInterrupted

    def mine(self) -> Any:
        """The job's row, as long as this process holds it."""
        return BackgroundJob.objects.filter(pk=self.pk, lease_owner=self.owner)


def claim_next(*, urgent: bool = False) -> Claim | None:
    """Take the job that is due longest and nobody holds. One whose row cannot be read fails, and holds up no other.

    Args:
        urgent: only of the kinds that are.
    """
    now = timezone.now()
    waiting = _waiting(now)
    if urgent:
        waiting = waiting.filter(kind__in=[kind for kind, known in HANDLERS.items() if known.urgent])
    for pk in list(waiting.order_by("due_at").values_list("pk", flat=True)[:10]):
        try:
            claim = _take(waiting.filter(pk=pk), now)
        except Exception as error:
            if not is_of_the_row(error):
                raise
            logger.error("Background job %s cannot be read: %r", pk, error)
            _give_up_unreadable(pk, now)
            continue
        if claim:
            return claim
    return None


def _waiting(now: datetime) -> Any:
    """Jobs that can be claimed, as the database compares them."""
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_until__gt=now + 2 * LONGEST_LEASE)
    periodic = [kind for kind, known in HANDLERS.items() if known.every is not None]  # capped by schedule_periodic
    due = Q(due_at__lte=now) | Q(due_at__gt=clock.latest_believable(now) + FARTHEST_DUE) & ~Q(kind__in=periodic)
    return BackgroundJob.objects.filter(free, due, failed_at=None, kind__in=HANDLERS)


def _take(row: Any, now: datetime) -> Claim | None:
    """Claim the job of a queryset of one row, which finds it only as long as it waits."""
    job = row.defer("payload").first()
    if job is None:
        return None
    if job.due_at is None or not isinstance(job.attempts, int):  # SQLite stores what it is given
        raise ValueError("not a time, or not a number")
    owner, job_handler = leases.new_owner(), HANDLERS[job.kind]
    if job_handler.every is None and job.attempts >= job_handler.attempts:
        # Each time its worker ended or lost it: a job that kills its process must not do so for ever.
        row.update(failed_at=now, lease_until=None, lease_owner="", problem="Its worker ended on every attempt.")
        return None
    # Due from now on, in the form that is compared with when it ends: others may have written another one.
    taken = row.update(
        due_at=now,
        lease_owner=owner,
        lease_until=now + job_handler.lease,
        attempts=Least(F("attempts") + 1, MOST_ATTEMPTS),
    )
    if not taken:
        return None
    return Claim(job.pk, job.kind, job.subject, job.requested_by_id, now, job.attempts + 1, owner, job_handler.lease)


def _give_up_unreadable(pk: int, now: datetime) -> None:
    """A periodic job begins anew (`schedule_periodic`); any other has failed until it is asked for again."""
    row = BackgroundJob.objects.filter(pk=pk)
    periodic = [kind for kind, known in HANDLERS.items() if known.every is not None]
    if not row.filter(kind__in=periodic).delete()[0]:
        row.update(
            created_at=now,
            due_at=now,
            attempts=0,
            failed_at=now,
            lease_until=None,
            lease_owner="",
            problem="Its record could not be read.",
        )


def run_next(*, urgent: bool = False) -> bool:
    """Do one job that is due. Whatever goes wrong in it is logged and noted, and ends nothing else.

    Args:
        urgent: only one of the kinds that are.
    Returns:
        Whether there was one.
    """
    claim = claim_next(urgent=urgent)
    if claim is None:
        return False
    job_handler = HANDLERS[claim.kind]
    try:
        job_handler.run(claim)
    except JobInterrupted:
        # Begins again at once elsewhere. That it was begun here does not count as a failure.
        # Asked for again meanwhile, it has no attempts to take back.
        claim.mine().update(lease_until=None, lease_owner="", attempts=Greatest(F("attempts"), 1) - 1)
    except JobFailed as error:
        logger.warning("Job %s of %r failed: %s", claim.kind, claim.subject, error)
        _fail(claim, job_handler, str(error), retry=error.retry)
    except Exception as error:  # a job of any kind: the worker and the other jobs go on
        logger.exception("Job %s of %r failed", claim.kind, claim.subject)
        _fail(claim, job_handler, type(error).__name__, retry=True)
    else:
        _finish(claim, job_handler)
    return True


def _finish(claim: Claim, job_handler: Handler) -> None:
    with transaction.atomic():
        # It has another due time where it was asked for again meanwhile; it then runs once more.
        this_time = claim.mine().filter(due_at=claim.due_at)
        if job_handler.every is None:
            this_time.delete()
        else:
            this_time.update(due_at=timezone.now() + job_handler.every, problem="")
        claim.mine().update(lease_until=None, lease_owner="", attempts=0, done=0, total=None)


def _fail(claim: Claim, job_handler: Handler, problem: str, *, retry: bool) -> None:
    now = timezone.now()
    for_good = job_handler.every is None and (not retry or claim.attempts >= job_handler.attempts)
    with transaction.atomic():
        this_time = claim.mine().filter(due_at=claim.due_at)
        if for_good:
            this_time.update(failed_at=now, problem=problem)
        else:
            pause = min(FIRST_RETRY * 2 ** min(claim.attempts - 1, 10), job_handler.every or LONGEST_RETRY)
            this_time.update(due_at=now + pause, problem=problem)
        claim.mine().update(lease_until=None, lease_owner="")


def release_dead_leases() -> None:
    """Release jobs held by processes of this machine that are gone."""
    leases.release_gone(BackgroundJob.objects.filter(lease_until__gt=timezone.now()), lease_owner="")


def schedule_periodic() -> None:
    """See that each periodic kind has its job, and that none waits longer than its period (after a wrong clock)."""
    now = timezone.now()
    periods = {kind: known.every for kind, known in HANDLERS.items() if known.every is not None}
    BackgroundJob.objects.bulk_create([BackgroundJob(kind=kind, due_at=now) for kind in periods], ignore_conflicts=True)
    for kind, every in periods.items():
        BackgroundJob.objects.filter(kind=kind, subject="", due_at__gt=now + every).update(due_at=now)


def run_until(stop: threading.Event, *, urgent: bool = False) -> None:
    """Do jobs as they fall due, or only urgent ones, until told to stop: the loop of one of the worker's threads."""
    while not stop.is_set():
        close_old_connections()
        try:
            if run_next(urgent=urgent):
                continue
        except Exception:  # the database may be away for a moment
            logger.exception("The worker could not look for jobs; it keeps trying")
        stop.wait(POLL_EVERY)
    connection.close()
