"""Django's own `manage.py loaddata`, which is told in the access log."""

from __future__ import annotations

from django.core.management.commands import loaddata

from accounts.access.command import LoggedCommand


class Command(LoggedCommand, loaddata.Command):
    told_names = True
