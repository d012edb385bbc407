"""Foreign text on pages: what cannot be seen is shown as its code.

A name may hold characters that reorder what stands around it (`bob<U+202E>moc.elpmaxe@evil.example` would read as
bob@example.com), or that take no room, so that two names look alike. Whatever has no look of its own is shown as its
code, marked. Text beyond ASCII stands in `bdi`, so that its direction ends where it does; ASCII cannot reorder anything
and goes without. Pages draw foreign text by these functions only; copies and files hold it as it is.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from accounts.unseen import UNSEEN

_PLAIN = re.compile(r"[A-Za-z0-9 .,:;@_/+*()!?=#%$-]*")  # nothing in it is hidden, and nothing escaped
LINES = frozenset("\n\t")  # what lays out a text of several lines


def is_hidden(character: str) -> bool:
    """Whether a character has no look of its own: controls, directions, tags, blanks other than the usual one."""
    return not character.isprintable() or character in UNSEEN


def marked(text: Any, kept: frozenset[str] = frozenset()) -> SafeString:
    """Foreign text as HTML. What is HTML already stays as it is.

    Args:
        kept: hidden characters that may stand.
    """
    if isinstance(text, SafeString):
        return text
    text = str(text)
    if _PLAIN.fullmatch(text):
        return SafeString(text)
    if text.isascii() and (text.isprintable() or kept.issuperset(letter for letter in text if is_hidden(letter))):
        return SafeString(escape(text))
    pieces = [_mark(character) if _is_coded(character, kept) else escape(character) for character in text]
    shown = "".join(pieces)
    return SafeString(shown if text.isascii() else f"<bdi>{shown}</bdi>")


def marked_address(text: str) -> SafeString:
    """Foreign text as HTML that breaks behind its @, should it be too long for a line, and not within a word."""
    name, at, domain = str(text).rpartition("@")
    return SafeString(f"{marked(name)}{at}<wbr>{marked(domain)}") if at else marked(text)


def marked_lines(text: str) -> SafeString:
    """The same of JSON on several lines, string by string."""
    return SafeString("&quot;".join(marked(part, LINES) for part in text.split('"')))


def with_code(text: Any) -> SafeString:
    """A sentence of ours as HTML, foreign words in it marked: what stands between backticks is code. What is HTML
    already stays as it is."""
    if isinstance(text, SafeString):
        return text
    pieces = str(text).split("`")
    if len(pieces) % 2 == 0:  # one is left alone: what follows it is no code
        pieces[-2:] = ["`".join(pieces[-2:])]
    shown = (f"<code>{marked(piece)}</code>" if place % 2 else marked(piece) for place, piece in enumerate(pieces))
    return SafeString("".join(shown))


def coded(text: Any) -> str:
    """Foreign text where no markup can stand, as in titles: [U+202E]. Not yet escaped."""
    plain = str(text)
    if plain.isprintable() and UNSEEN.isdisjoint(plain):
        return plain
    return "".join(f"[{_code(character)}]" if is_hidden(character) else character for character in plain)


def _is_coded(character: str, kept: frozenset[str]) -> bool:
    return is_hidden(character) and character not in kept


def _mark(character: str) -> str:
    name = unicodedata.name(character, "")
    title = f' title="{escape(name)}"' if name else ""
    return f'<span class="code-mark"{title}>{_code(character)}</span>'


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
