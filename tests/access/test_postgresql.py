"""What only PostgreSQL does: many write at once, and it says when something is on the disk."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import record
from events.archive import access_chain
from events.models import AccessBatch
from tests.tools.access import add
from tests.tools.scope import Login
from tests.tools.services import only_postgres

pytestmark = [only_postgres, pytest.mark.django_db(transaction=True)]


def other_connection() -> Any:
    import psycopg

    return psycopg.connect(**{key: value for key, value in connection.get_connection_params().items() if key in KEYS})


COLUMNS = ", ".join((*record.COLUMNS, "record_hash"))
KEYS = ("dbname", "user", "password", "host", "port")


def test_entry_that_is_still_being_written_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_chain, "_PATIENCE", 0.1)
    first = add()
    with other_connection() as other:
        other.execute(f"INSERT INTO access_accessentry ({COLUMNS}) SELECT {COLUMNS} FROM access_accessentry")
        last = add()

        assert access_chain.extend() == 0
        assert not AccessBatch.objects.exists()
        other.commit()

    assert access_chain.extend() == 3
    batch = AccessBatch.objects.get()
    assert (batch.first, batch.last, batch.count) == (1, last.pk, 3) and first.pk < last.pk


def test_chaining_waits_for_writers_and_nobody_for_chaining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_chain, "_PATIENCE", 0.1)
    add()
    with other_connection() as vacuum:
        vacuum.execute("LOCK TABLE access_accessentry IN SHARE UPDATE EXCLUSIVE MODE")  # as VACUUM and ANALYZE do
        assert access_chain.extend() == 1
        vacuum.rollback()

    add()
    with other_connection() as other:
        other.execute(f"INSERT INTO access_accessentry ({COLUMNS}) SELECT {COLUMNS} FROM access_accessentry LIMIT 1")
        last = add()
        monkeypatch.setattr(access_chain, "_PATIENCE", 30)
        monkeypatch.setattr("events.archive.access_chain.time.sleep", lambda _seconds: other.commit())

        assert access_chain.extend() == 3
    assert AccessBatch.objects.order_by("last").last().last == last.pk


def test_pages_do_not_wait_for_the_disk_and_deeds_do(login: Login) -> None:
    alice = login("alice")
    with CaptureQueriesContext(connection) as looked:
        alice.get("/events/")
    with CaptureQueriesContext(connection) as done:
        alice.post("/views/new", {"name": "Mine", "query": "source=CD"})

    hurried = [
        ["synchronous_commit" in query["sql"] for query in queries if "INTO access_accessentry" in query["sql"]]
        for queries in (looked, done)
    ]
    assert hurried == [[True], [False]]
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        before = cursor.fetchone()
        cursor.execute("SET synchronous_commit = on")
        add(awaits_disk=False)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
        cursor.execute(f"SET synchronous_commit = {before[0]}")
