"""Hiding what is sensitive in plain texts, and in addresses of the web wherever they stand."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import unquote

from events.masking.randomness import looks_random
from events.masking.secret_names import is_secret_parameter, says_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "•••"
# They come without slashes: sip:bob:password@example.com.
_SCHEMES = ("sip:", "sips:")
# Besides names, one of these is in every text in which something is to be hidden, in lower case, unless it is in an
# address.
SIGNS = ("=", "bearer ", "basic ", "eyj", *_SCHEMES)
_TEXT_SIGNS = ("://", "private key-", *SIGNS)
# In every address of which a part is to be hidden.
_ODD = re.compile(r"[@?;#=%A-Z]|(?<![a-z0-9])[a-z0-9]{16}")
_PARAMETER = re.compile(r"(?<![\w.\[\]%-])([\w.\[\]%-]++)=")
# A semicolon ends a value only where another parameter follows.
_VALUE = re.compile(r"(?:[^&;#\s\"<>]|;(?![\w.\[\]%-]++=))+")
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
_MOST_DECODED = 3  # times; what is encoded more often is hidden unread


def mask(text: str) -> str:
    """Plain text with what is sensitive in it hidden."""
    return _mask(text, _masked_address)


def may_hide(texts: Iterable[str]) -> bool:
    """Whether `mask` may hide something in one of these texts: not in those of nearly all events."""
    lower = "\n".join(texts).lower()
    for sign in _TEXT_SIGNS:  # noqa: SIM110 - of every row
        if sign in lower:
            return True
    return False


def has_odd_address(text: str) -> bool:
    """Whether a text may hold an address of which a part is to be hidden. Without this none is."""
    return "://" in text and any(map(_ODD.search, _ADDRESS.findall(text)))


def in_addresses(text: str) -> str:
    """A text with parts of the addresses in it hidden, where nothing else is to be."""
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
