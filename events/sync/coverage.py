"""Which stretches of time of an account are known to be complete: "nothing happened" is not "nobody looked"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from events.models import CoveredSpan, SyncState, SyncWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@dataclass(frozen=True)
class Completeness:
    """How much of an account is archived, and from when to when that is known to be all."""

    account: NexmoAccount
    event_count: int
    complete_until: datetime | None
    complete_since: datetime | None  # None together with a complete_until: since the beginning
    gap_count: int


def completeness(accounts: Sequence[NexmoAccount]) -> list[Completeness]:
    """Of several accounts, in as many queries as of one; no more is read than a list of events has to say."""
    counts = dict(SyncState.objects.filter(account__in=accounts).values_list("account", "event_count"))
    spans: dict[int, list[tuple[datetime | None, datetime]]] = {}
    rows = CoveredSpan.objects.filter(account__in=accounts).order_by("end").values_list("account", "start", "end")
    for account, start, end in rows:
        spans.setdefault(account, []).append((start, end))
    found = []
    for each in accounts:
        covered = spans.get(each.pk, [])
        until, since = (covered[-1][1], covered[-1][0]) if covered else (None, None)
        # Before the first span and between two of them.
        gaps = len(covered) - 1 + (covered[0][0] is not None) if covered else 0
        found.append(Completeness(each, counts.get(each.pk, 0), until, since, gaps))
    return found


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
    found: list[tuple[datetime | None, datetime]] = []
    reached: datetime | None = None
    for span in spans:
        if span.start is not None and (reached is None or reached < span.start):
            found.append((reached, span.start))
        reached = span.end
    return found[::-1]


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


def unverified_windows(account: NexmoAccount) -> list[SyncWindow]:
    """What was read, could not be verified, and has not been verified since; the latest reading of each span."""
    spans = [(span.start or BEGINNING, span.end) for span in CoveredSpan.objects.filter(account=account)]
    found: dict[tuple[date | None, date | None], SyncWindow] = {}
    for window in SyncWindow.objects.filter(account=account, verified=False).order_by("-asked_at")[:200]:
        start, end = Window(window.first_day, window.last_day).span(window.asked_at)
        if not any(known <= (start or BEGINNING) and min(end, window.asked_at) <= until for known, until in spans):
            found.setdefault((window.first_day, window.last_day), window)
    return list(found.values())
