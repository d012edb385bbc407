"""The queue that carries work to the worker. What runs is decided by due times and leases in the database."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from huey import MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey

from auditsite.env import BASE_DIR

# Set when the worker is told to stop: a running sync leaves at its next request.
STOP = threading.Event()


def make_queue(url: str) -> Any:
    """A huey for an address: sqlite:///file, redis://..., postgres://..., or memory: for tests."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest.startswith("///"):
        file = BASE_DIR / Path(rest[3:])
        file.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey("auditsite", filename=str(file), results=False)
    if scheme in {"redis", "rediss"}:
        return RedisHuey("auditsite", url=url, results=False)
    if scheme in {"postgres", "postgresql"}:
        return PostgresHuey("auditsite", dsn=url, results=False)
    if scheme == "memory":
        return MemoryHuey("auditsite", results=False)
    raise ImproperlyConfigured("QUEUE_URL must begin with sqlite:///, redis:// or postgres://.")


QUEUE = make_queue(settings.QUEUE_URL)
