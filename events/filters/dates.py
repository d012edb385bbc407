"""The fields for days and times: how each is written in a URL, read, and shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.wording.times import parse_moment


class MomentInput(forms.DateInput):
    """The browser's own date field; where the URL holds a time or something unreadable, one that can show that."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        text = str(value or "")
        kind = "date"
        try:
            moment = parse_moment(text, end_of_day=False) if text else None
        except ValueError:
            kind = "text"  # a date field would show nothing of it
        else:
            if moment and not moment.day_only:
                kind, value = "datetime-local", timezone.localtime(moment.at).strftime("%Y-%m-%dT%H:%M:%S")
        context = super().get_context(name, value, attrs)
        context["widget"]["type"] = kind
        if kind == "datetime-local":
            context["widget"]["attrs"]["step"] = "1"
        return context


class MomentField(forms.CharField):
    """A day or a time; its value is aware."""

    widget = MomentInput

    def __init__(self, *args: Any, end_of_day: bool, **kwargs: Any) -> None:
        self.end_of_day = end_of_day
        super().__init__(*args, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return parse_moment(text, end_of_day=self.end_of_day) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None
