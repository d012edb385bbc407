"""The fields of the filter form: how each parameter is written in a URL, read, and refused."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from events.filters import names as known_names
from events.filters.limits import MOST_ITEMS
from events.nexmo.values import ip_key
from events.reading.users import spellings_of
from events.wording.codes import is_country_code, source_codes, source_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def split_list(values: Sequence[str]) -> list[str]:
    """The items of comma lists and repeated parameters, in order, once each."""
    items = (item.strip() for value in values for item in value.split(","))
    return list(dict.fromkeys(item for item in items if item))


def unsigned(item: str) -> tuple[bool, str]:
    """Whether a value is wanted, and the value: a minus before it says that it must not be there."""
    return (False, item[1:].strip()) if item.startswith("-") else (True, item)


def signed(wanted: bool, value: str) -> str:
    """The inverse of `unsigned`."""
    return value if wanted else f"-{value}"


class CommaText(forms.TextInput):
    """A line of text that also reads repeated parameters."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        return ", ".join(split_list(_all(data, name)))


class CommaList(forms.Widget):
    """Codes out of a list; in a URL repeated parameters or one comma list, in either case of letters."""

    codes: Mapping[str, str] = {}  # lower case to code

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        items = split_list(_all(data, name))
        if len(items) > MOST_ITEMS:
            return []  # refused already, and more boxes than anybody could untick
        return list(dict.fromkeys(self._in_its_case(item) for item in items))

    def _in_its_case(self, item: str) -> str:
        wanted, code = unsigned(item)
        code = code.upper() if code.endswith("*") else self.codes.get(code.lower(), code)
        return signed(wanted, code)


def _all(data: Any, name: str) -> list[str]:
    """All values of a parameter, also of plain dictionaries."""
    return data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]


