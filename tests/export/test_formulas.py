"""No cell of a CSV is run, whatever a spreadsheet takes for the separator; and JSON stays the JSON it was."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.models import NexmoAccount
from events.export.columns import COLUMNS, Shape
from events.export.files import csv_lines
from events.export.formulas import SIGNS, harmless, harmless_json
from events.fields import dump_json
from events.reading import Row
from tests.conftest import NOON
from tests.tools.export import Add, Login, body, csv_rows

PIECES = (
    "=",
    "+",
    "-",
    "@",
    "＝",
    "﹦",
    ";",
    "|",
    "\t",
    "\r",
    "\n",
    " ",
    '"',
    "'",
    ",",
    "\u00a0",
    "\u200b",
    "\ufeff",
    "a",
    "1",
)
hostile = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
FIELDS = [name for name in Row._fields if name not in ("pk", "account_id", "created_at", "context")]


def runs(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula: a number is none."""
    begun = cell.strip(' \t\r\n"\u00a0\u200b\ufeff')
    try:
        float(begun)
    except ValueError:
        return begun[:1] in SIGNS and begun != ""
    return False


def files_of(text: str, context: Any) -> list[str]:
    """CSV of an event with this text in every field, with all columns and with each alone."""
    row = Row._make(
        {"pk": 1, "account_id": 1, "created_at": NOON, "context": dump_json(context)}.get(name, text)
        for name in Row._fields
    )
    accounts = {1: NexmoAccount(pk=1, api_key="demo0001", name=text)}
    return [
        "".join(csv_lines([row], accounts, Shape(columns, UTC)))
        for columns in (COLUMNS, *((name,) for name in COLUMNS))
    ]


@settings(deadline=None)
@given(text=hostile)
@example("a\n=1+1\nb")
@example("a\r=1+1")
@example('a\n"=1+1"')
@example(" =1+1")
@example("\u00a0=1+1")
@example("\uff1d1+1")
@example("\u200b=1+1")
@example('x;"=1')
@example("|=1")
@example("a|\u3164=1")
def test_no_cell_is_run_whatever_the_separator(text: str) -> None:
    for content in files_of(text, {"k": text, text: [text]}):
        for separator in (",", ";", "\t", "|"):
            for line in csv.reader(io.StringIO(content, newline=""), delimiter=separator):
                assert not [cell for cell in line if runs(cell)], (separator, line)


@settings(deadline=None)
@given(text=hostile, number=st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_json_stays_the_same_json(text: str, number: float) -> None:
    for context in ({"k": text, text: [text, number]}, [text], text, number, [number, {"a;": number}]):
        assert json.loads(harmless_json(dump_json(context))) == context


@given(text=st.text(max_size=20))
def test_text_is_only_added_to(text: str) -> None:
    assert harmless(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("unseen", ["\u3164", "\u115f", "\uffa0", "\u034f"])
def test_letters_that_cannot_be_seen_hide_no_formula_whatever_stands_beside(unseen: str) -> None:
    for content in files_of(f"{unseen}=1+1", {}):
        assert f"{unseen}=" not in content.replace(f"'{unseen}=", "")


def test_what_is_not_json_is_no_formula_either() -> None:
    assert harmless_json("-Infinity") == "'-Infinity"


@pytest.mark.parametrize("value", ["Bob = Co", "a-b", "447700900000", "https://x.example/?a=b&c=d", "5 - 3", "O'Hara"])
def test_usual_text_stays_as_it_is(value: str) -> None:
    assert harmless(value) == value


def test_context_of_an_export_is_the_context(login: Login, account: NexmoAccount, add_event: Add) -> None:
    context = {"note": "a;=1+1", "pipe": "|=1", "=x": "=1", "n": -5, "wide": "; ＝1"}
    add_event(account, 1, context=context)

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert ";=" not in row["context"] and "|=" not in row["context"]
    assert json.loads(row["context"]) == context


class TestByteOrderMark:
    def test_csv_of_a_page_begins_with_one(self, login: Login, account: NexmoAccount, add_event: Add) -> None:
        add_event(account, 1, event_type_description="ünï")
        content = body(login("alice").get("/events/export.csv"))

        assert content.startswith(b"\xef\xbb\xbfcreated_at,")
        assert content.count(b"\xef\xbb\xbf") == 1
        assert "ünï" in content.decode("utf-8-sig")

    @pytest.mark.parametrize(("query", "begins"), [("bom=no", b"created_at,"), ("bom=yes", b"\xef\xbb\xbfcreated_at,")])
    def test_it_is_a_choice(self, login: Login, cast: dict[str, Any], query: str, begins: bytes) -> None:
        assert body(login("alice").get(f"/accounts/demo0001/events/export.csv?{query}")).startswith(begins)

    def test_the_page_offers_it(self, login: Login, cast: dict[str, Any]) -> None:
        client = login("alice")

        assert 'name="bom" value="yes" checked' in client.get("/events/export").content.decode()
        assert 'name="bom" value="no" checked' in client.get("/events/export?bom=no").content.decode()

    def test_another_choice_is_refused(self, login: Login, cast: dict[str, Any]) -> None:
        response = login("alice").get("/events/export.csv?bom=perhaps")

        assert response.status_code == 400
        assert "perhaps is not a valid value for bom" in response.content.decode()

    @pytest.mark.parametrize("kind", ["ndjson", "xlsx"])
    def test_other_files_have_none(self, login: Login, account: NexmoAccount, add_event: Add, kind: str) -> None:
        add_event(account, 1)

        assert not body(login("alice").get(f"/events/export.{kind}?bom=yes")).startswith(b"\xef\xbb\xbf")

    def test_the_command_writes_none_unless_asked(
        self, account: NexmoAccount, add_event: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        add_event(account, 1)
        for name, options in (("plain", ()), ("marked", ("--bom",))):
            call_command("export_events", "--format", "csv", "-o", str(tmp_path / name), *options)

        plain, with_mark = ((tmp_path / name).read_bytes() for name in ("plain", "marked"))
        assert with_mark == b"\xef\xbb\xbf" + plain
