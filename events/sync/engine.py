"""Bringing one account's archive up to date.

Newest days first; a window too large to read safely is halved. Every page is archived as it arrives and every window
is verified or recorded with the reason, so that a run may be killed at any moment and the next repeats at most one
window.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.encryption import SecretUnreadable
from events.archive.add import add_events
from events.models import CoveredSpan, SyncRun, SyncState, SyncWindow
from events.nexmo import errors
from events.nexmo.parse import MAX_COUNT
from events.storage import clock
from events.storage.transactions import write_turn
from events.sync import api_clock, coverage, event_types, state
from events.sync.clients import client_for
from events.sync.count_check import archived_count, note_vanished, windows_to_check
from events.sync.coverage import Window
from events.sync.limits import (
    OVERLAP,
    PAGE_SIZE,
    READ_AT_MOST,
    READ_AT_ONCE,
    RETRY_UNVERIFIED_AFTER,
    SHORTEST_HALF_DAYS,
)
from events.sync.walk import FiltersIgnored, Reading, Walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import NexmoAccount
    from events.nexmo.client import AuditClient
    from events.nexmo.parse import EventPage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyncOptions:
    """What to read. Without any of these: what is new, what may have come late, and the gaps.

    Args:
        since, until: read these days (both included), verified already or not.
        full: read everything again.
        check: also compare the counts of all verified days with Nexmo's, as happens every CHECK_INTERVAL.
    """

    since: date | None = None
    until: date | None = None
    full: bool = False
    check: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a run is; for whoever shows it."""

    seen: int
    expected: int | None
    added: int
    doing: str


class Interrupted(errors.AuditAPIError):
    """Somebody stopped the run."""

    code = "interrupted"
    what = "The sync was stopped."
    advice = "Nothing is lost; the next run continues from there."


class _Unreadable(errors.AuditAPIError):
    code = "secret-unreadable"
    what = ""
    advice = ""

    def __str__(self) -> str:
        return self.detail


def are_refused(account: NexmoAccount) -> bool:
    """Whether Nexmo refused these very credentials before: asking again would only look like an attack."""
    refused = SyncState.objects.filter(account=account).values_list("refused_credentials", flat=True).first()
    if not refused:
        return False
    try:
        return bool(refused == account.credentials_fingerprint())
    except SecretUnreadable:
        return False  # something else is wrong now, and the run will say so


def sync_account(
    account: NexmoAccount,
    options: SyncOptions = SyncOptions(),  # noqa: B008 - frozen
    *,
    trigger: str = SyncRun.Trigger.COMMAND,
    requested_by: Any = None,
    stop: threading.Event | None = None,
    report: Callable[[Progress], None] | None = None,
) -> SyncRun | None:
    """Sync one account and return the finished run, or None when another sync of it is under way.

    Credentials that Nexmo refused are not tried again before they change: the run that was refused is returned.

    Whatever goes wrong ends up in the run, in plain words; only programming errors are logged with a traceback.
    """
    if are_refused(account):
        return state.still_refused(account)
    run = state.claim(account, trigger, requested_by)
    if run is None:
        return None
    fingerprint = ""
    sync = _AccountSync(account, run, options, stop or threading.Event(), report)
    error: Exception | None = None
    try:
        fingerprint = account.credentials_fingerprint()
        sync.run_all()
    except errors.AuditAPIError as api_error:
        error = api_error
    except errors.Stopped:
        error = Interrupted()
    except SecretUnreadable as unreadable:
        error = _Unreadable(str(unreadable))
    except state.LeaseLost:
        logger.warning("%s was taken over by another process", account.api_key)
        return None
    except Exception:  # whatever it is, the run ends on record and the account is let go
        logger.exception("The sync of %s failed", account.api_key)
        error = Exception("Something went wrong in Auditsite itself; see its log.")
    limited = bool(options.since or options.until)
    return state.finish(
        run,
        error=error,
        fingerprint=fingerprint,
        whole=not limited,
        clock_problem=sync.clock_problem,
        withdrawn=sync.withdrawn,
    )


class _CoverageWithdrawn(Exception):
    """What the run was planned from was wrong: plan it again."""


