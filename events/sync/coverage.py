"""Which stretches of time of an account are known to be complete: "nothing happened" is not "nobody looked"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from events.archive import proven_coverage
from events.models import CoveredSpan, SyncState, SyncWindow
from events.storage import clock

if TYPE_CHECKING:
    from accounts.models import NexmoAccount

BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """A span of whole days (UTC) to ask for, both ends included; None leaves an end open."""

    first: date | None
    last: date | None

    def span(self, asked_at: datetime) -> tuple[datetime | None, datetime]:
        """The stretch of time it covers once verified: an open end reaches to the moment of asking."""
        start = midnight(self.first) if self.first else None
        return start, midnight(self.last + timedelta(days=1)) if self.last else asked_at

    def days(self, oldest: date, today: date) -> int:
        """Its length, with the oldest known day standing in for an open beginning."""
        return ((self.last or today) - (self.first or oldest)).days + 1

    def halves(self, oldest: date, today: date) -> tuple[Window, Window]:
        """The older and the newer half; open ends stay open."""
        middle = (self.first or oldest) + timedelta(days=self.days(oldest, today) // 2)
        return Window(self.first, middle - timedelta(days=1)), Window(middle, self.last)

    def __str__(self) -> str:
        if not self.first and not self.last:
            return "all time"
        return f"{self.first or 'the beginning'} to {self.last or 'now'}"


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def add(account: NexmoAccount, start: datetime | None, end: datetime) -> None:
    """Note that a stretch is complete, merging it with the spans it meets."""
    with transaction.atomic():
        SyncState.objects.select_for_update().get(account=account)
        for span in list(CoveredSpan.objects.filter(account=account)):
            if (span.start or BEGINNING) <= end and (start or BEGINNING) <= span.end:
                start = None if start is None or span.start is None else min(start, span.start)
                end = max(end, span.end)
                span.delete()
        CoveredSpan.objects.create(account=account, start=start, end=end)


def gaps(spans: list[CoveredSpan]) -> list[tuple[datetime | None, datetime]]:
    """What lies before and between the spans (in order of time), newest first; after the last is simply new."""
    missing: list[tuple[datetime | None, datetime]] = []
    reached: datetime | None = None
    for span in spans:
        if span.start is not None and (reached is None or reached < span.start):
            missing.append((reached, span.start))
        reached = span.end
    return missing[::-1]


def is_patchy(spans: list[CoveredSpan]) -> bool:
    """Whether days before the newest are missing from the spans (in order of time)."""
    return len(spans) > 1 or bool(spans and spans[0].start)


def windows_to_read(spans: list[CoveredSpan], overlap: timedelta) -> list[Window]:
    """What a usual run has to look at, newest first: what is new, with an overlap, then the gaps."""
    if not spans:
        return [Window(None, None)]
    windows = [Window((spans[-1].end - overlap).date(), None)]
    for start, end in gaps(spans):
        last = (end - timedelta(microseconds=1)).date()
        windows.append(Window(start.date() if start else None, last))
    return windows


def withdraw_future(account: NexmoAccount, present: datetime) -> list[datetime]:
    """Take back what spans claim of the time after `present`: a clock that was wrong wrote it.

    Such a span ends anew where the last window that was asked at a believable time ends; without one it goes, and its
    days are read again. Returns the ends that were withdrawn.
    """
    latest = clock.latest_believable(present)
    if not CoveredSpan.objects.filter(account=account, end__gt=latest).exists():
        return []
    with transaction.atomic():
        SyncState.objects.select_for_update().get(account=account)
        proven = _last_believable_reading(account, latest)
        withdrawn = []
        for span in CoveredSpan.objects.filter(account=account, end__gt=latest):
            withdrawn.append(span.end)
            if proven and (span.start or BEGINNING) < proven:
                span.end = proven
                span.save(update_fields=["end"])
            else:
                span.delete()
        _note_withdrawn(account)
    return withdrawn


def _note_withdrawn(account: NexmoAccount) -> None:
    """Readings whose coverage has been taken back no longer claim to have added it."""
    claimed = proven_coverage.claimed(account)
    for window in SyncWindow.objects.filter(account=account).exclude(covered_until=None):
        if proven_coverage.subtraction([proven_coverage.added_by(window)], claimed):
            SyncWindow.objects.filter(pk=window.pk).update(covered_until=None)


def _last_believable_reading(account: NexmoAccount, latest: datetime) -> datetime | None:
    """Up to when an open window was verified before the clock went wrong."""
    verified = SyncWindow.objects.filter(account=account, verified=True).order_by("pk")
    first_wrong = verified.filter(asked_at__gt=latest).values_list("pk", flat=True).first()
    if first_wrong:
        # What came later may have been read with a hole before it: the wrong span hid that days were missing.
        verified = verified.filter(pk__lt=first_wrong)
    before = verified.filter(last_day=None, asked_at__lte=latest).order_by("-asked_at")
    for first_day, asked_at in before.values_list("first_day", "asked_at")[:100]:
        if first_day is None or midnight(first_day) < asked_at:
            end: datetime = asked_at
            return end
    return None
