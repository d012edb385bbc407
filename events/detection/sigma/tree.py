"""The condition of a detection as a tree, and as one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.detection.sigma.fields import PlainFields, fold

if TYPE_CHECKING:
    from events.detection.sigma.rule import Fields

Matches = Callable[["Fields"], bool]
EVENT_TYPE = "event_type"
# A type that no rule names.
_SOME_OTHER = "\0"


@dataclass(frozen=True)
class Item:
    """A condition on one field.

    Attributes:
        cost: how long it takes, roughly, so that the cheap ones decide first.
        exact: the values in lower case, where it is true of these and no others; "" is the value that is not there.
    """

    field: str
    matches: Matches
    cost: int
    exact: frozenset[str] | None = None


@dataclass(frozen=True)
class All:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Any_:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    node: Node


Node = Item | All | Any_ | Not


def compiled(node: Node) -> Matches:
    """The tree as one function."""
    if isinstance(node, Item):
        return node.matches
    if isinstance(node, Not):
        inner = compiled(node.node)
        return lambda fields: not inner(fields)
    parts = [compiled(part) for part in sorted(node.nodes, key=cost)]
    if len(parts) == 1:
        return parts[0]
    first, second, *rest = parts
    if isinstance(node, All):
        if not rest:
            return lambda fields: first(fields) and second(fields)
        return lambda fields: first(fields) and second(fields) and all(part(fields) for part in rest)
    if not rest:
        return lambda fields: first(fields) or second(fields)
    return lambda fields: first(fields) or second(fields) or any(part(fields) for part in rest)


def cost(node: Node) -> int:
    if isinstance(node, Item):
        return node.cost
    if isinstance(node, Not):
        return cost(node.node)
    return sum(cost(part) for part in node.nodes)


def takes(node: Node, event_type: str) -> bool:
    """Whether an event of this type can satisfy the condition, as far as its type decides that."""
    return _left(node, PlainFields({EVENT_TYPE: event_type})) is not False


def given(node: Node, event_type: str) -> Matches | None:
    """The condition for events of this type, without what the type has decided; None: none can satisfy it."""
    left = _left(node, PlainFields({EVENT_TYPE: event_type}))
    if isinstance(left, bool):
        return _always if left else None
    return compiled(left)


def _always(fields: Fields) -> bool:
    return True


def _left(node: Node, fields: Fields) -> Node | bool:
    """What is still open when only the event's type is known."""
    if isinstance(node, Item):
        return node.matches(fields) if node.field == EVENT_TYPE else node
    if isinstance(node, Not):
        left = _left(node.node, fields)
        return (not left) if isinstance(left, bool) else Not(left)
    decides = isinstance(node, Any_)  # the value of one part that settles the whole
    parts = []
    for part in node.nodes:
        left = _left(part, fields)
        if not isinstance(left, bool):
            parts.append(left)
        elif left is decides:
            return decides
    if not parts:
        return not decides
    return parts[0] if len(parts) == 1 else type(node)(tuple(parts))


def event_types(node: Node) -> frozenset[str] | None:
    """The types, in upper case, that can satisfy it; None where no list can tell: wildcards, or any type but some."""
    named: set[str] = {""}
    for item in items(node):
        if item.field == EVENT_TYPE:
            if item.exact is None:
                return None
            named |= item.exact
    # All types that the rule does not name are alike to it.
    if takes(node, _SOME_OTHER):
        return None
    return frozenset(upper(name) for name in named if takes(node, name))


def only_values(node: Node, field: str) -> frozenset[str] | None:
    """Values, in lower case, of which a field has one wherever the condition is true; None where no list can tell."""
    if isinstance(node, Item):
        return node.exact if node.field == field and node.exact is not None and "" not in node.exact else None
    if isinstance(node, Not):
        return None
    lists = [only_values(part, field) for part in node.nodes]
    known = [one for one in lists if one is not None]
    if isinstance(node, All):
        return frozenset.intersection(*known) if known else None
    return frozenset().union(*known) if len(known) == len(lists) else None


def items(node: Node) -> list[Item]:
    """All conditions on fields in it."""
    if isinstance(node, Item):
        return [node]
    return [item for part in ((node.node,) if isinstance(node, Not) else node.nodes) for item in items(part)]


def upper(event_type: str) -> str:
    """A type as `Selection.event_types` has it: A to Z in upper case, every other character as it stands."""
    return "".join(char.upper() if char.isascii() else char for char in fold(event_type))
