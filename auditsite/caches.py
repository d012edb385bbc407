"""Caches whose values are signed JSON.

Django's own pickle, and reading a pickle runs whatever it says: who could write to the cache's table or server would
run code in the site. Here a value that this site did not write for this very key counts as missing, and is logged.
So does, without a word, one that was written in the future: under a wrong clock, which must not lock anybody out.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.core.signing import BadSignature, Signer
from django.db import connections, router
from django.utils import timezone

from events.storage.clock import MOST_SKEW

logger = logging.getLogger(__name__)

FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
REFUSED = object()
SKEW = MOST_SKEW.total_seconds()


def write(key: str, value: Any) -> str:
    """A value as it is stored under a key. Raises TypeError for what JSON cannot say."""
    return _signer(key).sign_object([time.time(), value])


def read(key: str, stored: str | bytes) -> Any:
    """The value that was stored, or REFUSED."""
    try:
        text = stored.decode() if isinstance(stored, bytes) else str(stored)
        written, value = _signer(key).unsign_object(text)
    except (BadSignature, ValueError):
        logger.warning("A value of the cache was not written by this site, so it is not used: %r", key[:200])
        return REFUSED
    return REFUSED if written > time.time() + SKEW else value


def _signer(key: str) -> Signer:
    return Signer(salt=f"auditsite.cache.dated:{key}")


class SignedDatabaseCache(DatabaseCache):
    """In the table that `createcachetable` makes; each change is one statement, also among many processes."""

    # Django's own, which its types do not know.
    _table: str
    _cull: Any

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not names:
            return {}
        connection = connections[router.db_for_read(self.cache_model_class)]
        marks = ", ".join(["%s"] * len(names))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT cache_key, value FROM {self._quoted(connection)} "  # noqa: S608 - the table of the settings
                f"WHERE cache_key IN ({marks}) AND expires > %s",
                [*names, _stored_time(connection, timezone.now())],
            )
            rows = cursor.fetchall()
        values = ((name, read(name, stored)) for name, stored in rows)
        return {names[name]: value for name, value in values if value is not REFUSED}

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        connection = connections[router.db_for_write(self.cache_model_class)]
        seconds, table = self.get_backend_timeout(timeout), self._quoted(connection)
        expires = _stored_time(connection, FOR_EVER if seconds is None else datetime.fromtimestamp(seconds, UTC))
        now = _stored_time(connection, timezone.now())
        with connection.cursor() as cursor:
            if mode == "touch":
                stored, value = self._entry(cursor, table, key)
                return value is not REFUSED and self._replace(cursor, table, key, stored, value, expires)
            self._make_room(cursor, table)
            only_expired = f" WHERE {table}.expires <= %s" if mode == "add" else ""
            cursor.execute(
                f"INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s) ON CONFLICT (cache_key) "  # noqa: S608
                f"DO UPDATE SET value = excluded.value, expires = excluded.expires{only_expired}",
                [key, write(key, value), expires, *([now] if only_expired else [])],
            )
            if cursor.rowcount or not only_expired:
                return bool(cursor.rowcount)
            stored, present = self._entry(cursor, table, key)  # one that counts as missing makes room
            return present is REFUSED and self._replace(cursor, table, key, stored, value, expires)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """As Django's, which reads and then writes; here none of several that count at once is lost, and the entry ends
        when it was to end. Raises ValueError where there is none."""
        name = self.make_and_validate_key(key, version=version)
        connection = connections[router.db_for_write(self.cache_model_class)]
        table = self._quoted(connection)
        with connection.cursor() as cursor:
            while True:
                cursor.execute(
                    f"SELECT value FROM {table} WHERE cache_key = %s AND expires > %s",  # noqa: S608
                    [name, _stored_time(connection, timezone.now())],
                )
                row = cursor.fetchone()
                value = read(name, row[0]) if row else REFUSED
                if type(value) is not int:
                    raise ValueError(f"Key {key!r} not found")
                counted = value + delta
                cursor.execute(
                    f"UPDATE {table} SET value = %s WHERE cache_key = %s AND value = %s",  # noqa: S608
                    [write(name, counted), name, row[0]],
                )
                if cursor.rowcount:
                    return counted

    def _entry(self, cursor: Any, table: str, key: str) -> tuple[str | None, Any]:
        """What is stored under a key, however old, and what it says."""
        cursor.execute(f"SELECT value FROM {table} WHERE cache_key = %s", [key])  # noqa: S608
        row = cursor.fetchone()
        return (row[0], read(key, row[0])) if row else (None, REFUSED)

    def _replace(self, cursor: Any, table: str, key: str, stored: str | None, value: Any, expires: Any) -> bool:
        """Store a value in place of another, if that is still there."""
        cursor.execute(
            f"UPDATE {table} SET value = %s, expires = %s WHERE cache_key = %s AND value = %s",  # noqa: S608
            [write(key, value), expires, key, stored],
        )
        return bool(cursor.rowcount)

    def _make_room(self, cursor: Any, table: str) -> None:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        (count,) = cursor.fetchone()
        if count > self._max_entries:
            self._cull(router.db_for_write(self.cache_model_class), cursor, timezone.now(), count)

    def _quoted(self, connection: Any) -> str:
        return str(connection.ops.quote_name(self._table))


def _stored_time(connection: Any, moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment.replace(microsecond=0))


class _Expiry(float):
    """When an entry ends, and when it was written."""

    written = 0.0


class LocalCache(LocMemCache):
    """In this process's memory. It pickles, but nobody else can write to it."""

    # Django's own, which its types do not know.
    _expire_info: dict[str, _Expiry | None]

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> Any:
        seconds = super().get_backend_timeout(timeout)
        if seconds is None:
            return None
        expiry = _Expiry(seconds)
        expiry.written = time.time()
        return expiry

    def _has_expired(self, key: str) -> bool:
        if key not in self._expire_info:
            return True
        expiry, now = self._expire_info[key], time.time()
        return expiry is not None and (expiry <= now or expiry.written > now + SKEW)


class _Stored:
    """The serializer that Redis's client asks for: values come and go as they are stored."""

    def dumps(self, value: Any) -> Any:
        return value

    def loads(self, stored: Any) -> Any:
        return stored


class SignedRedisCache(RedisCache):
    """In Redis. Values are signed where their key is known; whole numbers stay plain, so that Redis can count."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = params.get("OPTIONS", {})
        super().__init__(server, params | {"OPTIONS": {**options, "serializer": _Stored}})

    def _write(self, key: str, value: Any, version: int | None) -> Any:
        return value if type(value) is int else write(self.make_key(key, version), value)

    def _read(self, key: str, stored: Any, version: int | None) -> Any:
        if isinstance(stored, bytes) and stored.lstrip(b"-").isdigit() and len(stored) <= 20:
            return int(stored)
        return read(self.make_key(key, version), stored)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> Any:
        return super().add(key, self._write(key, value, version), timeout, version)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        stored = super().get(key, None, version)
        value = REFUSED if stored is None else self._read(key, stored, version)
        return default if value is REFUSED else value

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        super().set(key, self._write(key, value, version), timeout, version)

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        values = ((key, self._read(key, stored, version)) for key, stored in super().get_many(keys, version).items())
        return {key: value for key, value in values if value is not REFUSED}

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        return super().set_many(
            {key: self._write(key, value, version) for key, value in data.items()}, timeout, version
        )
