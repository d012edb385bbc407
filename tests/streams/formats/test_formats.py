"""What holds for every format: valid, in one line, nothing lost, nothing leaked, English."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from events.export.columns import FOR_PROGRAMS
from events.sandbox.odd import odd_events
from events.streams.formats import FORMATS, flat, raw
from events.streams.record import EventRecord, Lot
from tests.tools.records import DIGEST, NOON, event, finding, of_each_type, of_the_sandbox, record_of

NAMES = sorted(FORMATS)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(("NaN", ", N", "Infinity"))
LEAVES = st.floats() | st.integers() | TEXTS | st.none()


def _read(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("name", NAMES)
def test_every_event_is_json_in_one_line_of_utf8(name: str) -> None:
    for record in (*of_each_type().values(), *of_the_sandbox()):
        text = FORMATS[name].event_json(record)

        assert "\n" not in text
        assert "\r" not in text
        assert isinstance(_read(text.encode().decode()), dict)


@pytest.mark.parametrize("name", NAMES)
def test_text_and_object_say_the_same(name: str) -> None:
    for record in of_each_type().values():
        assert _read(FORMATS[name].event_json(record)) == FORMATS[name].event(record)
    assert _read(FORMATS[name].finding_json(finding())) == FORMATS[name].finding(finding())


def _original(name: str, record: EventRecord) -> str:
    made = FORMATS[name].event(record)
    text: str = {
        "flat": lambda: made["raw"],
        "ecs": lambda: made["event"]["original"],
        "ocsf": lambda: made["raw_data"],
    }[name]()
    return text


@pytest.mark.parametrize("name", ["flat", "ecs", "ocsf"])
def test_event_stands_in_it_letter_by_letter(name: str) -> None:
    text = '{"id": "e1", "event_type":"APP_UPDATE","new field":[1.50, 1e999, "a\\/b"], "id2":1, "id2":2}'

    assert _original(name, record_of(text)) == text


def test_raw_is_letter_by_letter_too() -> None:
    text = '{"id": "e1",\n "event_type":"APP_UPDATE","new field":[1.50, 1e999, "a\\/b"], "id2":1, "id2":2}'

    made = FORMATS["raw"].event_json(record_of(text))

    assert made.endswith(f',"event":{text.replace(chr(10), " ")}}}')


@pytest.mark.parametrize(
    "text", ['{"id":"e1","context":NaN}', "not JSON", f'{{"id":"e1","context":{"[" * 120}{"]" * 120}}}', '{"a":"\x01"}']
)
def test_what_would_break_a_receivers_json_goes_as_text(text: str) -> None:
    for record in (record_of(text), record_of(text, odd_fields="", received_at=None)):
        assert _read(FORMATS["raw"].event_json(record))["event_text"] == text


def _lot(records: list[EventRecord], columns: tuple[str, ...]) -> Lot:
    names = {"seq": "sequence", "fetched_at": "received_at"}
    rows = [tuple(getattr(record, names.get(column, column)) for column in columns) for record in records]
    return Lot(records[0].account, records[0].account_name, columns, rows, 6, "https://a/", lambda at: at)


@pytest.mark.parametrize("name", NAMES)
def test_many_at_once_are_as_one_by_one(name: str) -> None:
    sent = replace(event("APP_CREATE", {"name": "Café", "deep": [[1]]}), is_test=False, sequence=8)
    lots = [
        [sent, *(replace(sent, sequence=9 + at, raw=raw, **odd) for at, (raw, odd) in enumerate(others))]
        for others in ([], [('{"a":"plain, Nora: NaN"}', {})], *([each] for each in UNSAFE), MANY)
    ]
    for records in lots:
        previous = [6, *(record.sequence for record in records[:-1])]
        expected = [
            FORMATS[name].event_json(
                replace(record, previous_sequence=before, url=f"https://a/{quote(record.event_id, safe='')}/")
            )
            for record, before in zip(records, previous, strict=True)
        ]

        bodies = FORMATS[name].event_bodies(_lot(records, FORMATS[name].columns))

        assert [body.decode() for body in bodies] == expected
        assert not any(b"\n" in body for body in bodies)


# What must not stand in a receiver's JSON as it is, or is not known to be JSON.
UNSAFE: tuple[tuple[str, dict[str, Any]], ...] = (
    ('{"a":NaN}', {}),
    ('{"a":-Infinity}', {}),
    ('{"a":[1 , NaN]}', {}),
    ('{"a":{"b":[ Infinity,2]}}', {}),
    ('{"a":"\x01"}', {}),
    ('{"a":\n"\r"}', {}),
    ('{"a":1,\n"b":2}', {}),
    ("not JSON", {"odd_fields": "event"}),
    ('{"a":1}', {"received_at": None}),
)
# They are written by the hundred.
MANY: list[tuple[str, dict[str, Any]]] = [(f'{{"a":{at if at != 150 else "NaN"}}}', {}) for at in range(250)]


@given(st.lists(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)), max_size=3))
def test_words_for_numbers_are_found_wherever_they_stand(values: list[Any]) -> None:
    for separators in ((",", ":"), (", ", ": "), (" , ", " : ")):
        written = [json.dumps({"value": value}, ensure_ascii=False, separators=separators) for value in values]
        has_words = any(_has_words(value) for value in values)

        assert not (has_words and raw._are_plain(written))
        assert not has_words or not raw._are_plain(["{}", *written, "{}"])


def _has_words(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_words, value.values()))
    if isinstance(value, list):
        return any(map(_has_words, value))
    return isinstance(value, float) and not math.isfinite(value)


def test_prose_passes_for_no_number() -> None:
    assert raw._are_plain(['{"note":"Noted: Nora, NaN and Infinity, [In"}' for _ in range(3)]) is False  # looked at
    assert raw._are_plain(['{"note":"Noted: Nora, Ireland [Nobody]","N":"I"}'])


def test_what_was_read_already_needs_no_second_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "may_stand", None)
    lot = _lot([event("APP_CREATE", {"name": "Café", "deep": [[1]]})], raw.COLUMNS)
    assert len(FORMATS["raw"].event_bodies(lot)) == 1


def test_raw_envelope_is_the_declared_one() -> None:
    marked = {"is_test": True, "account_name": 'a "shop" \ud83d', "received_at": NOON.replace(microsecond=5)}
    bare: dict[str, Any] = {"previous_sequence": None, "received_at": None, "account_name": ""}
    for record in (event(), event(record=marked), event(record=bare), event(record={"previous_sequence": 0})):
        text = FORMATS["raw"].event_json(record)

        assert text.startswith(raw.encode(raw.ENVELOPE.make(record))[:-1])


SECRET_CONTEXTS = (
    {"http": "https://h.example.com/in?token=hunter2&x=1"},
    {"http": "https://ann:hunter2@h.example.com/"},
    {"deep": [{"er": "https://h.example.com/?api_key=hunter2"}], "quoted": 'a "b"'},
    {"voiceCallback": "https://h.example.com/?sig=hunter2", "before": {"url": "https://h/?token=hunter2"}, "after": {}},
)


@pytest.mark.parametrize("context", SECRET_CONTEXTS)
@pytest.mark.parametrize("name", ["flat", "ecs", "ocsf"])
def test_no_credential_gets_out(name: str, context: dict[str, Any]) -> None:
    for record in (event("NUMBER_UPDATED", {"msisdn": "447700900000", **context}), event("APP_UPDATE", context)):
        text = FORMATS[name].event_json(record)

        assert "hunter2" in record.raw
        assert "hunter2" not in text
        assert "•••" in text


@pytest.mark.parametrize("name", ["flat", "ecs", "ocsf"])
def test_no_credential_gets_out_however_it_is_written(name: str) -> None:
    for written in (
        "https:\\/\\/ann:hunter2@h.example.com\\/",
        "https://h.example.com/?token\\u003dhunter2",
        "https://h.example.com/?a=1\\u0026token=hunter2",
        "\\u0068ttps:\\/\\/h.example.com?secret=hunter2\\n",
    ):
        for rest in ("", ',"odd":NaN', ',"odd":"\x01"', ',"odd":"\\x"', ',"unclosed":"'):
            record = record_of(f'{{"id":"e1","context":{{"http":"{written}"{rest}}}}}')

            assert "hunter2" not in FORMATS[name].event_json(record), (written, rest)


@pytest.mark.parametrize("name", NAMES)
def test_chain_stands_in_every_format(name: str) -> None:
    for record in (event(), record_of("{}"), record_of("broken")):
        text = FORMATS[name].event_json(record)

        assert all(part in text for part in ('"abcd1234"', '"Shop"', f'"{DIGEST}"'))
        assert '"sequence":17' in text
        assert '"previous_sequence":16' in text


@pytest.mark.parametrize("name", NAMES)
def test_a_test_is_marked(name: str) -> None:
    for usual, marked in (
        (FORMATS[name].event_json(event()), FORMATS[name].event_json(event(record={"is_test": True}))),
        (FORMATS[name].finding_json(finding()), FORMATS[name].finding_json(finding(is_test=True))),
    ):
        assert "test" not in usual
        assert "test" in marked


def test_language_of_the_reader_changes_nothing() -> None:
    record = of_each_type()["APP_CREATE"]
    for each in FORMATS.values():
        english = each.event_json(record)
        with override("es"):
            assert each.event_json(event("APP_CREATE", record.details)) == english


def test_flat_is_flat() -> None:
    for record in of_the_sandbox():
        assert all(isinstance(value, (str, int)) for value in FORMATS["flat"].event(record).values())
    for value in FORMATS["flat"].finding(finding()).values():
        assert isinstance(value, (str, int)) or all(isinstance(item, str) for item in value)


def test_flat_names_what_the_csv_export_names() -> None:
    assert set(FOR_PROGRAMS) <= {field.path for field in flat.EVENT.fields}


def test_half_a_surrogate_pair_reaches_no_receiver_but_as_received() -> None:
    (text,) = [sent for sent in odd_events("F47", now=NOON) if isinstance(sent, str) and "raw-surrogates" in sent]
    record = record_of(text)

    assert FORMATS["ocsf"].event(record)["unmapped"]["context"]["name"] == "😀 \ufffd \0"
    for each in FORMATS.values():
        each.event_json(record).encode()
    assert "\ufffd" in FORMATS["flat"].event_json(event(record={"account_name": "half \ud83d"}))
    assert FORMATS["raw"].event(record)["event"]["context"]["name"].startswith("😀 \ud83d")


@pytest.mark.parametrize("name", NAMES)
def test_findings_keep_what_the_rule_says_and_whom_it_is_about(name: str) -> None:
    text = FORMATS[name].finding_json(finding())

    for part in (
        "Secret created, then a number bought",
        "27974e19-ac80",
        "Somebody may use",
        "Ask the user.",
        "abcd1234",
    ):
        assert part in text
    assert '"e1"' in text
    assert '"e2"' in text
