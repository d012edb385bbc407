"""`manage.py worker`: background work."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections, connection
from huey.consumer import Consumer

from events.operations import tasks
from events.operations.queue import QUEUE, STOP, prepare
from events.sync.pool import room_for

logger = logging.getLogger(__name__)


class _Consumer(Consumer):
    """Tells running syncs to leave before it waits for them."""

    def stop(self, graceful: bool = False) -> None:
        STOP.set()
        super().stop(graceful=True)


class Command(BaseCommand):
    help = "Runs periodic syncs, the syncs that people ask for, and other background work, until stopped (Ctrl-C)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--threads", type=int, default=settings.SYNC_CONCURRENCY, help="Accounts synced side by side."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = tasks.worker_name(os.getpid())
        threads = max(1, options["threads"])
        room_for(threads)
        prepare()
        consumer = _Consumer(QUEUE, workers=threads, periodic=False, max_delay=0.5)
        threading.Thread(target=_beat_until_stopped, args=(name,), daemon=True, name="beat").start()
        self.stdout.write(f"Worker {name} is waiting for work.")
        consumer.run()


def _beat_until_stopped(name: str) -> None:
    tidied = 0.0
    while not STOP.wait(tasks.BEAT_EVERY if tidied else 0.1):
        close_old_connections()
        try:
            tasks.beat(name)
            if not tidied or time.monotonic() - tidied > 3600:
                tidied = time.monotonic()
                tasks.tidy()
                tasks.seal_what_is_due()
        except Exception:
            # The database or the queue may be away for a moment; a worker that dies of it would stay dead.
            logger.exception("The worker could not look for work; it goes on trying")
            tidied = tidied or time.monotonic()
    connection.close()
