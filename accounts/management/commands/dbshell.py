"""Django's own `manage.py dbshell`, which is told in the access log."""

from __future__ import annotations

from django.core.management.commands import dbshell

from accounts.access.command import LoggedShell


class Command(LoggedShell, dbshell.Command):
    """What is typed there is not kept."""
