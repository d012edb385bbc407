"""`manage.py export_events`: the events of a filter as a file, as the pages' export makes it."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import export
from events.management.filtering import add_filter_arguments, read_filter, written_whole
from events.reading.stream import stream_raw, stream_rows

if TYPE_CHECKING:
    from events.filters import EventFilter


class Command(BaseCommand):
    help = "Writes archived events to a file or to standard output, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=("csv", "ndjson", "xlsx"), required=True)
        parser.add_argument("-o", "--output", metavar="FILE", help="Write here instead of standard output.")
        add_filter_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = read_filter(options)
        if not options["output"]:
            if options["format"] == "xlsx" and sys.stdout.isatty():
                raise CommandError("A workbook is no text for a terminal; name a file with -o events.xlsx")
            self._write(found, options["format"], sys.stdout.buffer)
            return
        with written_whole(options["output"]) as file:
            self._write(found, options["format"], file)
        self.stderr.write(f"Wrote {options['output']}.")

    def _write(self, found: EventFilter, kind: str, file: IO[bytes]) -> None:
        if kind == "xlsx":
            export.write_xlsx(stream_rows(found.conditions), found.accounts_by_pk, file)
            return
        lines = (
            export.csv_lines(stream_rows(found.conditions), found.accounts_by_pk)
            if kind == "csv"
            else export.ndjson_lines(stream_raw(found.conditions))
        )
        for line in lines:
            # Foreign text must not drive a terminal.
            file.write((_printable(line) if file.isatty() else line).encode())


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in line)
