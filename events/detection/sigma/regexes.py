"""Regular expressions. They run in re2, in time linear in the text, whatever the expression.

An expression that other engines could take for ever over is refused all the same: rules are written to be shared, and
such a one is a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import re2

from events.detection.sigma.wrong import Wrong, gettext_noop

LONGEST = 1_000  # characters
LARGEST = 1 << 20  # bytes that re2 may take for one
DEEPEST = 30
MANY = 10  # repeats that are as good as without end

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = LARGEST

LOOKAROUND = gettext_noop(
    "The regular expression looks ahead or behind ((?=, (?!, (?<=, (?<!), which cannot run in linear time."
)
BACK_REFERENCE = gettext_noop(
    "The regular expression refers back to what a group matched (\\1, (?P=name)), which cannot run in linear time."
)
POSSESSIVE = gettext_noop("The regular expression has atomic groups or possessive repeats. Plain ones will do here.")
TOO_LARGE = gettext_noop("The regular expression would take too much memory.")
ENDLESS = gettext_noop(
    "The regular expression repeats “%(part)s”, which can match the same text in many ways: other engines might "
    "never finish."
)
NO_REGEX = gettext_noop("“%(text)s” is not a regular expression: %(why)s.")


def compiled(text: str) -> Any:
    """For re2; raises `re2.error`."""
    return re2.compile(text, _OPTIONS)


def found_by(search: Callable[[str], Any], value: str) -> bool:
    """Whether a search finds anything in a text, even in one that is not well-formed."""
    try:
        return search(value) is not None
    except UnicodeEncodeError:  # half a surrogate pair
        return search(value.encode("utf-8", "replace").decode()) is not None


def regex_test(text: str, flags: str, line: int) -> Callable[[Any], bool]:
    """Whether a regular expression is found in the text of a value.

    Raises:
        Wrong: it cannot run in re2, or not elsewhere.
    """
    if len(text) > LONGEST:
        raise Wrong(line, gettext_noop("A regular expression has at most %(most)s characters."), most=LONGEST)
    try:
        search = compiled(f"(?{flags}){text}" if flags else text).search
    except re2.error as error:
        raise _problem(text, error, line) from None
    reader = _Reader(text)
    ambiguous = _ambiguous(reader.group())
    if reader.is_too_deep:
        raise Wrong(
            line, gettext_noop("The regular expression is nested more than %(most)s levels deep."), most=DEEPEST
        )
    if ambiguous:
        raise Wrong(line, ENDLESS, part=ambiguous).instead(gettext_noop("Repeat it once."))
    return lambda value: found_by(search, value if isinstance(value, str) else str(value))


def _problem(text: str, error: Exception, line: int) -> Wrong:
    told = error.args[0] if error.args else b""
    why = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    in_two = gettext_noop("Say it in two conditions.")
    if why.startswith(("invalid perl operator", "invalid named capture")):
        if "(?>" in why:
            return Wrong(line, POSSESSIVE)
        if "(?P" in why and "(?P=" in text:
            return Wrong(line, BACK_REFERENCE).instead(in_two)
        if any(sign in why for sign in ("(?=", "(?!", "(?<")):
            return Wrong(line, LOOKAROUND).instead(gettext_noop("Say it as “selection and not filter”."))
    if why.startswith("invalid escape sequence") and why[-1:].isdigit():
        return Wrong(line, BACK_REFERENCE).instead(in_two)
    if why.startswith("bad repetition operator") and why.endswith("+"):
        return Wrong(line, POSSESSIVE)
    if why.startswith("invalid repetition size"):
        return Wrong(line, TOO_LARGE).instead(gettext_noop("Nothing may be repeated more than 1000 times in total."))
    if "too large" in why:
        return Wrong(line, TOO_LARGE)
    return Wrong(line, NO_REGEX, text=text, why=why)


@dataclass
class _Piece:
    """A character, a class or a group, with how often it may stand there."""

    text: str
    alternatives: list[list[_Piece]] = field(default_factory=list)  # of a group
    least: int = 1
    is_endless: bool = False

    @property
    def can_be_empty(self) -> bool:
        """A group as far as its alternatives say; anything but a character or class is empty itself."""
        if not self.least or self.text in ("^", "$") or re.fullmatch(r"\\[AbBz]", self.text):
            return True
        return any(all(piece.can_be_empty for piece in part) for part in self.alternatives)


_ATOM = re.compile(
    r"\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|x[0-9A-Fa-f]{2}|Q.*?(?:\\E|$)|.)|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*+(?:\]|\Z)|.",
    re.DOTALL,
)
_OFTEN = re.compile(r"(?:([*+?])|\{(\d+)(,?)(\d*)\})\??")
_OPENING = re.compile(r"\((?:\?(?:P?<\w+>|[a-zA-Z-]*:|[a-zA-Z-]+(?=\))))?")


class _Reader:
    """Reads an expression that re2 has accepted, as far as repeats go."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0
        self.is_too_deep = False

    def group(self) -> list[list[_Piece]]:
        """The alternatives up to the group's end."""
        alternatives: list[list[_Piece]] = [[]]
        if self.depth > DEEPEST:
            self.is_too_deep = True
            self.place = len(self.text)
        while self.place < len(self.text) and self.text[self.place] != ")":
            if self.text[self.place] == "|":
                self.place += 1
                alternatives.append([])
            else:
                alternatives[-1].append(self._piece())
        return alternatives

    def _piece(self) -> _Piece:
        start = self.place
        if opening := _OPENING.match(self.text, start):
            self.place = opening.end()
            self.depth += 1
            alternatives = self.group()
            self.depth -= 1
            self.place += 1
            piece = _Piece(self.text[start : self.place], alternatives)
        else:
            atom = _ATOM.match(self.text, start)
            self.place = atom.end() if atom else start + 1
            piece = _Piece(self.text[start : self.place])
        while often := _OFTEN.match(self.text, self.place):
            self.place = often.end()
            sign, least, comma, most = often.groups()
            if sign in ("*", "?") or (least and not int(least)):
                piece.least = 0
            if sign in ("*", "+") or (comma and not most) or int(most or least or 0) >= MANY:
                piece.is_endless = True
        return piece


