"""`manage.py export_events`: the events of a filter as a file, as the pages' export makes it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import QueryDict

from accounts.models import NexmoAccount
from events import export
from events.filters import EventFilter
from events.models import AuditEvent

FILTERS = {
    "account": "Only this account (API key); repeatable.",
    "event_type": "Only this type; repeatable, or a comma list.",
    "search_text": "Only events that contain this text.",
    "date_from": "From this day or time on.",
    "date_to": "Up to this day or time, included.",
    "period": "today, 24h, 7d, 30d or 90d.",
    "user_email": "Only this user; repeatable, or a comma list.",
    "source": "Only this source, such as CD or DEVAPI.",
    "source_ip": "Only this address or network.",
    "source_country": "Only this country, such as GB.",
}


class Command(BaseCommand):
    help = "Writes archived events to a file or to standard output, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=("csv", "ndjson", "xlsx"), required=True)
        parser.add_argument("-o", "--output", metavar="FILE", help="Write here instead of standard output.")
        for name, text in FILTERS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", dest=name, action="append", default=[], help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        query = QueryDict(mutable=True)
        for name in FILTERS:
            query.setlist(name, options[name])
        found = EventFilter(query, AuditEvent.objects.all(), accounts=list(NexmoAccount.objects.all()))
        if not found.form.is_valid():
            wrong = (f"--{name.replace('_', '-')}: {' '.join(texts)}" for name, texts in found.form.errors.items())
            raise CommandError("Nothing was exported. " + " ".join(wrong))
        if not options["output"]:
            if options["format"] == "xlsx" and sys.stdout.isatty():
                raise CommandError("A workbook is no text for a terminal; name a file with -o events.xlsx")
            self._write(found.qs, options["format"], sys.stdout.buffer)
            return
        target = Path(options["output"])
        # Written beside its place first: who finds the file finds all of it.
        partial = target.with_name(f"{target.name}.part")
        try:
            with partial.open("wb") as file:
                self._write(found.qs, options["format"], file)
            partial.replace(target)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from None
        finally:
            partial.unlink(missing_ok=True)
        self.stderr.write(f"Wrote {target}.")

    def _write(self, events: Any, kind: str, file: IO[bytes]) -> None:
        if kind == "xlsx":
            export.write_xlsx(events, file)
            return
        for line in export.csv_lines(events) if kind == "csv" else export.ndjson_lines(events):
            file.write(line.encode())
