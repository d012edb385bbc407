"""Hiding what is sensitive in events: passwords and tokens in webhook addresses, and values that are called secrets.

Everything shown, sent or searched passes here, but the event as received for those who may see it whole; the archive
keeps it whole. What is hidden: users and passwords in addresses, parameters called like credentials, parts of paths
and parameters that look random, values under names such as apiSecret or password, bearer tokens and private keys.
Contexts may be as long and as hostile as they like: every pattern here reads a text once.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from events.fields import dump_json, load_json
from events.nexmo.values import read_float

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MASK = "•••"
# One of these is in every text in which something is to be hidden, in lower case, unless it is in an address.
_SIGNS = (
    *("=", "secret", "token", "pass", "pwd", "signat", "credential", "auth", "private", "bearer"),
    *('jwt"', 'otp"', 'pin"', 'cvv"', 'key"'),
)
# They may stand for any of them: escapes, and JSON within a text.
_ESCAPES = ("\\/", "\\u00", '\\"')
# In every address of which a part is to be hidden; the link that each event has to itself holds none.
_ODD = re.compile(r"[@?;#=A-Z]|(?<![a-z0-9])[a-z0-9]{16}")
_PARAMETER = re.compile(r"[?&;#]([\w.-]++)=")
_CREDENTIAL = re.compile(
    r"token|secret|passw(?:or)?d|pwd|signature|apikey|api_key|auth|\A(?:key|sig|code)\Z", re.IGNORECASE
)
_VALUE = re.compile(r"[^&;#\s\"'<>]++")
_ADDRESS = re.compile(r"://([^\s\"'<>]++)")
_SEPARATORS = re.compile(r"([/?&;#=])")
_RUN = re.compile(r"[A-Za-z0-9_-]{16,}+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_BEARER = re.compile(r"\b(bearer) ++[\w.~+/=-]{8,}+", re.IGNORECASE)
# Strings, of which one that does not end is one to the end of the text; marks; and what else stands between them.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
# Of signs that addresses are made of.
_ESCAPE = re.compile(r"\\u00([2-7][0-9a-fA-F])|\\/")

_NAME_PART = re.compile(r"[A-Z]++(?![a-z])|[A-Z]?[a-z]++|[0-9]++")
_SECRETS = frozenset(
    (
        *("secret", "secrets", "token", "tokens", "password", "passwords", "passwd", "pwd", "passphrase", "passcode"),
        *("signature", "credential", "credentials", "auth", "authorization", "jwt", "otp", "pin", "cvv"),
    )
)
# With one of these before it a key is a secret. Nexmo's API keys are names of accounts, and shown as such.
_KEYS = frozenset(
    ("private", "secret", "access", "signing", "encryption", "auth", "shared", "hmac", "webhook", "license")
)
# The sides of a change, and what else a value may be called beside the name of its field.
_SIDES = frozenset(
    (
        *("old", "new", "before", "after", "previous", "current", "updated", "from", "to"),
        *("value", "values", "text", "string", "hash"),
    )
)
_NAMING = frozenset(("field", "property", "attribute", "name", "key", "path"))
_NOT_HIDDEN = frozenset(("true", "false", "null", '""'))


def mask(text: str) -> str:
    """Plain text with what is sensitive in it hidden."""
    if "=" in text:
        text = _without_parameters(text)
    if "://" in text:
        text = _ADDRESS.sub(_masked_address, text)
    if "earer " in text or "EARER " in text:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    return MASK if "PRIVATE KEY--" in text else text


def mask_json(text: str) -> str:
    """JSON with what is sensitive in it hidden, and letter by letter as it was otherwise, JSON or not."""
    hide = _hider(text)
    return hide(text) if hide else text


def mask_valid_json(text: str) -> str:
    """The same as JSON that every program reads: words for numbers (NaN) become texts."""
    if "NaN" in text or "Infinity" in text:
        text = dump_json(json.loads(text, parse_float=read_float, parse_constant=str))
    return mask_json(text)


def shown(text: str | None) -> Any:
    """What stored JSON says, as it may be shown to anybody who sees the event; None for no text."""
    return load_json(mask_json(text)) if text else None


def shown_value(value: Any) -> Any:
    """The same of a value that was read already."""
    return None if value is None else shown(dump_json(value))


def named_value(name: str, value: Any) -> str:
    """The text of a plain value that stands under this name, as it may be shown."""
    return MASK if is_sensitive(name) else mask(str(value))


def for_reader(text: str, sees_sensitive: Callable[[], bool]) -> str:
    """An event as received: whole for those who may see it so, who are asked only where that makes a difference."""
    hidden = mask_json(text)
    return text if hidden == text or sees_sensitive() else hidden


def _hider(text: str) -> Callable[[str], str] | None:
    """What hides what is sensitive in JSON, by a cheap look: most events hold nothing of the kind (None)."""
    lower = text.lower()
    for sign in _SIGNS:
        if sign in lower:
            return _masked
    if "\\" in lower and any(escape in lower for escape in _ESCAPES):
        return _masked
    if "://" in lower and any(map(_ODD.search, _ADDRESS.findall(text))):
        # Without signs only parts of addresses can be sensitive; without escapes they stand in the text as they are.
        return _masked if "\\" in lower else _in_addresses
    return None


def _in_addresses(text: str) -> str:
    return _ADDRESS.sub(_masked_address, text)


def _without_parameters(text: str) -> str:
    parts: list[str] = []
    done = 0
    for parameter in _PARAMETER.finditer(text):
        start = parameter.end()
        if parameter.start() < done or not _CREDENTIAL.search(parameter[1]):
            continue
        if value := _VALUE.match(text, start):
            parts += (text[done:start], MASK)
            done = value.end()
    return "".join((*parts, text[done:])) if parts else text


def _masked_address(match: re.Match[str]) -> str:
    place, slash, rest = match[1].partition("/")
    user, at, host = place.rpartition("@")
    if user and user != MASK:
        place = f"{MASK}{at}{host}"
    host, mark, query = place.partition("?")
    pieces = _SEPARATORS.split(f"{mark}{query}{slash}{rest}")
    return f"://{host}{''.join([MASK if _looks_random(piece) else piece for piece in pieces])}"


def _looks_random(piece: str) -> bool:
    """Whether a part of an address is more than a word or an id: letters and digits mixed, long, without an order."""
    if len(piece) < 16:
        return False
    for run in _RUN.findall(_UUID.sub("", piece)):
        parts = run.replace("_", "-").split("-")
        for part in parts:
            letters = part.isalpha()
            if len(part) >= 16 and not letters and not part.isdigit() or len(part) >= 24 and letters:
                return True
        if len(run) >= 20 and run.lower() != run != run.upper() and not run.replace("-", "").replace("_", "").isalpha():
            return True
    return False


@lru_cache(maxsize=4096)
def is_sensitive(name: str) -> bool:
    """Whether what stands under this name is a secret, however the name is spelled: apiSecret, old_password."""
    words = [word.lower() for word in _NAME_PART.findall(name[-200:])]
    while words and words[-1] in _SIDES:
        words.pop()
    return bool(words) and (words[-1] in _SECRETS or words[-1] == "key" and len(words) > 1 and words[-2] in _KEYS)


def hides(path: Sequence[str]) -> bool:
    """Whether what stands under these names, one within the other, is a secret."""
    names = list(path)
    while names and _is_side(names[-1]):
        names.pop()
    return bool(names) and is_sensitive(names[-1])


@lru_cache(maxsize=4096)
def _is_side(name: str) -> bool:
    words = [word.lower() for word in _NAME_PART.findall(name[-200:])]
    return bool(words) and all(word in _SIDES for word in words)


class _Level:
    """An object or a list that is open while JSON is read.

    Attributes:
        secret: it stands under a sensitive name: so are its sides, or the items of a list.
        names_secret: it says itself that it is about a sensitive field.
        sides: places of its values that are sides of a change.
    """

    __slots__ = ("is_object", "name", "names_secret", "secret", "sides")

    def __init__(self, is_object: bool, secret: bool) -> None:
        self.is_object, self.secret = is_object, secret
        self.name = ""
        self.names_secret = False
        self.sides: list[int] = []

    def hides(self) -> bool:
        """Whether a plain value that comes now is a secret."""
        if not self.is_object:
            return self.secret
        return is_sensitive(self.name) or self.secret and _is_side(self.name)


def _masked(text: str) -> str:
    parts: list[str] = []
    done = 0
    levels = [_Level(False, False)]
    tokens = _TOKEN.finditer(text)
    token = next(tokens, None)
    while token is not None:
        following = next(tokens, None)
        written, level = token[0], levels[-1]
        if written in ("{", "["):
            levels.append(_Level(written == "{", level.hides()))
        elif written in ("}", "]"):
            if len(levels) > 1:
                levels.pop()
                _hide_sides(level, parts)
        elif written[0] == '"' and level.is_object and following is not None and following[0] == ":":
            level.name = _meant(written)
            new = _masked_string(written)
            parts += (text[done : token.start()], new)
            done = token.end()
        elif written not in (",", ":"):
            parts += (text[done : token.start()], _masked_value(written, level, len(parts) + 1))
            done = token.end()
        token = following
    for level in levels:  # of a text that was cut off
        _hide_sides(level, parts)
    return "".join((*parts, text[done:]))


def _masked_value(written: str, level: _Level, place: int) -> str:
    if level.is_object:
        if level.name.lower() in _NAMING and is_sensitive(_meant(written)):
            level.names_secret = True
        elif _is_side(level.name):
            level.sides.append(place)
    if written in _NOT_HIDDEN:
        return written
    if level.hides():
        return f'"{MASK}"'
    return _masked_string(written) if written[0] == '"' else written


def _hide_sides(level: _Level, parts: list[str]) -> None:
    if level.names_secret:
        for place in level.sides:
            if parts[place] not in _NOT_HIDDEN:
                parts[place] = f'"{MASK}"'


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
    masked = mask_json(meant) if meant[:1] in ("{", "[") else mask(meant)  # JSON within a text
    return written if masked == meant else dump_json(masked)
