"""The fields for days and times: how each is written in a URL, read, and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.wording.times import DAYS, is_repeated, parse_moment

if TYPE_CHECKING:
    from events.wording.times import Moment


class MomentInput(forms.DateInput):
    """The browser's own field for a day or a time, and a line of text for what that cannot say.

    The browser knows no offset and no fraction, and leaves out seconds that are zero: what it would send back must mean
    the same as what the URL says.
    """

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        text = str(value or "")
        kind, value = self._shown(text)
        context = super().get_context(name, value, attrs)
        context["widget"]["type"] = kind
        if kind == "datetime-local":
            context["widget"]["attrs"]["step"] = "1"
        return context

    def _shown(self, text: str) -> tuple[str, str]:
        """The kind of field, and what stands in it."""
        try:
            moment = parse_moment(text) if text else None
        except ValueError:
            return "text", text  # a date field would show nothing of it
        if moment is None or (moment.is_day and text.strip().lower() not in DAYS):
            return "date", text.strip()
        if moment.is_day:
            return "text", text
        at = timezone.localtime(moment.first)
        says_second = moment.unit == "second" and at.second
        if moment.unit not in ("minute", "second") or is_repeated(at) or (moment.unit == "second" and not says_second):
            return "text", text
        return "datetime-local", f"{at:%Y-%m-%dT%H:%M:%S}" if says_second else f"{at:%Y-%m-%dT%H:%M}"


class MomentField(forms.CharField):
    """A day or a time; its value is a `Moment`."""

    widget = MomentInput

    def clean(self, value: Any) -> Moment | None:
        text = super().clean(value)
        try:
            return parse_moment(text) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None
