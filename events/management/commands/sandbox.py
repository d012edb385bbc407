"""`manage.py sandbox`: serve the simulated Audit API until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.sandbox import Sandbox, Switches


class Command(BaseCommand):
    help = "Serve the sandbox, a simulator of Nexmo's Audit API with made-up accounts, on 127.0.0.1."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8801, help="default 8801; 0 for any free port")
        parser.add_argument("--seed", type=int, default=1, help="a different seed gives different events")
        parser.add_argument("--accounts", type=int, default=5)
        parser.add_argument("--events", type=int, default=20_000, help="approximate total over 730 days")
        parser.add_argument("--start", type=date.fromisoformat, help="first day of the history (default: 730 days ago)")
        parser.add_argument("--keep", type=Path, metavar="FILE", help="keep added events for the next start")
        parser.add_argument("--latency-ms", type=float, default=0, help="the delay of every response")
        parser.add_argument("--fault", action="append", default=[], metavar="NAME[@key=value,...]")
        parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE")

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = Event()

        def stop(number: int, frame: FrameType | None) -> None:
            stopped.set()

        # Before anything else: a signal during the first second must end it as cleanly as a later one.
        before = [(number, signal.signal(number, stop)) for number in (signal.SIGINT, signal.SIGTERM)]
        try:
            with self._sandbox(options) as sandbox:
                self._introduce(sandbox)
                stopped.wait()
        except OSError as error:
            raise CommandError(f"cannot listen on 127.0.0.1:{options['port']}: {error.strerror}") from error
        finally:
            for number, handler in before:
                signal.signal(number, handler)
        self.stdout.write("Sandbox stopped.")

    def _sandbox(self, options: dict[str, Any]) -> Sandbox:
        try:
            return Sandbox(
                accounts=options["accounts"],
                events=options["events"],
                seed=options["seed"],
                start=options["start"],
                keep=options.get("keep"),
                port=options["port"],
                latency_ms=options["latency_ms"],
                switches=Switches.parse(options["switch"]),
                faults=options["fault"],
            )
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _introduce(self, sandbox: Sandbox) -> None:
        self.stdout.write(f"Sandbox: {sandbox.url}")
        self.stdout.write("Made-up accounts (key, secret, events so far, name):")
        for key, account in sandbox.accounts.items():
            self.stdout.write(f"  {key}  {account.secrets[0]}  {len(account.store.rows):>7}  {account.name}")
        self.stdout.write("Ctrl-C stops it.")
        self.stdout.flush()
