"""Stretches of time as people say them: "last week", "14 november", "el 14 de noviembre de 2025", "since 3 march"."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from events.wording.times import PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LAST = ("last", "past", "ultimos", "ultimas")
_UNITS = {
    "hours": "h",
    "horas": "h",
    "days": "d",
    "dias": "d",
    "weeks": "w",
    "semanas": "w",
}
# In both languages of the site, without accents; the first three letters are enough.
_MONTHS = (
    "january enero ene",
    "february febrero",
    "march marzo",
    "april abril abr",
    "may mayo",
    "june junio",
    "july julio",
    "august agosto ago",
    "september septiembre setiembre sept set",
    "october octubre",
    "november noviembre",
    "december diciembre dic",
)
_MONTH = {
    spelling: number
    for number, names in enumerate(_MONTHS, start=1)
    for name in names.split()
    for spelling in (name, name[:3])
}
_OF = ("of", "de", "del")
_ORDINALS = ("st", "nd", "rd", "th", "o")
_SINCE, _UNTIL = ("since", "desde"), ("until", "till", "hasta")
_ARTICLES = ("el", "the")
_TO = ("to", "and", "until", "till", "a", "al", "y", "hasta")
_IN = ("in", "en")
_FIRST_YEAR = 2000  # a number of four digits before it is no year of an event


def days(words: Sequence[str]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Parameters and their values for each stretch of time among the words, by what it is called there, as of today."""
    today = timezone.localdate()
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    last_month = (first - timedelta(days=1)).replace(day=1)
    stretches = {
        ("today", "hoy"): (today, today),
        ("yesterday", "ayer"): (today - timedelta(days=1), today - timedelta(days=1)),
        ("this week", "esta semana"): (monday, today),
        ("last week", "la semana pasada", "semana pasada"): (monday - timedelta(days=7), monday - timedelta(days=1)),
        ("this month", "este mes"): (first, today),
        ("last month", "el mes pasado", "mes pasado"): (last_month, first - timedelta(days=1)),
        ("this year", "este ano"): (date(today.year, 1, 1), today),
        ("last year", "el ano pasado", "ano pasado"): (date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    named: dict[str, Mapping[str, tuple[str, ...]]] = {
        name: _between(*stretch) for names, stretch in stretches.items() for name in names
    }
    for lead, number, unit in zip(words, words[1:], words[2:], strict=False):
        if (
            lead in _LAST
            and number.isdecimal()
            and unit in _UNITS
            and PERIOD.fullmatch(period := number + _UNITS[unit])
        ):
            named[f"{lead} {number} {unit}"] = {"period": (period,)}
    for start, end, stretch in _dated(words, today):
        named[" ".join(words[start:end])] = stretch
    return named


def merged(values: dict[str, tuple[str, ...]]) -> None:
    """Make one stretch of several: from the first of them to the last."""
    for name, chosen in (("date_from", min), ("date_to", max)):
        if len(values.get(name, ())) > 1:
            values[name] = (chosen(values[name]),)


def _between(start: date, end: date) -> Mapping[str, tuple[str, ...]]:
    return {"date_from": (start.isoformat(),), "date_to": (end.isoformat(),)}


def _dated(words: Sequence[str], today: date) -> Iterator[tuple[int, int, Mapping[str, tuple[str, ...]]]]:
    """Where days and months by name stand among the words, and what they mean, with "since" or "until" before them."""
    for start in range(len(words)):
        for read in (_days_of_a_month, _day, _month):
            end, stretch = read(words, start, today)
            if not stretch:
                continue
            first, last = stretch
            lead = start - 1 if start and words[start - 1] in _ARTICLES else start
            before = words[lead - 1] if lead else ""
            if before in _SINCE:
                yield lead - 1, end, {"date_from": (first.isoformat(),)}
            elif before in _UNTIL:
                yield lead - 1, end, {"date_to": (last.isoformat(),)}
            else:
                yield start, end, _between(first, last)
            break


def _days_of_a_month(words: Sequence[str], start: int, today: date) -> tuple[int, tuple[date, date] | None]:
    """The days from one to another of the same month, "3 to 14 november", and where they end."""
    number = _number(words[start])
    if not number or start + 2 >= len(words) or words[start + 1] not in _TO:
        return start, None
    end, day = _day(words, start + 2, today)
    first = _date(day[0].year, day[0].month, number) if day else None
    return (end, (first, day[0])) if first and day and first <= day[0] else (start, None)


def _day(words: Sequence[str], start: int, today: date) -> tuple[int, tuple[date, date] | None]:
    """The day that is named from here on, and where its name ends."""
    if (iso := _iso(words[start : start + 3])) is not None:
        return start + 3, (iso, iso)
    at = start
    if number := _number(words[at]):
        at = _past(words, at + 1, _OF)
        month = _MONTH.get(words[at]) if at < len(words) else None
    else:
        month = _MONTH.get(words[at])
        at += 1
        number = _number(words[at]) if month and at < len(words) else 0
    if not month or not number:
        return start, None
    end = at + 1
    year_at = _past(words, end, _OF)
    if year_at < len(words) and (year := _year(words[year_at])):
        day = _date(year, month, number)
        return year_at + 1, (day, day) if day else None
    # The last one that has been; of 29 February that can be eight years ago.
    candidates = (_date(today.year - ago, month, number) for ago in range(9))
    past = next((day for day in candidates if day and day <= today), None)
    return end, (past, past) if past else None


def _month(words: Sequence[str], start: int, today: date) -> tuple[int, tuple[date, date] | None]:
    """The month that is named from here on: with its year, or after "in"; else "may" would be one everywhere."""
    month, end = _MONTH.get(words[start]), start + 1
    if not month or (start and _number(words[start - 1])):
        return start, None
    year_at = _past(words, end, _OF)
    year = _year(words[year_at]) if year_at < len(words) else 0
    if year:
        end = year_at + 1
    elif start and words[start - 1] in (*_IN, *_SINCE, *_UNTIL):
        year = today.year if month <= today.month else today.year - 1
    else:
        return start, None
    following = date(year + month // 12, month % 12 + 1, 1)
    return end, (date(year, month, 1), following - timedelta(days=1))


def _past(words: Sequence[str], at: int, small: Sequence[str]) -> int:
    return at + 1 if at < len(words) and words[at] in small else at


def _number(word: str) -> int:
    """The day of a month; 0 for what is none."""
    for ordinal in _ORDINALS:
        if word.endswith(ordinal) and word[: -len(ordinal)].isdecimal():
            word = word.removesuffix(ordinal)
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 2 else 0


def _year(word: str) -> int:
    return int(word) if word.isascii() and word.isdecimal() and len(word) == 4 and int(word) >= _FIRST_YEAR else 0


def _iso(words: Sequence[str]) -> date | None:
    """A day as 2026-11-14 has it."""
    if len(words) < 3 or not all(word.isascii() and word.isdecimal() for word in words):
        return None
    if [len(word) for word in words] != [4, 2, 2]:
        return None
    return _date(*map(int, words))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
