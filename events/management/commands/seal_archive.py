"""`manage.py seal_archive`: sign the head of every chain now, and send the seals off this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.access.command import LoggedCommand
from accounts.access.words import Action
from events.archive import access_chain, seal_channels, seals
from events.management.filtering import choose_accounts
from events.wording.printable import printable


class Command(LoggedCommand):
    help = "Signs the head of every account's chain, keeps the seals and sends them through SEAL_CHANNELS."
    begun = ended = Action.SEALED

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", action="append", metavar="API_KEY", help="Only this account; repeatable.")
        parser.add_argument("-o", "--output", metavar="FILE", help="Also append the seals to this file, one a line.")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = choose_accounts(options["account"])
        troubles = []
        access_chain.extend()  # the ledger, which seals state, then speaks of the access log up to now
        for account in accounts:
            try:
                seal = seals.seal(account)
            except seals.NoSealKey as error:
                raise CommandError(str(error)) from None
            troubles += seal_channels.send(seal)
            if options["output"]:
                try:
                    with Path(options["output"]).open("a", encoding="utf-8") as file:
                        file.write(json.dumps(seals.export(seal), sort_keys=True) + "\n")
                except OSError as error:
                    raise CommandError(printable(f"{options['output']} cannot be written: {error.strerror}.")) from None
            self.stdout.write(printable(f"{account.api_key}: sealed at {seal.seq:,} events. {seal.sent_to}".strip()))
        if troubles:
            raise CommandError("Not every seal could be sent: " + printable("; ".join(troubles)))
