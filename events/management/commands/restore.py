"""`manage.py restore FILE`: an empty database, filled from a backup and verified."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from accounts.access.command import tell
from accounts.access.words import Action, Kind
from events.management.progress import copying
from events.operations import backup
from events.storage import triggers
from events.wording.printable import printable

NOT_INTACT = 2
logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Fills an empty database from a file that `manage.py backup` made, brings it up to date and verifies every "
        "chain. Exit code 0: all well; 1: nothing was restored; 2: it is restored, but not what it should be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="What `manage.py backup` wrote.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with copying(self, "Restoring") as report:
                backup.read(Path(options["file"]), report)
        except backup.BackupError as error:
            raise CommandError(printable(f"Nothing was restored. {error}")) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Start again with an empty database.", returncode=130) from None
        name, intact = Path(options["file"]).name, False
        try:
            self._finish(no_color=options["no_color"])
            intact = True
        finally:
            try:
                tell(self, Action.RAN, Kind.ARCHIVE, file=name, state="ended", ok=intact)
            except DatabaseError:  # of a later version, say
                logger.exception("That %s was restored could not be written into the access log", printable(name))

    def _finish(self, *, no_color: bool) -> None:
        """Bring what was restored up to date and verify it."""
        if later := backup.unknown_migrations():
            raise CommandError(
                f"The backup is of a later version of Auditsite (it has {printable(later[-1])}). Install that version, "
                "and restore into an empty database with it.",
                returncode=NOT_INTACT,
            )
        self.stdout.write("Restored. Bringing it up to date ...")
        call_command("migrate", verbosity=0, interactive=False)
        triggers.install(connection)
        self.stdout.write("Verifying every chain ...")
        try:
            call_command("verify_archive", stdout=self.stdout, no_color=no_color)
        except CommandError as error:
            raise CommandError(
                f"{error} This backup was altered, or was made of an archive that had been. Look for an earlier one.",
                returncode=NOT_INTACT,
            ) from None
        self.stdout.write(
            "The archive is intact. CREDENTIAL_KEYS and SEAL_KEY must be those of the backup's time: "
            "`manage.py sync_events` shows whether the stored API secrets can be read."
        )
