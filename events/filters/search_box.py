"""The search box's little language: `type:NUMBER_* -source:CD ip:192.0.2.0/24 user:bob@example.com "free text"`.

What it says goes into the very parameters that the form's fields have: there is one state, and the URL holds it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.reading.conditions import APPLICATION
from events.reading.filterable import DATES, DIMENSIONS, PARAMETERS, SINGLE
from events.storage.search_index import phone_number, straight_quotes

# The words of the box, and the parameters they stand for. The parameters' own names will do too.
KEYS = {word: parameter.name for parameter in PARAMETERS.values() for word in parameter.words}
_NAMES = KEYS | {name: name for name in PARAMETERS}
# A condition, a phrase or a word; the end closes quotes too. A list goes on after a comma with blanks around it, unless
# another condition follows.
_PIECE = re.compile(
    r'(?<!\S)(-?)([A-Za-z_]+):((?:"[^"]*(?:"|$)|(?<=[^\s:])\s*,\s*(?!-?[A-Za-z_]+:|[\s,]|$)|[^\s"])*)'
    r'|(?:(?<!\S)-)?"[^"]*(?:"|$)|\S+'
)
_QUOTED = re.compile(r'"([^"]*)(?:"|$)')
EXAMPLE = _("Write one of %(keys)s, followed by its value.")
FIRST_KEYS = ", ".join(f"{parameter.words[0]}:" for parameter in (*DIMENSIONS.values(), *SINGLE.values()))


class BadQuery(ValueError):
    """Something in the box that cannot be meant as it is written; the message says what is allowed.

    Attributes:
        instead: the whole text as it may be meant; "" where nobody can tell.
    """

    instead = ""


@dataclass
class Query:
    """What a text in the box says: values by parameter, and the text to search for, as `Conditions.text` has it."""

    values: dict[str, list[str]] = field(default_factory=dict)
    text: str = ""


def read(text: str) -> Query:
    """Read the box. What is not one of the words above is searched for as it stands, quotes and all.

    Raises:
        BadQuery: a word that is nearly one of them, or a condition that cannot be negated.
    """
    text = straight_quotes(text)
    pieces = list(_PIECE.finditer(text))
    for piece in pieces:
        _refuse_slips(piece)
    if not any((piece[2] or "").lower() in _NAMES for piece in pieces):
        return Query(text=text)
    query = Query()
    words, end = [], 0
    for piece in pieces:
        minus, key, value = piece[1], (piece[2] or "").lower(), (piece[3] or "").replace('"', "")
        if key not in _NAMES:
            continue
        if _NAMES[key] == APPLICATION:  # a comma in quotes is one of the name, and names are compared without
            value = _QUOTED.sub(lambda quoted: quoted[1].replace(",", " "), piece[3])
        if not value:
            raise BadQuery(gettext("%(key)s: has no value; to search for it, put it in quotes.") % {"key": key})
        words.append(text[end : piece.start()].strip())
        name, end = _NAMES[key], piece.end()
        if minus and name in DATES:
            raise BadQuery(gettext("%(key)s: cannot be negated; use from: and to:.") % {"key": key})
        if minus and name in SINGLE and name != "search_text":
            raise BadQuery(gettext("%(key)s: cannot be negated.") % {"key": key})
        if name in SINGLE and name != "search_text" and (name in query.values or "," in value):
            raise BadQuery(gettext("%(key)s: takes one value.") % {"key": key})
        if name == "search_text":
            words.append(minus + (_number(key, value) if key == "number" else piece[3]))
            continue
        for item in value.split(","):
            query.values.setdefault(name, []).append(f"{minus}{item.strip()}")
    query.text = " ".join(word for word in (*words, text[end:].strip()) if word)
    return query


def unread_keys(text: str) -> list[str]:
    """The words before a colon that look like conditions and are none, so that they are searched for as they stand."""
    pieces = _PIECE.finditer(straight_quotes(text))
    keys = [piece[2] for piece in pieces if piece[2] and piece[3] and not piece[3].startswith("//")]
    return [f"{key}:" for key in dict.fromkeys(keys) if key.lower() not in _NAMES]


def expanded(data: Any) -> tuple[Any, BadQuery | None]:
    """The parameters with what the search box says put where it belongs, and what is wrong with the box."""
    text = data.get("search_text") or ""
    if ":" not in text:
        return data, None
    try:
        query = read(text)
    except BadQuery as error:
        return data, error
    if not query.values and query.text == text:
        return data, None
    parameters = data.copy()
    parameters["search_text"] = query.text
    for name, values in query.values.items():
        if name in SINGLE:
            parameters[name] = values[-1]
        else:
            parameters.setlist(name, [*data.getlist(name), *values])
    return parameters, None


def _number(key: str, value: str) -> str:
    """A number as events spell it, however people do."""
    digits = phone_number(value) or re.sub(r"[\s().+-]", "", value)
    if not (digits.isascii() and digits.isdigit()):
        raise BadQuery(gettext("%(key)s: takes one number, such as 447700900000, or a part of it.") % {"key": key})
    return digits


def _refuse_slips(piece: re.Match[str]) -> None:
    key, value = (piece[2] or "").lower(), piece[3] or ""
    if not key or key in _NAMES or value.startswith("//"):
        return
    near = difflib.get_close_matches(key, _NAMES, n=1, cutoff=0.75)
    if near:
        slip = gettext("%(key)s: is not supported; did you mean %(near)s:?") % {"key": key, "near": near[0]}
        quoting = gettext("To search for it, put it in quotes.")
        error = BadQuery(f"{slip} {EXAMPLE % {'keys': FIRST_KEYS}} {quoting}")
        start, end = piece.span(2)
        error.instead = f"{piece.string[:start]}{near[0]}{piece.string[end:]}"
        raise error
