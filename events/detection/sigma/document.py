"""YAML as rules may be written in, with the line of each part; everything beyond that is refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from events.detection.sigma.wrong import Wrong, gettext_noop

LARGEST_FILE = 1 << 20  # characters
LARGEST_DOCUMENT = 64 * 1024  # characters
DEEPEST = 12
MOST_DOCUMENTS = 200

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_START = re.compile(r"---(\s|$)")
_DECIMAL = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_TAG = "tag:yaml.org,2002:"

NOT_TEXT = gettext_noop("“%(name)s” must be text.")
QUOTES = gettext_noop("Put it in quotes if you mean text: '%(text)s'.")


@dataclass(frozen=True)
class Part:
    """A piece of a document.

    Attributes:
        value: text, a number, a boolean, None, a list of parts, or a dictionary of them.
        line: where it begins, from 1.
        written: a plain value as it was written.
    """

    value: Any
    line: int
    written: str = ""

    @property
    def is_map(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def plain(self) -> Any:
        """Without lines."""
        if isinstance(self.value, dict):
            return {name: part.plain() for name, part in self.value.items()}
        return [part.plain() for part in self.value] if isinstance(self.value, list) else self.value


@dataclass(frozen=True)
class Document:
    """One document of a file: its text, and the line of the file that it begins at."""

    text: str
    first_line: int


def documents(text: str) -> list[Document]:
    """The documents of a file, each by its text. A document's marker begins a line wherever it stands, so a fault in
    one hides no other."""
    lines = text.replace("\r\n", "\n").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").split("\n")
    starts = [0, *(number for number, line in enumerate(lines) if number and _START.match(line))]
    ends = [*starts[1:], len(lines)]
    found = [Document("\n".join(lines[start:end]), start + 1) for start, end in zip(starts, ends, strict=True)]
    return [document for document in found if _says_something(document.text)]


def _says_something(text: str) -> bool:
    lines = (line.strip() for line in text.split("\n"))
    return any(line and not line.startswith("#") and not re.fullmatch(r"(---|\.\.\.)(\s*#.*)?", line) for line in lines)


def parse(text: str) -> Part:
    """One document.

    Raises:
        Wrong: it is not YAML, or more of YAML than rules need.
    """
    if len(text) > LARGEST_DOCUMENT:
        most = LARGEST_DOCUMENT // 1024
        raise Wrong(1, gettext_noop("A rule has at most %(most)s KB."), most=most)
    _refuse_unseen(text)
    try:
        _refuse_extras(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _syntax(error, text) from None
    except RecursionError:
        raise Wrong(1, TOO_DEEP, most=DEEPEST) from None
    if node is None:
        raise Wrong(1, gettext_noop("There is no rule in it."))
    return _part(node)


TOO_DEEP = gettext_noop("It is nested more than %(most)s levels deep.")


def _refuse_unseen(text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if line.isascii() and line.isprintable():
            continue
        for char in line:
            if is_unseen(char):
                code = f"U+{ord(char):04X}"
                problem = Wrong(number, gettext_noop("There is an invisible character: %(code)s."), code=code)
                raise problem.instead(gettext_noop("Remove it, or write it as an escape within double quotes."))


def is_unseen(char: str) -> bool:
    """Whether it makes a text mean other than it looks like."""
    return char != "\t" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _refuse_extras(text: str) -> None:
    """What is refused before anything is built from it: aliases grow, nesting exhausts the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Wrong(line, gettext_noop("Anchors and aliases (& and *) are not supported.")).instead(
                gettext_noop(
                    "Write the values out in full, and put text that begins with one of these characters in quotes."
                )
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise Wrong(line, TOO_DEEP, most=DEEPEST)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax(error: yaml.YAMLError, text: str) -> Wrong:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).split("\n")[0]
    line = mark.line + 1 if mark else 1
    problem = Wrong(line, gettext_noop("This is not YAML: %(why)s."), why=f"{why}")
    written = (text.split("\n")[line - 1 : line] or [""])[0]
    if re.search(r"(^|[:\-,\[{])\s*[*&@`%!]\S", written):
        problem.instead(gettext_noop("Put text that begins with such a character in quotes."))
    return problem


def _part(node: yaml.Node) -> Part:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Part(dict(_members(node)), line)
    if isinstance(node, yaml.SequenceNode):
        if node.tag != f"{_TAG}seq":
            raise _tagged(node, line)
        return Part([_part(item) for item in node.value], line)
    return Part(_scalar(node, line), line, node.value)


def _members(node: yaml.MappingNode) -> Iterator[tuple[str, Part]]:
    if node.tag != f"{_TAG}map":
        raise _tagged(node, node.start_mark.line + 1)
    known: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
            raise Wrong(line, gettext_noop("A key must be plain text."))
        name = key.value
        if name in known:
            raise Wrong(
                line,
                gettext_noop("“%(name)s” is here a second time; the first is on line %(first)s."),
                name=name,
                first=_Line(known[name]),
            ).instead(gettext_noop("Make one list of both."))
        known[name] = line
        part = _part(value)
        # A value that begins in the line below is looked for at its key.
        yield name, Part(part.value, line, part.written)


class _Line(int):
    """A line of the document, to be shown as one of the file."""


def line_of_file(values: Mapping[str, object], first_line: int) -> Mapping[str, object]:
    """The values of a sentence, with lines as the file has them."""
    return {name: value + first_line - 1 if isinstance(value, _Line) else value for name, value in values.items()}


def _scalar(node: yaml.Node, line: int) -> Any:
    kind, text = node.tag.removeprefix(_TAG), node.value
    if "\0" in text:
        raise Wrong(line, gettext_noop("Text cannot contain NUL."))
    if kind in ("str", "timestamp", "value"):
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "int" and _DECIMAL.fullmatch(text):
        return int(text)
    if kind == "float" and _FRACTION.fullmatch(text):
        return float(text)
    if kind in ("int", "float"):
        problem = Wrong(
            line, gettext_noop("“%(text)s” would be read as a different number than it looks like."), text=text
        )
        raise problem.instead(QUOTES, text=text)
    raise _tagged(node, line)


def _tagged(node: yaml.Node, line: int) -> Wrong:
    return Wrong(
        line, gettext_noop("The tag %(tag)s is not supported; use plain YAML."), tag=node.tag.replace(_TAG, "!!")
    )
