"""Before and after: what a context tells of both sides, and nothing where it tells one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.sandbox.odd import odd_events
from events.wording.changes import LONGEST, MOST, Change, changes
from tests.sandbox.test_world import make

TOLD = {
    "two objects": (
        {"appId": "a", "before": {"name": "Old", "n": 1}, "after": {"name": "New", "n": 1}},
        [("name", "Old", "New")],
    ),
    "the sandbox's": (
        {"appId": "a", "updated": {"name": "New"}, "previous": {"name": "Old"}},
        [("name", "Old", "New")],
    ),
    "two plain values": ({"old": "a", "new": "b"}, [("", "a", "b")]),
    "in the other order": ({"new": "b", "old": "a"}, [("", "a", "b")]),
    "under a field's name": ({"status": {"previous": "on", "current": "off"}}, [("status", "on", "off")]),
    "from and to": ({"status": {"from": "on", "to": "off"}}, [("status", "on", "off")]),
    "from and to of a whole": ({"from": {"a": 1}, "to": {"a": 2}}, [("a", "1", "2")]),
    "snake": ({"old_url": "u1", "new_url": "u2"}, [("url", "u1", "u2")]),
    "camel": ({"oldCallbackUrl": "u1", "newCallbackUrl": "u2"}, [("callbackUrl", "u1", "u2")]),
    "kebab": ({"old-voice-value": "1", "new-voice-value": "2"}, [("voice-value", "1", "2")]),
    "endings": ({"amount_before": 20, "amount_after": 50}, [("amount", "20", "50")]),
    "camel endings": ({"amountBefore": 20, "amountAfter": 50}, [("amount", "20", "50")]),
    "previousAmount": ({"previousAmount": 1, "currentAmount": 2}, [("amount", "1", "2")]),
    "a list of fields": (
        {"changes": [{"field": "name", "old": "a", "new": "b"}, {"field": "n", "oldValue": 1, "newValue": 2}]},
        [("name", "a", "b"), ("n", "1", "2")],
    ),
    "a list under names": ({"diff": [{"name": "hook", "from": "u1", "to": "u2"}]}, [("hook", "u1", "u2")]),
    "nested": (
        {
            "before": {"hook": {"method": "GET", "url": "x"}},
            "after": {"hook": {"method": "GET", "url": "y"}},
        },
        [("hook.url", "x", "y")],
    ),
    "several at once": (
        {"oldName": "a", "newName": "b", "limits": {"before": 1, "after": 2}},
        [("name", "a", "b"), ("limits", "1", "2")],
    ),
    "a field that came": ({"before": {}, "after": {"a": "x"}}, [("a", None, "x")]),
    "null is a value": ({"before": {"a": None}, "after": {"a": True}}, [("a", "null", "true")]),
    "lists as they are": ({"old": ["a"], "new": ["a", "b"]}, [("", '["a"]', '["a","b"]')]),
    "its own name is no field": (
        {"name": "Shop", "before": {"type": "a"}, "after": {"type": "b"}},
        [("type", "a", "b")],
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_both_sides_make_a_change(name: str) -> None:
    context, told = TOLD[name]

    assert changes(context) == [Change(*each) for each in told]


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        [],
        "before after",
        7,
        {"after": {"name": "New"}},
        {"updated": {"name": "New"}},
        {"old": "a"},
        {"new_url": "u", "old_name": "n"},
        {"before": {"a": 1}, "after": {"a": 1}},
        {"old": "same", "new": "same"},
        {"from": "447700900000", "to": "447700900001", "text": "a message"},
        {"period": {"from": "2026-01-01", "to": "2026-02-01"}},
        {"fromDate": "2026-01-01", "toDate": "2026-02-01"},
        {"changes": [{"field": "name", "new": "b"}]},
        {"country": "GB", "msisdn": "447700900000"},
    ],
    ids=str,
)
def test_nothing_is_made_up(context: Any) -> None:
    assert changes(context) == []


def test_credentials_stay_hidden() -> None:
    (change,) = changes({"old": "https://u:p@example.com/?token=secret1", "new": "https://example.com/?token=secret2"})

    assert (change.before, change.after) == ("https://•••@example.com/?token=•••", "https://example.com/?token=•••")


def test_a_change_behind_a_mask_is_still_one() -> None:
    (change,) = changes({"old": "https://example.com/?token=secret1", "new": "https://example.com/?token=secret2"})

    assert change.before == change.after == "https://example.com/?token=•••"


def test_hostile_contexts_are_bounded() -> None:
    deep: Any = {"before": 1, "after": 2}
    for _ in range(3_000):
        deep = {"deeper": deep}
    assert changes(deep) == []
    (cut,) = changes({"before": deep, "after": {"deeper": 1}})
    assert (cut.field, len(cut.before or ""), cut.after) == ("deeper", LONGEST, "1")
    many = changes({"before": {str(n): 1 for n in range(9_000)}, "after": {str(n): 2 for n in range(9_000)}})
    assert len(many) == MOST
    assert len(changes([{"old": n, "new": -n, "field": str(n)} for n in range(1, 9_000)])) == MOST
    (long,) = changes({"old": "x" * 1_000_000, "new": {"y" * 1_000: "\ud83d"}})
    assert len(long.before or "") == len(long.after or "") == LONGEST
    assert changes({"old": "half \ud83d", "new": "NUL \0"}) == [Change("", "half \ufffd", "NUL \0")]


_SIDES = [
    "before",
    "after",
    "old",
    "new",
    "from",
    "to",
    "oldName",
    "newName",
    "changes",
    "field",
    "x_before",
    "x_after",
]
_NAMES = st.sampled_from(_SIDES) | st.text(max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=25,
)


@given(_JSON)
@settings(max_examples=300, deadline=None)
def test_any_context_is_read(context: Any) -> None:
    for change in changes(context):
        "".join((change.field, change.before or "", change.after or "")).encode()


def test_odd_events_of_the_sandbox_are_read() -> None:
    assert [changes(event.get("context")) for event in odd_events() if isinstance(event, dict)].count([]) > 60


def test_renaming_in_the_sandbox_tells_both_names() -> None:
    events = [event for account in make(events=2_000).accounts.values() for event in account.events()]
    told = {event["event_type"] for event in events if changes(event.get("context"))}

    assert told == {"APP_UPDATE"}
