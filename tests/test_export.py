"""Exports: what a file holds, and what it must not do to whoever opens it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events import archive, export
from events.models import AuditEvent
from events.nexmo.parse import parse_event
from tests.conftest import NOON, event_json

KINDS = ("csv", "ndjson", "xlsx")
MIME = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
HEADER = [
    "created_at",
    "account",
    "account_name",
    "event_id",
    "event_type",
    "event_type_description",
    "user_email",
    "user_id",
    "source",
    "source_description",
    "source_ip",
    "source_country",
    "context",
    "odd_fields",
]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    """The sheets of a workbook by title, as rows of text; fails on any cell that is not plain text."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        titles = [
            node.get("name", "") for node in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{SHEET}sheet")
        ]
        found = {}
        for number, title in enumerate(titles, start=1):
            tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(tree.iter(f"{SHEET}f")), "a formula"
            assert not list(tree.iter(f"{SHEET}hyperlink")), "a link"
            rows = []
            for row in tree.iter(f"{SHEET}row"):
                cells = []
                for cell in row.iter(f"{SHEET}c"):
                    assert cell.get("t") == "inlineStr" or not len(cell), "a cell that is not text"
                    cells.append("".join(node.text or "" for node in cell.iter(f"{SHEET}t")))
                rows.append(cells)
            found[title] = rows
    return found


def exported_ids(kind: str, content: bytes) -> list[str]:
    """The ids of the events in a file, in its order."""
    if kind == "csv":
        return [row["event_id"] for row in csv_rows(content)]
    if kind == "ndjson":
        return [json.loads(line)["id"] for line in content.decode().splitlines()]
    (rows,) = sheets(content).values()
    return [row[HEADER.index("event_id")] for row in rows[1:]]


def add_many(account: NexmoAccount, numbers: Iterable[int], **fields: Any) -> None:
    events = [parse_event(json.dumps(event_json(number, **fields)), UTC) for number in numbers]
    archive.add_events(account, events, run=None, fetched_at=NOON)


def add_raw(account: NexmoAccount, raw: str) -> AuditEvent:
    event = parse_event(raw, UTC)
    archive.add_events(account, [event], run=None, fetched_at=NOON)
    return AuditEvent.objects.with_id(event.event_id).get(account=account)


Login = Callable[[str], Any]
Add = Callable[..., AuditEvent]


def test_csv_has_the_documented_header(login: Login) -> None:
    first_line = body(login("alice").get("/events/export.csv")).split(b"\r\n")[0]

    assert first_line.decode().split(",") == HEADER


def test_csv_row_holds_every_field(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source_country="gb", user_email="Some.One@Example.com")

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row == {
        "created_at": "2026-03-15T12:01:00+00:00",
        "account": "demo0001",
        "account_name": "Quillfern Parcel",
        "event_id": "00000000-0000-4000-8000-000000000001",
        "event_type": "NUMBER_UPDATED",
        "event_type_description": "Number updated",
        "user_email": "some.one@example.com",
        "user_id": "1234567",
        "source": "CD",
        "source_description": "Customer dashboard",
        "source_ip": "192.0.2.1",
        "source_country": "GB",
        "context": '{"country":"GB","msisdn":"447700900000"}',
        "odd_fields": "",
    }


