"""Transactions that write much: on SQLite, the threads of a process take turns at them."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from django.db import connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

_turns = threading.RLock()


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """A transaction. SQLite has one lock for all that write, and whoever finds it taken sleeps and tries again, up to a
    tenth of a second at a time; between threads of ours a lock hands over at once."""
    with _turns if connection.vendor == "sqlite" else contextlib.nullcontext(), transaction.atomic():
        yield


def lock_table(model: type[Model], mode: str) -> None:
    """Lock a table until the transaction ends, in one of PostgreSQL's modes. SQLite's transactions have the whole
    database for themselves from their beginning."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {connection.ops.quote_name(model._meta.db_table)} IN {mode} MODE")


def _begin_anew() -> None:
    """A forked process has none of the threads that may have held the lock."""
    global _turns
    _turns = threading.RLock()


os.register_at_fork(after_in_child=_begin_anew)