def _ambiguous(alternatives: list[list[_Piece]]) -> str:
    """A repeated group that can match one text in exponentially many ways; "" where none was found."""
    for part in alternatives:
        for piece in part:
            if (
                piece.is_endless
                and piece.alternatives
                and (_repeats(piece.alternatives) or _overlap(piece.alternatives))
            ):
                return piece.text
            if inner := _ambiguous(piece.alternatives):
                return inner
    return ""


def _repeats(alternatives: list[list[_Piece]]) -> bool:
    """Whether one of them is nothing but something repeated: (a+)+, (a*b?)*."""
    for part in alternatives:
        for piece in part:
            others_can_be_empty = all(other.can_be_empty for other in part if other is not piece)
            if others_can_be_empty and (piece.is_endless or (piece.alternatives and _repeats(piece.alternatives))):
                return True
    return False


def _overlap(alternatives: list[list[_Piece]]) -> bool:
    """Whether two of them match the same character, or one is another twice: (a|a)*, (.|a)*, (a|aa)*."""
    single = [_chars(part[0].text) for part in alternatives if len(part) == 1 and not part[0].alternatives]
    seen: set[str] = set()
    for chars in single:
        if seen & chars:
            return True
        seen |= chars
    texts = [[piece.text for piece in part] for part in alternatives if part]
    return any(len(one) < len(other) and one * (len(other) // len(one)) == other for one in texts for other in texts)


def _chars(atom: str) -> set[str]:
    """The characters of ASCII that a single one matches."""
    try:
        search = compiled(rf"\A(?s:{atom})\z").search
    except re2.error:
        return set()
    return {chr(code) for code in range(128) if search(chr(code)) is not None}