def test_csv_times_carry_the_offset_of_the_readers_zone(
    login: Login, account: NexmoAccount, add_event: Add, settings: Any
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    add_event(account, 1, created_at="2026-03-15T20:00:00Z")

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row["created_at"] == "2026-03-16T01:30:00+05:30"


def test_csv_of_an_event_without_context_and_with_odd_fields(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, context=..., source={"odd": True})

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert (row["context"], row["odd_fields"]) == ("", "source")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_csv_neutralises_formulas_in_every_column(
    login: Login, account: NexmoAccount, add_event: Add, start: str
) -> None:
    hostile = f"{start}cmd|' /C calc'!A0"
    NexmoAccount.objects.filter(pk=account.pk).update(name=hostile)
    add_event(
        account,
        1,
        id=hostile,
        event_type=hostile,
        event_type_description=hostile,
        user_id=hostile,
        source=hostile,
        source_description=hostile,
        source_ip=hostile,
    )

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    for name in (
        "account_name",
        "event_id",
        "event_type",
        "event_type_description",
        "user_id",
        "source",
        "source_description",
        "source_ip",
    ):
        assert row[name] == f"'{hostile}", name


@pytest.mark.parametrize("name", ["user_email", "source_country"])
def test_csv_neutralises_formulas_in_the_columns_that_are_trimmed(
    login: Login, account: NexmoAccount, add_event: Add, name: str
) -> None:
    add_event(account, 1, **{name: "=1+1"})

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row[name] == "'=1+1"


def test_csv_neutralises_a_context_that_is_plain_text_or_a_negative_number(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, context=-5)

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row["context"] == "'-5"


def test_csv_keeps_quotes_commas_and_line_breaks_in_their_cell(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    text = 'say "hello",\r\nplease; ünï 🎉'
    add_event(account, 1, event_type_description=text)

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row["event_type_description"] == text


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
    assert "events-demo0001-" in response["Content-Disposition"]


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
    assert response["Content-Disposition"].startswith('attachment; filename="events-all-')
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


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_text_exports_are_streamed_row_by_row(
    login: Login, account: NexmoAccount, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(account, range(1, 11))
    monkeypatch.setattr(export, "CHUNK", 2)

    response = login("alice").get(f"/events/export.{kind}")

    assert response.streaming
    # The header of the CSV is a line too.
    assert len(list(response.streaming_content)) == (11 if kind == "csv" else 10)


@pytest.mark.parametrize("kind", KINDS)
def test_export_reads_all_rows_in_one_query(login: Login, account: NexmoAccount, kind: str) -> None:
    client = login("alice")
    counts = []
    for numbers in (range(1, 2), range(2, 62)):
        add_many(account, numbers)
        with CaptureQueriesContext(connection) as queries:
            body(client.get(f"/events/export.{kind}"))
        counts.append(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))
        assert len([query for query in queries if 'FROM "events_auditevent"' in query["sql"]]) == 1

    assert counts[0] == counts[1]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_does_not_read_the_verbatim_events_or_secrets(login: Login, account: NexmoAccount, kind: str) -> None:
    add_many(account, range(3))

    with CaptureQueriesContext(connection) as queries:
        body(login("alice").get(f"/events/export.{kind}"))

    (rows,) = [query["sql"] for query in queries if 'FROM "events_auditevent"' in query["sql"]]
    assert '"raw"' not in rows
    assert "api_secret" not in rows


@pytest.mark.parametrize("kind", KINDS)
def test_export_with_a_wrong_filter_is_refused_with_the_message(
    login: Login, account: NexmoAccount, add_event: Add, kind: str
) -> None:
    add_event(account, 1)

    response = login("alice").get(f"/events/export.{kind}?source_ip=nonsense")

    assert response.status_code == 400
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "Content-Disposition" not in response
    assert "nonsense is no IP address or network" in response.content.decode()


def test_ndjson_is_the_event_as_received(login: Login, account: NexmoAccount) -> None:
    raw = '{"id" : "x-1",  "created_at":"2026-03-15T12:00:00",\t"extra":{"b":1,"a":[1.50,2e3]},"note":"\\u00e9 é"}'
    add_raw(account, raw)

    assert body(login("alice").get("/events/export.ndjson")).decode() == raw + "\n"


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\n\n  "])
def test_ndjson_is_one_line_per_event_even_when_it_was_received_on_several(
    login: Login, account: NexmoAccount, breaks: str
) -> None:
    for number in (1, 2):
        add_raw(account, breaks.join(json.dumps(event_json(number), indent=1).split("\n")))

    content = body(login("alice").get("/events/export.ndjson")).decode()

    lines = content.splitlines()
    assert [json.loads(line) for line in lines] == [event_json(2), event_json(1)]
    assert "\r" not in content
    assert content.endswith("\n")


def test_ndjson_keeps_other_separators_inside_their_strings(login: Login, account: NexmoAccount) -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf"
    add_raw(account, json.dumps(event_json(1, event_type_description=text), ensure_ascii=False))

    (line, rest) = body(login("alice").get("/events/export.ndjson")).decode().split("\n")

    assert rest == ""
    assert json.loads(line, strict=False)["event_type_description"] == text


def test_ndjson_of_an_event_with_a_line_break_inside_a_string_stays_one_line(
    login: Login, account: NexmoAccount
) -> None:
    # Not valid JSON, but it is read, and so archived.
    add_raw(account, '{"id":"x-1","created_at":"2026-03-15T12:00:00","source":"two\nlines"}')

    content = body(login("alice").get("/events/export.ndjson")).decode()

    assert content.count("\n") == 1
    assert content.endswith("}\n")


def test_xlsx_opens_again_with_the_same_rows_as_the_csv(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    add_event(account, 2, context=..., event_type_description='quotes " & <tags> ünï 🎉')
    client = login("alice")

    found = sheets(body(client.get("/events/export.xlsx")))

    assert list(found) == ["Events"]
    assert found["Events"][0] == HEADER
    assert [dict(zip(HEADER, row, strict=True)) for row in found["Events"][1:]] == csv_rows(
        body(client.get("/events/export.csv"))
    )


def test_xlsx_holds_hostile_text_as_plain_text(login: Login, account: NexmoAccount, add_event: Add) -> None:
    hostile = ["=cmd|' /C calc'!A0", "@SUM(1)", "https://example.com/", "{=1}", "-1+1"]
    for number, text in enumerate(hostile):
        add_event(account, number, source=text)

    rows = sheets(body(login("alice").get("/events/export.xlsx")))["Events"]  # refuses formulas and links

    assert [row[HEADER.index("source")] for row in rows[1:]] == hostile[::-1]


def test_xlsx_goes_on_with_a_further_sheet_when_one_is_full(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "XLSX_ROWS_PER_SHEET", 4)
    add_many(account, range(1, 11))

    found = sheets(body(login("alice").get("/events/export.xlsx")))

    assert {title: len(rows) for title, rows in found.items()} == {"Events": 5, "Events 2": 5, "Events 3": 3}
    assert all(rows[0] == HEADER for rows in found.values())
    ids = [row[HEADER.index("event_id")] for rows in found.values() for row in rows[1:]]
    assert ids == [event_json(number)["id"] for number in range(10, 0, -1)]


def test_xlsx_begins_no_empty_sheet_when_the_last_one_is_just_full(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "XLSX_ROWS_PER_SHEET", 2)
    add_many(account, range(1, 5))

    found = sheets(body(login("alice").get("/events/export.xlsx")))

    assert [len(rows) for rows in found.values()] == [3, 3]


def test_a_sheet_ends_before_excel_does() -> None:
    assert export.XLSX_ROWS_PER_SHEET + 1 <= 1_048_576


def test_xlsx_says_that_an_overlong_cell_was_cut(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"text": "x" * 40_000})
    client = login("alice")

    cell = sheets(body(client.get("/events/export.xlsx")))["Events"][1][HEADER.index("context")]

    assert len(cell) == 32_767
    assert cell.startswith('{"text":"xxx')
    assert "[cut: a cell holds 32,767 characters" in cell
    (row,) = csv_rows(body(client.get("/events/export.csv")))
    assert row["context"] == json.dumps({"text": "x" * 40_000}, separators=(",", ":"))


def test_xlsx_cell_that_just_fits_is_whole(login: Login, account: NexmoAccount, add_event: Add) -> None:
    text = "x" * (32_767 - len('{"t":""}'))
    add_event(account, 1, context={"t": text})

    rows = sheets(body(login("alice").get("/events/export.xlsx")))["Events"]

    assert rows[1][HEADER.index("context")] == f'{{"t":"{text}"}}'


def test_xlsx_cell_that_is_overlong_only_as_excel_counts_says_that_it_was_cut(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    """Excel counts an emoji as two, and the writer then cuts without a word."""
    add_event(account, 1, context={"text": "🎉" * 20_000})

    cell = sheets(body(login("alice").get("/events/export.xlsx")))["Events"][1][HEADER.index("context")]

    assert "[cut: a cell holds 32,767 characters" in cell
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767


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
