"""`manage.py reference`: parameters, addresses, commands and settings, as docs/reference.md has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditsite import reference


class Command(BaseCommand):
    help = "Prints the reference of parameters, addresses, commands and settings (Markdown)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="Write it here instead.")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["output"]
        if file is None:
            self.stdout.write(reference.page(), ending="")
            return
        try:
            file.write_text(reference.page(), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
