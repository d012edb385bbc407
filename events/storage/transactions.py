"""Transactions beyond Django's own: long writes that take turns on SQLite, and long reads of one state."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

_turns = threading.RLock()
MOST_GIVEN_WAY, STEP = 0.05, 0.002  # seconds


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """A transaction. SQLite has one lock for all that write, and whoever finds it taken sleeps and tries again, up to a
    tenth of a second at a time; between threads of ours a lock hands over at once, and `impatient` ones go first."""
    with _turns if connection.vendor == "sqlite" else contextlib.nullcontext():
        _give_way()
        with transaction.atomic():
            yield


def _give_way() -> None:
    """Wait a moment for those who are impatient: who writes all the time would hardly ever be found away."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    directory, until = _directory(), time.monotonic() + MOST_GIVEN_WAY
    if directory is None:
        return
    try:
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(STEP)
    finally:
        os.close(directory)


def _directory() -> int | None:
    """Where the database lies, opened anew: locks on it tell other threads and processes who is impatient. Not the
    database itself: closing that would give up SQLite's own locks. None where it lies in memory."""
    try:
        return os.open(os.path.dirname(connection.settings_dict["NAME"]) or ".", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None


def lock_table(model: type[Model], mode: str) -> None:
    """Lock a table until the transaction ends, in one of PostgreSQL's modes. SQLite's transactions have the whole
    database for themselves from their beginning."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(model._meta.db_table)} IN {mode} MODE")


@contextlib.contextmanager
def snapshot() -> Iterator[None]:
    """Reads that all see one state of the database, however long they take, and keep nobody from writing.

    Nothing may be written meanwhile on this thread's connection. Within a transaction this adds nothing to it.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT 1")  # the state is that of the first query
            yield
    else:
        # Not atomic(): it would take SQLite's one lock for writing.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM sqlite_master")  # the state is that of the first read
                cursor.fetchone()
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")


@contextlib.contextmanager
def impatient(milliseconds: int) -> Iterator[None]:
    """Let SQLite wait no longer than this for its lock, and others let go first whoever waits so. PostgreSQL has none
    that writers share."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = int(settings.DATABASES["default"].get("OPTIONS", {}).get("timeout", 5) * 1000)
    connection.ensure_connection()
    raw = connection.connection  # every page does this: Django's cursor would take longer than SQLite
    raw.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
    directory = _directory()
    try:
        if directory is not None:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(directory, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        if directory is not None:
            os.close(directory)
        raw.execute(f"PRAGMA busy_timeout = {usual:d}")


def _begin_anew() -> None:
    """A forked process has none of the threads that may have held the lock."""
    global _turns
    _turns = threading.RLock()


os.register_at_fork(after_in_child=_begin_anew)
