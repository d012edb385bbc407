"""Django's own `manage.py createsuperuser`, which is told in the access log."""

from __future__ import annotations

from django.contrib.auth.management.commands import createsuperuser

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind


class Command(LoggedCommand, createsuperuser.Command):
    begun = ended = Action.CREATED
    about = Kind.PERSON
    told_options = ("username",)
