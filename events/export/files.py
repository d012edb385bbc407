"""Events as files: streamed, complete, and harmless in a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from xlsxwriter import Workbook

from events.display.event_table import EventTable, file_columns, page_columns
from events.export.csv_text import CsvText, as_csv
from events.reading.stream import stream_raw, stream_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from typing import IO

    from accounts.models import NexmoAccount
    from events.reading import Conditions, Row

FIRST_LINES, LINES = 50, 200  # written and reported together
XLSX_ROWS_PER_SHEET = 1_000_000  # Excel ends at 1,048,576
XLSX_CELL = 32_767

_NAMES = file_columns()
COLUMNS = tuple(_NAMES)
# Called with the number of rows just written.
OnRows = Callable[[int], None]
BYTE_ORDER_MARK = "\ufeff"  # by it Excel knows that a CSV is UTF-8


def ignore_progress(rows: int) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True)
class Shape:
    """What a file of events looks like.

    Attributes:
        columns: of CSV and Excel, in the order of COLUMNS.
        zone: of the times.
        byte_order_mark: whether a CSV begins with one.
    """

    columns: Sequence[str]
    zone: tzinfo
    byte_order_mark: bool = False

    @classmethod
    def usual(cls) -> Shape:
        """All columns, and the reader's zone. Made while the request is there: a stream outlives it."""
        return cls(COLUMNS, timezone.get_current_timezone())


def cells(
    rows: Iterable[Row], accounts: Mapping[int, NexmoAccount], shape: Shape
) -> Iterator[tuple[int, list[Sequence[str]]]]:
    """The cells of some events at a time, column by column; each time with the number of events."""
    table = EventTable((), accounts=accounts.values(), zone=shape.zone, shown=tuple(page_columns()), sequence=["..."])
    names = [_NAMES[name] for name in shape.columns]
    source = iter(rows)
    size = FIRST_LINES
    while chunk := list(islice(source, size)):
        columns = table.values(chunk, names)
        yield len(columns[0]), columns
        size = LINES


def csv_lines(
    rows: Iterable[Row], accounts: Mapping[int, NexmoAccount], shape: Shape, wrote: OnRows = ignore_progress
) -> Generator[str, None, None]:
    """CSV with a header, CRLF as RFC 4180 has it; several lines at a time."""
    yield (BYTE_ORDER_MARK if shape.byte_order_mark else "") + as_csv([shape.columns])
    text = CsvText(shape.columns)
    for number, columns in cells(rows, accounts, shape):
        yield text.lines(columns)
        wrote(number)


def ndjson_lines(raws: Iterable[str], wrote: OnRows = ignore_progress) -> Generator[str, None, None]:
    """One event per line, as received: a line break within an event can only be blank space between its fields.
    Several lines at a time."""
    source = iter(raws)
    size = FIRST_LINES
    while chunk := list(islice(source, size)):
        text = "\n".join(chunk)
        if text.count("\n") >= len(chunk) or "\r" in text:
            text = "\n".join(raw.replace("\r", " ").replace("\n", " ") for raw in chunk)
        yield text + "\n"
        wrote(len(chunk))
        size = LINES


def write_xlsx(
    rows: Iterable[Row],
    accounts: Mapping[int, NexmoAccount],
    file: IO[bytes],
    shape: Shape,
    wrote: OnRows = ignore_progress,
    packing: Callable[[], None] = lambda: None,
) -> None:
    """Write a workbook in constant memory, with a further sheet after each million rows.

    Args:
        packing: called when all rows are written; what is left takes a while too.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    sheet: Any = None
    with Workbook(file, options) as book:
        bold = book.add_format({"bold": True})
        for line in chain.from_iterable(zip(*columns, strict=True) for _, columns in cells(rows, accounts, shape)):
            row = count % XLSX_ROWS_PER_SHEET
            if row == 0:
                sheet = _new_sheet(book, count // XLSX_ROWS_PER_SHEET + 1, bold, shape.columns)
            for column, text in enumerate(line):
                sheet.write_string(row + 1, column, _fitting(text))
            count += 1
            if count % LINES == 0:
                wrote(LINES)
        if sheet is None:
            _new_sheet(book, 1, bold, shape.columns)
        wrote(count % LINES)
        packing()


def _fitting(text: str) -> str:
    """Text no longer than a cell of Excel holds; a cut says so."""
    if len(text) <= XLSX_CELL // 2:
        return text
    note = " … [cut: a cell holds 32,767 characters; the CSV and NDJSON exports have all of it]"
    units = text.encode("utf-16-le")  # as Excel counts
    if len(units) <= 2 * XLSX_CELL:
        return text
    return units[: 2 * (XLSX_CELL - len(note))].decode("utf-16-le", "ignore") + note


def _new_sheet(book: Any, number: int, bold: Any, columns: Sequence[str]) -> Any:
    sheet = book.add_worksheet(f"Events {number}" if number > 1 else "Events")
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, bold)
    return sheet


@dataclass(frozen=True)
class TextFormat:
    """A kind of file that can be sent while the events are read.

    Attributes:
        title: as people call it.
        media_type: as browsers call it.
        lines: yields the file's text.
    """

    title: str
    media_type: str
    lines: Callable[[Conditions, Mapping[int, NexmoAccount], Shape, OnRows], Generator[str, None, None]]


@dataclass(frozen=True)
class WholeFormat:
    """A kind of file that must be written whole before its first byte can be sent; `write` does that, as write_xlsx."""

    title: str
    media_type: str
    write: Callable[..., None]


# Every format that the pages and `export_events` offer, by the files' ending.
FORMATS: dict[str, TextFormat | WholeFormat] = {
    "csv": TextFormat(
        "CSV",
        "text/csv; charset=utf-8",
        lambda conditions, accounts, shape, wrote: csv_lines(stream_rows(conditions), accounts, shape, wrote),
    ),
    "ndjson": TextFormat(
        "NDJSON",
        "application/x-ndjson",
        lambda conditions, accounts, shape, wrote: ndjson_lines(stream_raw(conditions), wrote),
    ),
    "xlsx": WholeFormat("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
}
