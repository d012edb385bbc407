"""Exports as XLSX: the rows of the CSV, over as many sheets as they need."""

from __future__ import annotations

import json

import pytest

from accounts.models import NexmoAccount
from events.export import workbook
from tests.conftest import event_json
from tests.tools.export import FURTHER, HEADER, SHEET_HEADER, Add, Login, add_many, body, csv_rows, sheets


def test_xlsx_opens_again_with_the_same_rows_as_the_csv(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    add_event(account, 2, context=..., event_type_description='quotes " & <tags> ünï 🎉')
    client = login("alice")

    found = sheets(body(client.get("/events/export.xlsx")))

    assert list(found) == ["Events"]
    assert found["Events"][0] == SHEET_HEADER
    columns = ",".join((*HEADER, *FURTHER))
    assert [dict(zip(SHEET_HEADER, row, strict=True)) for row in found["Events"][1:]] == csv_rows(
        body(client.get(f"/events/export.csv?columns={columns}"))
    )


def test_xlsx_holds_hostile_text_as_plain_text(login: Login, account: NexmoAccount, add_event: Add) -> None:
    hostile = ["=cmd|' /C calc'!A0", "@SUM(1)", "https://example.com/", "{=1}", "-1+1"]
    for number, text in enumerate(hostile):
        add_event(account, number, source=text)

    rows = sheets(body(login("alice").get("/events/export.xlsx")))["Events"]  # refuses formulas and links

    assert [row[SHEET_HEADER.index("source")] for row in rows[1:]] == hostile[::-1]


def test_xlsx_goes_on_with_a_further_sheet_when_one_is_full(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 4)
    add_many(account, range(1, 11))

    found = sheets(body(login("alice").get("/events/export.xlsx")))

    assert {title: len(rows) for title, rows in found.items()} == {"Events": 5, "Events 2": 5, "Events 3": 3}
    assert all(rows[0] == SHEET_HEADER for rows in found.values())
    ids = [row[SHEET_HEADER.index("event_id")] for rows in found.values() for row in rows[1:]]
    assert ids == [event_json(number)["id"] for number in range(10, 0, -1)]


def test_xlsx_begins_no_empty_sheet_when_the_last_one_is_just_full(
    login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 2)
    add_many(account, range(1, 5))

    found = sheets(body(login("alice").get("/events/export.xlsx")))

    assert [len(rows) for rows in found.values()] == [3, 3]


def test_a_sheet_ends_before_excel_does() -> None:
    assert workbook.ROWS_PER_SHEET + 1 <= 1_048_576


def test_xlsx_says_that_an_overlong_cell_was_cut(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"text": "x" * 40_000})
    client = login("alice")

    cell = sheets(body(client.get("/events/export.xlsx")))["Events"][1][SHEET_HEADER.index("context")]

    assert len(cell) == 32_767
    assert cell.startswith('{"text":"xxx')
    assert "[cut: a cell holds 32,767 characters" in cell
    (row,) = csv_rows(body(client.get("/events/export.csv")))
    assert row["context"] == json.dumps({"text": "x" * 40_000}, separators=(",", ":"))


def test_xlsx_cell_that_just_fits_is_whole(login: Login, account: NexmoAccount, add_event: Add) -> None:
    text = "x" * (32_767 - len('{"t":""}'))
    add_event(account, 1, context={"t": text})

    rows = sheets(body(login("alice").get("/events/export.xlsx")))["Events"]

    assert rows[1][SHEET_HEADER.index("context")] == f'{{"t":"{text}"}}'


def test_xlsx_cell_that_is_overlong_only_as_excel_counts_says_that_it_was_cut(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    """Excel counts an emoji as two, and the writer then cuts without a word."""
    add_event(account, 1, context={"text": "🎉" * 20_000})

    cell = sheets(body(login("alice").get("/events/export.xlsx")))["Events"][1][SHEET_HEADER.index("context")]

    assert "[cut: a cell holds 32,767 characters" in cell
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767
