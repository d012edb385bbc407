"""Events as an Excel workbook: times that are dates, a heading that filters, and a sheet that says what it all is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from events.export.columns import for_people, ignore_progress, parts
from events.wording.codes import grouped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import IO

    from accounts.models import NexmoAccount
    from events.export.about import About
    from events.export.columns import OnRows, Shape
    from events.reading import Row

ROWS_PER_SHEET = 1_000_000  # Excel ends at 1,048,576
CELL = 32_767  # characters
CUT = "a cell holds 32,767 characters"
IN_OTHER_FILES = f"{CUT}; the CSV and NDJSON exports have all of it"
YEARS = range(1900, 10_000)  # that Excel has dates of
WIDTHS = {
    "created_at": 27,
    "account": 12,
    "account_name": 24,
    "event_id": 38,
    "event_type": 26,
    "event_type_description": 28,
    "user_email": 30,
    "user_id": 12,
    "source": 9,
    "source_description": 22,
    "source_ip": 17,
    "source_country": 15,
    "context": 60,
    "odd_fields": 14,
    "what_happened": 60,
    "source_country_name": 24,
}
ABOUT_WIDTHS = (22, 100)


def write_xlsx(
    rows: Iterable[Row],
    accounts: Mapping[int, NexmoAccount],
    file: IO[bytes],
    shape: Shape,
    about: About,
    wrote: OnRows = ignore_progress,
    packing: Callable[[], None] = lambda: None,
) -> None:
    """Write a workbook in constant memory: a new sheet starts every million rows, and the last one is about the export.

    Args:
        packing: called when all rows are written; what is left takes a while too.
    """
    from xlsxwriter import Workbook  # of no use to a web process that never writes one, and 2 MB of it

    shape = replace(shape, columns=for_people(shape.columns))
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(file, options) as book:
        events = _Sheets(book, shape)
        for columns in parts(rows, accounts, shape):
            for line in zip(*columns, strict=True):
                events.add(line)
            wrote(len(columns[0]))
        events.end()
        _describe(book, about, events.count)
        packing()


class _Sheets:
    """The sheets of events, one after the other."""

    def __init__(self, book: Any, shape: Shape) -> None:
        self.book, self.shape = book, shape
        self.count = self.rows = 0  # of all sheets, and of the one that is written
        self.number = 0
        self.heading = book.add_format({"bold": True})
        # Programs go on reading `created_at`; people see the zone behind it.
        self.heading_of_times = book.add_format({"bold": True, "num_format": f'@" ({shape.zone})"'})
        self.time_formats: dict[str, Any] = {}
        self.writers = [self._write_time if name == "created_at" else self._write_text for name in shape.columns]
        self._begin()

    def add(self, line: Sequence[str]) -> None:
        if self.rows == ROWS_PER_SHEET:
            self.end()
            self._begin()
        self.rows += 1
        self.count += 1
        for column, (write, text) in enumerate(zip(self.writers, line, strict=True)):
            write(column, text)

    def end(self) -> None:
        """Called when a sheet has all its rows: only now is it known how many can be filtered."""
        self.sheet.autofilter(0, 0, self.rows, len(self.shape.columns) - 1)

    def _begin(self) -> None:
        self.number += 1
        self.rows = 0
        self.sheet: Any = self.book.add_worksheet(f"Events {self.number}" if self.number > 1 else "Events")
        self.sheet.freeze_panes(1, 1 if len(self.shape.columns) > 1 else 0)
        for column, name in enumerate(self.shape.columns):
            self.sheet.set_column(column, column, WIDTHS[name])
            self.sheet.write_string(0, column, name, self.heading_of_times if name == "created_at" else self.heading)

    def _write_text(self, column: int, text: str) -> None:
        self.sheet.write_string(self.rows, column, fitting(text))

    def _write_time(self, column: int, text: str) -> None:
        at = datetime.fromisoformat(text)
        if at.year not in YEARS:
            self._write_text(column, text)
            return
        clock = at.replace(tzinfo=None)
        self.sheet.write_datetime(self.rows, column, clock, self._time_format(clock, text))

    def _time_format(self, clock: datetime, text: str) -> Any:
        """How a time is shown. Excel's dates have no zone, so the offset stands in the format: an hour comes twice when
        clocks are put back."""
        offset = text[len(clock.isoformat()) :]
        fraction = ".000" if clock.microsecond else ""
        pattern = f'yyyy-mm-dd hh:mm:ss{fraction} "{"UTC" if offset == "+00:00" else offset}"'
        if pattern not in self.time_formats:
            self.time_formats[pattern] = self.book.add_format({"num_format": pattern, "align": "left"})
        return self.time_formats[pattern]


def fitting(text: str, why: str = IN_OTHER_FILES) -> str:
    """Text no longer than a cell of Excel holds; a cut says so, and why."""
    if len(text) <= CELL // 2:
        return text
    note = f" … [cut: {why}]"
    units = text.encode("utf-16-le")  # as Excel counts
    if len(units) <= 2 * CELL:
        return text
    return units[: 2 * (CELL - len(note))].decode("utf-16-le", "ignore") + note


def _describe(book: Any, about: About, count: int) -> None:
    """The last sheet: what the others hold."""
    sheet = book.add_worksheet(about.title)
    name = book.add_format({"bold": True, "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    for column, width in enumerate(ABOUT_WIDTHS):
        sheet.set_column(column, column, width)
    for row, (label, value) in enumerate(((_("Events"), grouped(count)), *about.lines)):
        sheet.write_string(row, 0, label, name)
        sheet.write_string(row, 1, fitting(value, CUT), text)
