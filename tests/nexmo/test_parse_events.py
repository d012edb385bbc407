"""Events as the Audit API sends them, read: every odd shape, and never an event lost for it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from events.nexmo.catalog import EVENT_TYPES, family
from events.nexmo.errors import MalformedResponse
from events.nexmo.parse import (
    Event,
    EventTypeInfo,
    content_digest,
    parse_event,
    parse_event_types,
    parse_page,
    parse_single,
)
from tests.tools.parse import DEEP, HUGE_NUMBER, assert_storable, recorded, with_field

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


@pytest.mark.parametrize("name", ["event_type", "source", "user_id", "account_id", "source_ip"])
@pytest.mark.parametrize("blanks", ["{} ", " {}", "{}\n", "{}\u00a0"])
def test_blanks_around_a_code_do_not_make_it_another_and_are_told(name: str, blanks: str) -> None:
    event = parse_event(with_field(name, json.dumps(blanks.format("192.0.2.1"))), UTC)
    assert (getattr(event, name), event.odd_fields) == ("192.0.2.1", (name,))


@pytest.mark.parametrize(
    "address",
    ["unknown", "192.0.2.77:60162", "[2001:db8::1]:443", "[2001:db8::1]", "192.0.2.1, 10.0.0.1", "192.0.2.1/32"],
)
def test_address_that_is_not_just_one_is_kept_and_told(address: str) -> None:
    event = parse_event(with_field("source_ip", json.dumps(address)), UTC)
    assert (event.source_ip, event.odd_fields) == (address, ("source_ip",))


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("source_ip", '"2001:db8:0:0:0:0:0:1"', "2001:db8:0:0:0:0:0:1"),
        ("source_ip", '"::ffff:192.0.2.1"', "::ffff:192.0.2.1"),
        ("source_ip", '""', ""),
        ("source_ip", "", ""),
        ("source_ip", '"10.0.0.1"', "10.0.0.1"),
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
    ],
    ids=lambda value: str(value)[:20],
)
def test_F45_ids_are_taken_as_they_are(value: str, event_id: str, odd: bool) -> None:
    event = parse_event(with_field("id", value), UTC)
    assert (event.event_id, event.odd_fields) == (event_id, ("id",) if odd else ())
    assert event.identity == event_id.lower()


@pytest.mark.parametrize(
    "sent",
    [
        ("x" * 255 + "1", "x" * 255 + "2"),
        (r"x\u0000", r"x\ufffd"),
        (r"x\ud800", "x?"),
        (r"x\ud800", r"x\ud801"),
        ("x" * 256, "x" * 190 + "…" + hashlib.sha256(b"x" * 256).hexdigest()),
    ],
    ids=["long", "nul", "half-pair", "two-halves", "made-alike"],
)
def test_F45_different_ids_stay_different_whatever_can_be_kept_of_them(sent: tuple[str, str]) -> None:
    one, other = (parse_event(with_field("id", f'"{value}"'), UTC) for value in sent)
    assert one.identity != other.identity
    assert one.event_id[:1] == other.event_id[:1] == "x" and "id" in one.odd_fields
    assert max(len(one.event_id), len(other.event_id)) <= 255
    assert_storable(one)


def test_F45_ids_that_differ_in_case_are_one_also_where_they_are_too_long() -> None:
    upper, lower = (parse_event(with_field("id", json.dumps(letter * 300)), UTC) for letter in "Xx")
    assert upper.identity == lower.identity


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
