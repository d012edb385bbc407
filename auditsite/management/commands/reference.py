"""`manage.py reference`: parameters, addresses, commands and settings, as docs/reference.md has them."""

from __future__ import annotations

from auditsite import reference
from events.management.document import DocumentCommand


class Command(DocumentCommand):
    help = "Prints the reference of parameters, addresses, commands and settings (Markdown)."

    def page(self) -> str:
        return reference.page()
