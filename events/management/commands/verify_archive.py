"""`manage.py verify_archive`: recompute every chain and check every seal."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import CommandError, CommandParser
from django.db import connection
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from accounts.access.command import LoggedCommand
from accounts.access.words import Action
from events.archive import access_chain, seals, verify
from events.management.filtering import choose_accounts
from events.models import SyncState
from events.reviews import recheck
from events.wording.printable import printable


class Command(LoggedCommand):
    help = (
        "Checks that nothing in the archive was altered, removed, inserted, moved or hidden. Exit code 1 on any "
        "difference."
    )
    begun = ended = Action.VERIFIED

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", action="append", metavar="API_KEY", help="Only this account; repeatable.")
        parser.add_argument("--seals", metavar="FILE", help="Seals kept off this machine, one a line.")
        parser.add_argument("--public-key", action="append", metavar="HEX", help="Trust this key; repeatable.")
        parser.add_argument(
            "--search",
            action="store_true",
            help="Compare the whole search index with the events, not a random part of it. SQLite; takes minutes for "
            "a million events.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = choose_accounts(options["account"])
        outside = self._outside_seals(options["seals"], options["public_key"])
        counts = dict(SyncState.objects.values_list("account", "event_count"))
        console = Console(file=cast("IO[str]", self.stdout._out), no_color=options["no_color"])
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        began, events = time.monotonic(), 0
        indexes = _IndexCheck()
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            bar = bars.add_task("Database and search index", total=sum(counts.values()) if options["search"] else None)
            problems = verify.verify_database(
                public_keys=options["public_key"],
                outside_seals=outside,
                indexes=False,
                whole_search=options["search"],
                progress=lambda done, bar=bar: bars.update(bar, completed=done),  # type: ignore[misc]
            )
            bars.remove_task(bar)
            for problem in problems:
                console.print(escape(printable(problem)), highlight=False, soft_wrap=True)
            for account in accounts:
                bar = bars.add_task(escape(printable(account.name)), total=counts.get(account.pk, 0))
                verdict = verify.verify_account(
                    account,
                    public_keys=options["public_key"],
                    outside_seals=[statement for statement in outside if statement.account == account.api_key],
                    progress=lambda done, bar=bar: bars.update(bar, completed=done),  # type: ignore[misc]
                )
                if not verdict.problem:
                    verdict.problem = next(recheck.problems(account, options["public_key"]), "")
                bars.remove_task(bar)
                events += verdict.events
                console.print(escape(printable(_line(verdict))), highlight=False, soft_wrap=True)
                problems += [verdict.problem] if verdict.problem else []
            bars.add_task("Indexes", total=None)
            wrong_indexes = indexes.problems()
        for problem in wrong_indexes:
            console.print(escape(printable(problem)), highlight=False, soft_wrap=True)
        problems += wrong_indexes
        self.stdout.write(access_chain.summary())
        seconds = max(time.monotonic() - began, 0.001)
        self.stdout.write(f"{events:,} events in {seconds:.1f} s, {events / seconds:,.0f} a second.")
        if not accounts and not problems:
            raise CommandError(
                "There is no account in this database, so nothing was verified. Is DATABASE_URL the right one, and "
                "was everything restored?"
            )
        if problems:
            raise CommandError("The archive failed verification; see above.")

    def _outside_seals(self, file: str | None, public_keys: list[str] | None) -> list[seals.Statement]:
        if not file:
            return []
        try:
            found = seals.import_lines(Path(file).read_text(encoding="utf-8"), public_keys)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(printable(f"{file} cannot be read: {error}.")) from None
        except seals.BadSeal as error:
            raise CommandError(printable(f"{file}, {error}")) from None
        if not found:
            raise CommandError(printable(f"{file} holds no seal, so there is nothing to compare the archive with."))
        return found


class _IndexCheck:
    """The check of SQLite's indexes, which takes about as long as that of the chains: beside it, in a thread."""

    def __init__(self) -> None:
        self._problems: list[str] = []
        self._thread: threading.Thread | None = None
        # Another connection sees neither what an open transaction wrote nor a database in memory.
        in_memory = "memory" in str(connection.settings_dict["NAME"])
        if connection.vendor == "sqlite" and not connection.in_atomic_block and not in_memory:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._problems = verify.index_problems()
        finally:
            connection.close()

    def problems(self) -> list[str]:
        """Wait for it, and return what is wrong."""
        if self._thread is None:
            return verify.index_problems()
        self._thread.join()
        return self._problems


def _line(verdict: verify.Verdict) -> str:
    name = f"{verdict.account.api_key} {verdict.account.name}"
    if verdict.problem:
        return f"{name}: NOT INTACT. {verdict.problem}"
    if not (verdict.events or verdict.removed or verdict.seals or verdict.reviews):
        return f"{name}: nothing to verify. It has no events and no seals."
    removed = f", {verdict.removed:,} removed by retention" if verdict.removed else ""
    return f"{name}: intact. {verdict.events:,} events{removed}, {verdict.seals:,} seal(s){_reviews(verdict)}."


def _reviews(verdict: verify.Verdict) -> str:
    if not verdict.reviews:
        return ""
    gone = f"; {verdict.reviewed_and_removed:,} of their events removed since" if verdict.reviewed_and_removed else ""
    return f", {verdict.reviews:,} review(s){gone}"
