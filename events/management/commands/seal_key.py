"""`manage.py seal_key`: the key that signs seals, and its public half."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from events.archive import seals


class Command(BaseCommand):
    help = "Shows the public key that verifies seals; generates a signing key if there is none."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SEAL_KEY:
            self.stdout.write(f"Public key: {seals.public_key()}")
            self.stdout.write("Give it, over a channel they trust, to those who verify seals and evidence packs.")
            return
        self.stdout.write(f"SEAL_KEY={seals.new_key()}")
        self.stdout.write("Put this line into .env, keep it secret, and restart the worker; the site does not need it.")
