"""Events as files: streamed, complete, and harmless in a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.export.columns import COLUMNS, FOR_PROGRAMS, ignore_progress, parts, pieces
from events.export.csv_text import CsvText, as_csv
from events.export.workbook import write_xlsx
from events.reading.stream import stream_raw, stream_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from accounts.models import NexmoAccount
    from events.export.columns import OnRows, Shape
    from events.reading import Conditions, Row

BYTE_ORDER_MARK = "\ufeff"  # by it Excel knows that a CSV is UTF-8


def csv_lines(
    rows: Iterable[Row], accounts: Mapping[int, NexmoAccount], shape: Shape, wrote: OnRows = ignore_progress
) -> Generator[str, None, None]:
    """CSV with a header, CRLF as RFC 4180 has it; several lines at a time."""
    yield (BYTE_ORDER_MARK if shape.byte_order_mark else "") + as_csv([shape.columns])
    text = CsvText(shape.columns)
    for columns in parts(rows, accounts, shape):
        yield text.lines(columns)
        wrote(len(columns[0]))


def ndjson_lines(raws: Iterable[str], wrote: OnRows = ignore_progress) -> Generator[str, None, None]:
    """One event per line, as received: a line break within an event can only be blank space between its fields.
    Several lines at a time."""
    for some in pieces(raws):
        text = "\n".join(some)
        if text.count("\n") >= len(some) or "\r" in text:
            text = "\n".join(raw.replace("\r", " ").replace("\n", " ") for raw in some)
        yield text + "\n"
        wrote(len(some))


@dataclass(frozen=True)
class TextFormat:
    """A kind of file that can be sent while the events are read.

    Attributes:
        title: as people call it.
        media_type: as browsers call it.
        columns: those of a file for which none are chosen.
        lines: yields the file's text.
        as_received: whether it holds events as received, and with them what is sensitive for those who may see it.
    """

    title: str
    media_type: str
    columns: Sequence[str]
    lines: Callable[[Conditions, Mapping[int, NexmoAccount], Shape, OnRows], Generator[str, None, None]]
    as_received: bool = False


@dataclass(frozen=True)
class WholeFormat:
    """A kind of file that must be written whole before its first byte can be sent; `write` does that, as write_xlsx."""

    title: str
    media_type: str
    columns: Sequence[str]
    write: Callable[..., None]
    as_received: bool = False


# Every format that the pages and `export_events` offer, by the files' ending.
FORMATS: dict[str, TextFormat | WholeFormat] = {
    "csv": TextFormat(
        "CSV",
        "text/csv; charset=utf-8",
        FOR_PROGRAMS,
        lambda conditions, accounts, shape, wrote: csv_lines(stream_rows(conditions), accounts, shape, wrote),
    ),
    "ndjson": TextFormat(
        "NDJSON",
        "application/x-ndjson",
        (),
        lambda conditions, accounts, shape, wrote: ndjson_lines(stream_raw(conditions, whole=shape.whole), wrote),
        as_received=True,
    ),
    "xlsx": WholeFormat(
        "Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", COLUMNS, write_xlsx
    ),
}
