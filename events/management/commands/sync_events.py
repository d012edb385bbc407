"""`manage.py sync_events`: bring the archive up to date, now and here."""

from __future__ import annotations

import threading
from datetime import date
from typing import IO, Any, cast

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind
from accounts.models import NexmoAccount
from events.health.status import outcome
from events.management.filtering import choose_accounts
from events.models import SyncRun
from events.sync.engine import Progress as SyncProgress
from events.sync.engine import SyncOptions
from events.sync.pool import Result, sync_accounts
from events.wording.printable import printable


class Command(LoggedCommand):
    help = "Fetches new audit events. Exit codes: 0, success; 1, some accounts failed and are listed; 130, interrupted."
    begun = ended = Action.SYNCED
    about = Kind.ACCOUNT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", action="append", metavar="API_KEY", help="Only this account; repeatable.")
        parser.add_argument("--since", type=_day, metavar="DATE", help="Read from this day on, such as 2026-01-31.")
        parser.add_argument("--until", type=_day, metavar="DATE", help="Read up to and including this day.")
        parser.add_argument("--full", action="store_true", help="Read everything again, verified already or not.")
        parser.add_argument("--check", action="store_true", help="Also compare the counts of all days with Nexmo's.")
        parser.add_argument(
            "--concurrency", type=int, default=settings.SYNC_CONCURRENCY, help="Accounts synced in parallel."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = options["since"], options["until"]
        today = timezone.now().date()
        if since and since > today:
            raise CommandError(f"--since {since} is in the future.")
        if until and until > today:
            until = None
        if since and until and since > until:
            raise CommandError(f"--since {since} is later than --until {until}.")
        accounts = self._accounts(options["account"])
        if not accounts:
            self.stdout.write("There are no active accounts yet. Add one in the admin, under Nexmo accounts.")
            return
        sync_options = SyncOptions(since=since, until=until, full=options["full"], check=options["check"])
        stop = threading.Event()
        bad = 0
        console = Console(file=cast("IO[str]", self.stdout._out), no_color=options["no_color"])
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[doing]}"),
        )
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            bar = {
                account.pk: bars.add_task(escape(printable(account.name)), total=None, doing="") for account in accounts
            }

            def report(account: NexmoAccount, at: SyncProgress) -> None:
                total = max(at.expected, at.seen) if at.expected else None
                doing = f"{at.added:,} new · {escape(printable(at.doing))}"
                bars.update(bar[account.pk], completed=at.seen, total=total, doing=doing)

            try:
                for result in sync_accounts(
                    accounts,
                    sync_options,
                    trigger=SyncRun.Trigger.COMMAND,
                    concurrency=max(1, options["concurrency"]),
                    stop=stop,
                    report=report,
                ):
                    bars.remove_task(bar[result.account.pk])
                    console.print(escape(self._line(result)), highlight=False, soft_wrap=True)
                    bad += bool(result.problem) or (
                        result.run is not None and result.run.status != SyncRun.Status.SUCCEEDED
                    )
            except KeyboardInterrupt:
                raise CommandError(
                    "Stopped. Nothing is lost; the next sync goes on from here.", returncode=130
                ) from None
        if bad:
            raise CommandError(f"{bad} of {len(accounts)} account(s) could not be synced completely; see above.")

    def _accounts(self, api_keys: list[str] | None) -> list[NexmoAccount]:
        if not api_keys:
            return list(choose_accounts(None).active())
        accounts = list(choose_accounts(api_keys))
        off = [account.api_key for account in accounts if not account.is_active]
        if off:
            raise CommandError(printable(f"{', '.join(off)} is inactive; activate it in the admin first."))
        return accounts

    def _line(self, result: Result) -> str:
        line = f"{result.account.api_key} {result.account.name}: {result.problem or outcome(result.run)}"
        return printable(line)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.year < 2000:
            raise ValueError
        return day
    except ValueError:
        import argparse

        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it like 2026-01-31") from None
