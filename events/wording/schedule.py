"""What comes back every week, month or quarter: when it is next due, and which period it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.wording.times import start_of_day


class Frequency(TextChoices):
    """How often. Weeks begin on Monday; quarters in January, April, July and October."""

    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")


def next_due(frequency: str, at: time, zone: tzinfo, after: datetime) -> datetime:
    """When the first day of a period next shows a time on the clock, in UTC and later than `after`.

    Where clocks skip that time, it is the same time of the old offset; where they show it twice, the first.
    """
    first = _first_day(frequency, after.astimezone(zone).date())
    due = _instant(first, at, zone)
    return due if due > after else _instant(_next_first_day(frequency, first), at, zone)


def last_due(frequency: str, at: time, zone: tzinfo, now: datetime) -> datetime:
    """When the first day of a period last showed a time on the clock, in UTC and not later than `now`."""
    first = _first_day(frequency, now.astimezone(zone).date())
    due = _instant(first, at, zone)
    return due if due <= now else _instant(_first_day(frequency, first - timedelta(days=1)), at, zone)


def period_before(frequency: str, moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The last whole week, month or quarter of a zone's calendar that was over at this moment.

    Returns:
        its first instant and that of the next period, in UTC.
    """
    end = _first_day(frequency, moment.astimezone(zone).date())
    start = _first_day(frequency, end - timedelta(days=1))
    return start_of_day(start, zone).astimezone(UTC), start_of_day(end, zone).astimezone(UTC)


def period_words(frequency: str, first: date) -> str:
    """A period in words, by its first day: 2026-11-16 to 2026-11-22, November 2026, or Q4 2026."""
    match Frequency(frequency):
        case Frequency.WEEKLY:
            return gettext("%(first)s to %(last)s") % {"first": first, "last": first + timedelta(days=6)}
        case Frequency.MONTHLY:
            return date_format(first, "YEAR_MONTH_FORMAT")
        case Frequency.QUARTERLY:
            return gettext("Q%(number)s %(year)s") % {"number": (first.month + 2) // 3, "year": first.year}


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None, fold=0), tzinfo=zone).astimezone(UTC)


_LONGEST = {
    Frequency.WEEKLY: timedelta(days=7),
    Frequency.MONTHLY: timedelta(days=31),
    Frequency.QUARTERLY: timedelta(days=92),
}


def _first_day(frequency: str, day: date) -> date:
    """The day on which the period began that a day lies in."""
    match Frequency(frequency):
        case Frequency.WEEKLY:
            return day - timedelta(days=day.weekday())
        case Frequency.MONTHLY:
            return day.replace(day=1)
        case Frequency.QUARTERLY:
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def _next_first_day(frequency: str, first: date) -> date:
    # No period is shorter than 28 days where the longest has 31, or 90 where it has 92: this lands in the next one.
    return _first_day(frequency, first + _LONGEST[Frequency(frequency)])
