"""`manage.py catalogue`: the rules that ship, as docs/detection-catalogue.md has them."""

from __future__ import annotations

from events.detection.rules import catalogue_page
from events.management.document import DocumentCommand


class Command(DocumentCommand):
    help = "Prints the catalogue of the detection rules that ship (Markdown)."

    def page(self) -> str:
        return catalogue_page.page()