class ListField(forms.CharField):
    """The values of a dimension, as a comma list; a minus before one says that it must not be there.

    Cleaned, it is a list of values in the archive's form, each with its sign.
    """

    widget: type[forms.Widget] = CommaText

    def clean(self, value: Any) -> list[str]:
        return [self.clean_item(item) for item in split_list([super().clean(value)])]

    def clean_item(self, item: str) -> str:
        """One value, with its sign, as the archive has it. Raises ValidationError."""
        return item

    def codes_of(self, item: str) -> tuple[str, ...]:
        """The values that a name stands for; what is no name stands for itself."""
        return (item,)

    def compared(self, value: str) -> tuple[Any, ...]:
        """What conditions compare for a cleaned value, without its sign."""
        return (value,)

    def wanted_and_not(self, cleaned: Sequence[str]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The values that must be there, and those that must not, as conditions compare them."""
        signed_values = [
            (wanted, compared) for wanted, value in map(unsigned, cleaned) for compared in self.compared(value)
        ]
        return (
            tuple(dict.fromkeys(value for wanted, value in signed_values if wanted)),
            tuple(dict.fromkeys(value for wanted, value in signed_values if not wanted)),
        )

    def shown(self, value: str) -> str:
        """A value in words."""
        return value

    def link(self, value: str) -> str:
        """A value of the archive as an address asks for it."""
        return value


class EmailsField(ListField):
    """Whole addresses: a part of one would match nothing, and that would look like an answer."""

    def clean_item(self, item: str) -> str:
        if "*" in item:
            raise ValidationError(
                _("An address takes no wildcards. Write all of it, or drop user: to search for a part: %(part)s."),
                params={"part": max(unsigned(item)[1].split("*"), key=len) or "example.com"},
            )
        if "@" not in item:
            raise ValidationError(_("Write the whole address, such as name@example.com; Search finds part of one."))
        return item.lower()

    def compared(self, value: str) -> tuple[str, ...]:
        return spellings_of(value)


class SourcesField(ListField):
    """Sources by Nexmo's codes or by the names that the table shows."""

    def compared(self, value: str) -> tuple[str, ...]:
        code = source_codes().get(value.lower(), value)
        return (value,) if code == value else (value, code)

    def shown(self, value: str) -> str:
        return source_title(source_codes().get(value.lower(), value)) or value


class CountriesField(ListField):
    """Countries by their two letters; `codes_of` knows their names too."""

    def clean_item(self, item: str) -> str:
        wanted, country = unsigned(item.upper())
        if not is_country_code(country):
            message = gettext("%(word)s is not a country. Write its name or its two letters, such as GB.")
            near = known_names.did_you_mean(country, known_names.countries_shown(get_language()))
            raise ValidationError(f"{message}%(near)s", params={"word": country, "near": near})
        return signed(wanted, country)

    def codes_of(self, item: str) -> tuple[str, ...]:
        if is_country_code(item.upper()):
            return (item,)
        return known_names.country_names(get_language()).get(known_names.plain(item), (item,))

    def compared(self, value: str) -> tuple[str, ...]:
        """The code as Nexmo sends it, listed or not, and the one of the standard where people use another (UK, GB)."""
        code = known_names.FAMILIAR.get(value)
        return (value, code) if code else (value,)

    def shown(self, value: str) -> str:
        code = value.upper()
        return str(countries.name(known_names.FAMILIAR.get(code, code)) or value)


class CodesField(ListField):
    """Codes out of a list. Whoever makes the form says which, by `offer`."""

    widget = CommaList
    named: tuple[Mapping[str, str], ...] = ({},)
    spellings: Mapping[str, list[str]] = {}  # the codes that differ in case or in blanks around them only

    def offer(self, *named: Mapping[str, str]) -> None:
        """The codes that may be asked for, and what each is called; further names of them."""
        self.named = named
        spellings: dict[str, list[str]] = {}
        self.spellings = spellings
        for code in named[0]:
            spellings.setdefault(code.strip().lower(), []).append(code)
        self.widget.codes = {key: min(codes) if len(codes) > 1 else codes[0] for key, codes in spellings.items()}

    def codes_of(self, item: str) -> tuple[str, ...]:
        if item.lower() in self.spellings or item.endswith("*"):
            return (item,)
        names = known_names.by_name(pair for named in self.named for pair in named.items())
        return names.get(known_names.plain(item), (item,))

    def clean(self, value: Any) -> list[str]:
        return [self.clean_item(item) for item in value or []]

    def clean_item(self, item: str) -> str:
        code = unsigned(item)[1]
        if not self.compared(code):
            message = f"{self.error_messages['invalid_choice']}%(near)s"
            raise ValidationError(message, params={"value": code, "near": self.did_you_mean(code)})
        return item

    def did_you_mean(self, item: str) -> str:
        """What may be meant by an item that is not known."""
        if item.endswith("*"):
            ends = ((code, place.end()) for code in self.named[0] for place in re.finditer("_", code))
            return known_names.did_you_mean(item, [f"{code[:end]}*" for code, end in ends])
        names = [name for named in self.named for name in named.values()]
        return known_names.did_you_mean(item, (*self.named[0], *names))

    def compared(self, value: str) -> tuple[str, ...]:
        """The code in all its spellings, or, where it ends in a star, all that begin so; nothing for one that is not
        known."""
        if value.endswith("*"):
            start = value[:-1].upper()
            return tuple(known for known in self.named[0] if known.upper().startswith(start))
        return tuple(self.spellings.get(value.strip().lower(), ()))

    def link(self, value: str) -> str:
        return value.strip()

    def shown(self, value: str) -> str:
        return self.named[0].get(self.widget.codes.get(value.strip().lower(), value)) or value


class TypesField(CodesField):
    """Event types by code, by group (NUMBER_*) or in Nexmo's words."""

    default_error_messages = {"invalid_choice": _("There is no event type %(value)s.")}


class AccountsField(CodesField):
    """Accounts by key or name."""

    default_error_messages = {"invalid_choice": _("No account %(value)s is visible to you.")}

    def did_you_mean(self, item: str) -> str:
        # Keys are random: what looks like one is another account.
        return known_names.did_you_mean(item, self.named[0].values())


class NetworksField(ListField):
    """IP addresses and networks; compared are the first and the last address of each."""

    def clean_item(self, item: str) -> str:
        wanted, address = unsigned(item)
        if not self.compared(address):
            raise ValidationError(
                _("%(item)s is not an IP address or network. Write 192.0.2.7 or 192.0.2.0/24."),
                params={"item": address},
            )
        return signed(wanted, address)

    def compared(self, value: str) -> tuple[tuple[str, str], ...]:
        if key := ip_key(value):  # as the archive reads it, such as with a port
            return ((key, key),)
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return ()
        return ((ip_key(network[0]), ip_key(network[-1])),)


# How the values of a dimension are read and shown (`events.reading.filterable.Dimension.kind`).
KINDS: dict[str, type[ListField]] = {
    "accounts": AccountsField,
    "countries": CountriesField,
    "emails": EmailsField,
    "networks": NetworksField,
    "sources": SourcesField,
    "types": TypesField,
    "words": ListField,
}
