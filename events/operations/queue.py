"""The queue that carries work to the worker. What runs is decided by due times and leases in the database."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from huey import MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey

from events.operations.messages import SignedJSON

logger = logging.getLogger(__name__)

TABLES = "auditsite_queue"  # what the names of the queue's tables in PostgreSQL begin with

_HOW: dict[str, Any] = {"results": False, "serializer": SignedJSON()}

# Set when the worker is told to stop: a running sync leaves at its next request.
STOP = threading.Event()


def make_queue(url: str) -> Any:
    """A huey for an address: auto, sqlite:///file (settings has seen to its directory), redis://..., postgres://..., or
    memory: for tests.

    None of them talks to a server yet: commands must start, and say what is wrong, while a server is away.
    """
    if url == "auto":
        if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
            return _postgres(connection=_connect_as_django_does)
        file = settings.BASE_DIR / "var" / "queue.sqlite3"
        file.parent.mkdir(exist_ok=True)
        url = f"sqlite:///{file}"
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///"):
        return SqliteHuey("auditsite", filename=rest[3:], **_HOW)
    if scheme in {"redis", "rediss"}:
        return RedisHuey("auditsite", url=url, **_HOW)
    if scheme in {"postgres", "postgresql"}:
        return _postgres(dsn=url)
    if scheme == "memory":
        return MemoryHuey("auditsite", **_HOW)
    raise ImproperlyConfigured("QUEUE_URL must be auto, or begin with sqlite:///, redis:// or postgres://.")


def _postgres(**where: Any) -> Any:
    return PostgresHuey("auditsite", **_HOW, create_tables=False, table_prefix=TABLES, **where)


def _connect_as_django_does() -> Any:
    """A connection to the archive's database beside Django's own, which belong to requests and go back to a pool."""
    import psycopg

    params: dict[str, Any] = connections["default"].get_connection_params()
    # How Django's own cursors read values; plain ones are wanted here.
    return psycopg.connect(**{name: params[name] for name in params.keys() - {"cursor_factory", "context"}})


def prepare() -> None:
    """Make the queue's tables where it needs some and they are missing. Called by `migrate` and by each worker."""
    if not isinstance(QUEUE, PostgresHuey):
        return
    storage = QUEUE.storage
    for last_try in (False, True):
        try:
            if not storage.sql("SELECT to_regclass(%s)", (storage.table_counter,), results=True)[0][0]:
                storage.initialize_schema()
            return
        except Exception as error:
            # Two that make the tables at once get into each other's way: the second look finds them made.
            if last_try:
                logger.warning("The queue cannot be used: %s", type(error).__name__)


QUEUE = make_queue(settings.QUEUE_URL)
