"""Credentials are hidden in JSON as received, and nothing else of it changes."""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import masking
from events.masking import _hider, _masked, is_sensitive, mask, mask_json

LINK = "http://api.nexmo.com/beta/audit/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"http":"https://h/?token=x&a=1"}', '{"http":"https://h/?token=•••&a=1"}'),
        ('{"http":"https:\\/\\/ann:x@h\\/"}', '{"http":"https://•••@h/"}'),
        ('{"http":"https://h/?token\\u003dx"}', '{"http":"https://h/?token=•••"}'),
        ('["\\u0041", "https://h/?token=x", 1.0, 1.0]', '["\\u0041", "https://h/?token=•••", 1.0, 1.0]'),
        ('"https://h/?token=x\\"y"', '"https://h/?token=•••\\"y"'),
        ('"\\x https:\\/\\/ann:x@h"', '"\\x https://•••@h"'),
        ('{"broken":"\\n https://h/?token=x', '{"broken":"\\n https://h/?token=•••'),
        ('{"broken":"https:\\/\\/h?token\\u003dx', '{"broken":"https://h?token=•••'),
    ],
)
def test_what_looks_like_a_credential_is_hidden_however_it_is_written(text: str, masked: str) -> None:
    assert mask_json(text) == masked


@pytest.mark.parametrize("text", ["", "null", '{"a" : "b\\/c", "a":1e999}', '{"a":"b\\', '"\\ud83d"', "\\"])
def test_what_holds_none_stays_letter_by_letter(text: str) -> None:
    assert mask_json(text) == text


@pytest.mark.parametrize(
    "text", ['"' * 100_000 + "\\", '"\\' * 50_000, '"a\\"?token=' * 10_000, "?token" * 50_000 + "\\"]
)
def test_hostile_texts_are_read_once(text: str) -> None:
    began = time.process_time()
    mask_json(text)
    assert time.process_time() - began < 2


SECRET = "hunter2hunter2"
NAMES = ("apiSecret", "API_SECRET", "old_password", "accessToken", "private_key", "signature", "pin", "auth", "Pwd")
TEXTS = (
    f"https://ann:{SECRET}@h.example/x",
    f"https://h.example/x?token={SECRET}&a=1",
    f"https://h.example/#access_token={SECRET}",
    f"https://h.example/in/{SECRET}Xy1234567890/end",
    f"say https://h.example/?key={SECRET} twice",
    f"Authorization: Bearer {SECRET}",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
    json.dumps({"password": SECRET}),
)
names = st.text(max_size=6) | st.sampled_from(("url", "before", "after", "value", "name", "field"))
floats = st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | st.integers() | floats | st.text(max_size=12)
contexts = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=8
)
secret_things = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(NAMES).map(lambda name: {name: SECRET}),
    st.sampled_from(NAMES).map(lambda name: {name: [SECRET, {"value": SECRET}]}),
    st.sampled_from(NAMES).map(lambda name: {name: {"before": SECRET, "after": None}}),
    st.sampled_from(NAMES).map(lambda name: {"oldValue": SECRET, "field": name, "newValue": SECRET}),
)


@given(
    around=contexts,
    within=st.lists(names | st.integers(0, 3), max_size=4),
    thing=secret_things,
    ascii_only=st.booleans(),
    indent=st.sampled_from((None, 1)),
)
def test_a_secret_is_hidden_wherever_it_stands_and_the_rest_stays_json(
    around: Any, within: list[Any], thing: Any, ascii_only: bool, indent: int | None
) -> None:
    for name in within:
        thing = [around, thing] if isinstance(name, int) else {"first": around, name: thing}
    text = json.dumps({"thing": thing, "last": around}, ensure_ascii=ascii_only, indent=indent)

    hidden = mask_json(text)

    assert SECRET not in hidden
    assert shape(json.loads(hidden)) == shape(json.loads(text))


def shape(value: Any) -> Any:
    """Names and kinds, without the plain values."""
    if isinstance(value, dict):
        return {name if "://" not in name else "": shape(item) for name, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else value is None


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        *[(name, True) for name in NAMES],
        *[
            (name, True)
            for name in ("secretValue", "newSecret", "signing-key", "clientSecret", "passwordHash", "tokens")
        ],
        *[(name, False) for name in ("secretId", "secret_id", "apiKey", "apiKeys", "api_key", "public_key", "key", "")],
        *[(name, False) for name in ("tokenType", "passwordChangedAt", "name", "value", "before", "msisdn", "author")],
    ],
)
def test_names_of_secrets_are_known_however_they_are_spelled(name: str, sensitive: bool) -> None:
    assert is_sensitive(name) is sensitive


@pytest.mark.parametrize(
    "text",
    [
        "https://h.example/webhooks/inbound-sms/v2",
        "https://h.example/accounts/63f61863-4a51-4f6b-86e1-46edebcf9356/numbers/447700900000",
        "https://h.example/?page=2&id=63f61863-4a51-4f6b-86e1-46edebcf9356",
        "http://api.nexmo.com/beta/audit/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        "ann@example.com, tel:+447700900000",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert mask(text) == text


def test_events_as_nexmo_sends_them_are_not_looked_at_twice() -> None:
    """The cheap look lets them pass: the link that each has to itself holds nothing."""
    assert not _hider(json.dumps({"_links": {"self": {"href": LINK}}, "context": {"country": "GB", "apiKeys": ["a"]}}))


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.com/22d891f11966a150/inbound",
        "https://anna:Xy12@example.com/a;b#Ab",
        "https://example.com/T0/B0/abcdefABCDEF123456789012?a",
        "https://example.com/plain",
    ],
)
def test_short_way_through_addresses_hides_the_same(address: str) -> None:
    text = json.dumps({"id": "1", "context": {"moHttpUrl": address, "note": f"See {address} ."}})

    assert _hider(text) is not _masked
    assert mask_json(text) == _masked(text)


def test_events_archived_by_other_rules_are_looked_through_anew() -> None:
    """Searches, exports and the API take from an event's text to search in that nothing in it is hidden. That text was
    written by the rules of its day: whoever changes them writes a migration that makes it anew, as 0023_masked_search
    does, and the new digest here."""
    kinds = (re.Pattern, frozenset, tuple, str)
    rules = {name: rule for name, rule in vars(masking).items() if isinstance(rule, kinds) and name[:2] != "__"}

    written = repr([(name, _written(rules[name])) for name in sorted(rules)])
    assert hashlib.sha256(written.encode()).hexdigest()[:16] == "1f27bc4bd4df6984"


def _written(rule: Any) -> Any:
    if isinstance(rule, re.Pattern):
        return rule.pattern, rule.flags
    return sorted(rule) if isinstance(rule, frozenset) else rule
