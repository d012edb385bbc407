"""The fields of the filter form: how each parameter is written in a URL, read, and refused."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from events.moments import parse_moment
from events.nexmo.catalog import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def split_list(values: Sequence[str]) -> list[str]:
    """The items of comma lists and repeated parameters, in order, once each."""
    items = (item.strip() for value in values for item in value.split(","))
    return list(dict.fromkeys(item for item in items if item))


class CommaList(forms.Widget):
    """Codes out of a list; in a URL repeated parameters or one comma list, in either case of letters."""

    codes: Mapping[str, str] = {}  # lower case to code

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        asked = split_list(data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""])
        return list(dict.fromkeys(self.codes.get(item.lower(), item) for item in asked))


class CommaText(forms.TextInput):
    """A line of text that also reads repeated parameters."""

    @classmethod
    def hinting(cls, hint: str) -> CommaText:
        """One with an example in it."""
        return cls(attrs={"placeholder": hint})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return ", ".join(split_list(data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]))


class WordsField(forms.CharField):
    """A comma list of words; its value is a list. `case` is a str method to bring them into the archive's form."""

    widget = CommaText

    def __init__(self, *args: Any, case: Any = str, **kwargs: Any) -> None:
        self.case = case
        super().__init__(*args, **kwargs)

    def clean(self, value: Any) -> Any:
        return [self.case(item) for item in split_list([super().clean(value)])]


class EmailsField(WordsField):
    """Whole addresses: a part of one would match nothing, and that would look like an answer."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if "@" not in word:
                raise ValidationError("Write the whole address, such as name@example.com; Search finds parts of one.")
        return words


class SourcesField(WordsField):
    """Sources by Nexmo's codes or by the names that the table shows."""

    def clean(self, value: Any) -> Any:
        codes = {title.lower(): code for code, title in SOURCES.items()} | {code.lower(): code for code in SOURCES}
        words = super().clean(value)
        return list(dict.fromkeys([*words, *(codes[word.lower()] for word in words if word.lower() in codes)]))


class CountriesField(WordsField):
    """Countries by their two letters."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if not re.fullmatch(r"[A-Z]{2}", word):
                raise ValidationError("%(word)s is no country code. Write two letters: GB.", params={"word": word})
        return words


class CodesField(forms.Field):
    """Codes out of a list. Whoever makes the form says which, by `offer`."""

    widget = CommaList

    def offer(self, codes: Iterable[str]) -> None:
        """The codes that may be asked for."""
        self.widget.codes = {code.lower(): code for code in codes}

    def clean(self, value: Any) -> Any:
        for code in value or []:
            if self.widget.codes.get(code.lower()) != code:
                raise ValidationError(self.error_messages["invalid_choice"], params={"value": code})
        return value or []


class NetworksField(forms.CharField):
    """A comma list of IP addresses and networks."""

    widget = CommaText

    def clean(self, value: Any) -> Any:
        networks = []
        for item in split_list([super().clean(value)]):
            try:
                networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                raise ValidationError(
                    "%(item)s is no IP address or network. Write 192.0.2.7 or 192.0.2.0/24.", params={"item": item}
                ) from None
        return networks


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
