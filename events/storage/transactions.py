"""Transactions that write much: on SQLite, the threads of a process take turns at them."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

_turns = threading.RLock()


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """A transaction. SQLite has one lock for all that write, and whoever finds it taken sleeps and tries again, up to a
    tenth of a second at a time; between threads of ours a lock hands over at once."""
    with _turns if connection.vendor == "sqlite" else contextlib.nullcontext(), transaction.atomic():
        yield


@contextlib.contextmanager
def impatient(milliseconds: int) -> Iterator[None]:
    """Let SQLite wait no longer than this for its lock. PostgreSQL has none that writers share."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = int(settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 5) * 1000)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual:d}")


def _begin_anew() -> None:
    """A forked process has none of the threads that may have held the lock."""
    global _turns
    _turns = threading.RLock()


os.register_at_fork(after_in_child=_begin_anew)
