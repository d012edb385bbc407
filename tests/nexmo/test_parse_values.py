"""Times, digests, addresses and foreign text, read one by one."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from ipaddress import ip_address
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from events.nexmo.parse import content_digest, parse_event, shorten
from events.nexmo.values import ip_key, parse_time
from tests.tools.parse import DEEP, with_field

BERLIN = ZoneInfo("Europe/Berlin")


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
        ("2024-03-05t06:07:08", "2024-03-05T06:07:08", "UTC"),
        ("2024-03-05t06:07:08z", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08 UTC", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08GMT", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05t06:07:08utc", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08 gmt", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08 Utc", "2024-03-05T06:07:08", "Z"),
        ("2024-03-05T06:07:08.1234567890123Z", "2024-03-05T06:07:08.123456", "Z"),
        ("2024-03-05T24:00:00Z", "2024-03-06T00:00:00", "Z"),
        ("2024-12-31T24:00", "2025-01-01T00:00:00", "UTC"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00", "Z"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00", "Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00", "+01:00"),
        ("2024-07-05T06:07:08[Europe/London]", "2024-07-05T05:07:08", "Europe/London"),
        ("2024-07-05T06:07:08+01:00[Europe/London]", "2024-07-05T05:07:08", "+01:00"),
        ("2024-07-05T06:07:08Z[UTC]", "2024-07-05T06:07:08", "Z"),
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
        "0001-01-01T00:00:00+05:00", "٢٠٢٤-٠٣-٠٥T٠٦:٠٧:٠٨", "2024-03-05\x00",
        "2024-03-05T24:00:01", "2024-03-05T24:00:00.5", "2024-03-05T25:00", "2024-03-05T12:30:60",
        "2024-03-05T06:07:08[Europe/Nowhere]", "2024-03-05T06:07:08[../../etc/passwd]", "2024-03-05T06:07:08[Europe]",
        "2024-03-05T06:07:08[]", "9998-12-31T24:00:00+99:00",
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


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "unknown",
        "unknown, 192.0.2",
        "192.0.2.1:",
        "[192.0.2",
        "[]:1",
        "192.0.2",
        "1",
        "192.0.2.256",
        "a\x00",
    ],
)
def test_F44_what_is_no_address_has_no_key(address: str) -> None:
    assert ip_key(address) == ""


# --- foreign text in messages


def test_F47_shorten_leaves_no_control_characters_and_one_line() -> None:
    hostile = "one\r\ntwo\x1b[2J\x07\x00\u202ethree\u2028four\ud800 \x9bfive\t six"
    assert shorten(hostile) == "one two [2J three four five six"
    assert shorten(hostile).isprintable()


@pytest.mark.parametrize(("length", "shown"), [(199, "x" * 199), (200, "x" * 200), (201, "x" * 199 + "…")])
def test_shorten_is_not_longer_than_its_limit(length: int, shown: str) -> None:
    assert shorten("x" * length) == shown
    assert shorten("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.77:60162", "192.0.2.77"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("192.0.2.77, 10.0.0.1", "192.0.2.77"),
        ("unknown, 192.0.2.77, 10.0.0.1", "192.0.2.77"),
        ("-, 192.0.2.77:60162", "192.0.2.77"),
        ("192.0.2.77:60162,10.0.0.1", "192.0.2.77"),
        ("2001:db8::1 10.0.0.1", "2001:db8::1"),
        ("::ffff:192.0.2.77", "192.0.2.77"),
    ],
)
def test_address_with_a_port_or_in_a_list_has_the_key_of_the_address(text: str, address: str) -> None:
    assert ip_key(text) == ip_key(address) == ip_key(ip_address(address))
