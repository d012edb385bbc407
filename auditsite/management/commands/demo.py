"""`manage.py demo`: five simulated Nexmo accounts, a team, and the site, in one step."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from auditsite.demo import environment
from auditsite.demo.alerts import make_demo_alerts, webhook_secrets
from auditsite.demo.catcher import Catcher
from auditsite.demo.reports import make_demo_report
from auditsite.demo.reviews import make_demo_reviews
from auditsite.server.supervisor import ProcessEnded, Supervisor, port_is_free
from events.detection.evaluation.follow import follow
from events.management.progress import stages
from events.models import Finding, Severity
from events.operations.demo_data import PASSWORD, USERS, make_demo_data
from events.operations.sealing import seal_what_is_due

STORY = "demo0003"  # the account that is taken over in the sandbox's history
ACCOUNTS, EVENTS, SEED = 5, 20_000, 1


class Command(BaseCommand):
    help = "Runs the site with five simulated accounts and about 20,000 events, on loopback only."

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        self._check_ports()
        try:
            catcher = Catcher(
                page_port=environment.CATCHER_PORT,
                mail_port=environment.SMTP_PORT,
                site=environment.SITE,
                secrets=webhook_secrets,
            )
            with Supervisor() as processes, catcher:
                start = ["--start", str(environment.history_start()), "--keep", str(environment.ATTACKS)]
                size = ["--seed", str(SEED), "--accounts", str(ACCOUNTS), "--events", str(EVENTS)]
                processes.start_command("sandbox", "--port", str(environment.SANDBOX_PORT), *size, *start, quiet=True)
                self.stdout.write("Preparing the database ...")
                call_command("migrate", verbosity=0, interactive=False)
                make_demo_data()
                processes.wait_for("sandbox", f"{environment.SANDBOX}/beta/audit/events")
                self.stdout.write("Fetching the events of five accounts over HTTP ...")
                call_command("sync_events")
                seal_what_is_due()
                self._detect()
                make_demo_alerts()
                make_demo_report()
                make_demo_reviews()
                processes.start_command("worker", quiet=True)
                processes.start_site(environment.PORT)
                processes.wait_for("site", f"{environment.SITE}/healthz")
                self._welcome(time.monotonic() - began)
                processes.watch()
        except ProcessEnded as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self.stdout.write("\nThe demo is stopped. Its data stays in var/ for the next start.")

    def _detect(self) -> None:
        """Evaluate what was fetched before anybody looks, so that the inbox is not empty."""
        self.stdout.write("Looking for what is suspicious ...")
        with stages(sys.stdout, {"events": "Evaluating"}) as report:
            found = follow(tick=lambda done, total: report("events", done, total))
        self.stdout.write(f"{found.made:,} new findings in {found.events:,} events.")

    def _where_to_look(self) -> str:
        """The finding of the sandbox's story, or the inbox."""
        story = Finding.objects.filter(parts__account__api_key=STORY, severity=Severity.CRITICAL)
        finding = story.order_by("first_at", "id").first()
        return finding.get_absolute_url() if finding else reverse("events:findings")

    def _check_ports(self) -> None:
        known: dict[int, str] = {}
        for name, port in environment.PORTS.items():
            other = f"{name}={port + 100 if port < 65_000 else port - 100} make demo"
            if port in known:
                raise CommandError(f"{known[port]} and {name} are both {port}. Choose another: {other}")
            if not port_is_free(port):
                raise CommandError(f"Port {port} is in use. Choose another: {other}")
            known[port] = name

    def _welcome(self, seconds: float) -> None:
        lines = [f"  {name:<8} {what}" for name, what in USERS.items()]
        self.stdout.write(
            f"\nReady after {seconds:.0f} s:  {environment.SITE}/\n\n"
            f"Log in with the password {PASSWORD} as\n" + "\n".join(lines) + "\n\n"
            "Twelve days ago somebody took over one of these accounts. Log in as audrey to see what was found:\n"
            f"{environment.SITE}{self._where_to_look()}\n\n"
            f"See the next one as it happens: {environment.SITE}/demo/ has a button, and {environment.CATCHER}/\n"
            "shows the mails and webhooks that arrive; the first is the weekly report of a view.\n\n"
            "Ctrl-C stops everything."
        )
