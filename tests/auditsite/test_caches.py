"""What stands in the cache is data: a planted pickle is never read, a forged value never believed."""

from __future__ import annotations

import ast
import base64
import pickle
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as current
from django.contrib.sessions.backends import db
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from auditsite import caches as caches_module
from auditsite.configuration import env
from tests.conftest import PASSWORD
from tests.tools.processes import ROOT
from tests.tools.services import REDIS_CACHE, need_redis

pytestmark = pytest.mark.django_db
KEY = ":1:failed"


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


@pytest.fixture
def database_cache(settings: Any) -> Iterator[BaseCache]:
    settings.CACHES = settings.CACHES | {"default": env.cache("database")}
    call_command("createcachetable", verbosity=0)
    yield caches["default"]
    caches["default"].clear()


@pytest.fixture
def redis_cache(settings: Any) -> Iterator[BaseCache]:
    need_redis(REDIS_CACHE)
    settings.CACHES = settings.CACHES | {"default": env.cache(REDIS_CACHE)}
    yield caches["default"]
    need_redis(REDIS_CACHE)


@pytest.fixture(params=["database", "redis"])
def cache(request: pytest.FixtureRequest) -> BaseCache:
    found: BaseCache = request.getfixturevalue(f"{request.param}_cache")
    return found


def plant(value: str, key: str | None = None) -> int:
    """Write a value into the cache's table, as who can write to the database would."""
    with connection.cursor() as cursor:
        if key is None:
            cursor.execute("UPDATE auditsite_cache SET value = %s", [value])
        else:
            cursor.execute("UPDATE auditsite_cache SET value = %s WHERE cache_key = %s", [value, key])
        return int(cursor.rowcount)


def test_planted_pickle_is_not_run_by_a_failed_login(
    database_cache: BaseCache, cast: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> int:
        return Client().post("/login/", {"login": "alice", "password": "wrong"}).status_code

    assert fail() == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM auditsite_cache")
        assert cursor.fetchone()[0] >= 1, "failed logins are counted in the cache"
    planted = base64.b64encode(pickle.dumps(Bomb(tmp_path / "ran"))).decode()
    assert plant(planted)
    assert fail() == 200
    assert not (tmp_path / "ran").exists()
    assert "was not written by this site" in caplog.text


def test_forged_value_counts_as_missing(database_cache: BaseCache) -> None:
    database_cache.set("failed", [1, 2])
    genuine = stored_under(KEY)
    for forged in ("", "[]", "W10:x", genuine[:-1], genuine + "x", base64.b64encode(pickle.dumps([])).decode()):
        assert plant(forged) == 1
        assert database_cache.get("failed", "missing") == "missing"
    plant(genuine)
    assert database_cache.get("failed") == [1, 2]


def test_value_of_one_key_is_not_believed_under_another(database_cache: BaseCache) -> None:
    database_cache.set("failed", [1, 2])
    database_cache.set("other", [])
    plant(stored_under(":1:other"), KEY)
    assert database_cache.get("failed") is None


def test_forged_value_in_redis_counts_as_missing(redis_cache: BaseCache, tmp_path: Path) -> None:
    import redis

    redis_cache.set("failed", [1])
    client = redis.Redis.from_url(REDIS_CACHE)
    name = redis_cache.make_key("failed")
    for forged in (pickle.dumps(Bomb(tmp_path / "ran")), b"", b"[]", b"\xff\xfe"):
        client.set(name, forged)
        assert redis_cache.get("failed", "missing") == "missing"
        assert redis_cache.get_many(["failed"]) == {}
    client.close()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [0, -3, 2**40, 1.5, "", "text \u20ac", True, False, [1, [2]], {"a": None}])
def test_values_come_back_as_they_were(cache: BaseCache, value: Any) -> None:
    cache.set("key", value)
    cache.set_many({"second": value})
    assert (cache.get("key"), type(cache.get("key"))) == (value, type(value))
    assert cache.get_many(["key", "second", "third"]) == {"key": value, "second": value}


def test_add_takes_a_key_that_is_free_or_expired(cache: BaseCache) -> None:
    assert cache.add("lock", True, timeout=60)
    assert not cache.add("lock", True, timeout=60)
    cache.delete("lock")
    assert cache.add("lock", True, timeout=1)
    time.sleep(2.1)
    assert cache.get("lock") is None
    assert cache.add("lock", True, timeout=60)
    assert cache.touch("lock", 1)
    assert not cache.touch("nothing", 1)


