"""What several processes and machines share besides the archive: connections, and the count of failed logins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from auditsite.configuration import env
from events.models import SyncRun
from events.sandbox import Sandbox
from tests.tools.processes import ROOT, environment, start_command
from tests.tools.services import REDIS_CACHE, need_redis, only_postgres


def run_script(name: str, *arguments: str, **more: str) -> str:
    found = subprocess.run(
        [sys.executable, f"tests/scripts/{name}.py", str(connection.settings_dict["NAME"]), *arguments],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


# --- connections ----------------------------------------------------------------------------------------------------


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_requests_tasks_threads_and_forks_give_connections_back(cast: Any) -> None:
    found = json.loads(run_script("pool_user", TEST_DATABASE_POOL="6"))

    assert found == {
        "size": 6,
        "lent": 0,
        "most": found["most"],
        "same in parent": True,
        "other in child": True,
        "room": 42,
    }
    assert found["most"] <= 6


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_more_accounts_side_by_side_than_the_pool_was_made_for(cast: Any, make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(accounts=5, events=300, latency_ms=20)
    command = start_command(sandbox.url, "sync_events", "--concurrency=20", TEST_DATABASE_POOL="6")

    assert command.wait(60) == 0, command.communicate()[0]
    command.communicate()
    assert SyncRun.objects.filter(status="succeeded").count() == 5


@pytest.mark.parametrize(("text", "size"), [("auto", 8), ("AUTO", 8), ("0", 0), ("8", 8), ("50", 50)])
def test_pool_has_room_for_every_thread(text: str, size: int) -> None:
    assert env.pool_size(text, 6) == size


# --- failed logins --------------------------------------------------------------------------------------------------


@pytest.fixture(params=["database", "redis"])
def cache_url(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    if request.param == "redis":
        need_redis(REDIS_CACHE)
        yield REDIS_CACHE
        need_redis(REDIS_CACHE)
    else:
        settings.CACHES = {"default": env.cache("database")}
        call_command("createcachetable")
        yield "database"
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE auditsite_cache")


@pytest.mark.django_db(transaction=True)
def test_failed_logins_count_across_processes(cast: Any, cache_url: str) -> None:
    first, second = (int(run_script("wrong_logins", "3", TEST_CACHE_URL=cache_url)) for _ in range(2))

    assert first == 0
    assert second == 1, "the sixth attempt within five minutes"


def test_cache_address_is_not_repeated() -> None:
    with pytest.raises(Exception, match="CACHE_URL must be") as caught:
        env.cache("memcached://user:hunter2@host")
    assert "hunter2" not in str(caught.value)


@pytest.mark.django_db(transaction=True)
def test_migrate_makes_the_table_that_failed_logins_are_counted_in(settings: Any) -> None:
    settings.CACHES = {"default": env.cache("database")}
    try:
        call_command("migrate", verbosity=0, interactive=False)
        assert "auditsite_cache" in connection.introspection.table_names()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS auditsite_cache")
