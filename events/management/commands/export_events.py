"""`manage.py export_events`: the events of a filter as a file, as the pages' export makes it."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import IO, TYPE_CHECKING, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.export.files import COLUMNS, Shape, Wrote, csv_lines, ndjson_lines, nobody, write_xlsx
from events.export.shape import BadChoice, read_shape
from events.management.filtering import add_filter_arguments, read_filter, written_whole
from events.management.progress import counting
from events.reading.counts import announce
from events.reading.stream import stream_raw, stream_rows
from events.wording.printable import printable

if TYPE_CHECKING:
    from events.filters.form import EventFilter


class Command(BaseCommand):
    help = "Writes archived events to a file or to standard output, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=("csv", "ndjson", "xlsx"), required=True)
        parser.add_argument("-o", "--output", metavar="FILE", help="Write here instead of standard output.")
        parser.add_argument(
            "--columns",
            action="append",
            default=[],
            help=f"Only these columns of CSV and XLSX; repeatable, or a comma list of {', '.join(COLUMNS)}.",
        )
        parser.add_argument("--times", default="", help="The zone of times in CSV and XLSX: utc, or Europe/Madrid.")
        parser.add_argument(
            "--bom", action="store_true", help="Start a CSV with a byte order mark, so that Excel detects UTF-8."
        )
        add_filter_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = read_filter(options)
        try:
            shape = read_shape(options["columns"], options["times"], "yes" if options["bom"] else "no")
        except BadChoice as error:
            raise CommandError(f"Nothing was exported. {error}") from None
        if not options["output"]:
            if options["format"] == "xlsx" and sys.stdout.isatty():
                raise CommandError("A workbook cannot be written to a terminal; name a file with -o events.xlsx")
            self._write(found, options["format"], sys.stdout.buffer, shape)
            return
        with written_whole(options["output"]) as file:
            rows = self._write(found, options["format"], file, shape)
        self.stderr.write(f"Wrote {options['output']}: {rows:,} row{'' if rows == 1 else 's'}.")

    def _write(self, found: EventFilter, kind: str, file: IO[bytes], shape: Shape) -> int:
        """Write all of it; returns the number of rows."""
        total, rows = announce(found.conditions), 0
        # Rows on the very terminal are progress enough.
        bar = nullcontext(nobody) if file.isatty() else self._bar(None if total.at_least else total.number)
        with bar as show:

            def wrote(more: int) -> None:
                nonlocal rows
                rows += more
                show(more)

            if kind == "xlsx":
                write_xlsx(stream_rows(found.conditions), found.accounts_by_pk, file, shape, wrote)
            else:
                _write_text(found, kind, file, shape, wrote)
        if not total.at_least and rows != total.number:
            self.stderr.write(
                f"{total.number:,} rows were expected: events were added or removed while {rows:,} were written."
            )
        return rows

    def _bar(self, total: int | None) -> AbstractContextManager[Wrote]:
        # Standard output may be the file.
        return counting(cast("IO[str]", self.stderr._out), "Writing", total)


def _write_text(found: EventFilter, kind: str, file: IO[bytes], shape: Shape, wrote: Wrote) -> None:
    lines = (
        csv_lines(stream_rows(found.conditions), found.accounts_by_pk, shape, wrote)
        if kind == "csv"
        else ndjson_lines(stream_raw(found.conditions), wrote)
    )
    for line in lines:
        # Foreign text must not drive a terminal.
        file.write((_printable(line) if file.isatty() else line).encode())


def _printable(line: str) -> str:
    return "\n".join(printable(part) for part in line.replace("\r\n", "\n").split("\n"))
