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
from accounts.unseen import printable

logger = logging.getLogger(__name__)


class LoggedCommand(BaseCommand):
    """A command whose use is told. Where that cannot be written down, it does not begin.

    Attributes:
        begun, ended: the actions of its two entries.
        about: what it is done with.
        told_options: options whose values are kept. None of them may hold a secret.
        told_names: whether what stands behind the command without an option is kept.
        result: more for the second entry; `handle` fills it.
    """

    begun: ClassVar[Action] = Action.RAN
    ended: ClassVar[Action] = Action.RAN
    about: ClassVar[Kind] = Kind.ARCHIVE
    told_options: ClassVar[tuple[str, ...]] = ("account", "since", "until", "full", "check", "yes")
    told_names: ClassVar[bool] = False
    result: dict[str, Any]

    def execute(self, *args: Any, **options: Any) -> Any:
        self.result = {}
        given = {name: _told(options[name]) for name in self.told_options if options.get(name)}
        if self.told_names and args:
            given["names"] = _told(args)
        accounts = tuple(options.get("account") or ())
        try:
            self._tell(self.begun, accounts, {**given, "state": "begun"})
        except DatabaseError as error:
            raise CommandError(f"Nothing was done: the access log cannot be written. {error}") from error
        done = False
        try:
            said = super().execute(*args, **options)
            done = True
        except SystemExit as leaving:  # how a shell is left
            done = not leaving.code
            raise
        finally:
            try:
                self._tell(self.ended, accounts, {**given, **self.result, "state": "ended", "ok": done})
            except DatabaseError:
                logger.exception("The end of a command could not be written into the access log")
        return said

    def _tell(self, action: Action, accounts: tuple[str, ...], detail: dict[str, Any]) -> None:
        tell(self, action, self.about, accounts, **detail)


class LoggedShell(LoggedCommand):
    """A shell: what is typed there is not kept. It opens also where its entry cannot be written, with a word about it:
    shells are what a broken database is mended with."""

    told_options = ()

    def _tell(self, action: Action, accounts: tuple[str, ...], detail: dict[str, Any]) -> None:
        try:
            super()._tell(action, accounts, detail)
        except DatabaseError as error:
            self.stderr.write(f"This has no entry in the access log, which cannot be written: {printable(str(error))}")


def tell(command: BaseCommand, action: Action, about: Kind, accounts: tuple[str, ...] = (), **detail: Any) -> None:
    """Write the entry of a command, as of the system's user who runs it. Raises what the database raises."""
    record.add(
        record.Entry(
            action=action,
            kind=about,
            via=Via.COMMAND,
            via_id=type(command).__module__.rpartition(".")[2],
            person=_system_user(),
            accounts=accounts,
            detail=detail,
        )
    )


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
