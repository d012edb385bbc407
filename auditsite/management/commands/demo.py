"""`manage.py demo`: five simulated Nexmo accounts, a team, and the site, in one step."""

from __future__ import annotations

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from auditsite import demo
from auditsite.supervisor import ProcessEnded, Supervisor, port_is_free
from events.operations.demo_data import PASSWORD, USERS, make_demo_data
from events.operations.sealing import seal_what_is_due

ACCOUNTS, EVENTS, SEED = 5, 20_000, 1


class Command(BaseCommand):
    help = "Runs the site with five simulated accounts and about 20,000 events, on loopback only."

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        for name, port in (("PORT", demo.PORT), ("SANDBOX_PORT", demo.SANDBOX_PORT)):
            if not port_is_free(port):
                raise CommandError(f"Port {port} is in use. Choose another: {name}={port + 100} make demo")
        try:
            with Supervisor() as processes:
                start = ["--start", str(demo.history_start())]
                size = ["--seed", str(SEED), "--accounts", str(ACCOUNTS), "--events", str(EVENTS)]
                processes.start_command("sandbox", "--port", str(demo.SANDBOX_PORT), *size, *start, quiet=True)
                self.stdout.write("Preparing the database ...")
                call_command("migrate", verbosity=0, interactive=False)
                make_demo_data()
                processes.wait_for("sandbox", f"http://127.0.0.1:{demo.SANDBOX_PORT}/beta/audit/events")
                self.stdout.write("Fetching the events of five accounts over HTTP ...")
                call_command("sync_events")
                seal_what_is_due()
                processes.start_command("worker", quiet=True)
                processes.start_site(demo.PORT)
                processes.wait_for("site", f"http://127.0.0.1:{demo.PORT}/healthz")
                self._welcome(time.monotonic() - began)
                processes.watch()
        except ProcessEnded as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo is stopped. Its data stays in var/ for the next start.")

    def _welcome(self, seconds: float) -> None:
        lines = [f"  {name:<8} {what}" for name, what in USERS.items()]
        self.stdout.write(
            f"\nReady after {seconds:.0f} s:  http://127.0.0.1:{demo.PORT}/\n\n"
            f"Log in with the password {PASSWORD} as\n" + "\n".join(lines) + "\n\n"
            "Twelve days ago somebody took over one of these accounts. Log in as audrey and find out who.\n\n"
            "Ctrl-C stops everything."
        )
