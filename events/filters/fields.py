"""The fields of the filter form: how each parameter is written in a URL, read, and refused."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from events.filters import names as known_names
from events.wording.codes import source_codes
from events.wording.times import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
            if "*" in word:
                raise ValidationError(
                    _("No * in an address: write all of it, or leave user: out and search for a part: %(part)s."),
                    params={"part": max(unsigned(word)[1].split("*"), key=len) or "example.com"},
                )
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
    """Countries by their two letters; `codes_of` knows their names too."""

    def clean(self, value: Any) -> Any:
        words = super().clean(value)
        for word in words:
            if not re.fullmatch(r"-?[A-Z]{2}", word):
                name = unsigned(word)[1]
                said = gettext("%(word)s is no country. Write its name or its two letters, such as GB.")
                near = known_names.did_you_mean(name, known_names.countries_shown(get_language()))
                raise ValidationError(f"{said}%(near)s", params={"word": name, "near": near})
        return words

    def codes_of(self, item: str) -> tuple[str, ...]:
        """What a name stands for; a code, and what is unknown, for itself."""
        if item.upper() in countries:
            return (item,)
        return known_names.country_names(get_language()).get(known_names.plain(item), (item,))


class CodesField(forms.Field):
    """Codes out of a list. Whoever makes the form says which, by `offer`."""

    widget = CommaList
    named: tuple[Mapping[str, str], ...] = ()

    def offer(self, *named: Mapping[str, str]) -> None:
        """The codes that may be asked for, and what each is called; further names of them."""
        self.named = named
        self.widget.codes = {code.lower(): code for code in named[0]}

    def codes_of(self, item: str) -> tuple[str, ...]:
        """What a name stands for; a code, a group, and what is unknown, for itself."""
        if item.lower() in self.widget.codes or item.endswith("*"):
            return (item,)
        names = known_names.by_name(pair for named in self.named for pair in named.items())
        return names.get(known_names.plain(item), (item,))

    def clean(self, value: Any) -> Any:
        for item in value or []:
            code = unsigned(item)[1]
            if not self.meant(code):
                said = f"{self.error_messages['invalid_choice']}%(near)s"
                raise ValidationError(said, params={"value": code, "near": self.did_you_mean(code)})
        return value or []

    def did_you_mean(self, item: str) -> str:
        """What may be meant by an item that is not known."""
        if item.endswith("*"):
            ends = ((code, place.end()) for code in self.named[0] for place in re.finditer("_", code))
            return known_names.did_you_mean(item, [f"{code[:end]}*" for code, end in ends])
        names = [name for named in self.named for name in named.values()]
        return known_names.did_you_mean(item, (*self.named[0], *names))

    def meant(self, code: str) -> list[str]:
        """The codes that one stands for: itself, or, where it ends in a star, all that begin so."""
        if code.endswith("*"):
            return [known for known in self.widget.codes.values() if known.upper().startswith(code[:-1].upper())]
        return [code] if self.widget.codes.get(code.lower()) == code else []


class AccountsField(CodesField):
    """Accounts by key or name."""

    def did_you_mean(self, item: str) -> str:
        # Keys are random: what looks like one is another account.
        return known_names.did_you_mean(item, self.named[0].values())


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
