"""Django's own `manage.py shell`, which is told in the access log."""

from __future__ import annotations

from django.core.management.commands import shell

from accounts.access.command import LoggedShell


class Command(LoggedShell, shell.Command):
    """What is typed there is not kept."""
