"""Django's own `manage.py changepassword`, which is told in the access log."""

from __future__ import annotations

from django.contrib.auth.management.commands import changepassword

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind


class Command(LoggedCommand, changepassword.Command):
    begun = ended = Action.PASSWORD_CHANGED
    about = Kind.PERSON
    told_options = ("username",)
