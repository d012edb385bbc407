"""Servers that tests use where they run: PostgreSQL and Redis on this machine. Without them those tests are skipped."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

POSTGRES = os.environ.get("DATABASE_URL", "")
if not POSTGRES.startswith("postgres"):
    POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
REDIS = "redis://127.0.0.1:6379/9"

on_postgres = os.environ.get("DATABASE_URL", "").startswith("postgres")
only_postgres = pytest.mark.skipif(not on_postgres, reason="this run is on SQLite")


def listening(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 0)) == 0


def need_redis() -> Any:
    """A connection to an empty Redis database of the tests' own."""
    if not listening(REDIS):
        pytest.skip("no Redis listens on 127.0.0.1:6379")
    import redis

    client = redis.Redis.from_url(REDIS)
    client.flushdb()
    return client


@contextmanager
def postgres_database() -> Iterator[str]:
    """The address of a new, empty database, which is dropped afterwards."""
    if not listening(POSTGRES):
        pytest.skip("no PostgreSQL listens on 127.0.0.1:5432")
    import psycopg

    name = f"ops_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
