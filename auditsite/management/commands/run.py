"""`manage.py run`: the site and its worker together, for real use on one machine."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from auditsite.configuration import env
from auditsite.login import first_run
from auditsite.server.supervisor import ProcessEnded, Supervisor, port_is_free


class Command(BaseCommand):
    help = "Brings the database up to date, then runs the site (on loopback only) and the worker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=env.port("PORT", 8000))

    def handle(self, *args: Any, **options: Any) -> None:
        port: int = options["port"]
        if not port_is_free(port):
            raise CommandError(f"Port {port} is in use. Choose another: PORT=8080 make run")
        call_command("migrate", verbosity=0, interactive=False)
        try:
            with Supervisor() as processes:
                processes.start_command("worker", quiet=True)
                processes.start_site(port, announces=False)
                processes.wait_for("site", f"http://127.0.0.1:{port}/healthz")
                self.stdout.write(f"Auditsite runs at http://127.0.0.1:{port}/ - Ctrl-C stops it.")
                _announce(port)
                processes.watch()
        except ProcessEnded as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")


def _announce(port: int) -> None:
    """Print the link of the first run last, as the address to open."""
    try:
        first_run.announce([f"127.0.0.1:{port}"])
    finally:
        connections.close_all()  # this process only watches from now on
