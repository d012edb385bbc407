"""`manage.py seal_key`: the key that signs seals, and its public half."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from events.archive import seals


class Command(BaseCommand):
    help = "Shows the public key that seals are checked with; makes a signing key where there is none yet."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SEAL_KEY:
            self.stdout.write(f"Public key: {seals.public_key()}")
            self.stdout.write("Give it to those who will check seals and evidence packs, by a way they trust.")
            return
        self.stdout.write(f"SEAL_KEY={seals.new_key()}")
        self.stdout.write("Put this line into .env, keep it secret, and restart the worker; the site does not need it.")
