"""`manage.py export_evidence`: filtered events as a pack that an outsider can check."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import CommandError, CommandParser

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind
from events.archive import seals
from events.evidence.pack import NotIntact, make_pack
from events.management.filtering import add_filter_arguments, read_filter, written_whole
from events.management.progress import stages
from events.models import EvidencePack
from events.reading.filterable import PARAMETERS
from events.wording.printable import printable


class Command(LoggedCommand):
    help = "Writes an evidence pack: events, their places in the chain, seals, coverage, and a verifier."
    begun, ended, about = Action.EXPORT_BEGUN, Action.EXPORT_ENDED, Kind.EVIDENCE
    told_options = (*PARAMETERS, "output", "made_by")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("-o", "--output", metavar="FILE.zip", required=True)
        parser.add_argument("--made-by", default=getpass.getuser(), help="Who asked for it; goes into the manifest.")
        add_filter_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        event_filter = read_filter(options)
        target = Path(options["output"])
        terminal = cast("IO[str]", self.stderr._out)
        try:
            with written_whole(options["output"]) as file, stages(terminal, dict(EvidencePack.Stage.choices)) as report:
                contents = make_pack(
                    file,
                    event_filter.conditions,
                    event_filter.accounts.values(),
                    query=event_filter.data.urlencode(),
                    made_by=options["made_by"],
                    name=target.name,
                    report=report,
                )
        except (NotIntact, seals.NoSealKey) as error:
            raise CommandError(str(error)) from None
        self.result["rows"] = contents.count
        self.stdout.write(
            f"Wrote {printable(target)} with {contents.count:,} event(s). Public key: {seals.public_key()}"
        )
