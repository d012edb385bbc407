"""Credentials are hidden in JSON as received, and nothing else of it changes."""

from __future__ import annotations

import hashlib
import json
import re
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import masking
from events.masking import MASK, json_texts, mask, mask_json, named_value, randomness, secret_names, texts
from events.masking.json_texts import _hider, _masked
from events.masking.secret_names import KEYS, LONG, SHORT, is_secret

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
    "text",
    [
        *('{"field":"password","old":' * 20_000, '["token",' * 50_000, "a=%25" * 50_000, "sip:a:" * 20_000),
        *("a%2525" * 50_000, "=a%25" + "25" * 100_000, "private" + "_" * 200_000, "eyJ" * 100_000, "://a@" * 50_000),
        *("password=a;b" * 30_000, "pins" * 50_000 + "otpz"),
        '"' * 100_000 + "\\",
        '"\\' * 50_000,
        '"a\\"?token=' * 10_000,
        "?token" * 50_000 + "\\",
    ],
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
        *[(name, True) for name in ("apisecret", "APISECRET", "authtoken", "clientsecret", "privatekey", "apiSecret2")],
        *[(name, True) for name in ("password1", "secret_1", "pass", "sipPass", "passwordConfirmation", "secretKeys")],
        *[(name, True) for name in ("pinNew", "pin_new", "jwt_value", "otpText", "licenseKeyValue", "sharedKeyOld")],
        *[(name, True) for name in ("newpassword", "passwordhash", "PRIVATEKey", "x" * 500 + "Secret")],
        *[(name, False) for name in ("maxTokens", "maxtokens", "twoFactorAuth", "multi_factor_auth", "authority")],
        *[(name, False) for name in ("bypass", "compass", "shipping", "authentication", "turnkey", "oauthNonce")],
        *[(name, False) for name in ("secretId", "secret_id", "apiKey", "apiKeys", "api_key", "public_key", "key", "")],
        *[(name, False) for name in ("tokenType", "passwordChangedAt", "name", "value", "before", "msisdn", "author")],
    ],
)
def test_names_of_secrets_are_known_however_they_are_spelled(name: str, sensitive: bool) -> None:
    assert is_secret(name) is sensitive


@pytest.mark.parametrize(
    "text",
    [
        "https://h.example/webhooks/inbound-sms/v2",
        "https://h.example/accounts/63f61863-4a51-4f6b-86e1-46edebcf9356/numbers/447700900000",
        "https://h.example/?page=2&id=63f61863-4a51-4f6b-86e1-46edebcf9356",
        "http://api.nexmo.com/beta/audit/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        "ann@example.com, tel:+447700900000",
        "https://h.example/voiceAnswerHandlerV2",
        "https://h.example/Webhooks-Inbound-SMS-v2",
        "https://h.example/?author=Smith&authority=gb&code=GB&api_key=demo0001&token=",
        "https://h.example?contact=bob@nexmo.com",
        "Basic authentication",
        "sip:bob@pbx.example.com",
        "50% of 100%25",
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


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://evil.example?x=@bank.com", "https://evil.example?x=@bank.com"),
        ("https://evil.example#@bank.com", "https://evil.example#@bank.com"),
        ("https://evil.example\\@bank.com", "https://evil.example\\@bank.com"),
        ("https://ann:hun'ter2@h.example/", "https://•••@h.example/"),
        ("https://h.example/?next=https://ann:pw@other.example/", "https://h.example/?next=https://•••@other.example/"),
        ("https://h.example/?next=https%3A%2F%2Fann%3Apw%40other", "https://h.example/?next=•••"),
        ("https://h.example/?next=https%253A%252F%252Fann%253Apw%2540other&a=1", "https://h.example/?next=•••&a=1"),
        ("https://h.example/to/https%3A%2F%2Fann%3Apw%40other/end", "https://h.example/to/•••/end"),
        ("https://h.example/?next=https%3A//ann:pw@other", "https://h.example/?next=https%3A//•••@other"),
        ("https://h.example/?user[password]=x&token[]=y", "https://h.example/?user[password]=•••&token[]=•••"),
        ("https://h.example/?pass%77ord=x", "https://h.example/?pass%77ord=•••"),
        ("https://h.example/?password=abc;def", "https://h.example/?password=•••"),
        ("https://h.example/?password=abc;page=2", "https://h.example/?password=•••;page=2"),
        ("https://h.example/?token=ab'cd", "https://h.example/?token=•••"),
        ("https://h.example/?api_key=0123456789", "https://h.example/?api_key=•••"),
        ("https://h.example/?code=GBX", "https://h.example/?code=•••"),
        ("sip:bob:hunter2@pbx.example.com", "sip:bob:•••@pbx.example.com"),
        ("sip:bob@pbx.example.com;password=x", "sip:bob@pbx.example.com;password=•••"),
        ("password=hunter2 and api_secret=b", "password=••• and api_secret=•••"),
        ("Basic dXNlcjpwYXNz", "Basic •••"),
        ("say eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdef twice", "say ••• twice"),
        *[(f"https://h.example/?{name}=x", f"https://h.example/?{name}=•••") for name in ("pass", "pw", "pin", "otp")],
        *[(f"https://h.example/?{name}=x", f"https://h.example/?{name}=•••") for name in ("jwt", "api-key", "sig")],
    ],
)
def test_texts_and_addresses(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked
    assert json.loads(mask_json(json.dumps({"url": text})))["url"] == masked


@pytest.mark.parametrize(
    "context",
    [
        {"field": "password", "old": {"hash": SECRET}, "new": None},
        {"old": {"hash": SECRET}, "field": "passwords", "new": [[SECRET]]},
        {"passwords": {"bob": SECRET}},
        {"credentials": {"data": SECRET}},
        {"secret": {"deeper": {"data": [SECRET]}}},
        {"fieldName": "password", "old": SECRET},
        {"header": "Authorization", "value": SECRET},
        {"setting": "apiSecret", "value": SECRET},
        {"name": "Login PIN", "value": SECRET},
        {"body": f' {{"password":"{SECRET}"}}'},
        {"body": f'POST {{"password" : "{SECRET}"}}'},
        {"note": json.dumps({"inner": json.dumps({"apiSecret": SECRET})})},
        {"pinNew": SECRET},
    ],
    ids=str,
)
def test_secrets_are_hidden_however_deep_they_stand(context: Any) -> None:
    assert SECRET not in mask_json(json.dumps(context))


@pytest.mark.parametrize(
    "context",
    [
        {"twoFactorAuth": "disabled"},
        {"field": "twoFactorAuth", "old": "enabled", "new": "disabled"},
        {"maxTokens": 100},
        {"password": "Enabled", "token": None, "pin": False},
        {"name": "Login PIN", "from": "2026-01-01", "to": "2026-02-01"},
        {"secret": {"id": "7", "name": "CI", "createdAt": "2026-01-01"}},
        {"field": "password", "changedBy": "ann@example.com"},
        {"author": "Smith", "shipping": "x", "apiKey": "demo0001"},
    ],
    ids=str,
)
def test_what_only_looks_like_a_secret_is_shown(context: Any) -> None:
    text = json.dumps(context)
    assert mask_json(text) == _masked(text) == text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("context.apiSecret", "x", MASK),
        ("context.changes.newValue", "x", MASK),
        ("context.country.newValue", "x", "x"),
        ("context.to", "447700900000", "447700900000"),
        ("context.credentials.data", "x", MASK),
        ("context.credentials.id", "x", "x"),
        ("user_email", "ann@example.com", "ann@example.com"),
        ("context.twoFactorAuth", "disabled", "disabled"),
        ("context.url", "https://ann:x@h/", "https://•••@h/"),
    ],
)
def test_a_value_by_its_name(name: str, value: str, expected: str) -> None:
    assert named_value(name, value) == expected


