"""Numbers beyond what floats hold are written as they were received, wherever a context is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import NexmoAccount
from events.archive.verify import verify_account
from events.fields import dump_json, read_json
from events.masking import mask_valid_json
from events.models import AuditEvent
from tests.conftest import event_json
from tests.tools.export import Login, add_raw, body, csv_rows, sheets

CONTEXT = '{"huge":1e999,"list":[-1E+400,{"n":2.5}],"address":"https://example.com/?token=1&n=1\\u00e9"}'


def strictly(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse, parse_float=str)


@pytest.fixture
def event(account: NexmoAccount) -> AuditEvent:
    raw = json.dumps(event_json(1, context="here")).replace('"here"', CONTEXT)
    add_raw(account, raw)
    found: AuditEvent = AuditEvent.objects.get(account=account)
    return found


def test_files_and_pages_hold_the_number_as_received(event: AuditEvent, login: Login) -> None:
    alice = login("alice")
    (row,) = csv_rows(body(alice.get("/events/export.csv")))
    assert strictly(row["context"])["huge"] == "1e999" and strictly(row["context"])["list"][0] == "-1E+400"
    (_, cells), *_ = sheets(body(alice.get("/events/export.xlsx"))).values()
    assert any('"huge":1e999' in cell for cell in cells)
    alice.post("/profile/display", {"with_columns": "1", "columns": ["summary"]})
    for address in ("/events/", event.get_absolute_url()):
        page = alice.get(address).content.decode()
        assert "1e999" in page and "Infinity" not in page and ">inf" not in page
    assert '"huge":1e999' in body(alice.get("/events/export.ndjson")).decode()


def test_stored_text_is_read_and_written_alike(event: AuditEvent) -> None:
    text = '{"a":[1e999,-1e400,"\\ud800"],"b":{"c":1.5}}'
    assert dump_json(read_json(text)) == text
    assert not verify_account(event.account).problem
    assert dump_json(read_json("[Infinity,NaN]")) == "[Infinity,NaN]"  # as the chain has it of older events


def test_words_for_numbers_are_texts_in_files() -> None:
    assert mask_valid_json('{"n":-Infinity,"m":NaN,"huge":1e999}') == '{"n":"-Infinity","m":"NaN","huge":1e999}'
