"""`manage.py stream_formats`: what streams send, as docs/stream-formats.md has it."""

from __future__ import annotations

from events.management.document import DocumentCommand
from events.streams.formats import page


class Command(DocumentCommand):
    help = "Prints what streams send in each format, field by field (Markdown)."

    def page(self) -> str:
        return page.page()
