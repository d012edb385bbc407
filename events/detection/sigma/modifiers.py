"""What stands behind a field's name: `context.http|contains|all`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from events.detection.sigma.document import QUOTES, Part
from events.detection.sigma.fields import PROBLEMS, WHOLE_TEXT, fold, is_field
from events.detection.sigma.fields import TAXONOMY as FIELDS
from events.detection.sigma.patterns import (
    COMPARISONS,
    Pattern,
    Test,
    any_of,
    cidr_test,
    comparison_test,
    number_test,
)
from events.detection.sigma.regexes import regex_test
from events.detection.sigma.tree import All, Any_, Item, Matches, Node, Not
from events.detection.sigma.wrong import Wrong, gettext_noop

if TYPE_CHECKING:
    from events.detection.sigma.rule import Fields, Service

# What the documentation says of each (docs/detection-rules.md; a test keeps them in step).
MODIFIERS = {
    "contains": gettext_noop("The value contains the text."),
    "startswith": gettext_noop("The value begins with the text."),
    "endswith": gettext_noop("The value ends with the text."),
    "cased": gettext_noop("Case matters. Without it, A to Z equal a to z."),
    "all": gettext_noop("All values of the list must match, not just one."),
    "neq": gettext_noop(
        "Not equal: matches where the item without it would not, including where the field is missing."
    ),
    "re": gettext_noop("The regular expression is found in the value. Case matters. It runs in re2."),
    "i": gettext_noop("After `re`: case does not matter."),
    "m": gettext_noop("After `re`: `^` and `$` match at the ends of each line."),
    "s": gettext_noop("After `re`: a dot matches line breaks too."),
    "cidr": gettext_noop("The address is in this network."),
    "exists": gettext_noop("`true`: the field is there; `false`: it is not."),
    "gt": gettext_noop("The number is greater."),
    "gte": gettext_noop("The number is greater or equal."),
    "lt": gettext_noop("The number is less."),
    "lte": gettext_noop("The number is less or equal."),
    "fieldref": gettext_noop("The value equals that of another field, named here."),
}
LONG_NAMES = {"ignorecase": "i", "multiline": "m", "dotall": "s"}
_ENCODED = gettext_noop("Audit events contain no encoded text, so “%(name)s” is not supported.")
_TIMES = gettext_noop(
    "The time of an event is not a field, so “%(name)s” is not supported; “custom” has unusual_hours."
)
REFUSED = {
    **dict.fromkeys(("base64", "base64offset", "wide", "utf16", "utf16le", "utf16be"), _ENCODED),
    **dict.fromkeys(("minute", "hour", "day", "week", "month", "year"), _TIMES),
    "windash": gettext_noop("Audit events contain no command lines, so “%(name)s” is not supported."),
    "expand": gettext_noop("There is nothing here to fill placeholders with, so “%(name)s” is not supported."),
}
_SHAPES = ("contains", "startswith", "endswith")
_FLAGS = ("i", "m", "s")
# At most one of these decides what a value means.
_KINDS = ("re", "cidr", "exists", *COMPARISONS, "fieldref")

_COSTS = {"re": 40, "cidr": 20, "fieldref": 10}
_MANY = 1_000
NO_VALUE = gettext_noop("“%(name)s” has no value.")
EMPTY_TEXT = gettext_noop("Empty text matches nothing here: a field without text counts as missing.")
WRITE_NULL = gettext_noop("Write null for missing fields.")


@dataclass
class Asked:
    """A field and its modifiers, read."""

    name: str
    service: Service
    line: int
    kind: str = ""
    shape: str = ""
    flags: str = ""
    cased: bool = False
    every: bool = False
    negated: bool = False
    seen: list[str] = field(default_factory=list)


def item(key: str, part: Part, service: Service) -> Node:
    """One item of a selection: a field with its modifiers, and one value or several.

    Raises:
        Wrong: there is no such field or modifier, or they do not go together with each other or the values.
    """
    asked = _asked(key, part.line, service)
    parts: list[Part] = part.value if part.is_list else [part]
    if not parts:
        raise Wrong(part.line, NO_VALUE, name=key)
    if len(parts) > _MANY:
        raise Wrong(part.line, gettext_noop("An item has at most %(most)s values."), most=_MANY)
    for value in parts:
        if value.is_map or value.is_list:
            raise Wrong(value.line, gettext_noop("The values of “%(name)s” must be plain text or numbers."), name=key)
    node = _every(asked, parts) if asked.every else _one_of(asked, parts)
    return Not(node) if asked.negated else node


def _asked(key: str, line: int, service: Service) -> Asked:
    name, *modifiers = key.split("|")
    if name == WHOLE_TEXT:
        pass  # keywords
    elif not is_field(name, service):
        known = [field for field in FIELDS[service] if not field.endswith("*")]
        problem = Wrong(line, gettext_noop("There is no field “%(name)s”."), name=name).of(name, known)
        if service == "audit":
            problem.instead(gettext_noop("An event's own details are “context.” and a key."))
        raise problem
    asked = Asked(name, service, line)
    for modifier in modifiers:
        _apply(asked, LONG_NAMES.get(modifier, modifier))
    if asked.name == WHOLE_TEXT and (asked.kind not in ("", "re") or asked.shape in ("startswith", "endswith")):
        raise Wrong(line, gettext_noop("“%(name)s” needs a field before it."), name=f"|{'|'.join(modifiers)}")
    if asked.kind in ("exists", "cidr", *COMPARISONS) and (asked.cased or asked.shape):
        raise _apart(asked, asked.kind, "cased" if asked.cased else asked.shape)
    if asked.kind == "re" and (asked.shape or asked.cased):
        other = asked.shape or "cased"
        raise _apart(asked, "re", other).instead(
            gettext_noop("A regular expression is found anywhere, with ^ at the beginning and with $ at the end.")
        )
    if asked.kind == "exists" and asked.every:
        raise _apart(asked, "exists", "all")
    return asked


def _apply(asked: Asked, modifier: str) -> None:
    if modifier in REFUSED:
        raise Wrong(asked.line, REFUSED[modifier], name=modifier)
    if modifier not in MODIFIERS:
        known = MODIFIERS
        raise Wrong(asked.line, gettext_noop("There is no modifier “%(name)s”."), name=modifier).of(modifier, known)
    if modifier in asked.seen:
        raise Wrong(asked.line, gettext_noop("“%(name)s” is listed twice."), name=modifier)
    asked.seen.append(modifier)
    if modifier in _KINDS:
        if asked.kind:
            raise _apart(asked, asked.kind, modifier)
        asked.kind = modifier
    elif modifier in _SHAPES:
        if asked.shape:
            raise _apart(asked, asked.shape, modifier)
        asked.shape = modifier
    elif modifier in _FLAGS:
        if asked.kind != "re":
            raise Wrong(asked.line, gettext_noop("“%(name)s” is allowed only after “re”."), name=modifier)
        asked.flags += modifier
    elif modifier == "cased":
        asked.cased = True
    elif modifier == "all":
        asked.every = True
    else:
        asked.negated = True


def _apart(asked: Asked, first: str, second: str) -> Wrong:
    return Wrong(
        asked.line,
        gettext_noop("“%(first)s” and “%(second)s” cannot be combined."),
        first=first,
        second=second,
    )


def _every(asked: Asked, parts: list[Part]) -> Node:
    nodes = tuple(_one_of(asked, [part]) for part in parts)
    return nodes[0] if len(nodes) == 1 else All(nodes)


def _one_of(asked: Asked, parts: list[Part]) -> Node:
    """Any of the values. Those that are plain text are one look into a set."""
    if asked.kind == "exists":
        return _exists(asked, parts)
    if asked.kind == "fieldref":
        nodes = tuple(_reference(asked, part) for part in parts)
        return nodes[0] if len(nodes) == 1 else Any_(nodes)
    plain: set[str] = set()
    tests: list[Test] = []
    has_null = False
    for part in parts:
        if part.value is None:
            _check_null(asked, part)
            has_null = True
            continue
        text, test = _value(asked, part)
        if test is not None:
            tests.append(test)
        else:
            plain.add(text)
    return _item(asked, frozenset(plain), any_of(tests), has_null)


def _item(asked: Asked, plain: frozenset[str], tests: list[Test], has_null: bool) -> Item:
    name = asked.name
    if has_null and not plain and not tests:
        return Item(name, partial(_is_absent, name), _cost(asked), frozenset({""}))
    if not tests:
        matches = _is_in(name, plain)
    else:
        tests = [partial(_in_set, plain), *tests] if plain else tests
        matches = _satisfies(name, tests[0]) if len(tests) == 1 else _satisfies_any(name, tests)
    if has_null:
        present = matches
        matches = lambda fields: fields.get(name) is None or present(fields)  # noqa: E731
    exact = plain | ({""} if has_null else set()) if not tests else None
    return Item(name, matches, _cost(asked) + len(tests), frozenset(exact) if exact is not None else None)


def _cost(asked: Asked) -> int:
    base = 1 if "context" not in asked.name and asked.name != WHOLE_TEXT else 10
    return base + _COSTS.get(asked.kind, 0)


def _is_absent(name: str, fields: Fields) -> bool:
    return fields.get(name) is None


def _is_present(name: str, fields: Fields) -> bool:
    return fields.get(name) is not None


def _is_in(name: str, wanted: frozenset[str]) -> Matches:
    """Whether a value is one of these, which are in lower case."""

    def matches(fields: Fields) -> bool:
        value = fields.get(name)
        if type(value) is str:
            return (value.lower() if value.isascii() else fold(value)) in wanted
        if value is None:
            return False
        return any(fold(str(one)) in wanted for one in (value if isinstance(value, list) else (value,)))

    return matches


def _satisfies(name: str, test: Test) -> Matches:
    def matches(fields: Fields) -> bool:
        value = fields.get(name)
        if value is None:
            return False
        return any(map(test, value)) if type(value) is list else test(value)

    return matches


def _satisfies_any(name: str, tests: list[Test]) -> Matches:
    def matches(fields: Fields) -> bool:
        value = fields.get(name)
        if value is None:
            return False
        values = value if type(value) is list else (value,)
        return any(test(one) for one in values for test in tests)

    return matches


def _in_set(wanted: frozenset[str], value: Any) -> bool:
    return fold(str(value)) in wanted


def _exists(asked: Asked, parts: list[Part]) -> Item:
    value = parts[0].value
    if len(parts) > 1 or not isinstance(value, bool):
        raise Wrong(asked.line, gettext_noop("“%(name)s” takes true or false."), name="exists")
    if value:
        return Item(asked.name, partial(_is_present, asked.name), _cost(asked))
    return Item(asked.name, partial(_is_absent, asked.name), _cost(asked), frozenset({""}))


def _reference(asked: Asked, part: Part) -> Item:
    other = part.value
    if not isinstance(other, str) or not is_field(other, asked.service):
        known = [name for name in FIELDS[asked.service] if not name.endswith("*")]
        raise Wrong(part.line, gettext_noop("There is no field “%(name)s”."), name=str(part.written)).of(
            str(part.written), known
        )
    alike: dict[str, Callable[[str, str], bool]] = {
        "": str.__eq__,
        "contains": str.__contains__,
        "startswith": str.startswith,
        "endswith": str.endswith,
    }
    change = str if asked.cased else fold
    return Item("", partial(_refers, asked.name, other, alike[asked.shape], change), _cost(asked))


def _refers(
    name: str, other: str, alike: Callable[[str, str], bool], change: Callable[[str], str], fields: Fields
) -> bool:
    mine, theirs = (_list(fields.get(field)) for field in (name, other))
    return any(alike(change(str(one)), change(str(two))) for one in mine for two in theirs)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_null(asked: Asked, part: Part) -> None:
    if asked.kind or asked.shape or asked.cased or asked.name == WHOLE_TEXT:
        if asked.name == WHOLE_TEXT:
            raise Wrong(part.line, gettext_noop("Keywords must be text."))
        modifier = asked.kind or asked.shape or "cased"
        raise Wrong(part.line, gettext_noop("“%(name)s” does not accept null."), name=modifier)


def _value(asked: Asked, part: Part) -> tuple[str, Test | None]:
    """Plain text in lower case, or else a test."""
    value = part.value
    if asked.kind in COMPARISONS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Wrong(part.line, gettext_noop("“%(name)s” takes a number."), name=asked.kind)
        return "", comparison_test(asked.kind, value)
    if isinstance(value, bool):
        return _boolean(asked, part)
    if isinstance(value, (int, float)):
        if not (asked.kind or asked.shape or asked.cased) and asked.name != WHOLE_TEXT:
            return "", number_test(value)
        value = part.written
    if value == "":
        raise Wrong(part.line, EMPTY_TEXT).instead(WRITE_NULL)
    if asked.kind == "re":
        return "", regex_test(value, "".join(sorted(asked.flags)), part.line)
    if asked.kind == "cidr":
        return "", cidr_test(value, part.line)
    return _text(asked, value, part)


def _text(asked: Asked, value: str, part: Part) -> tuple[str, Test | None]:
    pattern = Pattern.read(value)
    if asked.shape in ("contains", "endswith") or asked.name == WHOLE_TEXT:
        pattern = pattern.anything_before()
    if asked.shape in ("contains", "startswith") or asked.name == WHOLE_TEXT:
        pattern = pattern.anything_after()
    plain = pattern.plain
    if plain is None or asked.cased:
        return "", pattern.test(cased=asked.cased)
    if asked.service == "sync" and asked.name == "problem" and fold(plain) not in PROBLEMS:
        raise Wrong(part.line, gettext_noop("The site knows no problem “%(name)s”."), name=plain).of(plain, PROBLEMS)
    return fold(plain), None


def _boolean(asked: Asked, part: Part) -> tuple[str, Test | None]:
    """What YAML takes for true or false: in a context that may be meant, elsewhere it is Norway."""
    is_meant = part.written.lower() in ("true", "false") and asked.name.startswith("context.")
    if not is_meant or asked.kind or asked.shape or asked.cased:
        problem = Wrong(
            part.line, gettext_noop("YAML reads %(text)s as true or false, not as text."), text=part.written
        )
        raise problem.instead(QUOTES, text=part.written)
    return "", partial(_is_boolean, part.value)


def _is_boolean(wanted: bool, value: Any) -> bool:
    return value == ("true" if wanted else "false") if isinstance(value, str) else value == int(wanted)
