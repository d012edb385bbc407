"""Days and times: how each is written in a URL, read, and shown.

The form has two fields for a moment, its day and, optionally, its time: `date_from` and `time_from`. They are one
parameter, `date_from`: a script joins them before the form is sent, and `with_times` does for browsers without.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.wording.times import DAYS, is_repeated, offset, parse_moment, start_of_day

if TYPE_CHECKING:
    from datetime import datetime

    from events.wording.times import Moment

TIMES = {"date_from": "time_from", "date_to": "time_to"}  # the field of the time, by the parameter


class MomentField(forms.CharField):
    """A day or a time; its value is a `Moment`."""

    def clean(self, value: Any) -> Moment | None:
        text = super().clean(value)
        try:
            return parse_moment(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None


def with_times(params: Any) -> Any:
    """The parameters with the times of the form put where they belong. A time alone becomes one that is refused."""
    if not any(params.get(time) for time in TIMES.values()):
        return params
    joined = params.copy()
    for day, time in TIMES.items():
        typed = joined.pop(time, "")
        typed = (typed[-1] if isinstance(typed, list) else typed).strip()
        if typed:
            joined[day] = f"{(joined.get(day) or '').strip()}T{typed}"
    return joined


class Shown(NamedTuple):
    """A moment as the form's fields show it.

    Attributes:
        day: for the browser's field for days; for a line of text where `time` is None.
        time: for its field for times; None for what these two cannot say.
    """

    day: str
    time: str | None


def shown_as(name: str, text: str) -> Shown:
    """What the fields show for a parameter, so that what they send back means the same.

    They know no offset and no fraction, and leave out seconds that are zero. Of a start only its first instant counts,
    of an end only its last.
    """
    text = text.strip()
    if not text:
        return Shown("", "")
    try:
        moment = parse_moment(text)
    except ValueError:
        return Shown(text, None)
    if text.lower() in DAYS:
        return Shown(text, None)  # another day tomorrow
    at, edge = _edges(name, moment)
    if edge == start_of_day(edge.date()):
        return Shown(f"{at:%Y-%m-%d}", "")
    if edge.microsecond or is_repeated(at) or (edge.second and not at.second):
        return Shown(text, None)
    return Shown(f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}" if edge.second else f"{at:%H:%M}")


def in_words(name: str, text: str) -> str:
    """A day, or a time as the reader's clock has it; what cannot be read stays as it is."""
    if not text:
        return ""
    try:
        moment = parse_moment(text)
    except ValueError:
        return text
    at, edge = _edges(name, moment)
    if moment.is_day or edge == start_of_day(edge.date()):
        return f"{at:%Y-%m-%d}"
    return f"{at:%Y-%m-%d %H:%M}{f'{at::%S}' if edge.second or edge.microsecond else ''} {offset(at)}"


def _edges(name: str, moment: Moment) -> tuple[datetime, datetime]:
    """The instant that counts, by the reader's clock, and its edge: the same one of a start, the next one of an end."""
    if name == "date_from":
        at = timezone.localtime(moment.first)
        return at, at
    return timezone.localtime(moment.last), timezone.localtime(moment.last + timedelta(microseconds=1))
