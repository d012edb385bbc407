"""What people call accounts, types and countries, for the codes that stand in parameters; and what slips may mean."""

from __future__ import annotations

import difflib
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext, override
from django_countries import countries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_NEAR = 4
CLOSE = 0.7  # of 1; two names of one length that differ in a fifth of their letters have 0.8
FAMILIAR = {"UK": "GB", "EL": "GR"}  # codes that are not the standard's
CALLED = {"Great Britain": "GB", "England": "GB"}  # names that are not the standard's


def plain(text: str) -> str:
    """Text as names are compared: without case and accents."""
    pieces = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(piece for piece in pieces if not unicodedata.combining(piece)).split())


def by_name(named: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The codes that each name stands for, by its plain form, out of pairs of code and name."""
    codes_by_name: dict[str, tuple[str, ...]] = {}
    for code, name in named:
        codes = codes_by_name.get(plain(name), ())
        codes_by_name[plain(name)] = codes if code in codes else (*codes, code)
    return codes_by_name


def did_you_mean(near: list[str]) -> str:
    """A question about these names, with a blank before it; "" where there is none."""
    return " " + gettext("Did you mean %(near)s?") % {"near": _either(near)} if near else ""


def _either(names: list[str]) -> str:
    """These names as a choice: A, B or C."""
    *others, last = names
    return gettext("%(names)s or %(last)s") % {"names": ", ".join(others), "last": last} if others else last


def nearest(word: str, names: Iterable[str]) -> list[str]:
    """The names that a word is a part of, those that begin with it first; else the one that it is a slip of."""
    known = {plain(name): name for name in reversed(list(names))}
    word, pieces = plain(word), {piece: name for whole, name in known.items() for piece in whole.split()}
    parts = [whole for whole in known if len(word) > 2 and word in whole]
    if parts:
        parts.sort(key=lambda whole: (not whole.startswith(word), len(whole)))
        return [known[whole] for whole in parts[:MOST_NEAR]]
    for offered in (known, pieces):
        if close := difflib.get_close_matches(word, offered, n=1, cutoff=CLOSE):
            return [offered[close[0]]]
    return []


def country_title(code: str) -> str:
    """A country in the language in use, also under a code that is not the standard's; the code where there is none."""
    return str(countries.name(FAMILIAR.get(code, code)) or code)


@lru_cache(maxsize=16)
def country_names(language: str | None) -> Mapping[str, tuple[str, ...]]:
    """Countries by their names in a language and in English, by their three letters, and by what they are called."""
    named = [(code, name) for spoken in ("en", language) for code, name in _countries(spoken)]
    named += [(code, countries.alpha3(code)) for code, _ in _countries("en")]
    return by_name([*named, *((code, name) for name, code in CALLED.items())])


@lru_cache(maxsize=16)
def countries_shown(language: str | None) -> tuple[str, ...]:
    """Names of countries to suggest: those of a language, then those in English."""
    return tuple(name for spoken in (language, "en") for _, name in _countries(spoken))


@lru_cache(maxsize=16)
def _countries(language: str | None) -> tuple[tuple[str, str], ...]:
    with override(language):
        return tuple((code, str(name)) for code, name in countries)
