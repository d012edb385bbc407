"""Events as files: streamed row by row, complete, and harmless in a spreadsheet."""

from __future__ import annotations

import contextlib
import csv
import re
import tempfile
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils import timezone
from xlsxwriter import Workbook

from events.fields import dump_json
from events.masking import mask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from events.models import AuditEvent
    from events.querysets import AuditEventQuerySet

CHUNK = 500
_INNER_FORMULA = re.compile(r"([;\t]\s*)([=+\-@])")
XLSX_ROWS_PER_SHEET = 1_000_000  # Excel ends at 1,048,576
XLSX_CELL = 32_767

COLUMNS: dict[str, Callable[[AuditEvent], str]] = {
    "created_at": lambda event: timezone.localtime(event.created_at).isoformat(),
    "account": lambda event: event.account.api_key,
    "account_name": lambda event: event.account.name,
    "event_id": lambda event: event.event_id,
    "event_type": lambda event: event.event_type,
    "event_type_description": lambda event: event.event_type_description,
    "user_email": lambda event: event.user_email,
    "user_id": lambda event: event.user_id,
    "source": lambda event: event.source,
    "source_description": lambda event: event.source_description,
    "source_ip": lambda event: event.source_ip,
    "source_country": lambda event: event.source_country,
    "context": lambda event: "" if event.context is None else dump_json(mask_all(event.context)),
    "odd_fields": lambda event: event.odd_fields,
}


def harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula: foreign text may begin with one, also after what another
    country's spreadsheet takes for a separator."""
    text = _INNER_FORMULA.sub(r"\1'\2", text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


class _Echo:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(events: AuditEventQuerySet) -> Iterator[str]:
    """Lines of CSV with a header, CRLF as RFC 4180 has it."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for event in _rows(events):
        yield writer.writerow([harmless(read(event)) for read in COLUMNS.values()])


def ndjson_lines(events: AuditEventQuerySet) -> Iterator[str]:
    """One event per line, as received: a line break within an event can only be blank space between its fields."""
    for raw in _stream(events.values_list("raw", flat=True)):
        yield raw.replace("\r", " ").replace("\n", " ") + "\n"


def write_xlsx(events: AuditEventQuerySet, file: IO[bytes]) -> int:
    """Write a workbook in constant memory, with a further sheet after each million rows. Returns the row count."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    sheet: Any = None
    with Workbook(file, options) as book:
        bold = book.add_format({"bold": True})
        for event in _rows(events):
            row = count % XLSX_ROWS_PER_SHEET
            if row == 0:
                sheet = _new_sheet(book, count // XLSX_ROWS_PER_SHEET + 1, bold)
            for column, read in enumerate(COLUMNS.values()):
                sheet.write_string(row + 1, column, _fitting(read(event)))
            count += 1
        if sheet is None:
            _new_sheet(book, 1, bold)
    return count


def xlsx_file(events: AuditEventQuerySet) -> IO[bytes]:
    """A temporary file with the workbook, ready to read."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    write_xlsx(events, file)
    file.seek(0)
    return file


def _fitting(text: str) -> str:
    """Text no longer than a cell of Excel holds; a cut says so."""
    note = " … [cut: a cell holds 32,767 characters; the CSV and NDJSON exports have all of it]"
    units = text.encode("utf-16-le")  # as Excel counts
    if len(units) <= 2 * XLSX_CELL:
        return text
    return units[: 2 * (XLSX_CELL - len(note))].decode("utf-16-le", "ignore") + note


def _new_sheet(book: Any, number: int, bold: Any) -> Any:
    sheet = book.add_worksheet(f"Events {number}" if number > 1 else "Events")
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(COLUMNS):
        sheet.write_string(0, column, name, bold)
    return sheet


def _rows(events: AuditEventQuerySet) -> Iterator[Any]:
    return _stream(events.for_table())


def _stream(rows: Any) -> Iterator[Any]:
    # Opened here, inside the generator: the response is sent after the view has returned. PostgreSQL streams only
    # within a transaction (outside one it first copies the whole result); on SQLite one would lock out the sync.
    with transaction.atomic() if connection.vendor == "postgresql" else contextlib.nullcontext():
        yield from rows.newest_first().iterator(chunk_size=CHUNK)
