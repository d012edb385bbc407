"""`manage.py apply_retention`: remove events that are older than their account keeps them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from accounts.access.command import LoggedCommand
from events.archive import retention
from events.management.filtering import choose_accounts
from events.wording.printable import printable


class Command(LoggedCommand):
    help = "Says what retention would remove; with --yes removes it. Legal holds win. Everything removed is recorded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", action="append", metavar="API_KEY", help="Only this account; repeatable.")
        parser.add_argument(
            "--trust-clock",
            action="store_true",
            help="Believe this machine's clock although nothing was synced for a day, as when accounts are closed.",
        )
        parser.add_argument("--yes", action="store_true", help="Remove. Without it nothing is changed.")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = choose_accounts(options["account"])
        try:
            now = retention.present(trust_clock=options["trust_clock"])
        except retention.ClockDoubted as error:
            if any(account.keep_days is not None for account in accounts):
                raise CommandError(str(error)) from None
            now = timezone.now()
        for account in accounts:
            api_key, plan = printable(account.api_key), retention.plan(account, now)
            if plan is None:
                self.stdout.write(f"{api_key}: kept forever.")
                continue
            if not options["yes"]:
                self.stdout.write(f"{api_key}: would remove {_what(plan, plan.count, plan.held)}.")
                continue
            # What was really removed: a hold may have been placed since.
            removal = retention.apply(plan)
            held = removal.held if removal else (retention.plan(account, now) or plan).held
            removed = removal.count if removal else 0
            self.stdout.write(f"{api_key}: removed {_what(plan, removed, held)}.")
        if not options["yes"]:
            self.stdout.write("Nothing was changed. Use --yes to remove.")


def _what(plan: retention.Plan, count: int, held: int) -> str:
    more = f"; {held:,} more are held" if held else ""
    return f"{count:,} event(s) before {plan.older_than:%Y-%m-%d %H:%M} UTC{more}"
