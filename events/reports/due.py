"""Who is due a mail: each receiver by that person's own calendar, each period once, and of several the one that fell
due last."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from events.models import Report, ReportMail
from events.reports.receivers import receivers_of
from events.wording.schedule import last_due, next_due, period_before
from events.wording.times import start_of_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(hours=1)  # at least: people join teams, move to other zones, and enter addresses
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """A week, month or quarter of somebody's calendar.

    Attributes:
        start, end: its first instant, and that of the next one.
    """

    start: datetime
    end: datetime
    first_day: date
    last_day: date

    @classmethod
    def before(cls, frequency: str, moment: datetime, zone: tzinfo) -> Period:
        """The last whole one that was over at this moment."""
        start, end = period_before(frequency, moment, zone)
        return cls(start, end, start.astimezone(zone).date(), (end - _INSTANT).astimezone(zone).date())

    @classmethod
    def of_days(cls, first: date, last: date, zone: tzinfo) -> Period:
        """The same by its days, in a zone."""
        start, end = start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone)
        return cls(start.astimezone(UTC), end.astimezone(UTC), first, last)


def next_after(report: Report, zone: tzinfo, now: datetime) -> datetime:
    """When the report is next due in a zone."""
    return next_due(report.frequency, report.at, zone, now)


def plan_mails(renew: Callable[[], object], now: datetime | None = None) -> int:
    """Write down which mails are to be sent now. Returns how many reports had any.

    Args:
        renew: called between reports.
    """
    now = now or timezone.now()
    reports = Report.objects.filter(is_active=True, look_at__lte=now).select_related("view", "owner", "team")
    count = 0
    for report in reports.order_by("look_at", "pk"):
        try:
            count += bool(plan(report, now))
        except Exception:  # of one report: it holds up no other, and is tried again
            logger.exception("Report %s could not be planned", report.pk)
        renew()
    return count


def plan(report: Report, now: datetime) -> int:
    """Write down which mails of one report are to be sent now, and when to look again: to each receiver the one that
    fell due last, however long ago. A mail that is there already, whatever became of it, is not written down again.
    Returns how many are due."""
    due, soonest = list[ReportMail](), now + LOOK_EVERY
    for receiver in receivers_of(report):
        soonest = min(soonest, next_after(report, receiver.zone, now))
        at = last_due(report.frequency, report.at, receiver.zone, now)
        if at <= report.starts_at or not receiver.address:
            continue
        period = Period.before(report.frequency, at, receiver.zone)
        due.append(
            ReportMail(
                report=report,
                receiver=receiver.user,
                frequency=report.frequency,
                first_day=period.first_day,
                last_day=period.last_day,
                missed=_missed(report, receiver.zone, now),
                created_at=now,
                due_at=now,
            )
        )
    ReportMail.objects.bulk_create(due, ignore_conflicts=True)
    # Only where nobody has changed it meanwhile: who did wants it looked at again.
    Report.objects.filter(pk=report.pk, look_at=report.look_at).update(look_at=soonest, looked_at=now)
    return len(due)


def _missed(report: Report, zone: tzinfo, now: datetime) -> int:
    """How many reports before this one fell due while no worker looked."""
    count, at = -1, max(report.looked_at, report.starts_at)
    while (at := next_after(report, zone, at)) <= now:
        count += 1
    return max(count, 0)


def begin(report: Report) -> None:
    """Have a report, which the caller saves, sent from its next due time on."""
    report.starts_at = report.looked_at = report.look_at = timezone.now()
