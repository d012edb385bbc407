"""What events look like to rules."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from events.detection.sigma.fields import EventFields, PlainFields, fold, is_field


def of(context: Any, event_type: str = "X") -> EventFields:
    return EventFields(event_type, context=json.dumps(context))


def test_empty_columns_are_absent() -> None:
    assert EventFields("", user_email="").get("event_type") is None
    assert EventFields(account="abcd1234").get("account") == "abcd1234"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context.msisdn", "447700900000"),
        ("context.MSISDN", "447700900000"),
        ("context.created.answer_url.url", "https://example.com/a"),
        ("context.Created.ANSWER_URL.Url", "https://example.com/a"),
        ("context.voice-type", "sip"),
        ("context.keys", ["one", "two"]),
        ("context.people.email", ["ann@example.com", "bob@example.com"]),
        ("context.one", "alone"),
        ("context.on", "true"),
        ("context.amount", 20),
        ("context.empty", None),
        ("context.nothing", None),
        ("context.none", None),
        ("context.msisdn.more", None),
        ("context.created.answer_url", '{"url":"https://example.com/a"}'),
    ],
)
def test_context_is_reached_by_paths(name: str, value: Any) -> None:
    fields = of(
        {
            "msisdn": "447700900000",
            "Created": {"answer_url": {"url": "https://example.com/a"}},
            "voice-type": "sip",
            "keys": ["one", "two"],
            "people": [{"email": "ann@example.com"}, {"email": "bob@example.com"}, {}],
            "one": ["alone"],
            "on": True,
            "amount": 20,
            "empty": "",
            "none": None,
        }
    )

    assert fields.get(name) == value
    assert fields.get(name) == value  # the second time from what was kept


def test_context_may_be_given_read() -> None:
    assert EventFields(context={"a": "b"}).get("context.a") == "b"
    assert EventFields(context=["x"]).get("context") == '["x"]'


@pytest.mark.parametrize("context", ["no json", "[" * 5000, '"text"', "7", "null", "", '{"a":NaN,"b":1e999}'])
def test_odd_contexts_are_survived(context: str) -> None:
    fields = EventFields("AUTORELOAD_UPDATE", context=context)

    for name in ("context", "context.a", "context.a.b", "context_hosts", "autoreload_amount", ""):
        fields.get(name)
    assert fields.get("context.b") in (None, "1e999")


def test_hosts_are_those_of_urls_and_sip_addresses() -> None:
    fields = of(
        {
            "http": "https://user:pass@Hooks.Example.com:8443/in?x=https://other.example/",
            "voice-value": "sip:user@example12.com;transport=tls",
            "nested": [{"url": "see wss://ws.example./x and http://[2001:db8::1]:80/"}],
            "sips": "SIPS:sip.example.net:5061",
            "text": "no host at example.org, mailto:ann@example.org",
        }
    )

    assert fields.get("context_hosts") == [
        "[2001:db8::1]",
        "example12.com",
        "hooks.example.com",
        "other.example",
        "sip.example.net",
        "ws.example",
    ]
    assert of({"http": "https://one.example"}).get("context_hosts") == "one.example"
    assert of({"a": "b"}).get("context_hosts") is None


def test_hosts_of_hostile_text_take_no_time() -> None:
    begun = time.process_time()

    for text in ("sip:" * 100_000, "http://" * 60_000, "a" * 400_000 + "@", "sip:" + "a" * 400_000):
        of({"a": text}).get("context_hosts")

    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("context", "amount"),
    [
        ({"amount": 20, "threshold": 5}, 20),
        ({"Amount": "2000"}, 2000),
        ({"before": {"amount": 20}, "after": {"amount": 50}}, 50),
        ({"updated": {"amount": 70}}, 70),
        ({"amount": True}, None),
        ({"amount": "much"}, None),
        ({}, None),
    ],
)
def test_auto_reload_has_numbers(context: Any, amount: float | None) -> None:
    assert of(context, "AUTORELOAD_UPDATE").get("autoreload_amount") == amount
    assert of(context, "NUMBER_ASSIGN").get("autoreload_amount") is None


def test_whole_text_is_all_columns_and_the_context() -> None:
    fields = EventFields("X", user_email="ann@example.com", context={"a": "b"})

    assert fields.get("") == 'X\nann@example.com\n{"a":"b"}'


def test_only_known_fields_exist() -> None:
    assert is_field("user_email", "audit") and is_field("context.any-thing.x", "audit")
    assert not is_field("context.*", "sync") and not is_field("context.", "audit") and not is_field("problem", "audit")


def test_plain_fields_know_no_empty_text() -> None:
    assert PlainFields({"problem": "gap", "account": ""}).get("account") is None


def test_folding_touches_ascii_only() -> None:
    assert fold("ABC") == "abc"
    assert fold("ÄBC\ud800") == "Äbc\ud800"
