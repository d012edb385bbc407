"""`manage.py apply_retention`: remove events that are older than their account keeps them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from events.archive import retention
from events.management.filtering import choose_accounts


class Command(BaseCommand):
    help = "Says what retention would remove; with --yes removes it. Legal holds win. Everything removed is recorded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", action="append", metavar="API_KEY", help="Only this account; repeatable.")
        parser.add_argument("--yes", action="store_true", help="Remove. Without it nothing is changed.")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = choose_accounts(options["account"])
        for account in accounts:
            found = retention.plan(account)
            if found is None:
                self.stdout.write(f"{account.api_key}: kept for ever.")
                continue
            held = f"; {found.held:,} more are held" if found.held else ""
            what = f"{found.count:,} event(s) before {found.older_than:%Y-%m-%d %H:%M} UTC{held}"
            if not options["yes"]:
                self.stdout.write(f"{account.api_key}: would remove {what}.")
                continue
            retention.apply(found)
            self.stdout.write(f"{account.api_key}: removed {what}.")
        if not options["yes"]:
            self.stdout.write("Nothing was changed. Use --yes to remove.")
