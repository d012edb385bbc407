"""CSV, column by column: every cell harmless and quoted as RFC 4180 has it, at little cost for each.

To look at every cell of an archive for formulas takes longer than to write it. But most were met before: types,
sources, people and addresses repeat, so how a cell is written is remembered by its text. Ids do not repeat, and one
expression says of all at once that they are plain; contexts need care only where one holds what could begin a cell.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from events.export.formulas import harmless, harmless_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST, LONGEST = 20_000, 100  # cells that are remembered, and characters of each: a few megabytes
LINE_END = "\r\n"
# What needs neither an apostrophe nor quotes: it begins with a letter or a digit, and holds no separator of cells.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/@()-]*+")
_PLAIN_LINES = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_.:-]*+\n)*")
_OBJECTS = frozenset(("", "{", "["))  # what contexts begin with, nearly all of them


def as_csv(rows: Iterable[Iterable[str]]) -> str:
    """Rows as they are."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator=LINE_END).writerows(rows)
    return buffer.getvalue()


class CsvText:
    """Rows with these columns as CSV in which no spreadsheet finds a formula. One is made for each file."""

    def __init__(self, names: Sequence[str]) -> None:
        written = _Written()
        makers: dict[str, Callable[[Sequence[str]], Sequence[str]]] = {
            "created_at": list,
            "event_id": written.ids,
            "context": _contexts,
        }
        self._makers = [makers.get(name, written.cells) for name in names]

    def lines(self, columns: Sequence[Sequence[str]]) -> str:
        """All rows of these columns."""
        made = [make(cells) for make, cells in zip(self._makers, columns, strict=True)]
        if len(made) == 1:  # an empty line would be no row
            made[0] = [cell or '""' for cell in made[0]]
        return LINE_END.join([*map(",".join, zip(*made, strict=True)), ""])


class _Written(dict[str, str]):
    """How cells are written, by their text."""

    def __missing__(self, text: str) -> str:
        written = text if _PLAIN.fullmatch(text) else _quoted(harmless(text))
        if len(text) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[text] = written
        return written

    def cells(self, texts: Sequence[str]) -> list[str]:
        return list(map(self.__getitem__, texts))

    def ids(self, texts: Sequence[str]) -> Sequence[str]:
        """The same for texts that do not repeat."""
        lines = "\n".join((*texts, ""))
        is_plain = lines.count("\n") == len(texts) and _PLAIN_LINES.fullmatch(lines)
        return texts if is_plain else self.cells(texts)


def _contexts(texts: Sequence[str]) -> list[str]:
    """Cells of JSON: it stays the same JSON."""
    if _need_care(texts):
        texts = [harmless_json(text) for text in texts]
    return ['"' + text.replace('"', '""') + '"' if '"' in text else _quoted(text) for text in texts]


def _need_care(texts: Sequence[str]) -> bool:
    """Whether any of these texts may hold something to run. Looking closely at each costs more than writing them."""
    joined = "".join(texts)
    return (
        ";" in joined
        or "|" in joined
        or "\t" in joined
        or "\n" in joined
        or "\r" in joined
        or not _OBJECTS.issuperset({text[:1] for text in texts})
    )


def _quoted(text: str) -> str:
    """A cell as `csv` writes it."""
    return as_csv([(text, "")])[: -len(LINE_END) - 1]
