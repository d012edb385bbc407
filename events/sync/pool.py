"""Accounts synced in parallel."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from events.sync.engine import Progress, SyncOptions, sync_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from accounts.models import NexmoAccount
    from events.models import SyncRun


logger = logging.getLogger(__name__)


def room_for(threads: int) -> None:
    """Let the pool of database connections, if there is one, grow to one for each thread and two beside them.

    A sync keeps its connection until its end: threads beyond the pool's size would wait in vain.
    """
    pool = getattr(connection, "pool", None)
    if pool is not None and pool.max_size < threads + 2:
        pool.resize(pool.min_size, threads + 2)


@dataclass(frozen=True)
class Result:
    """What came of one account: its finished run, or None when another process is syncing it or `problem` says why."""

    account: NexmoAccount
    run: SyncRun | None
    problem: str = ""


def sync_accounts(
    accounts: Sequence[NexmoAccount],
    options: SyncOptions,
    *,
    trigger: str,
    concurrency: int,
    requested_by: Any = None,
    stop: threading.Event | None = None,
    report: Callable[[NexmoAccount, Progress], None] | None = None,
) -> Iterator[Result]:
    """Sync accounts in threads and yield each result as it is there; one that fails holds up no other."""
    stop = stop or threading.Event()
    room_for(concurrency)

    def one(account: NexmoAccount) -> Result:
        if stop.is_set():
            return Result(account, None)
        try:
            run = sync_account(
                account,
                options,
                trigger=trigger,
                requested_by=requested_by,
                stop=stop,
                report=(lambda progress: report(account, progress)) if report else None,
            )
            return Result(account, run)
        except Exception as error:  # the database itself, say: it must not hold up the other accounts
            logger.exception("The sync of %s could not even begin", account.api_key)
            return Result(account, None, problem=f"FAILED: {type(error).__name__}; see the log.")
        finally:
            connection.close()  # this thread's own

    with ThreadPoolExecutor(max_workers=min(concurrency, max(len(accounts), 1)), thread_name_prefix="sync") as pool:
        waiting = {pool.submit(one, account) for account in accounts}
        try:
            while waiting:
                # A timeout, so that Ctrl-C is noticed between two results.
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            stop.set()
            raise
