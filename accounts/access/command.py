"""Commands that leave entries in the access log: one when they begin, and one that says how they ended."""

from __future__ import annotations

import getpass
import logging
import os
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.access import record
from accounts.access.words import Action, Kind, Via

logger = logging.getLogger(__name__)


class LoggedCommand(BaseCommand):
    """A command whose use is told. Where that cannot be written down, it does not begin.

    Attributes:
        begun, ended: the actions of its two entries.
        about: what it is done with.
        told_options: options whose values are kept. None of them may hold a secret.
        result: more for the second entry; `handle` fills it.
    """

    begun: ClassVar[Action] = Action.RAN
    ended: ClassVar[Action] = Action.RAN
    about: ClassVar[Kind] = Kind.ARCHIVE
    told_options: ClassVar[tuple[str, ...]] = ("account", "since", "until", "full", "check", "yes")
    result: dict[str, Any]

    def execute(self, *args: Any, **options: Any) -> Any:
        self.result = {}
        given = {name: _told(options[name]) for name in self.told_options if options.get(name)}
        accounts = tuple(options.get("account") or ())
        try:
            self._tell(self.begun, accounts, {**given, "state": "begun"})
        except DatabaseError as error:
            raise CommandError(f"Nothing was done: the access log cannot be written. {error}") from error
        done = False
        try:
            said = super().execute(*args, **options)
            done = True
        finally:
            try:
                self._tell(self.ended, accounts, {**given, **self.result, "state": "ended", "ok": done})
            except DatabaseError:
                logger.exception("The end of a command could not be written into the access log")
        return said

    def _tell(self, action: Action, accounts: tuple[str, ...], detail: dict[str, Any]) -> None:
        name = type(self).__module__.rpartition(".")[2]
        entry = record.Entry(
            action=action,
            kind=self.about,
            via=Via.COMMAND,
            via_id=name,
            person=_system_user(),
            accounts=accounts,
            detail=detail,
        )
        record.add(entry)


def _system_user() -> str:
    """Who runs the command, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def _told(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return value if isinstance(value, bool | int) else str(value)
