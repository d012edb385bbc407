"""Saying what is wrong with a rule, and what would be right."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_SHOWN = 100  # characters of a value


def gettext_noop(text: str) -> str:
    """Marks a sentence to be translated where it is shown; this room knows no language."""
    return text


DID_YOU_MEAN = gettext_noop("Did you mean %(near)s?")
NEEDS = gettext_noop("“%(name)s” needs “%(option)s”.")
ONE_OF = gettext_noop("Use one of: %(known)s.")


class Wrong(Exception):
    """A rule cannot be read.

    Args:
        line: in the text of the rule's document, from 1.
        text: a sentence with its values as %(name)s.
    """

    def __init__(self, line: int, text: str, /, **values: object) -> None:
        self.line = line
        shown = {name: shortened(value) if isinstance(value, str) else value for name, value in values.items()}
        self.parts: list[tuple[str, Mapping[str, object]]] = [(text, shown)]
        super().__init__(text % shown)

    def instead(self, text: str, /, **values: object) -> Wrong:
        """With one more sentence: what would be right."""
        self.parts.append((text, values))
        return self

    def of(self, written: str, known: Iterable[str], *, is_complete: bool = True) -> Wrong:
        """With the known word that is nearest to what was written, or else with all of them."""
        words = sorted(known)
        near = get_close_matches(written.lower(), words, n=1, cutoff=0.6)
        if near:
            return self.instead(DID_YOU_MEAN, near=near[0])
        return self.instead(ONE_OF, known=", ".join(words)) if is_complete else self


def shortened(text: str) -> str:
    """What was written, so that it fits a sentence, on one line."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}…"
