"""Sentences made of a type and whatever its context holds."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from events.masking import shown_value
from events.nexmo.catalog import EVENT_TYPES
from events.wording.sentences import SENTENCES, sentence


@pytest.mark.parametrize(
    ("event_type", "context", "expected"),
    [
        ("NUMBER_LINKED", {"msisdn": "447700900000", "applicationName": "Shop"},
         "Linked number <b>447700900000</b> to application <b>Shop</b>"),
        ("NUMBER_LINKED", {"msisdn": 447700900000}, "Linked number <b>447700900000</b>"),
        ("NUMBER_LINKED", {}, ""),
        ("NUMBER_ASSIGN", {"country": "GB", "MSISDN": "4477"}, "Bought number <b>4477</b> in <b>GB</b>"),
        ("NUMBER_UPDATED", {"msisdn": "1", "voice-type": "sip", "voice-value": "sip:a@example.com"},
         "Changed number <b>1</b>: calls go to <b>sip</b> <b>sip:a@example.com</b>"),
        ("NUMBER_UPDATED", {"msisdn": "1", "voice-type": "sip"}, "Changed number <b>1</b>"),
        ("APP_CREATE", {"appId": "x", "created": {"name": "Shop"}}, "Created application <b>Shop</b>"),
        ("APP_DELETE", {"appId": "aa-bb"}, "Deleted application <b>aa-bb</b>"),
        ("USER_STATUS", {"email": "a@example.com", "status": "disabled"},
         "Set user <b>a@example.com</b> to <b>disabled</b>"),
        ("ACCOUNT_SECRET_DELETE", None, "Deleted an API secret"),
        ("ACCOUNT_SECRET_DELETE", {"secretId": "s-1"}, "Deleted an API secret <b>s-1</b>"),
        ("USER_LOGIN", ["odd"], "Logged in to the dashboard"),
        ("IP_WHITELIST_CREATE", {"ip": "0.0.0.0/0"}, "Allowed every address (<b>0.0.0.0/0</b>)"),
        ("IP_WHITELIST_CREATE", {"ipAddress": "::/0"}, "Allowed every address (<b>::/0</b>)"),
        ("IP_WHITELIST_DELETE", {"ip": "0.0.0.0/0"}, "No longer allowed address <b>0.0.0.0/0</b>"),
        ("AUTORELOAD_ENABLE", {"amount": 2000, "threshold": "500"},
         "Switched auto-reload on: top up <b>2,000</b> when below <b>500</b>"),
        ("AUTORELOAD_UPDATE", {"amount": "1e3", "threshold": 1.5},
         "Changed auto-reload: top up <b>1e3</b> when below <b>1.5</b>"),
        ("IP_WHITELIST_CREATE", {"ip": "<script>"}, "Allowed address <b>&lt;script&gt;</b>"),
        ("NUMBER_ASSIGN", {"msisdn": True}, ""),
        ("NUMBER_ASSIGN", {"msisdn": "  "}, ""),
        ("SOMETHING_NEW", {"msisdn": "1"}, ""),
    ],
)  # fmt: skip
def test_sentence(event_type: str, context: Any, expected: str) -> None:
    assert sentence(event_type, context) == expected


def test_credentials_in_addresses_are_hidden() -> None:
    """Before it is cut: half a credential would not be seen as one."""
    url = f"https://x.example/{'a/' * 20}?token=abc"
    told = sentence("NUMBER_UPDATED", shown_value({"msisdn": "1", "voice-type": "app", "voice-value": url}))
    assert "x.example" in told
    assert "abc" not in told


def test_every_sentence_is_of_a_known_type() -> None:
    assert set(SENTENCES) <= set(EVENT_TYPES)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("msisdn", "email", "name", "appId", "ip", "status", "x")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(event_type=st.sampled_from(sorted(SENTENCES)), context=json)
def test_any_context_makes_harmless_html(event_type: str, context: Any) -> None:
    told = sentence(event_type, context)
    ours = r'</?b>|</?bdi>|<span class="code-mark">U\+[0-9A-F]+</span>'  # around values, and for what cannot be seen
    assert not re.search(r"[<>\"']", re.sub(ours, "", told))
    assert "{" not in SENTENCES[event_type] or "{" not in told or "{" in str(context)


def test_separators_of_our_own_bear_no_marks() -> None:
    with translation.override("es"):
        shown = sentence("AUTORELOAD_UPDATE", {"amount": 2000, "threshold": 500})

    assert "2\u00a0000" in html.unescape(shown)
    assert "U+00A0" not in shown
