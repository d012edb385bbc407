"""Events as files: streamed, complete, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from xlsxwriter import Workbook

from events.fields import dump_json
from events.masking import mask, mask_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import IO

    from accounts.models import NexmoAccount
    from events.reading import Row

FIRST_LINES, LINES = 50, 200  # written out together
XLSX_ROWS_PER_SHEET = 1_000_000  # Excel ends at 1,048,576
XLSX_CELL = 32_767

COLUMNS = (
    "created_at",
    "account",
    "account_name",
    "event_id",
    "event_type",
    "event_type_description",
    "user_email",
    "user_id",
    "source",
    "source_description",
    "source_ip",
    "source_country",
    "context",
    "odd_fields",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FIRST = frozenset(_FORMULA)
_INNER_FORMULA = re.compile(r"([;\t]\s*)([=+\-@])")


def harmless(text: str) -> str:
    """Text that no spreadsheet runs as a formula: foreign text may begin with one, also after what another
    country's spreadsheet takes for a separator."""
    text = _INNER_FORMULA.sub(r"\1'\2", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def cells(rows: Iterable[Row], accounts: Mapping[int, NexmoAccount]) -> Iterator[list[str]]:
    """The cells of each event, in the order of COLUMNS."""
    zone = timezone.get_current_timezone()
    names = {pk: (account.api_key, account.name) for pk, account in accounts.items()}
    for row in rows:
        if row[1] not in names:
            continue  # of an account that was made after this export had begun
        # By their places: looking up fourteen names for each of a million rows takes seconds.
        _, account, event_id, code, words, at, _, email, user, source, source_words, ip, country, context, odd = row
        yield [
            at.astimezone(zone).isoformat(),
            *names[account],
            event_id,
            code,
            words,
            email,
            user,
            source,
            source_words,
            ip,
            country,
            _context(context) if context else "",
            odd,
        ]


def csv_lines(rows: Iterable[Row], accounts: Mapping[int, NexmoAccount]) -> Iterator[str]:
    """CSV with a header, CRLF as RFC 4180 has it; several lines at a time."""
    yield _csv([COLUMNS])
    source = cells(rows, accounts)
    size = FIRST_LINES
    while chunk := list(islice(source, size)):
        text = _csv(chunk)
        # Looking closely at each cell costs more than writing it; few lines need that.
        if ";" in text or "\t" in text or not all(_FIRST.isdisjoint([cell[:1] for cell in row]) for row in chunk):
            text = _csv([[harmless(cell) for cell in row] for row in chunk])
        yield text
        size = LINES


def _csv(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def ndjson_lines(raws: Iterable[str]) -> Iterator[str]:
    """One event per line, as received: a line break within an event can only be blank space between its fields.
    Several lines at a time."""
    source = iter(raws)
    size = FIRST_LINES
    while chunk := list(islice(source, size)):
        text = "\n".join(chunk)
        if text.count("\n") >= len(chunk) or "\r" in text:
            text = "\n".join(raw.replace("\r", " ").replace("\n", " ") for raw in chunk)
        yield text + "\n"
        size = LINES


def write_xlsx(rows: Iterable[Row], accounts: Mapping[int, NexmoAccount], file: IO[bytes]) -> int:
    """Write a workbook in constant memory, with a further sheet after each million rows. Returns the row count."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    sheet: Any = None
    with Workbook(file, options) as book:
        bold = book.add_format({"bold": True})
        for line in cells(rows, accounts):
            row = count % XLSX_ROWS_PER_SHEET
            if row == 0:
                sheet = _new_sheet(book, count // XLSX_ROWS_PER_SHEET + 1, bold)
            for column, text in enumerate(line):
                sheet.write_string(row + 1, column, _fitting(text))
            count += 1
        if sheet is None:
            _new_sheet(book, 1, bold)
    return count


def xlsx_file(rows: Iterable[Row], accounts: Mapping[int, NexmoAccount]) -> IO[bytes]:
    """A temporary file with the workbook, ready to read."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    write_xlsx(rows, accounts, file)
    file.seek(0)
    return file


def _context(text: str) -> str:
    # Only addresses with parameters or a user in them can hold credentials (`events.masking`).
    if "=" not in text and "://" not in text:
        return text
    # What is masked ends before a quote, so that the JSON stays whole; where a quote is escaped it would not.
    return dump_json(mask_all(json.loads(text))) if "\\" in text else mask(text)


def _fitting(text: str) -> str:
    """Text no longer than a cell of Excel holds; a cut says so."""
    if len(text) <= XLSX_CELL // 2:
        return text
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
