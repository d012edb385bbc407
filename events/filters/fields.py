"""The fields of the filter form: how each parameter is written in a URL, read, and refused."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from events.filters import names as known_names
from events.filters.limits import MOST_ITEMS, MOST_USERS
from events.masking import mask
from events.nexmo.values import ip_key
from events.reading import applications
from events.reading.users import matching as matching_users
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


NONE = "none"  # the value of events that have none


class ListField(forms.CharField):
    """The values of a dimension, as a comma list; a minus before one says that it must not be there.

    Cleaned, it is a list of values in the archive's form, each with its sign.

    Attributes:
        nothing: what conditions compare for NONE; () where every event has a value.
    """

    widget: type[forms.Widget] = CommaText
    nothing: tuple[Any, ...] = ("",)

    def clean(self, value: Any) -> list[str]:
        return self.clean_items(split_list([super().clean(value)]))

    def clean_items(self, items: Sequence[str]) -> list[str]:
        """All values, as the archive has them. Raises ValidationError."""
        return [item.lower() if self.is_none(unsigned(item)[1]) else self.clean_item(item) for item in items]

    def is_none(self, value: str) -> bool:
        """Whether a value, without its sign, stands for having none."""
        return bool(self.nothing) and value.lower() == NONE

    def clean_item(self, item: str) -> str:
        """One value, with its sign, as the archive has it. Raises ValidationError."""
        return item

    def codes_of(self, item: str) -> tuple[str, ...]:
        """The values that a name stands for; what is no name stands for itself."""
        return (item,)

    def near(self, value: str) -> list[str]:
        """The values that may be meant by one that is not taken."""
        return []

    def compared(self, value: str) -> tuple[Any, ...]:
        """What conditions compare for a cleaned value, without its sign."""
        return (value,)

    def wanted_and_not(self, cleaned: Sequence[str]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The values that must be there, and those that must not, as conditions compare them."""
        # What is masked in events is found by nobody: a guess of it is not to be confirmed.
        signed_values = [
            (wanted, mask(compared) if isinstance(compared, str) else compared)
            for wanted, value in map(unsigned, cleaned)
            for compared in (self.nothing if self.is_none(value) else self.compared(value))
        ]
        return (
            tuple(dict.fromkeys(value for wanted, value in signed_values if wanted)),
            tuple(dict.fromkeys(value for wanted, value in signed_values if not wanted)),
        )

    def is_exact(self, value: str) -> bool:
        """Whether a value means just itself, and no part or group."""
        return not self.is_none(value)

    def shown(self, value: str) -> str:
        """A value in words."""
        return value

    def link(self, value: str) -> str:
        """A value of the archive as an address asks for it."""
        return value


class EmailsField(ListField):
    """Users by their address, by a part of it (zoe), or by a pattern with stars (*@example.com)."""

    def clean_item(self, item: str) -> str:
        item = item.lower()
        value = unsigned(item)[1]
        if not value.strip("*@."):
            raise ValidationError(_("Write an address, or more of it: name@example.com, name, or *@example.com."))
        if not self.is_exact(value) and len(self.compared(value)) > MOST_USERS:
            raise ValidationError(
                _("%(part)s stands for too many users; write more of it."),
                params={"part": value},  # how many they are would tell of other accounts
            )
        return item

    def is_exact(self, value: str) -> bool:
        return "@" in value and "*" not in value

    def shown(self, value: str) -> str:
        return value if self.is_exact(value) or "*" in value else f"*{value}*"

    def compared(self, value: str) -> tuple[str, ...]:
        if self.is_exact(value):
            return spellings_of(value)
        # The part itself where it is nobody's: nothing must not become everything.
        return matching_users(self.shown(value)) or (value,)


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
            near = known_names.did_you_mean(known_names.nearest(country, known_names.countries_shown(get_language())))
            raise ValidationError(f"{message}%(near)s", params={"word": country, "near": near})
        return signed(wanted, country)

    def near(self, value: str) -> list[str]:
        near = known_names.nearest(value, known_names.countries_shown(get_language()))
        return list(dict.fromkeys(code for name in near for code in self.codes_of(name)))

    def codes_of(self, item: str) -> tuple[str, ...]:
        if is_country_code(item.upper()):
            return (item,)
        return known_names.country_names(get_language()).get(known_names.plain(item), (item,))

    def compared(self, value: str) -> tuple[str, ...]:
        """The code as Nexmo sends it, listed or not, and the one of the standard where people use another (UK, GB)."""
        code = known_names.FAMILIAR.get(value)
        return (value, code) if code else (value,)

    def shown(self, value: str) -> str:
        return known_names.country_title(value.upper())


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
        return self.clean_items(value or [])

    def clean_item(self, item: str) -> str:
        code = unsigned(item)[1]
        if not self.compared(code):
            message = f"{self.error_messages['invalid_choice']}%(near)s"
            raise ValidationError(message, params={"value": code, "near": self.did_you_mean(code)})
        return item

    def did_you_mean(self, item: str) -> str:
        """What may be meant by an item that is not known."""
        names: dict[tuple[str, ...], str] = {}
        for name in known_names.nearest(item, self.names_near(item)):
            names.setdefault(self.codes_of(name), name)  # a type by its code or in words, not twice
        return known_names.did_you_mean(list(names.values()))

    def names_near(self, item: str) -> list[str]:
        """The names and codes among which the one that is meant may be."""
        if item.endswith("*"):
            ends = ((code, place.end()) for code in self.named[0] for place in re.finditer("_", code))
            return [f"{code[:end]}*" for code, end in ends]
        return [*self.named[0], *(name for named in self.named for name in named.values())]

    def near(self, value: str) -> list[str]:
        near = known_names.nearest(value, self.names_near(value))
        return list(dict.fromkeys(code for name in near for code in self.codes_of(name)))

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

    nothing = ()
    default_error_messages = {"invalid_choice": _("No account %(value)s is visible to you.")}

    def names_near(self, item: str) -> list[str]:
        return list(self.named[0].values())  # keys are random: what looks like one is another account


