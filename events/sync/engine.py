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

from django.utils import timezone

from accounts.fields import SecretUnreadable
from events import archive
from events.models import CoveredSpan, EventType, SyncRun, SyncState, SyncWindow
from events.nexmo import errors
from events.sync import coverage, state
from events.sync.clients import client_for
from events.sync.coverage import Window
from events.sync.settings import (
    ASK_TYPES_EVERY,
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
    """

    since: date | None = None
    until: date | None = None
    full: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a run is; for whoever shows it."""

    seen: int
    expected: int | None
    added: int
    doing: str


class Refused(errors.AuditAPIError):
    """Nexmo refused these credentials before, and they have not changed since: nothing was asked."""

    code = "credentials"
    what = "Nexmo refused the API key or secret."
    advice = "Enter the current secret in the admin, or test the connection there; nothing is asked before that."


class Interrupted(errors.AuditAPIError):
    """Somebody stopped the run."""

    code = "interrupted"
    what = "The sync was stopped."
    advice = "Nothing is lost; the next run goes on from there."


class _Unreadable(errors.AuditAPIError):
    code = "secret-unreadable"
    what = ""
    advice = ""

    def __str__(self) -> str:
        return self.detail


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

    Whatever goes wrong ends up in the run, in plain words; only programming errors are logged with a traceback.
    """
    run = state.claim(account, trigger, requested_by)
    if run is None:
        return None
    fingerprint = ""
    try:
        fingerprint = account.credentials_fingerprint()
        refused = SyncState.objects.filter(account=account).values_list("refused_credentials", flat=True).get()
        if refused == fingerprint:
            raise Refused
        sync = _AccountSync(account, run, options, stop or threading.Event(), report)
        sync.run_all()
    except errors.AuditAPIError as error:
        return state.finish(run, error=error, fingerprint=fingerprint)
    except errors.Stopped:
        return state.finish(run, error=Interrupted())
    except SecretUnreadable as error:
        return state.finish(run, error=_Unreadable(str(error)))
    except state.LeaseLost:
        logger.warning("%s was taken over by another process", account.api_key)
        return run
    except Exception:
        logger.exception("The sync of %s failed", account.api_key)
        return state.finish(run, error=Exception("Something went wrong in Auditsite itself; see its log."))
    return state.finish(run)


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
    client: AuditClient = field(init=False)

    def run_all(self) -> None:
        sync_state = SyncState.objects.get(account=self.account)
        self.send_dates = self.options.full or not sync_state.filters_ignored
        with client_for(self.account, stop=self.stop, on_wait=self._on_wait) as self.client:
            self._refresh_types(sync_state)
            windows = self._plan()
            try:
                for window in windows:
                    self._bring_in(window)
            except FiltersIgnored:
                # Asking for less is no use, then: read everything each time, which only costs requests.
                SyncState.objects.filter(account=self.account).update(filters_ignored=True)
                self.send_dates = False
                self._bring_in(Window(None, None))
            else:
                if self.send_dates and sync_state.filters_ignored:
                    SyncState.objects.filter(account=self.account).update(filters_ignored=False)

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
        tried = SyncWindow.objects.filter(
            account=self.account, verified=False, asked_at__gt=timezone.now() - RETRY_UNVERIFIED_AFTER
        )
        if window.last:
            tried = tried.exclude(first_day__gt=window.last)
        if window.first:
            tried = tried.exclude(last_day__lt=window.first)
        return bool(tried.exists())

    def _refresh_types(self, sync_state: SyncState) -> None:
        """Learn the event types once a day. Types are a convenience: no trouble here may stop the events."""
        now = timezone.now()
        if sync_state.types_asked_at and now - sync_state.types_asked_at < ASK_TYPES_EVERY:
            return
        self._note("Asking for the event types")
        try:
            listed = self.client.event_types()
        except (errors.CredentialsRefused, errors.AccessDenied):
            raise
        except errors.AuditAPIError as error:
            logger.warning("The event types of %s could not be read: %s", self.account.api_key, error)
            listed = ()
        EventType.objects.bulk_create(
            [EventType(code=item.code, description=item.description, listed_at=now) for item in listed],
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["description", "listed_at"],
        )
        SyncState.objects.filter(account=self.account).update(types_asked_at=now)

    # --- windows -----------------------------------------------------------------------------------------------

    def _bring_in(self, window: Window) -> None:
        """Read a window, or its halves, newest first."""
        waiting = [window]
        while waiting:
            current = waiting.pop()
            walk = Walk(self.client, current, self._on_page, send_dates=self.send_dates)
            self._note(f"Reading {current}")
            first = walk.peek(1)
            if current is window:
                self.expected = (self.expected or 0) + (first.total or 0)
            if self._is_known_whole(first.total):
                whole = Reading(walk.asked_at, verified=True, reported=first.total, received=first.total or 0, pages=1)
                self._record(current, whole)
                continue
            if first.total and self._too_large(current, first.total, walk):
                waiting += current.halves(self._oldest_day(), timezone.now().date())
                continue
            reading = walk.read()
            if not reading.verified and reading.narrower_may_help and self._can_halve(current):
                waiting += current.halves(self._oldest_day(), timezone.now().date())
                continue
            self._record(current, reading)

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
            # The far end of the list holds the oldest event or the newest, whatever the order is. Where it cannot be
            # read, the first page has to do.
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

    def _record(self, window: Window, reading: Reading) -> None:
        state.renew(self.run)
        state.record_window(
            self.run,
            SyncWindow(
                account=self.account,
                run=self.run,
                first_day=window.first,
                last_day=window.last,
                asked_at=reading.asked_at,
                verified=reading.verified,
                reason=reading.reason,
                reported=reading.reported,
                received=reading.received,
                pages=reading.pages,
                requests=reading.pages,
            ),
        )
        if reading.verified:
            start, end = window.span(reading.asked_at)
            coverage.add(self.account, start, min(end, reading.asked_at))

    # --- what happens with every page --------------------------------------------------------------------------

    def _on_page(self, page: EventPage) -> None:
        state.renew(self.run)  # before the insert: who lost the account must not write to it
        added = archive.add_events(self.account, page.events, run=self.run, fetched_at=timezone.now())
        self.seen += len(page.events)
        self.pages += 1
        self.added += added.new
        times = [event.created_at for event in page.events if event.created_at]
        if times:
            self.oldest = min([*times, self.oldest] if self.oldest else times)
        self._note(self.doing)

    def _on_wait(self, seconds: float, why: str) -> None:
        doing = self.doing
        self._note(f"Waiting {seconds:.0f} s: {why}")
        self.doing = doing

    def _note(self, doing: str) -> None:
        self.doing = doing
        state.renew(
            self.run,
            doing=doing[:200],
            seen=self.seen,
            pages=self.pages,
            requests=self.client.requests_made,
            expected=self.expected,
        )
        if self.report:
            self.report(Progress(self.seen, self.expected, self.added, doing))
