"""Exports as CSV and as NDJSON: every field, and no formula for whoever opens them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import NexmoAccount
from events.fields import dump_json
from events.masking import mask, mask_json
from events.masking.secret_names import is_secret
from tests.conftest import event_json
from tests.tools.export import HEADER, Add, Login, add_raw, body, csv_rows


def test_csv_has_the_documented_header(login: Login) -> None:
    first_line = body(login("alice").get("/events/export.csv")).split(b"\r\n")[0]

    assert first_line.decode("utf-8-sig").split(",") == HEADER


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
        # Codes are archived without the blanks around them, and there is no formula left.
        harmless = start.isspace() and name in ("event_type", "user_id", "source", "source_ip")
        assert row[name] == (hostile.strip() if harmless else f"'{hostile}"), name


@pytest.mark.parametrize("name", ["user_email", "source_country"])
def test_csv_neutralises_formulas_in_the_columns_that_are_trimmed(
    login: Login, account: NexmoAccount, add_event: Add, name: str
) -> None:
    add_event(account, 1, **{name: "=1+1"})

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row[name] == "'=1+1"


def test_context_that_is_a_negative_number_stays_that_number(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, context=-5)

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row["context"] == "-5"


def test_csv_keeps_quotes_commas_and_line_breaks_in_their_cell(
    login: Login, account: NexmoAccount, add_event: Add
) -> None:
    text = 'say "hello",\r\nplease; ünï 🎉'
    add_event(account, 1, event_type_description=text)

    (row,) = csv_rows(body(login("alice").get("/events/export.csv")))

    assert row["event_type_description"] == text


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


URLS = (
    "https://hooks.example.com/a?token=abc&x=1",
    "https://user:pass@example.com/",
    'say "https://example.com/?secret=x" twice',
    "back\\slash https://example.com/?key=abc\\",
    "nothing=here",
    "tab\thttps://example.com/?sig=1",
)


@given(context=st.dictionaries(st.text(max_size=5), st.sampled_from(URLS) | st.text(max_size=30) | st.integers()))
def test_credentials_are_hidden_in_the_text_as_in_the_values(context: dict[str, Any]) -> None:
    hidden = json.loads(mask_json(dump_json(context)))

    plain = {key: mask(value) if isinstance(value, str) else value for key, value in context.items()}
    assert hidden == plain or any("=" in key or "@" in key or is_secret(key) for key in context)
