"""How often something may happen in a minute, over several processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from accounts.tokens.limits import NAMES, PORTIONS, Limit
from auditsite.configuration import env

NOON = datetime(2026, 3, 15, 12, 0, 10, tzinfo=UTC)


@pytest.fixture
def _at_noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def passed(limit: Limit, times: int, most: int, key: str = "a") -> int:
    return [limit.take(key, most) for _ in range(times)].count(0)


@pytest.mark.parametrize("most", [1, 7, 20, 600])
@pytest.mark.usefixtures("_at_noon")
def test_as_many_pass_as_may(most: int) -> None:
    limit = Limit("test")

    assert passed(limit, most + 30, most) == most
    assert limit.take("a", most) == 50  # seconds until the next minute
    assert limit.take("b", most) == 0


@pytest.mark.usefixtures("_at_noon")
def test_processes_share_a_limit() -> None:
    processes = [Limit("test") for _ in range(4)]  # each holds its own portions, as another process would
    most = 600

    together = sum(limit.take("a", most) == 0 for _ in range(most) for limit in processes)

    assert most - 3 * (most // PORTIONS) <= together <= most
    assert Limit("test").take("a", most) == 50
    assert Limit("other").take("a", most) == 0


def test_next_minute_begins_anew_and_a_clock_put_back_locks_nobody_out() -> None:
    limit = Limit("test")
    for moment in (NOON, NOON + timedelta(minutes=1), NOON - timedelta(days=3)):
        with time_machine.travel(moment, tick=False):
            assert passed(limit, 12, 5) == 5


@pytest.mark.usefixtures("_at_noon")
def test_threads_of_a_process_never_pass_more_than_may() -> None:
    limit, found = Limit("test"), []
    threads = [threading.Thread(target=lambda: found.append(passed(limit, 50, 100))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(found) == 100


@pytest.fixture
def _in_database(settings: Any, db: None) -> Iterator[None]:
    settings.CACHES = settings.CACHES | {"default": env.cache("database")}
    call_command("createcachetable", verbosity=0)
    yield
    cache.clear()


@pytest.mark.usefixtures("_at_noon", "_in_database")
def test_in_the_database_most_requests_ask_nothing(django_assert_max_num_queries: Any) -> None:
    limit = Limit("test")

    with django_assert_max_num_queries(PORTIONS * 7):
        assert passed(limit, 700, 600) == 600


@pytest.mark.usefixtures("_in_database")
def test_in_the_database_few_counters_are_left_behind() -> None:
    for minutes in range(10):
        for seconds in (0, 49):  # the first and the last of a minute
            limit = Limit("test")
            with time_machine.travel(NOON + timedelta(minutes=minutes, seconds=seconds), tick=False):
                assert passed(limit, 4, 5) == (4 if seconds == 0 else 1), (minutes, seconds)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM auditsite_cache WHERE cache_key LIKE '%limit:test%'")
        assert cursor.fetchone()[0] <= NAMES
