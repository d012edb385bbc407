"""The fields of the filter form: how each parameter is written in a URL, read, and refused."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.moments import parse_moment
from events.words import source_codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django_stubs_ext import StrPromise


def split_list(values: Sequence[str]) -> list[str]:
    """The items of comma lists and repeated parameters, in order, once each."""
    items = (item.strip() for value in values for item in value.split(","))
    return list(dict.fromkeys(item for item in items if item))


def unsigned(item: str) -> tuple[bool, str]:
    """Whether a value is wanted, and the value: a minus before it says that it must not be there."""
    return (False, item[1:].strip()) if item.startswith("-") else (True, item)


class CommaList(forms.Widget):
    """Codes out of a list; in a URL repeated parameters or one comma list, in either case of letters."""

    codes: Mapping[str, str] = {}  # lower case to code

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        asked = split_list(data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""])
        return list(dict.fromkeys(self._spelled(item) for item in asked))

    def _spelled(self, item: str) -> str:
        wanted, code = unsigned(item)
        code = code.upper() if code.endswith("*") else self.codes.get(code.lower(), code)
        return code if wanted else f"-{code}"


class CommaText(forms.TextInput):
    """A line of text that also reads repeated parameters."""

    @classmethod
    def hinting(cls, hint: StrPromise) -> CommaText:
        """One with an example in it."""
        return cls(attrs={"placeholder": hint})

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return ", ".join(split_list(data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]))


class WordsField(forms.CharField):
    """A comma list of words, each with a minus before it where it must not be; its value is a list.

    `case` is a str method to bring them into the archive's form.
    """

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
                raise ValidationError(
                    _("Write the whole address, such as name@example.com; Search finds parts of one.")
                )
        return words


class SourcesField(WordsField):
    """Sources by Nexmo's codes or by the names that the table shows."""

    def clean(self, value: Any) -> Any:
        codes = source_codes()
        words = super().clean(value)
        for word in list(words):
            wanted, name = unsigned(word)
            if name.lower() in codes:
                words.append(codes[name.lower()] if wanted else f"-{codes[name.lower()]}")
        return list(dict.fromkeys(words))


class CountriesField(WordsField):
    """Countries by their two letters."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if not re.fullmatch(r"-?[A-Z]{2}", word):
                raise ValidationError(_("%(word)s is no country code. Write two letters: GB."), params={"word": word})
        return words


class CodesField(forms.Field):
    """Codes out of a list. Whoever makes the form says which, by `offer`."""

    widget = CommaList

    def offer(self, codes: Iterable[str]) -> None:
        """The codes that may be asked for."""
        self.widget.codes = {code.lower(): code for code in codes}

    def clean(self, value: Any) -> Any:
        for item in value or []:
            code = unsigned(item)[1]
            if not self.meant(code):
                raise ValidationError(self.error_messages["invalid_choice"], params={"value": code})
        return value or []

    def meant(self, code: str) -> list[str]:
        """The codes that one stands for: itself, or, where it ends in a star, all that begin so."""
        if code.endswith("*"):
            return [known for known in self.widget.codes.values() if known.upper().startswith(code[:-1].upper())]
        return [code] if self.widget.codes.get(code.lower()) == code else []


class NetworksField(forms.CharField):
    """A comma list of IP addresses and networks; its value is a list of (wanted, network)."""

    widget = CommaText

    def clean(self, value: Any) -> Any:
        networks = []
        for item in split_list([super().clean(value)]):
            wanted, address = unsigned(item)
            try:
                networks.append((wanted, ipaddress.ip_network(address, strict=False)))
            except ValueError:
                raise ValidationError(
                    _("%(item)s is no IP address or network. Write 192.0.2.7 or 192.0.2.0/24."),
                    params={"item": address},
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
