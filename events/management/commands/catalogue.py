"""`manage.py catalogue`: the rules that ship, as docs/detection-catalogue.md has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.detection.rules import catalogue_page


class Command(BaseCommand):
    help = "Prints the catalogue of the detection rules that ship (Markdown)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="Write it here instead.")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["output"]
        if file is None:
            self.stdout.write(catalogue_page.page(), ending="")
            return
        try:
            file.write_text(catalogue_page.page(), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
