"""Hiding what is sensitive in JSON, letter by letter as it was otherwise.

Contexts may be as long and as hostile as they like: every pattern here reads a text once.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING

import re2

from events.fields import dump_json
from events.masking.secret_names import (
    NO_SECRETS,
    PIECES,
    is_end_of_period,
    is_ordinary,
    is_secret,
    is_side,
    may_name_secret,
    names_field,
)
from events.masking.texts import MASK, SIGNS, has_odd_address, in_addresses, mask
from events.nexmo.values import read_float

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# They may stand for any of them: escapes, and JSON within a text.
_ESCAPES = ("\\/", "\\u00", '\\"')
# One of all these is in each text of which more than parts of addresses is to be hidden; looked for in one pass.
_HINTS = re2.compile(b"(?i)" + b"|".join(re2.escape(hint.encode()) for hint in (*SIGNS, *PIECES, "\\")))
# With this most events begin: the link to itself.
_LINK = re.compile(
    r'\{"_links": ?\{"self": ?\{"href": ?"https?://[a-z0-9.:-]{1,80}/beta/audit/events/'
    r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"\}\}'
)
# Strings, of which one that does not end is one to the end of the text; marks; and what else stands between them.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
# Of signs that addresses are made of.
_ESCAPE = re.compile(r"\\u00([2-7][0-9a-fA-F])|\\/")
_NOT_HIDDEN = frozenset((*NO_SECRETS, *(f'"{word}"' for word in NO_SECRETS)))
_LONGEST_NOT_HIDDEN = max(map(len, _NOT_HIDDEN))
# Texts that are looked through at once, and about how many characters: among more would often be one with a sign.
_MOST_TOGETHER, _LONGEST_TOGETHER = 8, 20_000


def mask_json(text: str) -> str:
    """JSON with what is sensitive in it hidden, and letter by letter as it was otherwise, JSON or not."""
    hide = _hider(text)
    return hide(text) if hide else text


def mask_jsons(texts: Iterable[str]) -> Iterator[str]:
    """The same of each of these texts, at a fraction of the cost. Looks a few texts ahead."""
    some: list[str] = []
    size = 0
    for text in texts:
        some.append(text)
        size += len(text)
        if len(some) == _MOST_TOGETHER or size > _LONGEST_TOGETHER:
            yield from _masked_together(some)
            some, size = [], 0
    yield from _masked_together(some)


def _masked_together(texts: Sequence[str]) -> Iterable[str]:
    together = "\n".join(texts)
    if _has_hint(together) or together.count("\n") >= len(texts):
        return (mask_json(text) if _has_hint(text) else in_addresses(text) for text in texts)
    return in_addresses(together).split("\n") if texts else ()  # addresses end at the end of a line


def mask_valid_json(text: str) -> str:
    """The same as JSON that every program reads: words for numbers (NaN) become texts."""
    return mask_json(with_valid_numbers(text))


def with_valid_numbers(text: str) -> str:
    """JSON that every program reads: words for numbers (NaN) become texts."""
    if "NaN" in text or "Infinity" in text:
        return dump_json(json.loads(text, parse_float=read_float, parse_constant=str))
    return text


def mask_text(text: str) -> str:
    """A text that may be JSON, or hold some."""
    masked = mask(text)
    return mask_json(masked) if '"' in masked else masked


def _hider(text: str) -> Callable[[str], str] | None:
    """What hides what is sensitive in JSON, by a cheap look: most events hold nothing of the kind (None)."""
    if link := _LINK.match(text):
        text = text[link.end() :]
    if _has_hint(text):
        lower = text.lower()
        if any(sign in lower for sign in (*SIGNS, *_ESCAPES)) or may_name_secret(text, lower):
            return _masked
    if has_odd_address(text):
        # Without signs only parts of addresses can be sensitive; without escapes they stand in the text as they are.
        return _masked if "\\" in text else in_addresses
    return None


def _has_hint(text: str) -> bool:
    return _HINTS.search(text.encode("utf-8", "surrogatepass")) is not None


class _Level:
    """An object or a list that is open while JSON is read.

    Attributes:
        secret: it stands under the name of a secret: so is what it holds.
        names_secret: it says itself that it is about a secret.
        begin: how many values stood before it.
        sides: which values are those of a change, from and to, and under which names.
    """

    __slots__ = ("begin", "is_object", "name", "names_secret", "secret", "sides", "title")

    def __init__(self, is_object: bool, secret: bool, begin: int) -> None:
        self.is_object, self.secret, self.begin = is_object, secret, begin
        self.name = self.title = ""
        self.names_secret = False
        self.sides: list[tuple[int, int, str]] = []

    def hides(self) -> bool:
        """Whether a value that comes now is a secret."""
        if not self.is_object:
            return self.secret
        return is_secret(self.name) or self.secret and not is_ordinary(self.name)


class _Reader:
    """Reads JSON once, and writes it anew without what is sensitive."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.places: list[int] = []  # of plain values among the parts
        self.hidden: list[tuple[int, int]] = []  # of these, which are sides of a secret's change

    def close(self, level: _Level, parent: _Level | None) -> None:
        """At the end of an object or a list."""
        if level.names_secret:
            # A title with words beside it, such as "Login PIN", may as well be of something that lasts from and to.
            is_title = " " in level.title
            self.hidden += [
                (begin, end) for begin, end, name in level.sides if not (is_title and is_end_of_period(name))
            ]
        if parent is not None and parent.is_object and is_side(parent.name):
            parent.sides.append((level.begin, len(self.places), parent.name))

    def add_value(self, before: str, written: str, level: _Level) -> None:
        if level.is_object and written[0] == '"' and names_field(level.name) and is_secret(meant := _meant(written)):
            level.names_secret, level.title = True, meant
        if len(written) <= _LONGEST_NOT_HIDDEN and written.lower() in _NOT_HIDDEN:
            self.parts += (before, written)
            return
        if not (level.is_object and is_ordinary(level.name)):
            if level.is_object and is_side(level.name):
                level.sides.append((len(self.places), len(self.places) + 1, level.name))
            self.places.append(len(self.parts) + 1)
        new = f'"{MASK}"' if level.hides() else _masked_string(written) if written[0] == '"' else written
        self.parts += (before, new)

    def hide_sides(self) -> None:
        """What was found to be a secret only later than it was written, each value once however deep it stands."""
        if not self.hidden:
            return
        changes = [0] * (len(self.places) + 1)
        for begin, end in self.hidden:
            changes[begin] += 1
            changes[end] -= 1
        for place, depth in zip(self.places, accumulate(changes), strict=False):
            if depth:
                self.parts[place] = f'"{MASK}"'


