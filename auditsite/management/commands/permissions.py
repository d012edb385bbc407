"""`manage.py permissions`: who may do what, as docs/permissions.md has it."""

from __future__ import annotations

from auditsite import permissions_page
from events.management.document import DocumentCommand


class Command(DocumentCommand):
    help = "Prints who may do what: every address, method and role (Markdown)."

    def page(self) -> str:
        return permissions_page.page()
