"""Dates and times as people and URLs write them, and as pages show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

# Weeks begin on Monday. What has begun and not ended ends now.
PERIODS = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "24h": _("Last 24 hours"),
    "7d": _("Last 7 days"),
    "30d": _("Last 30 days"),
    "90d": _("Last 90 days"),
    "this-week": _("This week"),
    "last-week": _("Last week"),
    "this-month": _("This month"),
    "last-month": _("Last month"),
}
# Days by name, and how many days ago each is: addresses are shared, so that both languages are read by everybody.
DAYS = {"today": 0, "yesterday": 1, "hoy": 0, "ayer": 1}
PERIOD = re.compile(r"([1-9]\d{0,3})([hdw])", re.ASCII)
# Those of events (`events.nexmo.parse`), and 1969, where 1970 begins for readers west of Greenwich.
YEARS = (1969, 9998)


_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_INSTANT = timedelta(microseconds=1)  # no two events are closer


@dataclass(frozen=True)
class Moment:
    """A stretch of time as typed: a day, a minute, a second, or a part of one; as long as it was written exactly.

    Attributes:
        first, last: its first and its last instant.
        unit: "day", "hour", "minute", "second" or "fraction".
    """

    first: datetime
    last: datetime
    unit: str

    @property
    def is_day(self) -> bool:
        return self.unit == "day"


class OutOfRange(ValueError):
    """A time that no event can have; the message is for the reader."""


def parse_moment(text: str) -> Moment:
    """Read `2026-01-31`, `2026-01-31T14:05`, with or without seconds, zone or offset; bare times are the reader's.
    `today` and `yesterday` are days too.

    Raises:
        ValueError: with a sentence for the reader.
    """
    spelled = text.strip()
    # In a URL the + of an offset arrives as a blank, unless it was escaped.
    spelled = re.sub(r"^(.{10}[T ]\S+) (\d\d:?\d\d)$", r"\1+\2", spelled)
    try:
        if (days := DAYS.get(spelled.lower())) is not None:
            return _day(timezone.localdate() - timedelta(days=days))
        if re.fullmatch(r"\d{4}-\d\d-\d\d", spelled, re.ASCII):
            return _day(date.fromisoformat(spelled))
        if not (match := _MOMENT.fullmatch(spelled)):
            raise ValueError
        return _time(*match.groups())
    except OutOfRange as error:
        raise ValueError(str(error)) from None
    except (ValueError, OverflowError):
        raise ValueError(gettext("Enter a date such as 2026-01-31, or a time such as 2026-01-31T14:05.")) from None


def _day(day: date) -> Moment:
    check_calendar(day.year)
    # Up to where the next day begins, be the day 23 or 25 hours long.
    return Moment(start_of_day(day), start_of_day(day + timedelta(days=1)).astimezone(UTC) - _INSTANT, "day")


def _time(
    day: str, hour: str, minute: str | None, second: str | None, fraction: str | None, zone: str | None
) -> Moment:
    digits = (fraction or "")[:6]
    at = datetime.fromisoformat(f"{day}T{hour}:{minute or '00'}:{second or '00'}.{digits:0<6}{_offset(zone)}")
    if fraction:
        unit, length = "fraction", timedelta(microseconds=10 ** (6 - len(digits)))
    elif second:
        unit, length = "second", timedelta(seconds=1)
    else:
        unit, length = ("minute", timedelta(minutes=1)) if minute else ("hour", timedelta(hours=1))
    check_calendar(at.year)
    if at.tzinfo:
        return Moment(at, at + length - _INSTANT, unit)
    # When clocks go back, a bare time comes twice: it is both.
    zone_in_force = timezone.get_current_timezone()
    passes = [at.replace(tzinfo=zone_in_force, fold=fold) for fold in (0, 1)]
    last = passes[0 if is_skipped(passes[0]) else 1].astimezone(UTC) + length - _INSTANT
    return Moment(passes[0], last.astimezone(zone_in_force), unit)


def _offset(zone: str | None) -> str:
    if not zone or zone in "Zz":
        return "+00:00" if zone else ""
    digits = zone[1:].replace(":", "")
    return f"{zone[0]}{digits[:2]}:{digits[2:] or '00'}"


def check_calendar(year: int) -> None:
    """Whether an event can have such a time: the calendar's ends overflow in other zones. Raises OutOfRange."""
    if not YEARS[0] <= year <= YEARS[1]:
        raise OutOfRange(
            gettext("The year must be from %(first)s to %(last)s.") % {"first": YEARS[0], "last": YEARS[1]}
        )


