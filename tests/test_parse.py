"""What the Audit API sends, read: every odd shape, and never an event lost for it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from events.nexmo.catalog import EVENT_TYPES, family
from events.nexmo.errors import MalformedResponse
from events.nexmo.parse import (
    Event,
    EventTypeInfo,
    content_digest,
    decode_body,
    ip_key,
    json_items,
    json_members,
    parse_event,
    parse_event_types,
    parse_page,
    parse_single,
    parse_time,
    shorten,
)

DATA = Path(__file__).parent / "data"
BERLIN = ZoneInfo("Europe/Berlin")
DEEP = "[" * 3000 + "]" * 3000
HUGE_NUMBER = "7" * 10_000


def recorded(name: str) -> str:
    return (DATA / f"{name}.json").read_text().strip()


def page_of(*events: str, page: str = '{"size":30,"totalElements":3,"totalPages":1,"number":1}') -> str:
    return f'{{"_embedded":{{"events":[{",".join(events)}]}},"page":{page}}}'


def with_field(name: str, value: str) -> str:
    """An event that is well but for one field; its value is JSON text, "" leaves it out."""
    fields = {
        "id": '"one"',
        "event_type": '"APP_CREATE"',
        "created_at": '"2024-03-05T06:07:08"',
        "user_email": '"yourname@example.com"',
        "source": '"CD"',
        "source_ip": '"192.0.2.1"',
        "source_country": '"GB"',
    } | {name: value}
    return "{" + ",".join(f'"{key}":{text}' for key, text in fields.items() if text) + "}"


def assert_storable(event: Event) -> None:
    """Whatever came, it fits the archive: UTF-8 without NUL, and no longer than its columns."""
    values = {each.name: getattr(event, each.name) for each in dataclasses.fields(event) if each.name != "context"}
    for text in (*(value for value in values.values() if isinstance(value, str)), *event.odd_fields):
        text.encode()
        assert "\x00" not in text
    for name, value in values.items():
        if isinstance(value, str) and name not in ("raw", "event_type_description", "source_description"):
            assert len(value) <= (320 if name == "user_email" else 255), name
    json.dumps(event.context).encode()
    assert event.event_id and event.identity and len(event.digest) == 64


# --- the vendor's own samples


def test_dashboard_sample_is_read_in_full() -> None:
    raw = recorded("event_dashboard")
    event = parse_event(raw, UTC)
    assert event == Event(
        event_id="aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        event_type="NUMBER_UPDATED",
        event_type_description="Number updated",
        created_at=datetime(2018, 5, 16, 16, 34, 22, tzinfo=UTC),
        created_at_basis="UTC",
        user_email="yourname@example.com",
        user_id="1234567",
        account_id="abcd1234",
        source="CD",
        source_description="Customer dashboard",
        source_ip="1.2.3.4",
        source_country="GB",
        context={
            "country": "GB",
            "msisdn": "447700900000",
            "http": "http://example.com:9000/webhooks/inbound-sms",
            "voice-type": "app",
            "voice-value": "<application id>",
        },
        raw=raw,
        odd_fields=(),
    )


def test_F39_developer_sample_without_user_is_not_odd() -> None:
    event = parse_event(recorded("event_devapi"), UTC)
    assert (event.user_email, event.user_id, event.source, event.odd_fields) == ("", "", "DEVAPI", ())
    assert event.context["voice-type"] == "sip"


def test_list_sample_is_read_with_its_figures() -> None:
    page = parse_page(recorded("list"), UTC)
    assert (page.total, page.total_pages, page.size) == (40, 2, 30)
    assert [event.raw for event in page.events] == [recorded("event_dashboard")]


def test_options_sample_gives_all_types_in_order() -> None:
    types = parse_event_types(json.loads(recorded("options")))
    assert len(types) == 27
    assert types[0] == EventTypeInfo("USER_STATUS", "User status updated")
    assert types[-1] == EventTypeInfo("AUTORELOAD_DISABLE", "Autoreload disabled")


def test_catalog_is_the_union_of_all_published_types() -> None:
    listed = {each.code: each.description for each in parse_event_types(json.loads(recorded("options")))}
    assert len(EVENT_TYPES) == 29
    assert {code: EVENT_TYPES.get(code) for code in listed} == listed
    assert EVENT_TYPES.keys() - listed == {"NUMBER_USER_CANCELED", "ACCOUNT_UPDATE_SETTINGS"}


@pytest.mark.parametrize(
    ("code", "slug"),
    [
        ("USER_LOGIN", "users"),
        ("ACCOUNT_SECRET_CREATE", "secrets"),
        ("ACCOUNT_UPDATE_SETTINGS_API", "account"),
        ("NUMBER_RELEASE", "numbers"),
        ("APP_DISABLE", "applications"),
        ("IP_WHITELIST_DELETE", "network"),
        ("AUTORELOAD_UPDATE", "money"),
        ("ESIM_ACTIVATE", "other"),
        ("", "other"),
    ],
)
def test_family_of_a_type(code: str, slug: str) -> None:
    assert family(code)[0] == slug


# --- times


@pytest.mark.parametrize(
    ("text", "moment", "basis"),
    [
        ("2024-03-05T06:07:08", "2024-03-05T06:07:08", "UTC"),
        ("2024-03-05T06:07:08Z", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08z", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08+05:30", "2024-03-05T00:37:08", "+05:30"),
        ("2024-03-05T06:07:08+0530", "2024-03-05T00:37:08", "+05:30"),
        ("2024-03-05T06:07:08-08", "2024-03-05T14:07:08", "-08:00"),
        ("2024-03-05T06:07:08 +01:00", "2024-03-05T05:07:08", "+01:00"),
        ("2024-03-05T06:07:08.5", "2024-03-05T06:07:08.500000", "UTC"),
        ("2024-03-05T06:07:08,123", "2024-03-05T06:07:08.123000", "UTC"),
        ("2024-03-05T06:07:08.123456789Z", "2024-03-05T06:07:08.123456", "Z"),
        ("2024-03-05T06:07", "2024-03-05T06:07:00", "UTC"),
        ("2024-03-05T06:07Z", "2024-03-05T06:07:00", "Z"),
        ("2024-03-05T06:07+01:00", "2024-03-05T05:07:00", "+01:00"),
        ("2024-03-05 06:07:08", "2024-03-05T06:07:08", "UTC"),
        ("2024-03-05", "2024-03-05T00:00:00", "UTC"),
        ("  2024-03-05T06:07:08\n", "2024-03-05T06:07:08", "UTC"),
        ("1970-01-01T00:00:00", "1970-01-01T00:00:00", "UTC"),
        ("9998-12-31T23:59:59", "9998-12-31T23:59:59", "UTC"),
    ],
)
def test_F42_readable_times(text: str, moment: str, basis: str) -> None:
    assert parse_time(text, UTC) == (datetime.fromisoformat(moment).replace(tzinfo=UTC), basis)


@pytest.mark.parametrize(
    "value",
    [
        "", " ", None, 1_709_618_828_000, 1.5, True, [], {}, "last Tuesday", "2023-02-30T25:61:61", "2023-02-30",
        "2024-03-05T25:00:00", "2024-03-05T06:07:61", "2024-03-05T06:07:08+25:00", "20240305T060708", "2024-03-05Z",
        "2024-03-05T06:07:08.", "2024-03-05T06:07:08 Europe/Berlin", "2024-03-05T06:07:08Z and more", "0000-01-01",
        "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "٢٠٢٤-٠٣-٠٥T٠٦:٠٧:٠٨", "2024-03-05\x00",
    ],
)  # fmt: skip
def test_F42_unreadable_times_are_none_and_the_event_says_so(value: Any) -> None:
    assert parse_time(value, UTC) == (None, "")
    raw = with_field("created_at", json.dumps(value))
    event = parse_event(raw, UTC)
    assert (event.created_at, event.created_at_basis, event.odd_fields) == (None, "", ("created_at",))
    assert event.event_id == "one" and event.raw == raw


def test_F42_time_left_out_is_odd() -> None:
    assert parse_event(with_field("created_at", ""), UTC).odd_fields == ("created_at",)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-07-01T12:00:00", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-01-01T12:00:00", datetime(2024, 1, 1, 11, tzinfo=UTC)),
        ("2024-07-01", datetime(2024, 6, 30, 22, tzinfo=UTC)),
        ("2024-10-27T02:30:00", datetime(2024, 10, 27, 0, 30, tzinfo=UTC)),  # comes twice: the first pass
        ("2024-03-31T02:30:00", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),  # comes never
    ],
)
def test_F43_naive_times_are_in_the_zone_given(text: str, moment: datetime) -> None:
    assert parse_time(text, BERLIN) == (moment, "Europe/Berlin")
    assert parse_event(with_field("created_at", json.dumps(text)), BERLIN).created_at == moment


def test_F43_an_offset_outweighs_the_zone() -> None:
    read, basis = parse_time("2024-10-27T02:30:00+01:00", BERLIN)
    assert (read, basis) == (datetime(2024, 10, 27, 1, 30, tzinfo=UTC), "+01:00")
    assert read is not None and read.tzinfo is UTC


@pytest.mark.parametrize("zone", [BERLIN, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
def test_F42_ends_of_the_calendar_do_not_overflow(zone: tzinfo) -> None:
    outcomes = {parse_time(text, zone)[0] for text in ("0001-01-01T00:00:00", "9999-12-31T23:59:59")}
    assert None in outcomes


# --- odd fields


@pytest.mark.parametrize(
    ("value", "text", "odd"),
    [
        ("1234567", "1234567", False),
        ('"1234567"', "1234567", False),
        ("0", "0", False),
        (str(2**31 + 1), str(2**31 + 1), False),
        (str(2**64), str(2**64), False),
        ("-1", "-1", False),
        ("null", "", False),
        ("", "", False),
        ("1.5", "1.5", True),
        ("1.2345e6", "1234500.0", True),
        ("true", "true", True),
        ("[1,2]", "[1, 2]", True),
        ('{"id":1}', '{"id": 1}', True),
        ('"aaaaaaaa-bbbb-cccc-dddd-0123456789ab"', "aaaaaaaa-bbbb-cccc-dddd-0123456789ab", False),
        (HUGE_NUMBER, HUGE_NUMBER[:255], True),
    ],
    ids=lambda value: str(value)[:20],
)
def test_F39_user_id(value: str, text: str, odd: bool) -> None:
    event = parse_event(with_field("user_id", value), UTC)
    assert (event.user_id, event.odd_fields) == (text, ("user_id",) if odd else ())


@pytest.mark.parametrize(
    ("value", "context", "odd"),
    [
        ("", None, False),
        ("null", None, False),
        ("{}", {}, False),
        ('{"voice-type":"tel","appId":{"answer_url":[1,{"a":null}]}}',
         {"voice-type": "tel", "appId": {"answer_url": [1, {"a": None}]}}, False),
        ('"changed"', "changed", True),
        ('[{"country":"GB"},1,null]', [{"country": "GB"}, 1, None], True),
        ("7", 7, True),
        ("false", False, True),
        (f'{{"n":{HUGE_NUMBER}}}', {"n": HUGE_NUMBER}, False),
        (f'{{"n":-{HUGE_NUMBER}}}', {"n": f"-{HUGE_NUMBER}"}, False),
        ('{"notes":"' + "x" * 1_000_000 + '"}', {"notes": "x" * 1_000_000}, False),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_F40_context(value: str, context: Any, odd: bool) -> None:
    raw = with_field("context", value)
    event = parse_event(raw, UTC)
    assert (event.context, event.odd_fields) == (context, ("context",) if odd else ())
    assert event.raw == raw
    assert_storable(event)


def test_F40_context_3000_levels_deep_costs_only_itself() -> None:
    raw = with_field("context", f'{{"a":{DEEP}}}')
    event = parse_event(raw, UTC)
    assert (event.context, event.odd_fields) == (None, ("context",))
    assert (event.event_id, event.event_type, event.user_email) == ("one", "APP_CREATE", "yourname@example.com")
    assert event.created_at == datetime(2024, 3, 5, 6, 7, 8, tzinfo=UTC)
    assert event.raw == raw
    assert_storable(event)


@pytest.mark.parametrize(("levels", "kept"), [(98, True), (99, True), (100, False), (900, False)])
def test_F40_nesting_is_kept_up_to_a_hundred_levels(levels: int, kept: bool) -> None:
    event = parse_event(with_field("context", '{"a":' * levels + "1" + "}" * levels), UTC)
    assert (event.context is not None) is kept
    assert event.event_id == "one"
    assert_storable(event)


def test_F40_brackets_within_text_are_no_nesting() -> None:
    text = "[{" * 200
    event = parse_event(with_field("context", json.dumps({"a": text + '"' + text})), UTC)
    assert event.context == {"a": text + '"' + text}
    assert event.odd_fields == ()


def test_F40_deep_field_of_any_name_can_be_stored() -> None:
    """Its name goes into odd_fields, and names are as hostile as values."""
    raw = with_field("x", "").replace("{", f'{{"\\ud800half":{DEEP},"nul\\u0000":{DEEP},"{"y" * 300}":{DEEP},', 1)
    event = parse_event(raw, UTC)
    assert event.event_id == "one" and len(event.odd_fields) == 3
    assert_storable(event)


def test_F40_unknown_keys_are_kept_in_raw_and_are_not_odd() -> None:
    raw = with_field("admin_email", '"admin@example.com"')
    event = parse_event(raw, UTC)
    assert event.odd_fields == () and event.raw == raw


def test_F40_the_same_key_twice_means_the_last() -> None:
    raw = '{"id":"one","created_at":"2024-03-05","source_ip":"192.0.2.1","source_ip":"192.0.2.2"}'
    assert parse_event(raw, UTC).source_ip == "192.0.2.2"


@pytest.mark.parametrize("raw", ["null", '"event"', "[]", "[1]", "7", "true", "", "nonsense", '{"id":"one",}', "{1:2}"])
def test_F40_what_is_no_object_is_an_event_of_its_own(raw: str) -> None:
    event = parse_event(raw, UTC)
    assert event.odd_fields == ("event", "created_at", "id")
    assert event.event_id == f"sha256-{content_digest(raw)}"
    assert event.raw == raw
    assert_storable(event)


def test_F40_empty_event_lacks_only_id_and_time() -> None:
    assert parse_event("{}", UTC).odd_fields == ("created_at", "id")


@pytest.mark.parametrize(
    ("name", "value", "read", "odd"),
    [
        ("event_type", '"ESIM_ACTIVATE"', "ESIM_ACTIVATE", False),
        ("event_type", '"number_updated"', "number_updated", False),
        ("event_type", "", "", False),
        ("event_type", "12", "12", True),
        ("event_type", json.dumps(["x" * 300]), '["' + "x" * 253, True),
        ("event_type", json.dumps("VERY_" * 60), ("VERY_" * 60)[:255], True),
        ("event_type_description", json.dumps("x" * 4000), "x" * 4000, False),
        ("event_type_description", json.dumps("x" * 4001), "x" * 4000, True),
        ("source", '"BATCH"', "BATCH", False),
        ("source", "null", "", False),
        ("source", '["CD"]', '["CD"]', True),
        ("source_description", '"Customer Dashboard"', "Customer Dashboard", False),
        ("source_description", json.dumps("x" * 4001), "x" * 4000, True),
        ("account_id", '"sub00001"', "sub00001", False),
        ("account_id", "12345678", "12345678", True),
        ("user_email", '" YourName@Example.COM "', "yourname@example.com", False),
        ("user_email", json.dumps("x" * 320), "x" * 320, False),
        ("user_email", json.dumps("x" * 321), "x" * 320, True),
        ("user_email", "1", "1", True),
    ],
    ids=lambda value: str(value)[:20],
)
def test_F41_open_sets_and_odd_types(name: str, value: str, read: str, odd: bool) -> None:
    event = parse_event(with_field(name, value), UTC)
    assert (getattr(event, name), event.odd_fields) == (read, (name,) if odd else ())


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("source_ip", '"2001:db8:0:0:0:0:0:1"', "2001:db8:0:0:0:0:0:1"),
        ("source_ip", '"::ffff:192.0.2.1"', "::ffff:192.0.2.1"),
        ("source_ip", '""', ""),
        ("source_ip", "", ""),
        ("source_ip", '"10.0.0.1"', "10.0.0.1"),
        ("source_ip", '"unknown"', "unknown"),
        ("source_ip", '"192.0.2.1, 10.0.0.1"', "192.0.2.1, 10.0.0.1"),
        ("source_country", '" gb"', "GB"),
        ("source_country", '"XX"', "XX"),
        ("source_country", '"UK"', "UK"),
        ("source_country", '"United Kingdom"', "UNITED KINGDOM"),
        ("source_country", "null", ""),
        ("source_country", "", ""),
    ],
)
def test_F44_addresses_and_countries_are_taken_as_they_are(name: str, value: str, read: str) -> None:
    event = parse_event(with_field(name, value), UTC)
    assert (getattr(event, name), event.odd_fields) == (read, ())


@pytest.mark.parametrize(
    ("value", "event_id", "odd"),
    [
        ('"ABCDEF01-2345-4678-ABCD-EF0123456789"', "ABCDEF01-2345-4678-ABCD-EF0123456789", False),
        ('"evt/../?x=1&y=<b>"', "evt/../?x=1&y=<b>", False),
        ("4711", "4711", True),
        (json.dumps("x" * 255), "x" * 255, False),
        (json.dumps("x" * 300), "x" * 255, True),
    ],
    ids=lambda value: str(value)[:20],
)
def test_F45_ids_are_taken_as_they_are(value: str, event_id: str, odd: bool) -> None:
    event = parse_event(with_field("id", value), UTC)
    assert (event.event_id, event.odd_fields) == (event_id, ("id",) if odd else ())
    assert event.identity == event_id.lower()


@pytest.mark.parametrize("value", ["", "null", '""', '"  "'])
def test_F45_an_event_without_id_is_named_after_its_content(value: str) -> None:
    event = parse_event(with_field("id", value), UTC)
    assert event.event_id == f"sha256-{event.digest}"
    assert event.odd_fields == ("id",)
    other = parse_event(with_field("id", value).replace("192.0.2.1", "192.0.2.2"), UTC)
    assert other.event_id != event.event_id


def test_F46_the_same_event_without_id_keeps_its_made_up_one() -> None:
    raw = with_field("id", "")
    again = json.dumps(dict(reversed(json.loads(raw).items())), indent=1)
    assert parse_event(again, UTC).event_id == parse_event(raw, UTC).event_id


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\u0000b", "a\ufffdb"),
        ("a\x00b", "a\ufffdb"),
        (r"half \ud83d pair", "half ? pair"),
        ("half \ud83d pair", "half ? pair"),
        (r"\ud83d\ude00", "\U0001f600"),
        ("\U0001f600", "\U0001f600"),
        (r"\u202egpj.exe\u202c", "\u202egpj.exe\u202c"),
        (r"\u001b[2J\r\n", "\x1b[2J\r\n"),
        ("line\nbreak\ttab", "line\nbreak\ttab"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    ],
)
def test_F47_hostile_text_can_be_stored_and_changes_no_more_than_needed(written: str, read: str) -> None:
    event = parse_event(with_field("source_description", f'"{written}"'), UTC)
    assert event.source_description == read
    assert event.odd_fields == ()
    assert_storable(event)


def test_F47_hostile_context_costs_nothing_else() -> None:
    event = parse_event(with_field("context", r'{"a\u0000":"\ud83d","b":NaN,"c":1E999}'), UTC)
    assert event.event_id == "one" and event.context["a\x00"] == "\ud83d"
    assert_storable(event)


@pytest.mark.parametrize(
    ("name", "letter"), [("user_email", "\u0130"), ("source_country", "\u0390"), ("source_country", "\u00df")]
)
def test_F47_letters_that_grow_with_their_case_stay_within_the_limit(name: str, letter: str) -> None:
    """`"\u0130".lower()` has two characters, `"\u0390".upper()` three: cut after, not before."""
    assert_storable(parse_event(with_field(name, json.dumps(letter * 400)), UTC))


# --- raw


ODDLY_WRITTEN = (
    '{"id" : "1",\t"n":1.10 , "e":1E2,"z":-0,"u":"\\u00e9\\/\\ud83d\\ude00 é"}',
    '{\r\n  "zebra": 1,\n  "id":\n"2", "apple": [ ],  "a": { } }',
    '{"id":"3","id2":"\\"}],{["}',
    f'{{"id":"4","n":{HUGE_NUMBER}.10E-2}}',
    f'{{"id":"5","context":{{ "a" : {DEEP} }} }}',
    '{"id":"6", "broken": tru }',
)


def test_raw_is_verbatim_to_the_character() -> None:
    text = ' {\n"_embedded" : { "x":1, "events" : [ ' + " ,\n\t".join(ODDLY_WRITTEN) + ' \r\n] },"page" : { } } \n'
    page = parse_page(text, UTC)
    assert tuple(event.raw for event in page.events) == ODDLY_WRITTEN
    assert [event.event_id for event in page.events][:5] == ["1", "2", "3", "4", "5"]


def test_raw_of_one_event_is_its_body_without_blanks_around() -> None:
    assert parse_single(f"\n {ODDLY_WRITTEN[0]} \r\n", UTC).raw == ODDLY_WRITTEN[0]


@pytest.mark.parametrize("text", ["", "[]", "null", "7", '"x"', "<html>", '{"id":"one"', '{"id":"one"} x', "{} {}"])
def test_one_event_is_a_whole_object_or_malformed(text: str) -> None:
    with pytest.raises(MalformedResponse):
        parse_single(text, UTC)


# --- pages


@pytest.mark.parametrize(
    "hostile",
    [
        "null", "1", '"text"', "[]", "{}", DEEP, '{"a":' * 3000 + "1" + "}" * 3000, f'{{"context":{DEEP}}}',
        HUGE_NUMBER,
        f'{{"id":{HUGE_NUMBER}}}', '{"id":tru}', '{"id" "x"}', '{"id":"x",}', "{'id':1}", '{"id":NaN}', '{"a":1 2}',
        '{"id":"\\x"}', '{"id":"\\ud800"}', '{"id":"a\x00"}', '{"\\ud800":"\ud800"}', "nonsense", "{:}",
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_page_with_one_hostile_event_still_gives_the_others(hostile: str) -> None:
    page = parse_page(page_of('{"id":"first"}', hostile, '{"id":"last"}'), UTC)
    first, odd, last = page.events
    assert (first.event_id, last.event_id) == ("first", "last")
    assert page.total == 3
    assert odd.raw == hostile.replace("\x00", "\ufffd").replace("\ud800", "?")
    assert odd.odd_fields
    assert_storable(odd)


@pytest.mark.parametrize("hostile", ['{"a":[}', '{"id":"x"', '{"id":"x}', "]", ",", ""])
def test_a_page_whose_events_cannot_be_told_apart_is_malformed(hostile: str) -> None:
    with pytest.raises(MalformedResponse):
        parse_page(page_of('{"id":"first"}', hostile, '{"id":"last"}'), UTC)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("40", 40), ("0", 0), ('"40"', 40), ('" 40 "', 40), ("40.0", 40), ("4E1", 40), ("-1", None), ('"-1"', None),
        ("1.5", None), ('"1.5"', None), ("true", None), ("false", None), ("null", None), ("[]", None), ("{}", None),
        ('"many"', None), ('""', None), ("NaN", None), ("Infinity", None), ("1E999", None), (HUGE_NUMBER, None),
        (f'"{HUGE_NUMBER}"', None), ("999999999999999", 999999999999999), ("1000000000000000", None),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
@pytest.mark.parametrize(("key", "name"), [("totalElements", "total"), ("totalPages", "total_pages"), ("size", "size")])
def test_F27_F30_figures_of_any_type(key: str, name: str, value: str, read: int | None) -> None:
    page = parse_page(page_of(page=f'{{"{key}":{value}}}'), UTC)
    figures = {"total": None, "total_pages": None, "size": None} | {name: read}
    assert {each: getattr(page, each) for each in figures} == figures
    assert type(getattr(page, name)) is (int if read is not None else type(None))


@pytest.mark.parametrize("page", ["null", "[]", "7", '"x"', "{}"])
def test_F26_odd_page_object_gives_no_figures_and_all_events(page: str) -> None:
    read = parse_page(page_of('{"id":"one"}', page=page), UTC)
    assert (read.total, read.total_pages, read.size) == (None, None, None)
    assert [event.event_id for event in read.events] == ["one"]


def test_F26_missing_page_object_gives_no_figures_and_all_events() -> None:
    read = parse_page('{"_embedded":{"events":[{"id":"one"}]}}', UTC)
    assert (len(read.events), read.total, read.total_pages, read.size) == (1, None, None, None)


@pytest.mark.parametrize(
    "embedded",
    ["", '"_embedded":{},', '"_embedded":null,', '"_embedded":[],', '"_embedded":{"events":null},',
     '"_embedded":{"events":[]},', '"_embedded":{"events":[ ]},', '"_embedded":{"events":{}},'],
)  # fmt: skip
def test_F24_F25_no_events_but_figures(embedded: str) -> None:
    page = parse_page(f'{{{embedded}"page":{{"size":30,"totalElements":0,"totalPages":0}}}}', UTC)
    assert (page.events, page.total, page.total_pages, page.size) == ((), 0, 0, 30)


@pytest.mark.parametrize(
    "text",
    ["", " ", "{}", "null", "[]", "[{}]", "7", '"x"', "true", "<html></html>", "OK", '{"events":[]}', '{"page":1',
     '{"page":1}}', '{"page":1} trailing', '{"_embedded":{"events":[', '{"_embedded":{"events":[}}', '{"page"}',
     '{"page":}', '{"page":1 "size":2}', '{"page":tru}', '{"_embedded":{"events":[{}]}', '{"_embedded":{"events" []}}',
     recorded("error_500"), recorded("error_404_event")],
)  # fmt: skip
def test_F18_what_is_no_list_is_malformed_and_never_no_events(text: str) -> None:
    with pytest.raises(MalformedResponse) as caught:
        parse_page(text, UTC)
    assert caught.value.status == 200
    assert caught.value.detail.startswith("Expected ")
    assert len(caught.value.detail) < 260


def test_F18_nothing_is_called_nothing() -> None:
    with pytest.raises(MalformedResponse, match="got: nothing"):
        parse_page("", UTC)


def test_F04_a_text_cut_off_within_a_string_is_refused_at_once() -> None:
    """A context may hold JSON as text, so a cut may leave thousands of escaped quotes behind an open one."""
    text = '{"_embedded":{"events":[{"context":"' + '\\"' * 8000
    begin = time.perf_counter()
    with pytest.raises(MalformedResponse):
        parse_page(text, UTC)
    assert time.perf_counter() - begin < 0.5


def test_F40_a_megabyte_page_that_must_be_cut_by_hand_is_still_quick() -> None:
    text = page_of('{"id":"x","a":"' + "y" * 500_000 + '"}', '{"broken":tru}', '{"id":"z"}')
    begin = time.perf_counter()
    assert [event.event_id for event in parse_page(text, UTC).events][::2] == ["x", "z"]
    assert time.perf_counter() - begin < 1


# --- bodies


BODY = '{"page":{"totalElements":1},"_embedded":{"events":[{"id":"é€\U0001f600"}]}}'


@pytest.mark.parametrize(
    "body",
    [
        BODY.encode(),
        b"\xef\xbb\xbf" + BODY.encode(),
        b"\xef\xbb\xbf" * 2 + BODY.encode(),
        BODY.encode("utf-16"),
        BODY.encode("utf-16-le"),
        BODY.encode("utf-16-be"),
        BODY.encode("utf-32"),
        "\ufeff".encode("utf-16-be") + BODY.encode("utf-16-be"),
    ],
)
def test_F07_bodies_are_read_by_their_first_bytes(body: bytes) -> None:
    assert decode_body(body) == BODY
    assert parse_page(decode_body(body), UTC).events[0].event_id == "é€\U0001f600"


def test_F07_latin_1_is_read_where_utf_8_fails() -> None:
    assert decode_body('{"id":"caf\xe9"}'.encode("latin-1")) == '{"id":"caf\xe9"}'


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff", b"\xff\xfe\x00", b"\xfe\xff\xd8\x00", bytes(range(256))])
def test_F07_any_bytes_can_be_read(body: bytes) -> None:
    assert isinstance(decode_body(body), str)


def test_F07_one_bad_byte_leaves_the_other_events_of_its_page_alone() -> None:
    """Else a single event turns the text of ninety-nine others to mojibake, and they conflict with their old copies."""
    body = b'{"_embedded":{"events":[{"id":"bad \xe9 byte"},{"id":"caf\xc3\xa9"}]}}'
    assert parse_page(decode_body(body), UTC).events[1].event_id == "café"


# --- digest


def test_F46_digest_is_blind_to_order_blanks_links_and_case_of_the_id() -> None:
    raw = '{"id":"abc","n":1.10,"context":{"a":1,"b":"\u00e9"}}'
    same = '{ "_links": {"self":{"href":"x"}},"context":{"b":"\\u00e9", "a":1},\n"n":1.1, "id":"ABC"}'
    assert content_digest(raw) == content_digest(same)
    assert parse_event(raw, UTC).digest == content_digest(raw)


@pytest.mark.parametrize(
    "other",
    [
        '{"id":"abd","n":1,"context":{"a":"x","id":"C"}}',
        '{"id":"abc","n":2,"context":{"a":"x","id":"C"}}',
        '{"id":"abc","n":1,"context":{"a":"X","id":"C"}}',
        '{"id":"abc","n":1,"context":{"a":"x","id":"c"}}',
        '{"id":"abc","n":1,"context":{"a":"x","id":"C","_links":{}}}',
        '{"id":"abc","n":1}',
        '{"id":"abc","n":"1","context":{"a":"x","id":"C"}}',
        '{"id":"abc","n":1,"context":{"a":"x","id":"C"},"more":null}',
    ],
)
def test_F45_digest_sees_every_change_of_content(other: str) -> None:
    assert content_digest(other) != content_digest('{"id":"abc","n":1,"context":{"a":"x","id":"C"}}')


@pytest.mark.parametrize("raw", ["", "nonsense", "null", "[]", DEEP, '{"a":' * 500 + "1" + "}" * 500, "\ud800", "\x00"])
def test_F45_digest_of_anything(raw: str) -> None:
    assert len(content_digest(raw)) == 64
    assert content_digest(raw) != content_digest(raw + " x")


def test_F45_digest_of_what_is_too_deep_to_write_again_is_that_of_its_text() -> None:
    raw = '{"id":"abc","a":' + '{"a":' * 500 + "1" + "}" * 501
    assert content_digest(raw) == hashlib.sha256(raw.encode()).hexdigest()


# --- addresses


def test_F44_addresses_sort_as_numbers_and_ipv4_as_mapped() -> None:
    ordered = [
        "::1",
        "9.255.255.255",
        "10.0.0.0",
        "10.0.0.10",
        "192.0.2.1",
        "255.255.255.255",
        "2001:db8::1",
        "fe80::1",
    ]
    keys = [ip_key(address) for address in ordered]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    assert {len(key) for key in keys} == {32}
    assert ip_key("192.0.2.1") == ip_key(" ::ffff:192.0.2.1 ") == "00000000000000000000ffffc0000201"
    assert ip_key(ip_address("192.0.2.1")) == ip_key("192.0.2.1")
    assert ip_key(ip_address("2001:db8::1")) == ip_key("2001:DB8:0::0001")


@pytest.mark.parametrize("address", ["", " ", "unknown", "192.0.2.1, 10.0.0.1", "192.0.2", "1", "192.0.2.256", "a\x00"])
def test_F44_what_is_no_address_has_no_key(address: str) -> None:
    assert ip_key(address) == ""


# --- event types


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (None, []),
        ([], []),
        ("x", []),
        ({}, []),
        ({"eventTypes": None}, []),
        ({"eventTypes": {}}, []),
        ({"eventTypes": "APP_CREATE"}, []),
        ({"eventTypes": []}, []),
        ({"eventTypes": ["APP_CREATE", None, 1, [], {}]}, []),
        ({"eventTypes": [{"type": ""}, {"type": None}, {"description": "x"}]}, []),
        ({"eventTypes": [{"type": "A"}, {"type": "B", "description": ""}, {"type": "C", "description": None}]},
         [("A", ""), ("B", ""), ("C", "")]),
        ({"eventTypes": [{"type": "A", "description": "one"}, {"type": "A", "description": "two"}, {"type": "B"}]},
         [("A", "one"), ("B", "")]),
        ({"eventTypes": [{"type": "ESIM_ACTIVATE", "description": "eSIM", "more": 1}], "sourceTypes": [{"type": "CD"}]},
         [("ESIM_ACTIVATE", "eSIM")]),
        ({"eventTypes": [{"type": 7, "description": 8}]}, [("7", "8")]),
        ({"eventTypes": [{"type": "a\x00\ud800", "description": "b\x00\ud800"}]}, [("a\ufffd?", "b\ufffd?")]),
        ({"eventTypes": [{"type": "X" * 300, "description": "y" * 5000}]}, [("X" * 255, "y" * 4000)]),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_F23_odd_lists_of_types(value: Any, types: list[tuple[str, str]]) -> None:
    assert [(each.code, each.description) for each in parse_event_types(value)] == types


# --- foreign text in messages


def test_F47_shorten_leaves_no_control_characters_and_one_line() -> None:
    hostile = "one\r\ntwo\x1b[2J\x07\x00\u202ethree\u2028four\ud800 \x9bfive\t six"
    assert shorten(hostile) == "one two [2J three four five six"
    assert shorten(hostile).isprintable()


@pytest.mark.parametrize(("length", "shown"), [(199, "x" * 199), (200, "x" * 200), (201, "x" * 199 + "…")])
def test_shorten_is_not_longer_than_its_limit(length: int, shown: str) -> None:
    assert shorten("x" * length) == shown
    assert shorten("abcdef", 4) == "abc…"


# --- anything at all


NAMES = [each.name for each in dataclasses.fields(Event)] + ["id", "_links", "\x00", "\ud800"]
any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # half surrogates and NUL too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(NAMES) | any_text, inner, max_size=8)
    | st.builds(lambda value, levels: json.loads("[" * levels + json.dumps(value) + "]" * levels), inner,
                st.sampled_from((1, 60, 120))),
    max_leaves=20,
)  # fmt: skip
spellings = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from((None, 0, 2, "\t")),
        "separators": st.sampled_from(((",", ":"), (" , ", " : "), (",\r\n", ":\t"))),
    }
)
# The same examples on every run, and no shrinking: values of 120 levels take minutes to shrink.
quickly = settings(
    deadline=None, max_examples=60, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)


@quickly
@given(value=json_values | st.dictionaries(st.sampled_from(NAMES), json_values, max_size=12), spelling=spellings)
def test_no_json_is_too_odd_for_an_event(value: Any, spelling: dict[str, Any]) -> None:
    event = parse_event(json.dumps(value, **spelling), UTC)
    assert_storable(event)
    assert event.created_at is None or event.created_at.tzinfo is UTC


@quickly
@given(text=any_text | st.text(st.sampled_from('{}[]",:\\ \n\x001.eEtu\ud800'), max_size=40))
def test_no_text_is_too_odd_for_an_event(text: str) -> None:
    assert_storable(parse_event(text, UTC))


@quickly
@given(text=st.text(st.sampled_from('{}[]",:\\ \n\x001.eEtu\ud800'), max_size=40) | any_text)
def test_no_text_brings_a_page_anything_but_events_or_malformed(text: str) -> None:
    for body in (text, f'{{"page":{text}}}', f'{{"_embedded":{text}}}', page_of(text)):
        try:
            page = parse_page(body, UTC)
        except MalformedResponse:
            continue
        for event in page.events:
            assert_storable(event)


@quickly
@given(values=st.lists(json_values, max_size=6), ascii_only=st.booleans())
def test_items_of_a_list_concatenate_back(values: list[Any], ascii_only: bool) -> None:
    text = json.dumps(values, ensure_ascii=ascii_only, separators=(",", ":"))
    assert "[" + ",".join(json_items(text)) + "]" == text


@quickly
@given(value=st.dictionaries(any_text, json_values, max_size=6), spelling=spellings)
def test_members_of_an_object_keep_their_values(value: dict[str, Any], spelling: dict[str, Any]) -> None:
    cut = json_members(json.dumps(value, **spelling))
    assert {name: json.loads(text) for name, text in cut.items()} == value


@quickly
@given(values=st.lists(json_values, max_size=6), spelling=spellings, total=st.integers(0, 10**9))
def test_slices_of_a_page_mean_what_the_page_says(values: list[Any], spelling: dict[str, Any], total: int) -> None:
    body = {"_embedded": {"events": values}, "_links": {}, "page": {"totalElements": total}}
    text = json.dumps(body, **spelling | {"ensure_ascii": True})
    page = parse_page(text, UTC)
    assert [json.loads(event.raw) for event in page.events] == values
    assert page.total == total
    position = 0
    for event in page.events:
        position = text.index(event.raw, position) + len(event.raw)
