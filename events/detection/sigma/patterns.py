"""What a value in a rule means: a test of one value of an event.

Letters' case does not matter (A to Z) unless a rule says `cased`. `*` stands for any characters, `?` for one; a
backslash before either, or before a backslash that would else do so, takes that meaning away.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import re2

from events.detection.sigma.fields import as_number, fold
from events.detection.sigma.wrong import Wrong, gettext_noop

Test = Callable[[Any], bool]  # of a value that is there
ANY, ONE = "*", "?"
LONGEST_REGEX = 1_000
LARGEST_REGEX = 1 << 20  # bytes that re2 may take for one

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = LARGEST_REGEX


class Pattern:
    """Text with wildcards.

    Attributes:
        parts: characters and wildcards in turn, each a pair of text and whether it is a wildcard.
    """

    def __init__(self, parts: list[tuple[str, bool]]) -> None:
        self.parts = parts

    @classmethod
    def read(cls, text: str) -> Pattern:
        """As Sigma writes it."""
        parts: list[tuple[str, bool]] = []
        plain: list[str] = []
        chars = iter(text)
        for char in chars:
            if char == "\\":
                following = next(chars, "")
                plain.append(following if following in ("\\", ANY, ONE) else char + following)
            elif char in (ANY, ONE):
                if plain:
                    parts.append(("".join(plain), False))
                    plain = []
                parts.append((char, True))
            else:
                plain.append(char)
        if plain:
            parts.append(("".join(plain), False))
        return cls(parts)

    def anything_before(self) -> Pattern:
        return self if self.parts[:1] == [(ANY, True)] else Pattern([(ANY, True), *self.parts])

    def anything_after(self) -> Pattern:
        return self if self.parts[-1:] == [(ANY, True)] else Pattern([*self.parts, (ANY, True)])

    @property
    def plain(self) -> str | None:
        """The text, where there are no wildcards."""
        if any(is_wildcard for _, is_wildcard in self.parts):
            return None
        return "".join(text for text, _ in self.parts)

    def test(self, *, cased: bool) -> Test:
        """Whether the text of a value is like this."""
        shape = "".join(text if is_wildcard else "t" for text, is_wildcard in self.parts)
        while "**" in shape:
            shape = shape.replace("**", "*")
        texts = [text if cased else fold(text) for text, is_wildcard in self.parts if not is_wildcard]
        change = str if cased else _folded
        if len(texts) == 1 and ONE not in shape:
            return _one_text(shape, texts[0], change)
        if ONE not in shape:
            at_start, at_end = shape[:1] == "t", shape[-1:] == "t"
            return lambda value: _in_order(texts, at_start, at_end, change(value))
        found = iter(texts)
        regex = "".join({ANY: ".*", ONE: "."}.get(char) or re2.escape(next(found)) for char in shape)
        compiled = re2.compile(f"(?s){regex}", _OPTIONS)
        return lambda value: _searched(compiled.fullmatch, change(value))


def _folded(value: Any) -> str:
    if type(value) is str and value.isascii():
        return value.lower()
    return fold(str(value))


def _one_text(shape: str, text: str, change: Callable[[Any], str]) -> Test:
    """The commonest shapes, each as fast as it can be."""
    if shape == "*t*":
        return lambda value: text in change(value)
    if shape == "t*":
        return lambda value: change(value).startswith(text)
    if shape == "*t":
        return lambda value: change(value).endswith(text)
    return lambda value: change(value) == text


def _in_order(texts: list[str], at_start: bool, at_end: bool, value: str) -> bool:
    """Whether these texts follow one another with anything between: the earliest place for each decides."""
    begin, end = 0, len(value)
    if at_start:
        if not value.startswith(texts[0]):
            return False
        begin = len(texts[0])
    if at_end:
        if not value.endswith(texts[-1]):
            return False
        end -= len(texts[-1])
    for text in texts[at_start : len(texts) - at_end]:
        place = value.find(text, begin, end)
        if place < 0:
            return False
        begin = place + len(text)
    return begin <= end


def _searched(search: Callable[[str], Any], value: str) -> bool:
    try:
        return search(value) is not None
    except UnicodeEncodeError:  # half a surrogate pair
        return search(value.encode("utf-8", "replace").decode()) is not None


def regex_test(text: str, flags: str, line: int) -> Test:
    """Whether a regular expression is found in the text of a value.

    Raises:
        Wrong: re2, which runs in linear time whatever the text, cannot run it.
    """
    if len(text) > LONGEST_REGEX:
        raise Wrong(line, gettext_noop("A regular expression has at most %(most)s characters."), most=LONGEST_REGEX)
    try:
        compiled = re2.compile(f"(?{flags}){text}" if flags else text, _OPTIONS)
    except re2.error as error:
        raise _regex_problem(text, error, line) from None
    return lambda value: _searched(compiled.search, value if isinstance(value, str) else str(value))


LOOKAROUND = gettext_noop(
    "The regular expression looks ahead or behind ((?=, (?!, (?<=, (?<!), which cannot run in linear time."
)
BACK_REFERENCE = gettext_noop(
    "The regular expression refers back to what a group matched (\\1, (?P=name)), which cannot run in linear time."
)
POSSESSIVE = gettext_noop("The regular expression has atomic groups or possessive repeats; plain ones do here.")
TOO_LARGE = gettext_noop("The regular expression would take too much memory.")
NO_REGEX = gettext_noop("“%(text)s” is no regular expression: %(why)s.")


def _regex_problem(text: str, error: Exception, line: int) -> Wrong:
    args = error.args[0] if error.args else b""
    why = args.decode("utf-8", "replace") if isinstance(args, bytes) else str(args)
    if why.startswith("invalid perl operator") or why.startswith("invalid named capture"):
        if "(?>" in why:
            return Wrong(line, POSSESSIVE)
        if "(?P=" in text and "(?P" in why:
            return Wrong(line, BACK_REFERENCE).instead(gettext_noop("Say it in two conditions."))
        if any(sign in why for sign in ("(?=", "(?!", "(?<")):
            return Wrong(line, LOOKAROUND).instead(gettext_noop("Say it as “selection and not filter”."))
    if why.startswith("invalid escape sequence") and why[-1:].isdigit():
        return Wrong(line, BACK_REFERENCE).instead(gettext_noop("Say it in two conditions."))
    if why.startswith("bad repetition operator") and why.endswith("+"):
        return Wrong(line, POSSESSIVE)
    if why.startswith("invalid repetition size"):
        return Wrong(line, TOO_LARGE).instead(gettext_noop("Nothing is repeated more than 1000 times, in all."))
    if "too large" in why:
        return Wrong(line, TOO_LARGE)
    return Wrong(line, NO_REGEX, text=text, why=why)


def cidr_test(text: str, line: int) -> Test:
    """Whether an address lies in a network. IPv4 addresses written as IPv6 are IPv4 addresses."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        problem = Wrong(
            line, gettext_noop("“%(text)s” is no network, such as 192.0.2.0/24 or 2001:db8::/32."), text=text
        )
        try:
            meant = str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise problem from None
        raise problem.instead(gettext_noop("Did you mean %(meant)s?"), meant=meant) from None
    if isinstance(network, ipaddress.IPv4Network):
        first, mask = int(network.network_address), int(network.netmask)
        return lambda value: (address := _address(value, 4)) is not None and address & mask == first
    first, mask = int(network.network_address), int(network.netmask)
    return lambda value: (address := _address(value, 6)) is not None and address & mask == first


def _address(value: Any, version: int) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return int(address) if address.version == version else None


def number_test(number: float) -> Test:
    """Whether a value is this number, or is written like it."""
    written = str(number)
    return lambda value: value == written if isinstance(value, str) else value == number


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def comparison_test(name: str, bound: float) -> Test:
    """Whether a value is a number, or is written as one, on this side of the bound."""
    compare = COMPARISONS[name]
    return lambda value: (number := as_number(value)) is not None and compare(number, bound)
