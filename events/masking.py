"""Hiding what is sensitive in events: passwords and tokens in webhook addresses, and values that are called secrets.

Everything shown, sent or searched passes here, but the event as received for those who may see it whole; the archive
keeps it whole. What is hidden: users and passwords in addresses, parameters called like credentials, parts of paths
and parameters that look random, values under names such as apiSecret or password (`events.secret_names`), credentials
of HTTP, web tokens and private keys. Contexts may be as long and as hostile as they like: every pattern here reads a
text once.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import re2

from events.fields import dump_json, load_json
from events.nexmo.values import read_float
from events.randomness import looks_random
from events.secret_names import (
    LISTS,
    NO_SECRETS,
    PIECES,
    is_end_of_period,
    is_ordinary,
    is_secret,
    is_secret_parameter,
    is_side,
    is_side_of_change,
    may_name_secret,
    names_field,
    says_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MASK = "•••"
# They come without slashes: sip:bob:password@example.com.
_SCHEMES = ("sip:", "sips:")
# Besides names, one of these is in every text in which something is to be hidden, in lower case, unless it is in an
# address.
_SIGNS = ("=", "bearer ", "basic ", "eyj", *_SCHEMES)
_TEXT_SIGNS = ("://", "private key-", *_SIGNS)
# They may stand for any of them: escapes, and JSON within a text.
_ESCAPES = ("\\/", "\\u00", '\\"')
# One of all these is in each text of which more than parts of addresses is to be hidden; looked for in one pass.
_HINTS = re2.compile(b"(?i)" + b"|".join(re2.escape(hint.encode()) for hint in (*_SIGNS, *PIECES, "\\")))
# In every address of which a part is to be hidden.
_ODD = re.compile(r"[@?;#=%A-Z]|(?<![a-z0-9])[a-z0-9]{16}")
# With this most events begin: the link to itself.
_LINK = re.compile(
    r'\{"_links": ?\{"self": ?\{"href": ?"https?://[a-z0-9.:-]{1,80}/beta/audit/events/'
    r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"\}\}'
)
_PARAMETER = re.compile(r"(?<![\w.\[\]%-])([\w.\[\]%-]++)=")
# A semicolon ends a value only where another parameter follows.
_VALUE = re.compile(r"(?:[^&;#\s\"<>]|;(?![\w.\[\]%-]++=))++")
_ADDRESS = re.compile(r"://([^\s\"<>]++)")
# As browsers read it: what stands behind these is no host, whatever it looks like.
_AUTHORITY = re.compile(r"://([^\s\"<>/?#\\]++)")
_PIECE = re.compile(r"[^/?&;#=\s\"<>]++")
_SEPARATORS = re.compile(r"([/?&;#=])")
_LONG_PIECE = re.compile(r"(?<=[/?&;#=])[^/?&;#=]{16,}+")
_BEARER = re.compile(r"\b(bearer) ++[\w.~+/=-]{8,}+", re.IGNORECASE)
_BASIC = re.compile(r"\b(basic) ++([A-Za-z0-9+/]{4,}+={0,2})", re.IGNORECASE)
_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+){0,3}")
_CALLED = re.compile(r"\b(sips?:[^\s\"<>@:/]{1,300}+:)[^\s\"<>@]{1,300}+@", re.IGNORECASE)
# Strings, of which one that does not end is one to the end of the text; marks; and what else stands between them.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
# Of signs that addresses are made of.
_ESCAPE = re.compile(r"\\u00([2-7][0-9a-fA-F])|\\/")
_NOT_HIDDEN = frozenset((*NO_SECRETS, *(f'"{word}"' for word in NO_SECRETS)))
_LONGEST_NOT_HIDDEN = max(map(len, _NOT_HIDDEN))
_MOST_DECODED = 3  # times; what is encoded more often is hidden unread
# Texts that are looked through at once, and about how many characters: among more would often be one with a sign.
_MOST_TOGETHER, _LONGEST_TOGETHER = 8, 20_000


def mask(text: str) -> str:
    """Plain text with what is sensitive in it hidden."""
    return _mask(text, _masked_address)


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
        return (mask_json(text) if _has_hint(text) else _in_addresses(text) for text in texts)
    return _in_addresses(together).split("\n") if texts else ()  # addresses end at the end of a line


def mask_valid_json(text: str) -> str:
    """The same as JSON that every program reads: words for numbers (NaN) become texts."""
    return mask_json(with_valid_numbers(text))


def with_valid_numbers(text: str) -> str:
    """JSON that every program reads: words for numbers (NaN) become texts."""
    if "NaN" in text or "Infinity" in text:
        return dump_json(json.loads(text, parse_float=read_float, parse_constant=str))
    return text


def may_hide(texts: Iterable[str]) -> bool:
    """Whether `mask` may hide something in one of these texts: not in those of nearly all events."""
    lower = "\n".join(texts).lower()
    for sign in _TEXT_SIGNS:  # noqa: SIM110 - of every row
        if sign in lower:
            return True
    return False


def shown(text: str | None) -> Any:
    """What stored JSON says, as it may be shown to anybody who sees the event; None for no text."""
    return load_json(mask_json(text)) if text else None


def both(text: str | None) -> tuple[Any, Any]:
    """What stored JSON says, and what of it may be shown: one and the same where that is all."""
    if not text:
        return None, None
    real, hidden = load_json(text), mask_json(text)
    return real, real if hidden == text else load_json(hidden)


def shown_value(value: Any) -> Any:
    """The same of a value that was read already."""
    return None if value is None else shown(dump_json(value))


def named_value(name: str, value: Any) -> str:
    """The text of a plain value of a field of events, such as context.changes.newValue, as it may be shown.

    One side of a change is hidden where not its own name but another value of the event says what it is of.
    """
    names = name.split(".")
    is_side_alone = names[0] == "context" and is_side_of_change(names[-1])
    while len(names) > 1 and is_side(names[-1]):
        names.pop()
    told_elsewhere = is_side_alone and names[-1].lower() in LISTS
    secret = is_secret(names[-1]) or not is_ordinary(names[-1]) and any(map(is_secret, names[1:-1]))
    if (secret or told_elsewhere) and str(value).lower() not in NO_SECRETS:
        return MASK
    return _masked_text(str(value))


def for_reader(text: str, sees_sensitive: Callable[[], bool]) -> str:
    """An event as received: whole for those who may see it so, who are asked only where that makes a difference."""
    hidden = mask_json(text)
    return text if hidden == text or sees_sensitive() else hidden


def _hider(text: str) -> Callable[[str], str] | None:
    """What hides what is sensitive in JSON, by a cheap look: most events hold nothing of the kind (None)."""
    if link := _LINK.match(text):
        text = text[link.end() :]
    if _has_hint(text):
        lower = text.lower()
        if any(sign in lower for sign in (*_SIGNS, *_ESCAPES)) or may_name_secret(text, lower):
            return _masked
    if "://" in text and any(map(_ODD.search, _ADDRESS.findall(text))):
        # Without signs only parts of addresses can be sensitive; without escapes they stand in the text as they are.
        return _masked if "\\" in text else _in_addresses
    return None


def _has_hint(text: str) -> bool:
    return _HINTS.search(text.encode("utf-8", "surrogatepass")) is not None


def _in_addresses(text: str) -> str:
    return _ADDRESS.sub(_masked_address, text)


def _mask(text: str, masked_address: Callable[[re.Match[str]], str]) -> str:
    if "=" in text:
        text = _without_parameters(text, decode=masked_address is _masked_address)
    if "://" in text:
        text = _ADDRESS.sub(masked_address, text)
    if "@" in text and ":" in text:
        text = _CALLED.sub(rf"\1{MASK}@", text)
    if "earer " in text or "EARER " in text:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    if "asic " in text or "ASIC " in text:
        text = _BASIC.sub(_masked_basic, text)
    if "eyJ" in text:
        text = _WEB_TOKEN.sub(MASK, text)
    return MASK if "PRIVATE KEY--" in text else text


def _without_parameters(text: str, *, decode: bool) -> str:
    parts: list[str] = []
    done = 0
    for parameter in _PARAMETER.finditer(text):
        start = parameter.end()
        if parameter.start() < done:
            continue
        name = unquote(parameter[1]) if "%" in parameter[1] else parameter[1]
        if not is_secret_parameter(name):
            continue
        value = _VALUE.match(text, start)
        if value and not says_nothing(name, value[0]):
            parts += (text[done:start], MASK)
            done = value.end()
    text = "".join((*parts, text[done:])) if parts else text
    return _PIECE.sub(_masked_encoded, text) if decode and "%" in text else text


def _masked_encoded(match: re.Match[str]) -> str:
    return MASK if "%" in match[0] and _is_sensitive_decoded(match[0]) else match[0]


def _masked_address(match: re.Match[str], *, decode: bool = True) -> str:
    address = match[0]
    if "@" in address:
        address = _AUTHORITY.sub(_without_user, address)
    if "@" in address or "%" in address:
        host, *pieces = _SEPARATORS.split(address[3:])
        return f"://{host}{''.join([_masked_piece(piece, decode=decode) for piece in pieces])}"
    path = _SEPARATORS.search(address, 3)
    if path is None:
        return address
    return address[: path.start()] + _LONG_PIECE.sub(_masked_random, address[path.start() :])


def _masked_random(match: re.Match[str]) -> str:
    return MASK if looks_random(match[0]) else match[0]


def _masked_read_address(match: re.Match[str]) -> str:
    return _masked_address(match, decode=False)


def _without_user(match: re.Match[str]) -> str:
    user, at, host = match[1].rpartition("@")
    return f"://{MASK}{at}{host}" if user else match[0]


def _masked_piece(piece: str, *, decode: bool) -> str:
    if looks_random(piece) or decode and "%" in piece and _is_sensitive_decoded(piece):
        return MASK
    user, at, host = piece.rpartition("@")
    if ":" in user and not user.startswith(("mailto:", "sip:", "sips:")):
        return f"{MASK}{at}{host}"
    return piece


def _is_sensitive_decoded(text: str) -> bool:
    """Whether something sensitive comes to light when a part of an address is decoded, as often as it was encoded."""
    for _ in range(_MOST_DECODED):
        decoded = unquote(text)
        if decoded == text:
            return False
        if _mask(decoded, _masked_read_address) != decoded:
            return True
        text = decoded
    return unquote(text) != text


def _masked_basic(match: re.Match[str]) -> str:
    """Name and password as HTTP has them; "Basic authentication" is none."""
    encoded = match[2].rstrip("=")
    try:
        is_pair = b":" in b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        is_pair = False
    return f"{match[1]} {MASK}" if is_pair else match[0]


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
    masked = _masked_text(meant)
    return written if masked == meant else dump_json(masked)


def _masked_text(text: str) -> str:
    """A text that may be JSON, or hold some."""
    masked = mask(text)
    return mask_json(masked) if '"' in masked else masked
