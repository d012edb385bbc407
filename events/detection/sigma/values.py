"""Reading single values of a rule, each with what would be right in its place."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from events.detection.sigma.document import NOT_TEXT, QUOTES, Part, is_unseen
from events.detection.sigma.fields import TAXONOMY, is_field
from events.detection.sigma.wrong import Wrong, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from events.detection.sigma.rule import Service

# As in Sigma's own library: a month and a year are their mean lengths.
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
LONGEST = timedelta(days=731)
_SPAN = re.compile(r"([0-9]{1,9})([smhdwMy])", re.ASCII)


def check_keys(part: Part, known: Iterable[str], name: str) -> Mapping[str, Part]:
    """The members of a map, none of them unknown."""
    if not part.is_map:
        raise Wrong(part.line, gettext_noop("“%(name)s” must have keys and values."), name=name)
    members: Mapping[str, Part] = part.value
    words = list(known)
    for key, value in members.items():
        if key not in words:
            raise Wrong(value.line, gettext_noop("“%(name)s” has no “%(key)s”."), name=name, key=key).of(key, words)
    return members


def text(part: Part, name: str, most: int, *, is_line: bool = False) -> str:
    """Text to be shown to people."""
    if not isinstance(part.value, str):
        problem = Wrong(part.line, NOT_TEXT, name=name)
        raise problem.instead(QUOTES, text=part.written) if part.written else problem
    value: str = part.value.strip()
    if not value:
        raise Wrong(part.line, gettext_noop("“%(name)s” is empty."), name=name)
    if len(value) > most:
        raise Wrong(part.line, gettext_noop("“%(name)s” has at most %(most)s characters."), name=name, most=most)
    if is_line and "\n" in value:
        raise Wrong(part.line, gettext_noop("“%(name)s” must be a single line."), name=name)
    for char in value:
        if char != "\n" and is_unseen(char):
            code = f"U+{ord(char):04X}"
            raise Wrong(
                part.line,
                gettext_noop("“%(name)s” contains an invisible character: %(code)s."),
                name=name,
                code=code,
            )
    return value


def texts(part: Part, name: str, most: int = 1_000, limit: int = 50) -> tuple[str, ...]:
    """A list of texts; a single one may stand for a list of one."""
    parts = part.value if part.is_list else [part]
    if len(parts) > limit:
        raise Wrong(part.line, gettext_noop("“%(name)s” has at most %(most)s values."), name=name, most=limit)
    return tuple(text(one, name, most) for one in parts)


def one_of(part: Part, name: str, known: Iterable[str]) -> str:
    """A word out of a closed set."""
    words = list(known)
    if not isinstance(part.value, str) or part.value.lower() not in words:
        written = part.written or ""
        raise Wrong(part.line, gettext_noop("“%(name)s” cannot be “%(written)s”."), name=name, written=written).of(
            written, words
        )
    return part.value.lower()


def url(part: Part, name: str) -> str:
    """An address that a browser may be sent to."""
    value = text(part, name, 2_000, is_line=True)
    if not re.match(r"https?://[^\s/]", value, re.IGNORECASE) or any(char.isspace() for char in value):
        raise Wrong(part.line, gettext_noop("“%(name)s” must be an address that begins with https://."), name=name)
    return value


def boolean(part: Part, name: str) -> bool:
    if not isinstance(part.value, bool):
        raise Wrong(part.line, gettext_noop("“%(name)s” takes true or false."), name=name)
    return part.value


def span(part: Part, name: str, *, least: int = 1) -> timedelta:
    """A length of time, such as 30m."""
    match = _SPAN.fullmatch(part.value) if isinstance(part.value, str) else None
    if match is None:
        problem = Wrong(
            part.line, gettext_noop("“%(name)s” must be a number and a unit, such as 90s, 30m, 12h or 7d."), name=name
        )
        if isinstance(part.value, str) and _SPAN.fullmatch(part.value.replace(" ", "").lower()):
            problem.instead(gettext_noop("Did you mean %(near)s?"), near=part.value.replace(" ", "").lower())
        raise problem
    seconds = int(match[1]) * SECONDS[match[2]]
    if seconds < least:
        raise Wrong(part.line, gettext_noop("“%(name)s” must be more than zero."), name=name)
    if seconds > LONGEST.total_seconds():
        raise Wrong(part.line, gettext_noop("“%(name)s” may be at most %(most)s days."), name=name, most=LONGEST.days)
    return timedelta(seconds=seconds)


def number(part: Part, name: str, *, least: float, most: float) -> float:
    if isinstance(part.value, bool) or not isinstance(part.value, (int, float)) or not least <= part.value <= most:
        raise Wrong(
            part.line,
            gettext_noop("“%(name)s” must be a number from %(least)s to %(most)s."),
            name=name,
            least=least,
            most=most,
        )
    return part.value


def field_name(part: Part, name: str, service: Service, known: Iterable[str] = ()) -> str:
    """The name of a field; of one of the known ones, where there are any."""
    allowed = list(known)
    written = part.value if isinstance(part.value, str) else part.written
    if allowed:
        if written not in allowed:
            raise Wrong(part.line, gettext_noop("“%(name)s” cannot be “%(written)s”."), name=name, written=written).of(
                written, allowed
            )
        return written
    if not isinstance(part.value, str) or not is_field(written, service):
        fields = [field for field in TAXONOMY[service] if not field.endswith("*")]
        raise Wrong(part.line, gettext_noop("There is no field “%(name)s”."), name=written).of(written, fields)
    return written


def field_names(part: Part, name: str, service: Service, *, most: int, also: Collection[str] = ()) -> tuple[str, ...]:
    """Fields, none of them twice; other names that go too are in `also`."""
    parts = part.value if part.is_list else [part]
    if len(parts) > most:
        raise Wrong(part.line, gettext_noop("“%(name)s” has at most %(most)s values."), name=name, most=most)
    names = tuple(one.value if one.value in also else field_name(one, name, service) for one in parts)
    for place, one in enumerate(names):
        if one in names[:place]:
            raise Wrong(parts[place].line, gettext_noop("“%(name)s” is listed twice."), name=one)
    return names
