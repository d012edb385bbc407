"""Django's own `manage.py dumpdata`, which takes away whatever it is told to: the access log says so."""

from __future__ import annotations

from django.core.management.commands import dumpdata

from accounts.access.command import LoggedCommand
from accounts.access.words import Action


class Command(LoggedCommand, dumpdata.Command):
    begun, ended = Action.EXPORT_BEGUN, Action.EXPORT_ENDED
    told_options, told_names = ("exclude",), True
