"""Exports with chosen columns and times: the right cells, in the right zone, and harmless all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import NexmoAccount
from tests.tools.export import HEADER, SHEET_HEADER, Add, Login, add_many, body, csv_rows, sheets

FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "a;=1", "\r=1"]


def table(kind: str, content: bytes) -> list[dict[str, str]]:
    if kind == "csv":
        return csv_rows(content)
    header, *rows = sheets(content)["Events"]
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(
    "query, columns",
    [
        ("columns=user_email,created_at", ["created_at", "user_email"]),
        ("columns=odd_fields&columns=account&columns=account", ["account", "odd_fields"]),
        ("columns=context", ["context"]),
        ("columns=odd_fields", ["odd_fields"]),
        ("columns=" + ",".join(HEADER[::-1]), HEADER),
    ],
)
def test_chosen_columns_are_those_of_the_whole_file_in_its_order(
    login: Login, account: NexmoAccount, kind: str, query: str, columns: list[str]
) -> None:
    add_many(account, range(3))
    client = login("alice")
    whole = table(kind, body(client.get(f"/events/export.{kind}")))

    found = table(kind, body(client.get(f"/events/export.{kind}?{query}")))

    order = [name for name in SHEET_HEADER if name in columns] if kind == "xlsx" else columns
    assert [list(row) for row in found] == [order] * 3
    assert found == [{name: row[name] for name in columns} for row in whole]


def test_ndjson_is_whole_whatever_is_chosen(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(3))
    client = login("alice")

    assert body(client.get("/events/export.ndjson?columns=account&times=Asia/Tokyo")) == body(
        client.get("/events/export.ndjson")
    )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(
    "times, expected",
    [
        ("Europe/Madrid", ["2026-03-29T03:00:00+02:00", "2026-03-29T01:59:59+01:00"]),
        ("UTC", ["2026-03-29T01:00:00+00:00", "2026-03-29T00:59:59+00:00"]),
        ("utc", ["2026-03-29T01:00:00+00:00", "2026-03-29T00:59:59+00:00"]),
        ("Asia/Kolkata", ["2026-03-29T06:30:00+05:30", "2026-03-29T06:29:59+05:30"]),
    ],
)
def test_times_stand_in_the_zone_that_is_asked_for_with_its_offset(
    login: Login, account: NexmoAccount, add_event: Add, settings: Any, kind: str, times: str, expected: list[str]
) -> None:
    settings.TIME_ZONE = "America/New_York"
    add_event(account, 1, created_at="2026-03-29T00:59:59Z")
    add_event(account, 2, created_at="2026-03-29T01:00:00Z")

    rows = table(kind, body(login("alice").get(f"/events/export.{kind}?times={times}")))

    assert [row["created_at"] for row in rows] == expected


@pytest.mark.parametrize("column", ["source", "user_email", "context", "source_description"])
def test_chosen_columns_hold_no_formula(login: Login, account: NexmoAccount, add_event: Add, column: str) -> None:
    for number, text in enumerate(FORMULAS):
        add_event(account, number, **{column: {"k": text} if column == "context" else text})
    client = login("alice")
    whole = csv_rows(body(client.get("/events/export.csv")))

    rows = csv_rows(body(client.get(f"/events/export.csv?columns={column}")))

    assert [row[column] for row in rows] == [row[column] for row in whole]
    assert not [row[column] for row in rows if row[column].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert not [row[column] for row in rows if ";=" in row[column]]
    sheets(body(client.get(f"/events/export.xlsx?columns={column}")))  # refuses formulas and links


def run(*arguments: str) -> None:
    call_command("export_events", *arguments)


def test_command_takes_columns_and_times_and_says_how_many(
    account: NexmoAccount, add_event: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_event(account, 1, created_at="2026-07-01T12:00:00Z")
    target = tmp_path / "events.csv"

    run("--format", "csv", "--columns", "event_id,created_at", "--times", "Europe/Madrid", "-o", str(target))

    assert target.read_text().splitlines() == [
        "created_at,event_id",
        "2026-07-01T14:00:00+02:00,00000000-0000-4000-8000-000000000001",
    ]
    assert f"Wrote {target}: 1 row.\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong, says", [(("--columns", "nope"), "There is no column nope"), (("--times", "Nowhere"), "is not a time zone")]
)
def test_command_refuses_a_wrong_choice_and_writes_nothing(
    account: NexmoAccount, tmp_path: Path, wrong: tuple[str, str], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run("--format", "csv", *wrong, "-o", str(tmp_path / "events.csv"))
    assert list(tmp_path.iterdir()) == []


def test_command_says_when_it_wrote_another_number_than_was_announced(
    account: NexmoAccount,
    add_event: Add,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_event(account, 1)
    from events.reading import Count

    monkeypatch.setattr("events.management.commands.export_events.announce", lambda conditions: Count(5))

    for kind in ("csv", "ndjson", "xlsx"):
        run("--format", kind, "-o", str(tmp_path / f"events.{kind}"))
        assert "5 rows were expected: events were added or removed while 1 were written." in capsys.readouterr().err
    assert json.loads((tmp_path / "events.ndjson").read_text())


def test_view_is_no_filter_of_a_file(login: Login, account: NexmoAccount) -> None:
    answer = login("alice").get("/events/export.csv?view=secrets")

    assert answer.status_code == 400
    assert "A view is no filter of a file" in answer.content.decode()
