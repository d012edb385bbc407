"""CSV made column by column is, to the letter, what `csv` writes of cells that were made harmless one by one."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.export import csv_text
from events.export.csv_text import CsvText
from events.export.formulas import harmless, harmless_json
from events.fields import dump_json

NAMES = ("event_id", "user_email", "context")
PIECES = (
    "=",
    "+",
    "-",
    "@",
    "＝",
    ";",
    "|",
    "\t",
    "\r",
    "\n",
    " ",
    '"',
    "'",
    ",",
    "\u200b",
    "\u3164",
    "a",
    "é",
    "1",
    ".",
)
texts = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
contexts = st.none() | st.recursive(
    texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(texts, some, max_size=3),
    max_leaves=6,
)


def one_by_one(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """The same with nothing but the library and the rules for one cell."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(
        [harmless_json(cell) if name == "context" else harmless(cell) for name, cell in zip(names, row, strict=True)]
        for row in rows
    )
    return buffer.getvalue()


@given(
    rows=st.lists(
        st.tuples(texts, texts, contexts.map(lambda value: "" if value is None else dump_json(value))),
        min_size=1,
        max_size=5,
    )
)
@example(rows=[("a\nb", "", "")])
@example(rows=[("", "", ""), ("a", "a,b", '{"a":"b"}')])
@example(rows=[("a\n", "x", "-5"), ("-", "x", '"=1"')])
def test_it_is_what_the_library_writes(rows: list[tuple[str, ...]]) -> None:
    for names in (NAMES, NAMES[::-1], *((name,) for name in NAMES)):
        chosen = [tuple(row[NAMES.index(name)] for name in names) for row in rows]

        assert CsvText(names).lines(list(zip(*chosen, strict=True))) == one_by_one(names, chosen)


def test_what_was_written_once_is_written_alike_again() -> None:
    text = CsvText(("source", "context"))
    columns = [("=1", "CD", "=1", 'a,"b"'), ("", "", "", "")]

    assert text.lines(columns) == text.lines(columns) == '\'=1,\r\nCD,\r\n\'=1,\r\n"a,""b""",\r\n'


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_text, "MOST", 10)
    written = csv_text._Written()
    columns: list[Any] = [f"source {number}" for number in range(1_000)]

    assert written.cells([*columns, "x" * 1_000]) == [*columns, "x" * 1_000]
    assert len(written) <= 10
    assert max(map(len, written)) <= csv_text.LONGEST