pieces = st.sampled_from((*LONG, *SHORT, *KEYS, *("key", "keys", "old", "new", "value", "x", "s", "api", "max", "1")))
separators = st.sampled_from(("", "", "_", "-", " ", ".", "2", "\t", "\u2003", "é", "ß"))
cases = st.sampled_from((str.lower, str.upper, str.capitalize))
spelled = st.lists(
    st.tuples(pieces, cases, separators).map(lambda parts: parts[1](parts[0]) + parts[2]), max_size=4
).map("".join)
addresses = ("sip:bob:x@h", "\nsip:bob:x@h", "Basic dXNlcjpwYXNz", "a%3Db", "https://h/?a=https%3A%2F%2Fb%3Ac%40h")
values = plain | spelled | st.sampled_from((*TEXTS, *addresses))
inner = st.lists(values, max_size=2) | st.dictionaries(spelled, values, max_size=2)
members = st.lists(st.tuples(spelled | names, values | inner), max_size=4).map(dict)


@given(context=members, ascii_only=st.booleans())
def test_first_look_skips_nothing_that_would_be_hidden(context: Any, ascii_only: bool) -> None:
    text = json.dumps({"id": "1", "context": context}, ensure_ascii=ascii_only)
    assert mask_json(text) == _masked(text)


rough = st.lists(
    st.sampled_from((*TEXTS, *addresses, "://", "\n", "/", '"', "\\", "pas", "sword", "\ud83d", "K")), max_size=6
)


@given(contexts=st.lists(members.map(json.dumps) | rough.map("".join), max_size=40))
def test_many_at_once_hide_what_each_hides(contexts: list[str]) -> None:
    assert list(masking.mask_jsons(contexts)) == list(map(mask_json, contexts))


@pytest.mark.parametrize(("text", "ahead"), [("a", 8), ("a" * 15_000, 2), ("a" * 30_000, 1)])
def test_of_long_texts_few_are_looked_through_at_once(text: str, ahead: int) -> None:
    read: list[int] = []
    texts = (read.append(number) or text for number in range(100))  # type: ignore[func-returns-value]

    assert next(masking.mask_jsons(texts)) == text
    assert len(read) == ahead


def test_a_sign_is_known_in_letters_that_only_look_like_it() -> None:
    key = '{"api_\u212aey":"abcdefgh","note":"a"}'  # a sign for kelvins, which is a small k
    assert mask_json(key) == _masked(key)


def test_long_names_are_not_kept() -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            mask_json(f'{{"{number}{"a" * 1_000_000}":1,"token":2}}')
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()


def test_events_archived_by_other_rules_are_looked_through_anew() -> None:
    """Searches, exports and the API take from an event's text to search in that nothing in it is hidden. That text was
    written by the rules of its day: whoever changes them writes a migration that makes it anew, as 0026_masked_again
    does, and the new digest here."""
    kinds = (re.Pattern, frozenset, tuple, str)
    rules = {
        f"{module.__name__}.{name}": rule
        for module in (json_texts, randomness, secret_names, texts)
        for name, rule in vars(module).items()
        if isinstance(rule, kinds) and name[:2] != "__"
    }

    written = repr([(name, _written(rules[name])) for name in sorted(rules)])
    assert hashlib.sha256(written.encode()).hexdigest()[:16] == "3b07f90bbdd92703"


def _written(rule: Any) -> Any:
    if isinstance(rule, re.Pattern):
        return rule.pattern, rule.flags
    return sorted(rule) if isinstance(rule, frozenset) else rule
