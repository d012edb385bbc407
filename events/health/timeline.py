"""The coverage of accounts over all their time: what is verified, what was read in vain, and what nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import NexmoAccount
from events.models import MonthCount, SyncWindow
from events.sync import coverage
from events.sync.coverage import BEGINNING, Window, midnight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.health.status import AccountStatus

SHORTEST = timedelta(days=30)
STILL_NEW = timedelta(hours=1)  # what came since the last sync is not a gap yet
STATES = {
    "verified": gettext_lazy("verified"),
    "unverified": gettext_lazy("read, but not verified"),
    "unknown": gettext_lazy("never fetched"),
}


@dataclass(frozen=True)
class Stretch:
    """A stretch of time that is not verified: `unverified` when it was read, else `unknown`."""

    start: datetime
    end: datetime
    state: str


@dataclass(frozen=True)
class Timeline:
    """All the time of an archive, and what of it is missing in one account; the rest is verified."""

    start: datetime
    end: datetime
    missing: list[Stretch]

    def days(self, state: str) -> int:
        """About how many; a stretch of hours counts as a day, because it is not nothing."""
        length = sum((gap.end - gap.start for gap in self.missing if gap.state == state), timedelta())
        if state == "verified":
            length = self.end - self.start - sum((gap.end - gap.start for gap in self.missing), timedelta())
        return max(round(length / timedelta(days=1)), 1) if length else 0

    def in_words(self) -> str:
        """The picture as a sentence."""
        if not self.missing:
            return _("Verified from the beginning until now.")
        parts = [
            ngettext("%(count)d day %(state)s", "%(count)d days %(state)s", self.days(state))
            % {"count": self.days(state), "state": words}
            for state, words in STATES.items()
            if self.days(state)
        ]
        return _("Since %(day)s: %(parts)s.") % {"day": self.start.date(), "parts": "; ".join(parts)}


def timelines(statuses: Sequence[AccountStatus], now: datetime) -> dict[int, Timeline]:
    """By account, all from the same beginning, so that they can be compared; in two queries for all."""
    windows = _unverified([status for status in statuses if status.gap_count or not status.spans])
    edges = [span.start for status in statuses for span in status.spans if span.start]
    edges += [midnight(first) for spans in windows.values() for first, _last in spans if first]
    edges += [midnight(month) for month in _first_months(statuses)]
    start = min([*edges, now - SHORTEST])
    return {
        status.account.pk: Timeline(start, now, _missing(status, windows.get(status.account.pk, []), start, now))
        for status in statuses
    }


Days = tuple[date | None, date | None]


def _missing(status: AccountStatus, windows: list[Days], start: datetime, now: datetime) -> list[Stretch]:
    gaps = [(begin or start, end) for begin, end in coverage.gaps(status.spans)[::-1]]
    reached = status.spans[-1].end if status.spans else start
    if not status.spans or now - reached > STILL_NEW:
        gaps.append((reached, now))
    read = [Window(first, last).span(now) for first, last in windows]
    missing = []
    for begin, end in gaps:
        clipped = max(begin, start), min(end, now)
        if clipped[0] < clipped[1]:
            missing += _divided(*clipped, sorted((first or BEGINNING, last) for first, last in read))
    return missing


def _divided(start: datetime, end: datetime, read: list[tuple[datetime, datetime]]) -> list[Stretch]:
    """A gap, divided into what was read in vain and what was not looked at."""
    stretches = []
    for first, last in read:
        first, last = max(first, start), min(last, end)
        if first >= last:
            continue
        if start < first:
            stretches.append(Stretch(start, first, "unknown"))
        stretches.append(Stretch(first, last, "unverified"))
        start = last
    if start < end:
        stretches.append(Stretch(start, end, "unknown"))
    return stretches


def _unverified(patchy: list[AccountStatus]) -> dict[int, list[Days]]:
    """Spans of days that were read and not verified then; each once, however often it was tried."""
    windows = SyncWindow.objects.filter(account__in=[status.account.pk for status in patchy], verified=False)
    by_account: dict[int, list[Days]] = {}
    for account, first, last in windows.order_by().values_list("account", "first_day", "last_day").distinct():
        by_account.setdefault(account, []).append((first, last))
    return by_account


def _first_months(statuses: Sequence[AccountStatus]) -> list[date]:
    """The oldest month with events of each account: one look into the index for each, in one query."""
    months = MonthCount.objects.filter(account=OuterRef("pk"), count__gt=0).order_by("month").values("month")[:1]
    accounts = NexmoAccount.objects.filter(pk__in=[status.account.pk for status in statuses]).order_by()
    return [month for month in accounts.values_list(Subquery(months), flat=True) if month]
