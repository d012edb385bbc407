"""How far an export is: what its own reader is told, and that nobody else is told and no export suffers."""

from __future__ import annotations

import html
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.export import columns, progress
from events.export.progress import Progress, ProgressReporter
from events.reading import stream
from tests.tools.export import KINDS, Login, add_many, body, csv_rows, exported_ids, hang_up
from tests.tools.services import only_sqlite

ADDRESS = "/events/export/progress"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((stream, "FIRST_CHUNK"), (stream, "CHUNK"), (columns, "FIRST_LINES"), (columns, "LINES")):
        monkeypatch.setattr(module, name, 5)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    caches["default"].clear()


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let so many seconds pass for whoever asks how far it is."""

    def pass_(seconds: int) -> None:
        now = time.time
        monkeypatch.setattr("events.views.export_page.time.time", lambda: now() + seconds)

    return pass_


def token_of(page: Any) -> str:
    (found,) = re.findall(r'name="job" value="([^"]*)"', page.content.decode())
    return html.unescape(found)


def told(client: Client, token: str, **more: str) -> str:
    """The words of the part that tells how far it is."""
    response = client.get(ADDRESS, {"job": token} | more)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def asks_again(client: Client, token: str) -> bool:
    return 'hx-trigger="every 1s"' in client.get(ADDRESS, {"job": token}).content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_whole_export_ends_with_done(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))
    assert told(client, token) == "Waiting for the first rows."

    response = client.get(f"/events/export.{kind}", {"job": token, "announced": "12"})
    name = re.findall('"(.*)"', response["Content-Disposition"])[0]
    body(response)

    assert told(client, token) == f"Done: 12 rows in {name}."
    assert not asks_again(client, token)


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_running_export_tells_rows_written_of_rows_announced(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))

    parts = iter(client.get(f"/events/export.{kind}", {"job": token}).streaming_content)
    for _ in range(3):
        next(parts)

    assert told(client, token) == f"{10 if kind == 'ndjson' else 5} of 12 rows written"
    page = client.get(ADDRESS, {"job": token}).content.decode()
    assert re.search(r'<progress aria-labelledby="export-progress-words" value="\d+" max="12">', page)
    assert token_of(client.get(ADDRESS, {"job": token})) == token
    assert asks_again(client, token)
    list(parts)
    assert told(client, token).startswith("Done: 12 rows")
    assert token_of(client.get(ADDRESS, {"job": token})) != token


@pytest.mark.parametrize("kind, rows", [("csv", "5 rows"), ("ndjson", "5 rows"), ("xlsx", "12 rows")])
def test_export_whose_reader_is_gone_is_told_as_broken_off(
    login: Login, account: NexmoAccount, kind: str, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.export.limits.BLOCK", 100)
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))

    response = client.get(f"/events/export.{kind}", {"job": token})
    parts = iter(response.streaming_content)
    for _ in range(3 if kind == "csv" else 2):
        next(parts)
    hang_up(response)

    assert told(client, token) == f"Interrupted after {rows}: the file is incomplete; download it again."


def test_export_that_nobody_fetches_is_broken_off_too(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))

    hang_up(client.get("/events/export.csv", {"job": token}))

    assert told(client, token).startswith("Interrupted after 0 rows")


@pytest.mark.parametrize("kind", KINDS)
def test_export_that_fails_is_told_as_broken_off(
    login: Login, account: NexmoAccount, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(12))
    client = login("alice")
    client.raise_request_exception = False
    token = token_of(client.get("/events/export"))
    read = stream._stream

    def breaking(*arguments: Any) -> Any:
        for number, row in enumerate(read(*arguments)):
            if number == 8:
                raise RuntimeError("the database is gone")
            yield row

    monkeypatch.setattr(stream, "_stream", breaking)
    response = client.get(f"/events/export.{kind}", {"job": token})
    if response.streaming:
        with pytest.raises(RuntimeError):
            list(response.streaming_content)
        hang_up(response)

    assert told(client, token).startswith("Interrupted after 5 rows")


def test_workbook_is_told_while_it_is_made_packed_and_sent(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))
    said = []
    note = ProgressReporter.note

    def listen(job: ProgressReporter, state: str) -> None:
        note(job, state)
        said.append(told(client, token))

    monkeypatch.setattr(ProgressReporter, "note", listen)
    body(client.get("/events/export.xlsx", {"job": token}))

    assert list(dict.fromkeys(said))[:-1] == [
        "0 of 12 rows written",
        "5 of 12 rows written",
        "10 of 12 rows written",
        "12 of 12 rows written",
        "12 of 12 rows written; the workbook is being packed",
        "12 of 12 rows written; the workbook is being sent",
    ]
    assert said[-1].startswith("Done: 12 rows in auditsite-events_all_")


def test_export_that_says_nothing_any_more_tells_since_when(
    login: Login, account: NexmoAccount, ages: Callable[[int], None]
) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))
    parts = iter(client.get("/events/export.csv", {"job": token}).streaming_content)
    next(parts)

    ages(40)
    assert "Last progress 40 seconds ago" in told(client, token)
    assert asks_again(client, token)
    ages(700)
    assert "the server may have stopped" in told(client, token)
    assert not asks_again(client, token)


def test_export_that_never_begins_is_not_waited_for_for_ever(
    login: Login, cast: Any, ages: Callable[[int], None]
) -> None:
    client = login("alice")
    token = token_of(client.get("/events/export"))

    assert "since=" in client.get(ADDRESS, {"job": token}).content.decode()
    assert "Last progress 3" in told(client, token, since=str(int(time.time()) - 30))
    assert "the server may have stopped" in told(client, token, since=str(int(time.time()) - 700))
    assert told(client, token, since="nonsense") == "Waiting for the first rows."


@pytest.mark.parametrize(
    "announced, says",
    [
        ("10", "That is 2 more than expected: they arrived in the meantime."),
        ("11", "That is 1 more than expected: it arrived in the meantime."),
        ("1012", "That is 1,000 fewer than expected"),
        ("12", "Done: 12 rows"),
        ("-1", "Done: 12 rows"),
        ("nonsense", "Done: 12 rows"),
    ],
)
def test_another_number_than_was_announced_is_told(
    login: Login, account: NexmoAccount, announced: str, says: str
) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))

    body(client.get("/events/export.csv", {"job": token, "announced": announced}))

    assert says in told(client, token)
    assert ("announced:" in told(client, token)) == ("announced" in says)


@pytest.mark.parametrize("other", ["bob", "charlie", "audrey", "admin"])
def test_progress_of_another_reader_is_404(login: Login, account: NexmoAccount, other: str) -> None:
    add_many(account, range(12))
    client, stranger = login("alice"), login(other)
    token = token_of(client.get("/events/export"))
    body(client.get("/events/export.csv", {"job": token}))

    assert stranger.get(ADDRESS, {"job": token}).status_code == 404
    # Nor can it be written to: the export works, and is not told.
    assert stranger.get("/events/export.csv", {"job": token}).status_code == 200
    assert told(client, token).startswith("Done: 12 rows")


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "0" * 32 + ":x", "\0", "é:" + "a" * 43])
def test_unknown_token_is_404_and_an_export_with_it_just_works(login: Login, account: NexmoAccount, token: str) -> None:
    add_many(account, range(12))
    client = login("alice")

    assert client.get(ADDRESS, {"job": token}).status_code == 404
    assert len(csv_rows(body(client.get("/events/export.csv", {"job": token})))) == 12


def test_token_tells_of_the_first_export_only(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))
    body(client.get("/events/export.csv", {"job": token}))

    assert len(csv_rows(body(client.get("/events/export.csv", {"job": token, "account": "demo0002"})))) == 0
    assert told(client, token).startswith("Done: 12 rows")


@pytest.mark.parametrize("kind", KINDS)
def test_cache_that_fails_breaks_no_export(
    login: Login, account: NexmoAccount, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))

    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionError("no cache")

    for name in ("get", "set", "add"):
        monkeypatch.setattr(type(caches["default"]), name, fail)
    content = body(client.get(f"/events/export.{kind}", {"job": token}))

    assert len(exported_ids(kind, content)) == 12
    assert told(client, token) == "Waiting for the first rows."


def test_progress_is_noted_once_a_second_at_most(cast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 1.0)
    clock = [100.0]
    monkeypatch.setattr("events.export.progress.time.monotonic", lambda: clock[0])
    token = progress.new_token(1)
    job = ProgressReporter(1, token, Progress("events.csv", 100))
    written = []
    monkeypatch.setattr(
        type(caches["default"]), "set", lambda cache, key, value, timeout: written.append(value["rows"])
    )

    for _ in range(30):
        job.wrote(10)
        clock[0] += 0.1

    assert [round(number, -2) for number in written] == [100, 200]


@pytest.mark.django_db(transaction=True)
@only_sqlite  # PostgreSQL has many writers
def test_export_does_not_wait_for_whoever_writes_to_sqlite(
    login: Login, account: NexmoAccount, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.management import call_command

    settings.CACHES = settings.CACHES | {
        "default": {"BACKEND": "auditsite.caches.SignedDatabaseCache", "LOCATION": "auditsite_cache"}
    }
    call_command("createcachetable", verbosity=0)
    add_many(account, range(12))
    client = login("alice")
    token = token_of(client.get("/events/export"))
    monkeypatch.setattr(progress, "EVERY", 1.0)
    parts = iter(client.get("/events/export.csv", {"job": token}).streaming_content)  # that it began is written down
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    for _ in range(3):
        next(parts)
    waited = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()
    list(parts)

    assert waited < 5  # SQLite's usual patience is 30 seconds
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone()[0] == 30_000
    assert told(client, token).startswith("Done: 12 rows")
