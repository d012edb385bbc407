"""`manage.py export_events`: the events of a filter as a file, as the pages' export makes it."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, cast

from django.core.management.base import CommandError, CommandParser

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind
from events.export.about import describe
from events.export.columns import COLUMNS, IN_WORDS, OnRows, Shape, ignore_progress
from events.export.files import FORMATS, TextFormat, WholeFormat
from events.export.shape import BadChoice, read_shape
from events.management.filtering import add_filter_arguments, read_filter, written_whole
from events.management.progress import counting
from events.reading.counts import announce
from events.reading.filterable import PARAMETERS
from events.reading.stream import stream_rows
from events.wording.printable import printable

if TYPE_CHECKING:
    from events.filters.form import EventFilter


class Command(LoggedCommand):
    help = "Writes archived events to a file or to standard output, newest first."
    begun, ended, about = Action.EXPORT_BEGUN, Action.EXPORT_ENDED, Kind.EVENT
    told_options = (*PARAMETERS, "format", "output")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=FORMATS, required=True)
        parser.add_argument("-o", "--output", metavar="FILE", help="Write here instead of standard output.")
        parser.add_argument(
            "--columns",
            action="append",
            default=[],
            help=f"Only these columns of formats with columns; repeatable, or a comma list of {', '.join(COLUMNS)}. "
            f"By default Excel has all, and CSV all but {' and '.join(IN_WORDS)}.",
        )
        parser.add_argument("--times", default="", help="The zone of times, except in NDJSON: utc, or Europe/Madrid.")
        parser.add_argument(
            "--bom", action="store_true", help="Start a CSV with a byte order mark, so that Excel detects UTF-8."
        )
        add_filter_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        event_filter = read_filter(options)
        file_format = FORMATS[options["format"]]
        try:
            shape = read_shape(
                options["columns"], options["times"], "yes" if options["bom"] else "no", file_format.columns
            )
        except BadChoice as error:
            raise CommandError(printable(f"Nothing was written. {error}")) from None
        shape = replace(shape, whole=True)  # whoever may call commands may read the database
        if not options["output"]:
            if isinstance(file_format, WholeFormat) and sys.stdout.isatty():
                raise CommandError(
                    f"{file_format.title} cannot be shown in a terminal: name a file with -o FILE.{options['format']}"
                )
            self.result["rows"] = self._write(event_filter, file_format, sys.stdout.buffer, shape)
            return
        with written_whole(options["output"]) as file:
            rows = self.result["rows"] = self._write(event_filter, file_format, file, shape)
        self.stderr.write(printable(f"Wrote {options['output']}: {rows:,} row{'' if rows == 1 else 's'}."))

    def _write(
        self, event_filter: EventFilter, file_format: TextFormat | WholeFormat, file: IO[bytes], shape: Shape
    ) -> int:
        """Write all of it; returns the number of rows."""
        total, rows = announce(event_filter.conditions), 0
        # Rows on the very terminal are progress enough.
        bar = nullcontext(ignore_progress) if file.isatty() else self._bar(None if total.at_least else total.number)
        with bar as show:

            def wrote(more: int) -> None:
                nonlocal rows
                rows += more
                show(more)

            conditions, accounts = event_filter.conditions, event_filter.accounts_by_pk
            if isinstance(file_format, WholeFormat):
                about = describe(event_filter, shape, "manage.py export_events")
                file_format.write(stream_rows(conditions), accounts, file, shape, about, wrote)
            else:
                for line in file_format.lines(conditions, accounts, shape, wrote):
                    # Foreign text must not drive a terminal.
                    file.write((_printable(line) if file.isatty() else line).encode())
        if not total.at_least and rows != total.number:
            self.stderr.write(
                f"{total.number:,} rows were expected: events were added or removed while {rows:,} were written."
            )
        return rows

    def _bar(self, total: int | None) -> AbstractContextManager[OnRows]:
        # Standard output may be the file.
        return counting(cast("IO[str]", self.stderr._out), "Writing", total)


def _printable(line: str) -> str:
    return "\n".join(printable(part) for part in line.replace("\r\n", "\n").split("\n"))