class NetworksField(ListField):
    """IP addresses, networks and beginnings (198.51.100.); compared are the first and the last address of each."""

    nothing = (("", ""),)

    def clean_item(self, item: str) -> str:
        wanted, address = unsigned(item)
        if not self.compared(address):
            raise ValidationError(
                _("%(item)s is not an IP address or network. Write 192.0.2.7 or 192.0.2.0/24."),
                params={"item": address},
            )
        return signed(wanted, address)

    def is_exact(self, value: str) -> bool:
        return bool(ip_key(value))

    def compared(self, value: str) -> tuple[tuple[str, str], ...]:
        if key := ip_key(value):  # as the archive reads it, such as with a port
            return ((key, key),)
        try:
            network = ipaddress.ip_network(_network(value), strict=False)
        except ValueError:
            return ()
        return ((ip_key(network[0]), ip_key(network[-1])),)


class ApplicationsField(ListField):
    """Applications by name, by words of one, or by id. Whoever makes the form says of which accounts, by `offer`."""

    nothing = ()
    accounts: tuple[int, ...] | None = ()

    def offer(self, accounts: tuple[int, ...] | None) -> None:
        """Whose applications may be asked for; None for all there are."""
        self.accounts = accounts

    def clean_item(self, item: str) -> str:
        value = unsigned(item)[1]
        found = self.compared(value)
        if len(found) > applications.MOST_MEANT:
            raise ValidationError(
                _("More than %(most)s applications have %(words)s in their names. Type more of the name."),
                params={"words": value, "most": applications.MOST_MEANT},
            )
        if not found:
            raise ValidationError(
                _("No application %(value)s is visible to you.%(near)s"),
                params={"value": value, "near": known_names.did_you_mean(self.near(value))},
            )
        return item

    def near(self, value: str) -> list[str]:
        return [self.link(name) for name in applications.near(value, self.accounts)]

    def compared(self, value: str) -> tuple[Any, ...]:
        return applications.called(value, self.accounts)

    def is_exact(self, value: str) -> bool:
        return False

    def shown(self, value: str) -> str:
        return applications.name_by_id(value, self.accounts) or value

    def link(self, value: str) -> str:
        return listed(value)


def listed(name: str) -> str:
    """An application's name as a list of values can hold it."""
    return " ".join(name.replace(",", " ").replace('"', " ").split())


def _network(value: str) -> str:
    """A network as the library reads it: 198.51. and 198.51.* are 198.51.0.0/16."""
    bytes_known = value.removesuffix("*").removesuffix(".").split(".")
    if value[-1:] not in (".", "*") or ":" in value or len(bytes_known) > 3:
        return value
    return f"{'.'.join([*bytes_known, *'000'][:4])}/{8 * len(bytes_known)}"


# How the values of a dimension are read and shown (`events.reading.filterable.Dimension.kind`).
KINDS: dict[str, type[ListField]] = {
    "accounts": AccountsField,
    "applications": ApplicationsField,
    "countries": CountriesField,
    "emails": EmailsField,
    "networks": NetworksField,
    "sources": SourcesField,
    "types": TypesField,
    "words": ListField,
}