@pytest.fixture(params=["database", "redis", "locmem"])
def any_cache(request: pytest.FixtureRequest, settings: Any) -> BaseCache:
    if request.param == "locmem":
        settings.CACHES = settings.CACHES | {"default": env.cache("locmem://")}
        return caches["default"]
    found: BaseCache = request.getfixturevalue(f"{request.param}_cache")
    return found


def test_value_written_in_the_future_counts_as_missing(any_cache: BaseCache, caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        any_cache.set("failed", [1, 2], 300)
        assert any_cache.get("failed") == [1, 2]
    assert any_cache.get("failed") is None
    assert caplog.text == ""
    any_cache.set("failed", [3], 300)
    assert any_cache.get("failed") == [3]


def test_lock_of_the_future_is_free(database_cache: BaseCache) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        assert database_cache.add("lock", "theirs", 120)
    assert not database_cache.touch("lock", 120)
    assert database_cache.add("lock", "ours", 120)
    assert not database_cache.add("lock", "others", 120)
    assert database_cache.touch("lock", 600)
    assert database_cache.get("lock") == "ours"


def test_place_held_on_under_a_wrong_clock_is_not_held_for_long(database_cache: BaseCache) -> None:
    database_cache.set("place", "file", 10**7)
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        assert database_cache.touch("place", 180)
    assert database_cache.add("place", "other", 180)


def test_forged_lock_is_free(database_cache: BaseCache) -> None:
    database_cache.add("failed", "genuine", 60)
    plant("forged")
    assert database_cache.add("failed", "ours", 60)
    assert not database_cache.add("failed", "others", 60)


@pytest.mark.parametrize("url", ["database", "locmem://"])
def test_logins_that_failed_under_a_wrong_clock_lock_nobody_out(cast: Any, settings: Any, url: str) -> None:
    def log_in(password: str) -> int:
        return Client().post("/login/", {"login": "alice", "password": password}).status_code

    settings.CACHES = settings.CACHES | {"default": env.cache(url)}
    call_command("createcachetable", verbosity=0)
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        for _ in range(12):
            log_in("wrong")
        assert log_in(PASSWORD) != 302, "locked for as long as the clock says so"
    assert log_in(PASSWORD) == 302
    caches["default"].clear()


def test_value_without_end_is_kept(cache: BaseCache) -> None:
    cache.set("key", 1, None)
    with time_machine.travel(datetime(2090, 1, 1, tzinfo=UTC), tick=False):
        assert cache.get("key") == 1


def test_full_table_makes_room(database_cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_cache, "_max_entries", 10)
    for number in range(40):
        database_cache.set(f"key-{number:02}", number)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM auditsite_cache")
        assert cursor.fetchone()[0] <= 12


def test_what_json_cannot_say_is_refused_when_it_is_written(cache: BaseCache) -> None:
    with pytest.raises(TypeError):
        cache.set("key", object())


def test_nothing_of_ours_and_no_setting_pickles() -> None:
    """Sessions are JSON too; the in-process cache is the one place that pickles."""
    assert current.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    assert issubclass(import_module(current.SESSION_ENGINE).SessionStore, db.SessionStore)
    for url in ("database", "redis://127.0.0.1:9/0"):
        assert env.cache(url)["BACKEND"].startswith("auditsite.caches.Signed")
    for file in [*ROOT.glob("auditsite/**/*.py"), *ROOT.glob("accounts/**/*.py"), *ROOT.glob("events/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"} & set(names), file


def stored_under(key: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM auditsite_cache WHERE cache_key = %s", [key])
        return str(cursor.fetchone()[0])


def test_counting_loses_nothing_to_another_process(database_cache: BaseCache, monkeypatch: pytest.MonkeyPatch) -> None:
    database_cache.set("count", 1, 60)
    write, meanwhile = caches_module.write, iter([10])

    def write_late(key: str, value: Any) -> str:
        for delta in meanwhile:  # another process counts between reading and writing
            assert database_cache.incr("count", delta) == 11
        return write(key, value)

    monkeypatch.setattr(caches_module, "write", write_late)
    assert database_cache.incr("count", 2) == 13
    assert database_cache.get("count") == 13


def test_counting_keeps_when_an_entry_ends(cache: BaseCache) -> None:
    cache.set("count", 1, 1000)
    cache.set("ended", 1, 0)
    assert cache.incr("count", 2) == 3
    with time_machine.travel(timezone.now() + timedelta(seconds=500), tick=False):
        assert cache.get("count") == 3
    with pytest.raises(ValueError, match="not found"):
        cache.incr("ended")
    with pytest.raises(ValueError, match="not found"):
        cache.incr("never")