def start_of_day(day: date, zone: tzinfo | None = None) -> datetime:
    """A day's first instant. Where clocks go forward at midnight, that is when they do."""
    return datetime.combine(day, time.min, tzinfo=zone or timezone.get_current_timezone())


def is_skipped(at: datetime) -> bool:
    """Whether clocks never show this time of their zone, because they are put forward past it."""
    return at.astimezone(UTC).astimezone(at.tzinfo).replace(tzinfo=None) != at.replace(tzinfo=None)


def is_repeated(at: datetime) -> bool:
    """Whether clocks show this time of their zone twice, because they are put back."""
    return not is_skipped(at) and at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


def pinned(text: str, *, is_end: bool) -> str:
    """A time as typed, with the reader's offset written out, so that it means the same to other readers and in other
    zones. A bare day stays each reader's own; what cannot be read stays as it is."""
    try:
        moment = parse_moment(text)
    except ValueError:
        return text
    if moment.is_day:
        return text
    at = moment.last if is_end else moment.first
    exactness = {"hour": "hours", "minute": "minutes", "second": "seconds", "fraction": "microseconds"}
    if at.utcoffset() % timedelta(minutes=1):  # type: ignore[operator]  # it is aware; long ago, zones had odd seconds
        at, exactness = at.astimezone(UTC), exactness | {"hour": "seconds", "minute": "seconds"}
    return at.isoformat(timespec=exactness[moment.unit])


def period_span(period: str, now: datetime | None = None) -> tuple[datetime, datetime | None]:
    """The first and the last instant of a period, which is one of PERIODS or any number of hours, days or weeks (36h,
    3d, 2w). One that lasts has no last instant."""
    now = now or timezone.now()
    if period in PERIODS and not PERIOD.fullmatch(period):
        first, after = _calendar_days(period, timezone.localtime(now).date())
        return start_of_day(first), start_of_day(after).astimezone(UTC) - _INSTANT if after else None
    amount, unit = int(period[:-1]), period[-1]
    return now - {"h": timedelta(hours=amount), "d": timedelta(days=amount), "w": timedelta(weeks=amount)}[unit], None


def _calendar_days(period: str, today: date) -> tuple[date, date | None]:
    """The first day of a period by name, and the one after its last; None where it lasts."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    spans: dict[str, tuple[date, date | None]] = {
        "today": (today, None),
        "yesterday": (today - timedelta(days=1), today),
        "this-week": (monday, None),
        "last-week": (monday - timedelta(days=7), monday),
        "this-month": (first, None),
        "last-month": ((first - timedelta(days=1)).replace(day=1), first),
    }
    return spans[period]


def period_title(period: str) -> str:
    """A period in words: Last 3 days."""
    if period in PERIODS:
        return str(PERIODS[period])
    amount, unit = int(period[:-1]), period[-1]
    words = {
        "h": ngettext("Last %(count)s hour", "Last %(count)s hours", amount),
        "d": ngettext("Last %(count)s day", "Last %(count)s days", amount),
        "w": ngettext("Last %(count)s week", "Last %(count)s weeks", amount),
    }
    return words[unit] % {"count": amount}


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


def length(span: timedelta) -> str:
    """How long something took, in its two largest units: 25 s, 12 min, 3 h 5 min, 2 d 4 h."""
    seconds = int(span.total_seconds())
    parts = [(seconds // 86_400, "d"), (seconds // 3_600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), len(parts) - 1)
    shown = parts[first : first + 2] if seconds >= 3_600 else parts[first : first + 1]
    return " ".join(f"{number} {unit}" for number, unit in shown if number or len(shown) == 1)


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
