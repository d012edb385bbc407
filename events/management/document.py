"""Commands that write a page of docs/ from what the code declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class DocumentCommand(BaseCommand):
    """Prints a page of Markdown, or writes it to a file."""

    requires_system_checks = ()

    def page(self) -> str:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="Write it here instead.")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["output"]
        if file is None:
            self.stdout.write(self.page(), ending="")
            return
        try:
            file.write_text(self.page(), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
