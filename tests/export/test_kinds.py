"""Exports of every kind: which rows they hold, what they cost, and whom they refuse."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.export import columns
from events.models import AuditEvent
from events.reading import stream
from tests.conftest import NOON, event_json
from tests.tools.export import KINDS, Add, Login, add_many, add_raw, body, csv_rows, exported_ids

MIME = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@pytest.mark.parametrize("kind", KINDS)
def test_export_holds_every_row_newest_first(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(1, 131))

    response = login("alice").get(f"/events/export.{kind}?size=25")

    assert exported_ids(kind, body(response)) == [event_json(number)["id"] for number in range(130, 0, -1)]


@pytest.mark.parametrize("kind", KINDS)
def test_export_orders_equal_seconds_as_the_page_does(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, (3, 1, 2), created_at="2026-03-15T12:00:00")
    shown = list(AuditEvent.objects.order_by("-created_at", "-id").values_list("event_id", flat=True))

    response = login("alice").get(f"/events/export.{kind}")

    assert exported_ids(kind, body(response)) == shown


@pytest.mark.parametrize("kind", KINDS)
def test_export_respects_the_filter(login: Login, account: NexmoAccount, add_event: Add, kind: str) -> None:
    add_event(account, 1, user_email="a@example.com")
    wanted = add_event(account, 2, user_email="b@example.com")

    response = login("alice").get(f"/events/export.{kind}?user_email=b@example.com")

    assert exported_ids(kind, body(response)) == [wanted.event_id]


@pytest.mark.parametrize("kind", KINDS)
def test_export_of_one_account_holds_no_other(login: Login, account: NexmoAccount, add_event: Add, kind: str) -> None:
    wanted = add_event(account, 1)
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 2)

    response = login("alice").get(f"/accounts/demo0001/events/export.{kind}")

    assert exported_ids(kind, body(response)) == [wanted.event_id]
    assert "auditsite-events_quillfern-parcel_" in response["Content-Disposition"]


@pytest.mark.parametrize("kind", KINDS)
def test_export_of_nothing_is_an_empty_file_of_its_kind(login: Login, kind: str) -> None:
    response = login("alice").get(f"/events/export.{kind}")

    assert response.status_code == 200
    assert exported_ids(kind, body(response)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_export_says_what_it_is_and_is_not_cached(login: Login, kind: str) -> None:
    response = login("alice").get(f"/events/export.{kind}")
    body(response)

    assert response["Content-Type"] == MIME[kind]
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Disposition"].startswith('attachment; filename="auditsite-events_all_')
    assert response["Content-Disposition"].endswith(f'.{kind}"')


@pytest.mark.parametrize("kind", KINDS)
def test_head_answers_the_headers_without_reading_events(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(3))
    client = login("alice")

    with CaptureQueriesContext(connection) as queries:
        response = client.head(f"/events/export.{kind}")
        content = body(response)

    assert response.status_code == 200
    assert content == b""
    assert response["Content-Type"] == MIME[kind]
    assert f'.{kind}"' in response["Content-Disposition"]
    assert not [query for query in queries if '"events_auditevent"' in query["sql"]]


def test_unknown_kind_is_404(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")

    for kind in ("pdf", "CSV", "csv.exe", "json", "xls"):
        assert client.get(f"/events/export.{kind}").status_code == 404
        assert client.get(f"/accounts/demo0001/events/export.{kind}").status_code == 404


def test_export_answers_to_reading_only(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")

    for method in (client.post, client.put, client.patch, client.delete):
        assert method("/events/export.csv").status_code == 405
        assert method("/accounts/demo0001/events/export.csv").status_code == 405


def reads(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if "FROM events_auditevent" in query["sql"]]


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_text_exports_are_streamed_as_they_are_read(
    login: Login, account: NexmoAccount, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(1, 11))
    for module, name in ((stream, "FIRST_CHUNK"), (stream, "CHUNK"), (columns, "FIRST_LINES"), (columns, "LINES")):
        monkeypatch.setattr(module, name, 2)

    response = login("alice").get(f"/events/export.{kind}?account=demo0001")

    assert response.streaming
    with CaptureQueriesContext(connection) as queries:
        pieces = iter(response.streaming_content)
        if kind == "csv":
            next(pieces)
        first = next(pieces)
        assert first.count(b"\n") == 2
        assert len(reads(queries)) == 1  # two rows are out, and no more than them were read
        assert sum(piece.count(b"\n") for piece in pieces) == 8


@pytest.mark.parametrize("kind", KINDS)
def test_export_reads_in_chunks_by_key(
    login: Login, account: NexmoAccount, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "FIRST_CHUNK", 10)
    monkeypatch.setattr(stream, "CHUNK", 20)
    add_many(account, range(60))

    with CaptureQueriesContext(connection) as queries:
        exported = exported_ids(kind, body(login("alice").get(f"/events/export.{kind}?account=demo0001")))

    assert exported == [event_json(number)["id"] for number in range(59, -1, -1)]
    # 10, three times 20 of which the last is not full
    assert len(reads(queries)) == 4
    assert [sql for sql in reads(queries) if "LIMIT" not in sql or "OFFSET" in sql] == []


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_does_not_read_the_verbatim_events_or_secrets(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(3))

    with CaptureQueriesContext(connection) as queries:
        body(login("alice").get(f"/events/export.{kind}?account=demo0001"))

    (rows,) = reads(queries)
    assert "raw" not in rows
    assert [query["sql"] for query in queries if "api_secret" in query["sql"]] == []


@pytest.mark.parametrize("kind", KINDS)
def test_export_with_a_wrong_filter_is_refused_with_the_message(
    login: Login, account: NexmoAccount, add_event: Add, kind: str
) -> None:
    add_event(account, 1)

    response = login("alice").get(f"/events/export.{kind}?source_ip=nonsense")

    assert response.status_code == 400
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "Content-Disposition" not in response
    assert "nonsense is not an IP address or network" in response.content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_export_carries_any_character_an_event_may_hold(
    login: Login, account: NexmoAccount, add_event: Add, kind: str
) -> None:
    add_event(account, 1, source_description="a\x00\x01\x1f\x7f\ufffe\ud800 z", context={"k\x00": "\ud83d \x01"})

    response = login("alice").get(f"/events/export.{kind}")

    assert exported_ids(kind, body(response)) == [event_json(1)["id"]]


def test_an_event_without_id_is_exported_under_its_made_id(login: Login, account: NexmoAccount) -> None:
    add_raw(account, json.dumps({"event_type": "USER_LOGIN", "created_at": (NOON + timedelta(days=1)).isoformat()}))

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row["event_id"].startswith("sha256-")
    assert row["odd_fields"] == "id"


def test_account_made_meanwhile_does_not_break_an_export(
    login: Login, cast: dict[str, Any], account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((stream, "FIRST_CHUNK"), (stream, "CHUNK"), (columns, "FIRST_LINES"), (columns, "LINES")):
        monkeypatch.setattr(module, name, 5)
    add_many(account, range(100, 120))
    pieces = iter(login("audrey").get("/events/export.csv").streaming_content)
    begun = next(pieces) + next(pieces)
    new = NexmoAccount.objects.create(owner=cast["charlie"], name="New", api_key="newone01", api_secret="x")
    add_event(new, 1)

    rows = csv_rows(begun + b"".join(pieces))

    assert {row["account"] for row in rows} == {"demo0001"}
    assert len(rows) == 20