def _masked(text: str) -> str:
    reader = _Reader()
    parts, places = reader.parts, reader.places
    done = 0
    levels = [_Level(False, False, 0)]
    tokens = _TOKEN.finditer(text)
    token = next(tokens, None)
    while token is not None:
        following = next(tokens, None)
        written, level = token[0], levels[-1]
        if written in ("{", "["):
            levels.append(_Level(written == "{", level.hides(), len(places)))
        elif written in ("}", "]"):
            if len(levels) > 1:
                levels.pop()
                reader.close(level, levels[-1])
        elif written[0] == '"' and level.is_object and following is not None and following[0] == ":":
            level.name = _meant(written)
            parts += (text[done : token.start()], _masked_string(written))
            done = token.end()
        elif written not in (",", ":"):
            reader.add_value(text[done : token.start()], written, level)
            done = token.end()
        token = following
    while levels:  # of a text that was cut off
        level = levels.pop()
        reader.close(level, levels[-1] if levels else None)
    reader.hide_sides()
    return "".join((*parts, text[done:]))


def _meant(written: str) -> str:
    """What a string means; a word or number is itself."""
    if "\\" not in written:
        return written.strip('"')
    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        return written.strip('"')


def _masked_string(written: str) -> str:
    if "\\" not in written:
        hidden = mask(written)
        return f'"{MASK}"' if hidden == MASK else hidden
    try:
        meant = json.loads(written, strict=False)
    except ValueError:  # it does not end, or has an escape that JSON does not have
        meant = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else "/", written)
        masked = mask(meant)
        return written if masked == meant else masked
    masked = mask_text(meant)
    return written if masked == meant else dump_json(masked)
