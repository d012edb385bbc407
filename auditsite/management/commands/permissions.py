"""`manage.py permissions`: who may do what, as docs/permissions.md has it."""

from __future__ import annotations

from auditsite.rights import document
from events.management.document import DocumentCommand


class Command(DocumentCommand):
    help = "Prints who may do what: every address, method and role (Markdown)."

    def page(self) -> str:
        return document.page()