@dataclass
class _AccountSync:
    account: NexmoAccount
    run: SyncRun
    options: SyncOptions
    stop: threading.Event
    report: Callable[[Progress], None] | None
    doing: str = "Starting"
    seen: int = 0
    pages: int = 0
    added: int = 0
    expected: int | None = None
    send_dates: bool = True
    oldest: datetime | None = field(default=None)
    clock_problem: str = ""  # this machine's clock and the API's differ now
    withdrawn: str = ""  # dates of the future that were found and taken back
    clock_checked: bool = False
    client: AuditClient = field(init=False)

    def run_all(self) -> None:
        if state.withdraw_future_dates(self.account, timezone.now()):
            self._say_withdrawn("The last sync was dated in the future.")
        sync_state = SyncState.objects.get(account=self.account)
        self.send_dates = self.options.full or not sync_state.filters_ignored
        with client_for(self.account, stop=self.stop, on_wait=self._on_wait) as self.client:
            try:
                self._read_all(sync_state)
            finally:
                state.count_requests(self.run, self.client.requests_made)

    def _read_all(self, sync_state: SyncState) -> None:
        now = timezone.now()
        if event_types.are_due(sync_state, now):
            self._note("Asking for the event types")
            event_types.refresh(self.client, sync_state, now)
        try:
            self._read_what_is_due()
            if self._check_is_due(sync_state):
                self._check()
        except FiltersIgnored:
            # Asking for less is no use, then: read everything each time, which only costs requests.
            SyncState.objects.filter(account=self.account).update(filters_ignored=True)
            self.send_dates = False
            self._bring_in(Window(None, None))
        else:
            if self.send_dates and sync_state.filters_ignored:
                SyncState.objects.filter(account=self.account).update(filters_ignored=False)

    def _read_what_is_due(self) -> None:
        try:
            for window in self._plan():
                self._bring_in(window)
        except _CoverageWithdrawn:
            for window in self._plan():
                self._bring_in(window)

    def _plan(self) -> list[Window]:
        if not self.send_dates or self.options.full:
            return [Window(None, None)]
        if self.options.since or self.options.until:
            return [Window(self.options.since, self.options.until)]
        spans = list(CoveredSpan.objects.filter(account=self.account).order_by("end"))
        newest, *older = coverage.windows_to_read(spans, OVERLAP)
        return [newest, *(window for window in older if not self._tried_lately(window))]

    def _tried_lately(self, window: Window) -> bool:
        """Whether something within a gap was read a short while ago and could not be verified."""
        now = timezone.now()
        lately = (now - RETRY_UNVERIFIED_AFTER, clock.latest_believable(now))
        tried = SyncWindow.objects.filter(account=self.account, verified=False)
        tried = tried.filter(Q(asked_at__range=lately) | Q(asked_again_at__range=lately))
        if window.last:
            tried = tried.exclude(first_day__gt=window.last)
        if window.first:
            tried = tried.exclude(last_day__lt=window.first)
        return bool(tried.exists())

    # --- windows -----------------------------------------------------------------------------------------------

    def _bring_in(self, window: Window) -> None:
        """Read a window, or its halves, newest first."""
        waiting = [window]
        while waiting:
            current = waiting.pop()
            walk = Walk(self.client, current, self._on_page, send_dates=self.send_dates, reads_ahead=True)
            requests_before = self.client.requests_made
            self._note(f"Reading {current}")
            first = walk.peek(1)
            if current is window:
                self.expected = min((self.expected or 0) + (first.total or 0), MAX_COUNT)
            if self._is_known_whole(first.total):
                whole = Reading(
                    walk.asked_at, first.sent_at, True, reported=first.total, received=first.total or 0, pages=1
                )
                self._record(current, whole, requests_before)
                continue
            if first.total and self._too_large(current, first.total, walk):
                waiting += current.halves(self._oldest_day(), timezone.now().date())
                continue
            reading = walk.read()
            if not reading.verified and reading.narrower_may_help and self._can_halve(current):
                waiting += current.halves(self._oldest_day(), timezone.now().date())
                continue
            self._record(current, reading, requests_before)

    # --- the full check ----------------------------------------------------------------------------------------

    def _check_is_due(self, sync_state: SyncState) -> bool:
        if self.options.check:
            return True
        if self.options.since or self.options.until or self.options.full:
            return False
        if sync_state.checked_at is None:  # the first reading of the whole was a check
            whole = CoveredSpan.objects.filter(account=self.account, start=None).exists()
            SyncState.objects.filter(account=self.account).update(checked_at=timezone.now() if whole else None)
            return False
        return not clock.is_within(sync_state.checked_at, settings.CHECK_INTERVAL)

    def _check(self) -> None:
        """Compare the number of events in each span of days with Nexmo's, and read those that differ again.

        Finds events that came late, that were altered, and that are gone at Nexmo; all stay here, and are noted.
        """
        for window in windows_to_check(self.account, send_dates=self.send_dates):
            walk = Walk(self.client, window, self._on_page, send_dates=self.send_dates, reads_ahead=True)
            requests_before = self.client.requests_made
            self._note(f"Checking {window}")
            first = walk.peek(1)
            if first.total == archived_count(self.account, walk):
                continue
            reading = walk.read()
            self._record(window, reading, requests_before)
            if reading.verified:
                note_vanished(self.account, walk, self.run)
        SyncState.objects.filter(account=self.account).update(checked_at=timezone.now())

    def _is_known_whole(self, total: int | None) -> bool:
        """Where dates are of no use: as many events at Nexmo as here, and nothing new on the first page."""
        if self.send_dates or self.options.full or self.added or not total:
            return False
        return bool(
            SyncState.objects.filter(account=self.account, event_count=total).exists()
            and CoveredSpan.objects.filter(account=self.account).exists()
        )

    def _too_large(self, window: Window, total: int, walk: Walk) -> bool:
        if total <= READ_AT_ONCE or not self.send_dates:
            return False
        if window.first is None:
            # In either order, the far end of the list holds the oldest event or the newest. Where it cannot be read,
            # or there is no order, halving starts from what the first page holds, which costs requests and no event.
            with contextlib.suppress(errors.NotFound, errors.RequestRejected):
                walk.peek(-(-total // PAGE_SIZE))
        if not self._can_halve(window):
            return False
        days = window.days(self._oldest_day(), timezone.now().date())
        return days >= 2 * SHORTEST_HALF_DAYS or total > READ_AT_MOST

    def _can_halve(self, window: Window) -> bool:
        known = window.first is not None or self.oldest is not None
        return self.send_dates and known and window.days(self._oldest_day(), timezone.now().date()) >= 2

    def _oldest_day(self) -> date:
        return (self.oldest or timezone.now()).astimezone(UTC).date()

    def _record(self, window: Window, reading: Reading, requests_before: int) -> None:
        state.renew(self.run)
        start, end = window.span(reading.asked_at)
        until = None
        if reading.verified:
            proven = api_clock.proven_until(self.account, reading.asked_at, reading.sent_at)
            if proven and (start is None or start < min(end, proven)):
                until = min(end, proven)
        row = SyncWindow(
            account=self.account,
            run=self.run,
            first_day=window.first,
            last_day=window.last,
            asked_at=api_clock.earlier(reading.asked_at, reading.sent_at),
            verified=reading.verified,
            covered_until=until,
            reason=reading.reason,
            reported=reading.reported,
            received=reading.received,
            pages=reading.pages,
            requests=self.client.requests_made - requests_before,
        )
        with write_turn():
            if until:  # before the ledger, which `record_window` may lock
                coverage.add(self.account, start, until)
            state.record_window(self.run, row)

    def _check_clock(self, page: EventPage) -> None:
        """Compare this machine's clock with the API's, once in a run, before anything rests on either.

        Raises:
            _CoverageWithdrawn: the coverage reached into the future, which is mended now.
        """
        if self.clock_checked:
            return
        self.clock_checked = True
        now = timezone.now()
        self.clock_problem = api_clock.describe_skew(now, page.sent_at)
        if self.clock_problem:
            logger.warning("%s: %s", self.account.api_key, self.clock_problem)
        ends = coverage.withdraw_future(self.account, page.sent_at or now)
        if ends:
            listed = ", ".join(f"{end:%Y-%m-%d %H:%M}" for end in ends)
            self._say_withdrawn(f"It counted as complete until {listed} UTC, in the future.")
            raise _CoverageWithdrawn

    def _say_withdrawn(self, what: str) -> None:
        self.withdrawn = f"{self.withdrawn} {what}".strip()
        logger.warning("%s: withdrawn, because a clock was wrong: %s", self.account.api_key, what)

    # --- what happens with every page --------------------------------------------------------------------------

    def _on_page(self, page: EventPage) -> None:
        self._check_clock(page)
        # One transaction for a page: each one more would be another wait for whoever else writes. It ends by renewing
        # the lease: LeaseLost, where the account is somebody else's by now, rolls all of it back.
        with write_turn():
            fetched_at = api_clock.earlier(timezone.now(), page.sent_at)
            added = add_events(self.account, page.events, run=self.run, fetched_at=fetched_at)
            self.seen += len(page.events)
            self.pages += 1
            self.added += added.new
            times = [event.created_at for event in page.events if event.created_at]
            if times:
                self.oldest = min([*times, self.oldest] if self.oldest else times)
            self._save(self.doing)
        self._tell(self.doing)

    def _on_wait(self, seconds: float, why: str) -> None:
        doing = self.doing
        self._note(f"Waiting {seconds:.0f} s: {why}")
        self.doing = doing

    def _note(self, doing: str) -> None:
        self._save(doing)
        self._tell(doing)

    def _save(self, doing: str) -> None:
        self.doing = doing
        state.renew(
            self.run,
            doing=doing[:200],
            seen=self.seen,
            pages=self.pages,
            requests=self.client.requests_made,
            expected=self.expected,
        )

    def _tell(self, doing: str) -> None:
        if self.report:
            self.report(Progress(self.seen, self.expected, self.added, doing))
