"""What a context tells of before and after: {"before": {...}, "after": {...}}, oldName and newName, and so on.

Contexts have no schema, and no source shows one with both sides. Where only one side is told, nothing is made up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.fields import dump_json
from events.masking import shown_value
from events.masking.secret_names import PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator

AFFIXES = PAIRS[:4]  # fromDate and toDate are no change
RANGES = {"period", "range", "date", "dates", "time", "window", "interval"}
NAMING = ("field", "property", "attribute")
NAMING_IN_LIST = (*NAMING, "name", "key", "path")  # elsewhere they are the thing's own name
WRAPPERS = {"changes", "change", "changed", "diff", "fields", "updates", "modifications"}
DEEPEST, DEEPEST_SHOWN = 6, 50
MOST = 100  # changes of an event
MOST_ITEMS = 500  # of a list or an object
LONGEST = 300  # characters of a value


@dataclass(frozen=True)
class Change:
    """One field. A side is None where the context does not tell it."""

    field: str
    before: str | None
    after: str | None


def changes(context: Any, *, whole: bool = False) -> list[Change]:
    """Every field of which the context tells both sides, and that differs, in the order of the context.

    Args:
        whole: whether what is sensitive is told too. Where it is not, its change is: behind a mask.
    """
    if whole:
        return changes_behind(context, context)
    try:
        return changes_behind(context, shown_value(context))
    except (ValueError, RecursionError):  # too deep to write, or no JSON
        return changes_behind(context, shown_value(_within_depth(context, DEEPEST_SHOWN)))


def _within_depth(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {name: _within_depth(item, depth - 1) for name, item in value.items()} if depth else "…"
    if isinstance(value, list):
        return [_within_depth(item, depth - 1) for item in value] if depth else "…"
    return str(value) if isinstance(value, float) else value


def changes_behind(context: Any, shown: Any) -> list[Change]:
    """The same of a context and what is shown of it, which has the same shape: one says what differs, and the other is
    what is told."""
    by_path: dict[tuple[str, ...], Change] = {}
    for (_, *real), (path, *told) in zip(_pairs(context, (), 0), _pairs(shown, (), 0), strict=False):
        _compare(path, real, told, by_path, 0)
        if len(by_path) >= MOST:
            break
    return list(by_path.values())[:MOST]


def text_of(value: Any) -> str:
    """A JSON value in one piece, not longer than LONGEST."""
    return _within_length(value if isinstance(value, str) else _dumped(value))


def _dumped(value: Any) -> str:
    try:
        return dump_json(value)
    except (ValueError, RecursionError):  # too deep to write, or no JSON
        return "…"


def _within_length(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _pairs(
    value: Any, path: tuple[str, ...], depth: int, naming: tuple[str, ...] = NAMING
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Where both sides stand beside each other: the path to them, and the two values."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for item in value[:MOST_ITEMS]:
            yield from _pairs(item, path, depth + 1, NAMING_IN_LIST)
    if not isinstance(value, dict):
        return
    names = list(value)[:MOST_ITEMS]
    path = _own_name(value, path, naming)
    taken: set[str] = set()
    words = {name: _words(name) for name in names}
    by_words = {spelled: name for name, spelled in reversed(words.items())}
    for name in names:
        for rest, partner in _partners(words[name]):
            other = by_words.get(partner)
            if other is None or name in taken or other in taken:
                continue
            if not rest and words[name] == ("from",) and not _may_be_change(value[name], value[other], path):
                continue
            taken |= {name, other}
            yield path if not rest else (*path, _rest_of(name, words[name], rest)), value[name], value[other]
    for name in names:
        if name not in taken:
            yield from _pairs(value[name], path if name.lower() in WRAPPERS else (*path, name), depth + 1)


def _partners(words: tuple[str, ...]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """For the name of a "before" side: what it is the side of (nothing, or the rest of the name), and its partners."""
    if len(words) == 1:
        return [((), (after,)) for before, after in PAIRS if words == (before,)]
    partners = []
    for before, after in AFFIXES:
        if words and words[0] == before:
            partners.append((words[1:], (after, *words[1:])))
        if words and words[-1] == before:
            partners.append((words[:-1], (*words[:-1], after)))
    # {"field": "name", "oldValue": ..., "newValue": ...} is of the field, not of "value"
    return [((), partner) if rest == ("value",) else (rest, partner) for rest, partner in partners]


def _may_be_change(before: Any, after: Any, path: tuple[str, ...]) -> bool:
    """Whether from and to are the sides of a change: they may as well be two people, or the ends of a time."""
    if isinstance(before, dict) and isinstance(after, dict):
        return True
    return bool(path) and path[-1].lower() not in RANGES


def _own_name(value: dict[str, Any], path: tuple[str, ...], naming: tuple[str, ...]) -> tuple[str, ...]:
    """The path of what an object is about, if it says so itself."""
    for name in naming:
        if isinstance(value.get(name), str) and value[name].strip():
            return (*path, value[name].strip())
    return path


def _rest_of(name: str, words: tuple[str, ...], rest: tuple[str, ...]) -> str:
    """What is left of a name without its "old": oldName is of name, url_before of url."""
    if words[1:] == rest:
        left = name[len(words[0]) :].lstrip("_- .")
        return left if left[1:2].isupper() else left[:1].lower() + left[1:]
    return name[: -len(words[-1])].rstrip("_- .")


def _compare(
    path: tuple[str, ...], real: list[Any], told: list[Any], by_path: dict[tuple[str, ...], Change], depth: int
) -> None:
    """Two sides, field by field where both are objects."""
    if all(isinstance(side, dict) for side in (*real, *told)) and depth <= DEEPEST:
        names = (list(dict.fromkeys([*sides[0], *sides[1]])) for sides in (real, told))
        for name, name_told in list(zip(*names, strict=False))[:MOST_ITEMS]:
            if len(by_path) >= MOST:
                return
            inner = [side.get(name, _ABSENT) for side in real]
            _compare((*path, name_told), inner, [side.get(name_told, _ABSENT) for side in told], by_path, depth + 1)
        return
    sides = [None if side is _ABSENT else text_of(side) for side in told]
    if sides[0] != sides[1] or _differ(*real):
        by_path.setdefault(path, Change(text_of(".".join(path)), *sides))


def _differ(before: Any, after: Any) -> bool:
    """Whether two values differ that read alike: beyond where they are cut, or behind a mask."""
    try:
        return bool(before != after) and type(before) is type(after)
    except RecursionError:
        return False


def _words(name: str) -> tuple[str, ...]:
    """A name's words, however it is spelled: newValue, new_value, new-value."""
    if len(name) > LONGEST:
        return ()
    return tuple(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_").lower().split("_"))


_ABSENT = object()
