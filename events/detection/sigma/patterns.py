"""What a value in a rule means: a test of one value of an event.

Letters' case does not matter (A to Z) unless a rule says `cased`. `*` stands for any characters, `?` for one; a
backslash before either, or before a backslash that would else do so, takes that meaning away.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import re2

from events.detection.sigma.fields import as_number, fold
from events.detection.sigma.regexes import compiled, found_by
from events.detection.sigma.wrong import Wrong, gettext_noop

Test = Callable[[Any], bool]  # of a value that is there
ANY, ONE = "*", "?"


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
        if not cased and shape in ("t*", "*t"):
            return Edge(shape == "t*", (texts[0],))
        if len(texts) == 1 and ONE not in shape:
            return _one_text(shape, texts[0], change)
        if ONE not in shape:
            at_start, at_end = shape[:1] == "t", shape[-1:] == "t"
            return lambda value: _in_order(texts, at_start, at_end, change(value))
        found = iter(texts)
        regex = "".join({ANY: ".*", ONE: "."}.get(char) or re2.escape(next(found)) for char in shape)
        search = compiled(rf"(?s)\A{regex}\z").search
        return lambda value: found_by(search, change(value))


@dataclass(frozen=True)
class Edge:
    """Whether a value begins, or ends, with one of some texts in lower case: in one look, however many they are."""

    at_start: bool
    texts: tuple[str, ...]

    def __call__(self, value: Any) -> bool:
        text = _folded(value)
        return text.startswith(self.texts) if self.at_start else text.endswith(self.texts)


def any_of(tests: Iterable[Test]) -> list[Test]:
    """As few tests as say whether one of these holds."""
    edges: dict[bool, tuple[str, ...]] = {}
    others = []
    for test in tests:
        if isinstance(test, Edge):
            edges[test.at_start] = edges.get(test.at_start, ()) + test.texts
        else:
            others.append(test)
    return [*(Edge(at_start, texts) for at_start, texts in edges.items()), *others]


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


def cidr_test(text: str, line: int) -> Test:
    """Whether an address lies in a network. IPv4 addresses written as IPv6 are IPv4 addresses."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        problem = Wrong(
            line, gettext_noop("“%(text)s” is not a network such as 192.0.2.0/24 or 2001:db8::/32."), text=text
        )
        try:
            meant = str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise problem from None
        raise problem.instead(gettext_noop("Did you mean %(near)s?"), near=meant) from None
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
