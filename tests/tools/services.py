"""Servers that tests use where they run: PostgreSQL and Redis on this machine. Without them those tests are skipped."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.tools.skips import NO_POSTGRES, NO_REDIS, ON_POSTGRES, ON_SQLITE

POSTGRES = os.environ.get("DATABASE_URL", "")
if not POSTGRES.startswith("postgres"):
    POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
# Of Redis's sixteen databases, two for each of the processes that run tests side by side, and not the usual ones.
_number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
REDIS, REDIS_CACHE = (f"redis://127.0.0.1:6379/{_number + offset}" for offset in (8, 12))

on_postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
only_postgres = pytest.mark.skipif(not on_postgres, reason=ON_SQLITE)
only_sqlite = pytest.mark.skipif(on_postgres, reason=ON_POSTGRES)


def listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 0)) == 0


def need_redis(url: str) -> None:
    """Skip without Redis; forget what Auditsite left in this database, and nothing else: it may be somebody's."""
    if not listening(url):
        pytest.skip(NO_REDIS)
    import redis

    client = redis.Redis.from_url(url)
    for key in list(client.scan_iter("*auditsite*")):
        client.delete(key)
    client.close()


@contextmanager
def postgres_database() -> Iterator[str]:
    """The address of a new, empty database, which is dropped afterwards."""
    if not listening(POSTGRES):
        pytest.skip(NO_POSTGRES)
    import psycopg

    name = f"ops_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
