"""Dates and times as people and URLs write them, and as pages show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

PERIODS = {
    "today": _("Today"),
    "24h": _("24 hours"),
    "7d": _("7 days"),
    "30d": _("30 days"),
    "90d": _("90 days"),
}
# Those of events (`events.nexmo.parse`), and 1969, where 1970 begins for readers west of Greenwich.
YEARS = (1969, 9998)


@dataclass(frozen=True)
class Moment:
    """A point in time as typed; a bare day stands for its beginning or its end, as the field needs."""

    at: datetime
    day_only: bool


def parse_moment(text: str, *, end_of_day: bool) -> Moment:
    """Read `2026-01-31`, `2026-01-31T14:05`, with or without seconds, zone or offset; bare times are the reader's.

    Raises:
        ValueError: with a sentence for the reader.
    """
    spelled = text.strip()
    # In a URL the + of an offset arrives as a blank, unless it was escaped.
    spelled = re.sub(r"^(.{10}[T ]\S+) (\d\d:?\d\d)$", r"\1+\2", spelled)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", spelled):
            day = date.fromisoformat(spelled)
            clock = time.max if end_of_day else time.min
            at = datetime.combine(day, clock, tzinfo=timezone.get_current_timezone())
            return Moment(_within_calendar(at), day_only=True)
        if not re.match(r"\d{4}-\d\d-\d\d[T ]", spelled):
            raise ValueError
        at = datetime.fromisoformat(spelled)
        at = at if at.tzinfo else at.replace(tzinfo=timezone.get_current_timezone())
        return Moment(_within_calendar(at), day_only=False)
    except ValueError:
        raise ValueError(gettext("Enter a date such as 2026-01-31, or a time such as 2026-01-31T14:05.")) from None


def _within_calendar(at: datetime) -> datetime:
    """The time, if it is one that an event can have: the calendar's ends overflow in other zones."""
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError
    return at


def pinned(text: str) -> str:
    """A time as typed, with the reader's offset written out, so that it means the same to other readers and in other
    zones. A bare day stays each reader's own; what cannot be read stays as it is."""
    try:
        moment = parse_moment(text, end_of_day=False)
    except ValueError:
        return text
    return text if moment.day_only else moment.at.isoformat()


def period_start(period: str, now: datetime | None = None) -> datetime:
    """Where a named period begins."""
    now = now or timezone.now()
    if period == "today":
        return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    amount, unit = int(period[:-1]), period[-1]
    return now - (timedelta(hours=amount) if unit == "h" else timedelta(days=amount))


def show(moment: datetime | None) -> str:
    """A time in the reader's zone, with its offset: 2026-01-31 14:05:09 +01:00."""
    if not moment:
        return ""
    at = timezone.localtime(moment)
    return f"{at:%Y-%m-%d %H:%M:%S} {offset(at)}"


def offset(at: datetime) -> str:
    """How far a time is from UTC: +01:00, or UTC where that is its zone. Names such as CST mean several zones."""
    if at.tzname() == "UTC":
        return "UTC"
    text = at.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, roughly: the exact time belongs beside it."""
    seconds = int((now - moment).total_seconds())
    if seconds < 45:
        return gettext("just now") if seconds > -45 else show(moment)
    for size, words in ((86_400, _days), (3_600, _hours), (60, _minutes)):
        if seconds >= size:
            return words(seconds // size) % {"count": seconds // size}
    return gettext("less than a minute ago")


def _days(count: int) -> str:
    return ngettext("%(count)s day ago", "%(count)s days ago", count)


def _hours(count: int) -> str:
    return ngettext("%(count)s hour ago", "%(count)s hours ago", count)


def _minutes(count: int) -> str:
    return ngettext("%(count)s minute ago", "%(count)s minutes ago", count)
