"""Odd and hostile events: everything an event may be that the samples do not show (F39 to F47, F52, F57)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from events.sandbox.shape import EVENTS_PATH, LINK_HOST, Event, event

_GONE = object()  # marks a key to leave out

_DEEP: Any = "bottom"
for _ in range(60):
    _DEEP = {"deeper": _DEEP}

# (F number, what is odd, the fields that differ from an ordinary event)
_ODD: tuple[tuple[str, str, Event], ...] = (
    ("F39", "developer API without user", {"source": "DEVAPI", "user_email": _GONE, "user_id": _GONE}),
    ("F39", "null user", {"user_email": None, "user_id": None}),
    ("F39", "user id as text", {"user_id": "1234567"}),
    ("F39", "user id 0", {"user_id": 0}),
    ("F39", "user id above 31 bits", {"user_id": 2**31 + 1}),
    ("F39", "user id above 63 bits", {"user_id": 2**64}),
    ("F39", "user id as a fraction", {"user_id": 1.5}),
    ("F39", "user id as a UUID", {"user_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}),
    ("F40", "no context", {"context": _GONE}),
    ("F40", "empty context", {"context": {}}),
    ("F40", "null context", {"context": None}),
    ("F40", "context is text", {"context": "changed"}),
    ("F40", "context is a list", {"context": [{"country": "GB"}, 1, None]}),
    ("F40", "context is a number", {"context": 7}),
    ("F40", "deep context", {"context": _DEEP}),
    ("F40", "context of one megabyte", {"context": {"notes": "0123456789abcdef" * 65_536}}),
    ("F40", "unknown keys", {"admin_email": "admin@nexmo.example.com", "by": {"reason": "fraud"}, "": 1}),
    ("F41", "unknown type", {"event_type": "ESIM_ACTIVATE", "event_type_description": "eSIM activated"}),
    ("F41", "no type", {"event_type": _GONE, "event_type_description": _GONE}),
    ("F41", "lower-case type", {"event_type": "number_updated"}),
    ("F41", "type is a number", {"event_type": 12}),
    ("F41", "very long type", {"event_type": "VERY_" * 60 + "LONG"}),
    ("F41", "banned by the vendor", {"event_type": "ACCOUNT_UPDATE_SPAMMER", "source": "ADMIN",
                                     "source_description": "Admin", "user_email": _GONE, "context": _GONE}),
    ("F41", "unknown source", {"source": "BATCH", "source_description": "Batch job"}),
    ("F41", "source described with a capital", {"source_description": "Customer Dashboard"}),
    ("F41", "no source", {"source": _GONE, "source_description": _GONE}),
    ("F42", "time with Z", {"created_at": "2024-03-05T06:07:08Z"}),
    ("F42", "time with an offset", {"created_at": "2024-03-05T06:07:08+05:30"}),
    ("F42", "time with a fraction", {"created_at": "2024-03-05T06:07:08.123456"}),
    ("F42", "time with nanoseconds", {"created_at": "2024-03-05T06:07:08.123456789Z"}),
    ("F42", "time without seconds", {"created_at": "2024-03-05T06:07"}),
    ("F42", "time with a space", {"created_at": "2024-03-05 06:07:08"}),
    ("F42", "date only", {"created_at": "2024-03-05"}),
    ("F42", "empty time", {"created_at": ""}),
    ("F42", "no time", {"created_at": _GONE}),
    ("F42", "null time", {"created_at": None}),
    ("F42", "time as a number", {"created_at": 1_709_618_828_000}),
    ("F42", "time that is none", {"created_at": "last Tuesday"}),
    ("F42", "a day that is none", {"created_at": "2023-02-30T25:61:61"}),
    ("F42", "year 1", {"created_at": "0001-01-01T00:00:00"}),
    ("F42", "year 9999", {"created_at": "9999-12-31T23:59:59"}),
    ("F43", "an hour that comes twice in Berlin", {"created_at": "2024-10-27T02:30:00"}),
    ("F43", "an hour that Berlin skips", {"created_at": "2024-03-31T02:30:00"}),
    ("F44", "IPv6", {"source_ip": "2001:db8:0:0:0:0:0:1"}),
    ("F44", "IPv4 in IPv6", {"source_ip": "::ffff:192.0.2.1"}),
    ("F44", "empty address", {"source_ip": ""}),
    ("F44", "private address", {"source_ip": "10.0.0.1"}),
    ("F44", "unknown address", {"source_ip": "unknown"}),
    ("F44", "two addresses", {"source_ip": "192.0.2.1, 10.0.0.1"}),
    ("F44", "no address, no country", {"source_ip": _GONE, "source_country": _GONE}),
    ("F44", "lower-case country", {"source_country": "gb"}),
    ("F44", "country XX", {"source_country": "XX"}),
    ("F44", "country UK", {"source_country": "UK"}),
    ("F44", "country in full", {"source_country": "United Kingdom"}),
    ("F44", "null country", {"source_country": None}),
    ("F45", "no id", {"id": _GONE}),
    ("F45", "null id", {"id": None}),
    ("F45", "empty id", {"id": ""}),
    ("F45", "id is a number", {"id": 4711}),
    ("F45", "id is no UUID", {"id": "evt/../?x=1&y=<b>"}),
    ("F45", "very long id", {"id": "x" * 300}),
    ("F45", "upper-case id", {"id": "ABCDEF01-2345-4678-ABCD-EF0123456789"}),
    ("F45", "the same id in lower case", {"id": "abcdef01-2345-4678-abcd-ef0123456789"}),
    ("F45", "duplicate id, first content", {"id": "dddddddd-1111-4111-a111-111111111111"}),
    ("F45", "duplicate id, other content",
     {"id": "dddddddd-1111-4111-a111-111111111111", "source_ip": "192.0.2.99"}),
    ("F47", "HTML", {"context": {"name": "<script>alert(1)</script><img src=x onerror=alert(2)>"}}),
    ("F47", "HTML in the e-mail", {"user_email": '"><svg/onload=alert(1)>@example.com'}),
    ("F47", "formula", {"user_email": "=cmd|' /C calc'!A0",
                        "context": {"name": "+1+1", "note": "@SUM(A1)", "n": "-2"}}),
    ("F47", "formula after a tab", {"user_email": "\t=1+1", "source_description": "\r=1+1"}),
    ("F47", "right-to-left marks", {"context": {"name": "\u202egpj.exe\u202c \u2066x\u2069"}}),
    ("F47", "terminal escapes", {"context": {"name": "\x1b[2J\x1b]0;owned\x07"},
                                 "user_email": "\x1b[31mred@example.com"}),
    ("F47", "NUL", {"context": {"name": "a\x00b"}, "user_email": "a\x00b@example.com"}),
    ("F47", "lone surrogate", {"context": {"name": "half \ud83d pair"}}),
    ("F47", "emoji", {"context": {"name": "family \U0001f468\u200d\U0001f469\u200d\U0001f467"}}),
    ("F47", "line breaks", {"context": {"name": "one\r\ntwo\u2028three"}}),
    ("F47", "dangerous URL", {"context": {"http": "javascript:alert(document.domain)"}}),
    ("F52", "an event of a subaccount", {"account_id": "sub00001"}),
    ("F52", "an event without account", {"account_id": _GONE}),
    ("F57", "webhook with a token", {"context": {"http": "https://user:pass@hooks.example.com/in?token=sandbox-token"}}),
)  # fmt: skip

# JSON text that no encoder writes, to be served as it stands.
_RAW: tuple[tuple[str, str, str], ...] = (
    ("F39", "user id with an exponent",
     '{"id":"raw-exponent","event_type":"USER_UPDATE","user_id":1.2345e6}'),
    ("F40", "the same key twice", '{"id":"raw-key-twice","event_type":"USER_UPDATE","source_ip":"192.0.2.1",'
                                  '"source_ip":"192.0.2.2"}'),
    ("F40", "NaN", '{"id":"raw-nan","event_type":"USER_UPDATE","context":{"amount":NaN}}'),
    ("F40", "an event that is null", "null"),
    ("F40", "an event that is text", '"event"'),
    ("F40", "an event that is a list", "[]"),
    ("F40", "an empty event", "{}"),
    ("F47", "surrogate pair, escaped", '{"id":"raw-surrogates","event_type":"APP_UPDATE",'
                                       '"context":{"name":"\\ud83d\\ude00 \\ud83d \\u0000"}}'),
)  # fmt: skip


def odd_events(only: str = "", *, account: str = "demo0001", now: datetime | None = None) -> list[Event | str]:
    """Events for `Sandbox.add_events`: dicts, and texts to be served verbatim. `only` takes one F number's.

    Where time is not what is odd, they are dated `now` (default: this moment), a second apart.
    """
    start = (now or datetime.now(UTC)) - timedelta(seconds=len(_ODD))
    made: list[Event | str] = []
    for position, (number, what, differing) in enumerate(_ODD):
        if only in ("", number):
            made.append(_odd_event(account, what, start + timedelta(seconds=position), differing))
    made += [text for number, _what, text in _RAW if only in ("", number)]
    return made


def _odd_event(account: str, what: str, when: datetime, differing: Event) -> Event:
    event_id = str(uuid5(NAMESPACE_URL, f"sandbox/odd/{account}/{what}"))
    context = {"country": "GB", "msisdn": "447700900000", "voice-type": "tel", "voice-value": "447700900001"}
    user = ("odd.events@example.com", 1_234_567)
    at = int(when.timestamp())
    plain = event(event_id, "NUMBER_UPDATED", at, account, "CD", "192.0.2.1", "GB", context, user)
    for key, value in differing.items():
        if value is _GONE:
            plain.pop(key, None)
        else:
            plain[key] = value
    if isinstance(plain.get("id"), str) and plain["id"] != event_id:
        plain["_links"] = {"self": {"href": f"http://{LINK_HOST}{EVENTS_PATH}/{plain['id']}"}}
    return plain
