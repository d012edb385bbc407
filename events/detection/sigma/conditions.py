"""The `detection` of a rule: named selections, and the condition that joins them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from events.detection.sigma.document import Part
from events.detection.sigma.fields import WHOLE_TEXT
from events.detection.sigma.modifiers import item
from events.detection.sigma.patterns import Pattern
from events.detection.sigma.tree import All, Any_, Node, Not
from events.detection.sigma.wrong import Wrong, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from events.detection.sigma.rule import Service

LONGEST = 2_000  # characters
DEEPEST = 20
_TOKEN = re.compile(r"[()]|[\w*-]+|\S", re.ASCII)
_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)
_WORDS = ("and", "or", "not", "of", "them", "all", "any", "1")

NOTHING_IN_IT = gettext_noop("“%(name)s” is empty.")


def detection(part: Part, service: Service) -> Node:
    """What the whole section asks of an event.

    Raises:
        Wrong: with what would be right.
    """
    if not part.is_map:
        raise Wrong(part.line, gettext_noop("“detection” must have selections and a condition."))
    sections = dict(part.value)
    condition = sections.pop("condition", None)
    if condition is None:
        raise Wrong(part.line, gettext_noop("“detection” has no condition.")).instead(
            gettext_noop("Add one, such as “condition: selection”.")
        )
    if "timeframe" in sections:
        raise Wrong(
            sections["timeframe"].line, gettext_noop("“timeframe” belongs to an older version of Sigma.")
        ).instead(gettext_noop("Add a second document with a correlation."))
    named: dict[str, Node] = {}
    for name, section in sections.items():
        if not _NAME.fullmatch(name) or name in _WORDS:
            raise Wrong(section.line, gettext_noop("“%(name)s” cannot be the name of a selection."), name=name).instead(
                gettext_noop("Use letters, digits, _ and -.")
            )
        named[name] = selection(name, section, service)
    if not named:
        raise Wrong(part.line, gettext_noop("“detection” has no selection."))
    used: set[str] = set()
    conditions = condition.value if condition.is_list else [condition]
    if not conditions:
        raise Wrong(condition.line, NOTHING_IN_IT, name="condition")
    nodes = tuple(_Reader(one, named, used).node() for one in conditions)
    for name in named:
        if name not in used:
            raise Wrong(sections[name].line, gettext_noop("The condition does not use “%(name)s”."), name=name)
    return nodes[0] if len(nodes) == 1 else Any_(nodes)


def selection(name: str, part: Part, service: Service) -> Node:
    """A map of items that must all match, a list of such maps, or keywords."""
    if part.is_map:
        if not part.value:
            raise Wrong(part.line, NOTHING_IN_IT, name=name)
        nodes = tuple(item(key, value, service) for key, value in part.value.items())
        return nodes[0] if len(nodes) == 1 else All(nodes)
    if part.is_list:
        if not part.value:
            raise Wrong(part.line, NOTHING_IN_IT, name=name)
        if not any(one.is_map for one in part.value):
            return item(WHOLE_TEXT, part, service)
        nodes = tuple(selection(name, one, service) for one in part.value)
        return nodes[0] if len(nodes) == 1 else Any_(nodes)
    if part.value is None:
        raise Wrong(part.line, NOTHING_IN_IT, name=name)
    return item(WHOLE_TEXT, part, service)


class _Reader:
    """Reads one condition: `or` binds least, then `and`, then `not`."""

    def __init__(self, part: Part, named: Mapping[str, Node], used: set[str]) -> None:
        if not isinstance(part.value, str) or not part.value.strip():
            raise Wrong(part.line, gettext_noop("The condition must be text, such as “selection and not filter”."))
        if len(part.value) > LONGEST:
            raise Wrong(part.line, gettext_noop("A condition has at most %(most)s characters."), most=LONGEST)
        self.line = part.line
        self.named = named
        self.used = used
        self.tokens = _TOKEN.findall(part.value)
        self.place = 0
        self.depth = 0

    def node(self) -> Node:
        node = self._alternatives()
        if self._next():
            raise self._unexpected()
        return node

    def _next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _take(self, *words: str) -> bool:
        if self._next() in words:
            self.place += 1
            return True
        return False

    def _unexpected(self) -> Wrong:
        word = self._next()
        if word == "|":
            return Wrong(self.line, gettext_noop("A condition with | belongs to an older version of Sigma.")).instead(
                gettext_noop("Add a second document with a correlation.")
            )
        if not word:
            return Wrong(self.line, gettext_noop("The condition ends too early."))
        problem = Wrong(self.line, gettext_noop("“%(word)s” cannot stand there in the condition."), word=word)
        if word.lower() in _WORDS and word != word.lower():
            problem.instead(gettext_noop("Did you mean %(near)s?"), near=word.lower())
        return problem

    def _alternatives(self) -> Node:
        nodes = [self._together()]
        while self._take("or"):
            nodes.append(self._together())
        return nodes[0] if len(nodes) == 1 else Any_(tuple(nodes))

    def _together(self) -> Node:
        nodes = [self._single()]
        while self._take("and"):
            nodes.append(self._single())
        return nodes[0] if len(nodes) == 1 else All(tuple(nodes))

    def _single(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Wrong(
                self.line, gettext_noop("The condition is nested more than %(most)s levels deep."), most=DEEPEST
            )
        node = self._operand()
        self.depth -= 1
        return node

    def _operand(self) -> Node:
        if self._take("not"):
            return Not(self._single())
        if self._take("("):
            node = self._alternatives()
            if not self._take(")"):
                raise Wrong(self.line, gettext_noop("The condition has a parenthesis that is not closed."))
            return node
        word = self._next()
        if self.tokens[self.place + 1 : self.place + 2] == ["of"]:
            return self._some(word)
        if not _NAME.fullmatch(word) or (word in _WORDS and word not in self.named):
            raise self._unexpected()
        if word not in self.named:
            if word.lower() in _WORDS:
                raise self._unexpected()
            raise Wrong(self.line, gettext_noop("There is no selection “%(name)s”."), name=word).of(word, self.named)
        self.place += 1
        self.used.add(word)
        return self.named[word]

    def _some(self, quantity: str) -> Node:
        """`1 of x*`, `all of them`."""
        if quantity not in ("1", "any", "all"):
            raise Wrong(self.line, gettext_noop("“%(name)s of” is not supported."), name=quantity).instead(
                gettext_noop("Write “1 of” or “all of”.")
            )
        self.place += 2
        pattern = self._next()
        if not re.fullmatch(r"[\w*-]+", pattern, re.ASCII):
            raise self._unexpected()
        self.place += 1
        is_like = Pattern.read("*" if pattern == "them" else pattern).test(cased=True)
        names = [name for name in self.named if is_like(name) and (pattern.startswith("_") or not name.startswith("_"))]
        if not names:
            raise Wrong(self.line, gettext_noop("No selection has a name like “%(name)s”."), name=pattern)
        self.used.update(names)
        nodes = tuple(self.named[name] for name in names)
        if len(nodes) == 1:
            return nodes[0]
        return All(nodes) if quantity == "all" else Any_(nodes)
