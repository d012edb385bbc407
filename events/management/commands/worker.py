"""`manage.py worker`: background work."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections, connection
from huey.consumer import Consumer

from events.alerts import jobs as alert_jobs  # noqa: F401 - declares jobs
from events.alerts.deliver import MOST_THREADS
from events.detection.evaluation import jobs as detection_jobs  # noqa: F401 - declares jobs
from events.evidence import packs as packs  # declares jobs
from events.operations import access_log as access_log  # declares jobs
from events.operations import jobs, tasks
from events.operations import sealing as sealing  # declares jobs
from events.operations.garbage import collect_seldom
from events.operations.queue import QUEUE, STOP, prepare
from events.reports import jobs as report_jobs  # noqa: F401 - declares jobs
from events.reviews import reminders as reminders  # declares jobs
from events.reviews import sign as sign  # declares jobs
from events.streams import deliver as streams
from events.streams import jobs as stream_jobs  # noqa: F401 - declares jobs
from events.sync.pool import room_for

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

PATIENCE = 8.0  # seconds between being told to stop and leaving jobs behind, which others take over


class _Consumer(Consumer):
    """Tells running syncs to leave before it waits for them."""

    def stop(self, graceful: bool = False) -> None:
        STOP.set()
        super().stop(graceful=True)


class Command(BaseCommand):
    help = "Runs periodic syncs, the syncs that people ask for, and other background work, until stopped (Ctrl-C)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--threads", type=int, default=settings.SYNC_CONCURRENCY, help="Accounts synced in parallel."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = tasks.worker_name(os.getpid())
        threads = max(1, options["threads"])
        # Some jobs note their progress beside their work.
        room_for(threads + 2 * jobs.THREADS + jobs.URGENT_THREADS + MOST_THREADS + streams.MOST_THREADS)
        prepare()
        collect_seldom()
        consumer = _Consumer(QUEUE, workers=threads, periodic=False, max_delay=0.5)
        loops = [threading.Thread(target=_beat_until_stopped, args=(name,), daemon=True, name="beat")]
        loops.append(threading.Thread(target=_schedule_until_stopped, daemon=True, name="schedule"))
        for number in range(jobs.THREADS + jobs.URGENT_THREADS):
            how = {"urgent": number >= jobs.THREADS}
            loop = threading.Thread(target=jobs.run_until, args=(STOP,), kwargs=how, daemon=True, name=f"jobs-{number}")
            loops.append(loop)
        for loop in loops:
            loop.start()
        self.stdout.write(f"Worker {name} is waiting for work.")
        consumer.run()
        deadline = time.monotonic() + PATIENCE
        for loop in loops:
            loop.join(max(0.0, deadline - time.monotonic()))


def _beat_until_stopped(name: str) -> None:
    _repeat_until_stopped(lambda: tasks.beat(name))


def _schedule_until_stopped() -> None:
    _repeat_until_stopped(jobs.release_dead_leases, jobs.schedule_periodic, tasks.queue_due_syncs)


def _repeat_until_stopped(*acts: Callable[[], object]) -> None:
    pause = 0.1
    while not STOP.wait(pause):
        pause = tasks.BEAT_EVERY
        close_old_connections()
        for act in acts:
            try:
                act()
            except Exception:
                # The database or the queue may be away for a moment; a worker that dies of it would stay dead.
                logger.exception("The worker could not look for work; it goes on trying")
    connection.close()
