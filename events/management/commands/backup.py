"""`manage.py backup FILE`: the whole database as one file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Sum

from accounts.access.command import LoggedCommand
from accounts.access.words import Action
from events.management.progress import copying
from events.models import SyncState
from events.operations import backup
from events.wording.printable import printable


class Command(LoggedCommand):
    help = (
        "Copies the database into a new file, which only you can read; syncs may run meanwhile. "
        "`manage.py restore` is the way back."
    )
    begun, ended = Action.EXPORT_BEGUN, Action.EXPORT_ENDED
    told_options = ("file",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="A file that does not exist yet.")

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(options["file"])
        began = time.monotonic()
        events = SyncState.objects.aggregate(count=Sum("event_count"))["count"] or 0
        try:
            with copying(self, "Copying") as report:
                backup.write(target, report)
        except backup.BackupError as error:
            raise CommandError(printable(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was written.", returncode=130) from None
        size = target.stat().st_size / 1_000_000
        self.stdout.write(
            f"{printable(target)}: {size:,.1f} MB, at least {events:,} events, in {time.monotonic() - began:.1f} s.\n"
            "Not in it: CREDENTIAL_KEYS, SEAL_KEY and the other settings. Keep a copy of .env too, apart from this "
            "file: together they open the stored API secrets; without CREDENTIAL_KEYS nobody can read them again."
        )
