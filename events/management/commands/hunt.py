"""`manage.py hunt`: what a rule would have found in the archive; for a file that is not installed too."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from accounts.access.command import LoggedCommand
from accounts.access.words import Kind
from accounts.models import NexmoAccount
from events.detection.evaluation import hunt
from events.detection.evaluation.replay import Scope, replay
from events.detection.rules.ruleset import ENDINGS, current_rules, read
from events.management.filtering import choose_accounts
from events.operations import jobs
from events.wording.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.detection.evaluation.find import Found
    from events.detection.evaluation.replay import Wrote
    from events.detection.sigma.rule import Rule

LARGEST_FILE = 1_000_000  # characters that are read; the reader refuses far less, in words


class Command(LoggedCommand):
    help = (
        "Runs a detection rule over the archive and lists what it finds, the newest first. Nothing is changed unless "
        "--replay is given. Exit code 1: the rule cannot be read or run."
    )
    about = Kind.RULE
    told_options = ("rule", "account", "since", "until", "replay")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("rule", help="A rule's id, title or file name, or the path of a Sigma file.")
        parser.add_argument("--account", action="append", metavar="API_KEY", help="Only this account; repeatable.")
        parser.add_argument("--since", type=_day, metavar="DATE", help="Only events from this day on.")
        parser.add_argument("--until", type=_day, metavar="DATE", help="Only events up to and including this day.")
        parser.add_argument(
            "--replay",
            action="store_true",
            help="Put what is found into the inbox; what is there is not added again. Of a period or an account: "
            "findings that have an event there, whole.",
        )
        parser.add_argument("--format", choices=("text", "json"), default="text", help="json: one finding a line.")

    def handle(self, *args: Any, **options: Any) -> None:
        rule = _rule(options["rule"])
        accounts = [account.pk for account in choose_accounts(options["account"])] if options["account"] else None
        start, end = _span(options["since"], options["until"])
        outcome = None
        try:
            with self._progress(rule, plain=options["no_color"]) as (tick, wrote):
                if options["replay"]:
                    scope = Scope(None if accounts is None else frozenset(accounts), start, end)
                    found, outcome = replay(rule, tick, scope=scope, wrote=wrote)
                else:
                    found = hunt.Hunting(rule, accounts, start, end, tick).run()
        except (hunt.TooMany, ValueError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            if not options["replay"]:
                raise CommandError("Stopped.", returncode=130) from None
            jobs.enqueue("route_alerts")  # of what is in the inbox already
            said = "Stopped. What is in the inbox stays there; the same command goes on from here."
            raise CommandError(said, returncode=130) from None
        if outcome and outcome.accounts:
            jobs.enqueue("route_alerts")
        names = dict(NexmoAccount.objects.values_list("pk", "api_key"))
        for one in sorted(found, key=lambda one: (one.last_at, one.key), reverse=True):
            lines = [_as_json(one, names)] if options["format"] == "json" else _in_words(one, names)
            for line in lines:  # events' own text breaks none
                self.stdout.write(printable(line))
        if options["format"] == "json":
            return
        count = f"{len(found):,} finding{'' if len(found) == 1 else 's'}"
        self.stdout.write(f"{printable(rule.title)}: {count}.")
        if outcome:
            self.stdout.write(
                f"Inbox: {outcome.made:,} new, {outcome.extended:,} extended, {outcome.withdrawn:,} withdrawn."
            )

    @contextmanager
    def _progress(self, rule: Rule, *, plain: bool) -> Iterator[tuple[hunt.Tick, Wrote]]:
        console = Console(file=cast("IO[str]", self.stderr._out), no_color=plain)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
            bar = bars.add_task(escape(printable(rule.title)), total=None)
            inbox = bars.add_task("Inbox", total=None, visible=False)
            yield (
                lambda done, total, hits: bars.update(bar, completed=done, total=total),
                lambda done, total: bars.update(inbox, completed=done, total=total, visible=True),
            )


def _rule(name: str) -> Rule:
    """The rule that somebody means: installed, or in a file."""
    path = Path(name)
    if path.suffix.lower() in ENDINGS and path.is_file():
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(LARGEST_FILE)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{name} cannot be read: {error}") from None
        rules, problems = read(text, path.name)
        if problems:
            raise CommandError("\n".join(printable(str(problem)) for problem in problems))
    else:
        rules = current_rules().named(name)
        if not rules:
            raise CommandError(f"There is no rule {name!r}: neither an id, a title nor a file.")
    if len(rules) > 1:
        listed = "\n".join(f"{rule.uid}  {printable(rule.title)}" for rule in rules)
        raise CommandError(f"There are several rules in or called {name!r}. Name one by its id:\n{listed}")
    return rules[0]


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _span(since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment of these days, in the zone of TIME_ZONE. Raises CommandError."""
    if since and until and since > until:
        raise CommandError(f"--since {since} is later than --until {until}.")
    zone = timezone.get_default_timezone()
    start = datetime.combine(since, time(), tzinfo=zone) if since else None
    if until is None or until == date.max:
        return start, None
    return start, datetime.combine(until + timedelta(days=1), time(), tzinfo=zone) - timedelta(microseconds=1)


def _as_json(found: Found, names: dict[int, str]) -> str:
    told = hunt.shown(found, most=len(found.events))
    del told["more"]
    told["accounts"] = [names[account] for account in told["accounts"]]
    for event in told["events"]:
        event["account"] = names[event["account"]]
    return json.dumps({"rule": found.rule.uid, **told}, default=str)


def _in_words(found: Found, names: dict[int, str]) -> list[str]:
    """The lines that tell a finding."""
    group = ", ".join(f"{name} {value}" for name, value in found.group.items() if value is not None)
    span = f"{found.first_at:%Y-%m-%d %H:%M:%S}"
    if found.last_at != found.first_at:
        span += f" to {found.last_at:%Y-%m-%d %H:%M:%S}"
    events = [
        f"    {fact.at:%Y-%m-%d %H:%M:%S}  {names.get(fact.account_id, '')}  {fact.event_type}  {fact.event_id}"
        for fact in dict.fromkeys(fact for fact, _ in found.events[: hunt.EVENTS_SHOWN])
    ]
    more = len(found.events) - hunt.EVENTS_SHOWN
    return [f"{span} UTC  {group}", *events, *([f"    and {more:,} more"] if more > 0 else [])]
