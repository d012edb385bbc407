"""Hostile input through the addresses and forms of the site: an answer always, and never one of 500 or more.

A statement that was stopped is answered with 503, so a query that runs away fails these tests too.
"""

from __future__ import annotations

import contextlib
import html
import re
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from events.detection.rules import own_rules
from events.filters.parameters import KNOWN
from events.filters.search_box import KEYS
from events.models import AuditEvent
from tests.api.conftest import Program, make_token, program  # noqa: F401 - fixtures
from tests.tools.rules import rule_text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("archive")]
current = settings.get_current_profile_name()
hostile = settings.get_profile("nightly" if current == "nightly" else "hostile")

ATTACKS = (
    *(
        "'",
        '"',
        "\\",
        "%",
        "_",
        "\x00",
        "\r\nX: y",
        "' OR '1'='1",
        "'; DROP TABLE x--",
        "1) UNION SELECT 1--",
        "$1",
        "%s",
    ),
    *(
        "<script>",
        "{{7*7}}",
        "${jndi:x}",
        "../../etc/passwd",
        "\u202e",
        "\ud7ff",
        "\ufffe",
        "İ",
        "ſ",
        "ﬀ",
        "٣",
        "１",
        "²",
    ),
    *(
        "-1",
        "0",
        "9" * 30,
        "1e999",
        "NaN",
        "Infinity",
        "0x10",
        "1_000",
        "true",
        "null",
        "[]",
        "{}",
        "~",
        "-",
        ",",
        ",,",
        "*",
    ),
    *("0000-00-00", "9999-12-31", "10000-01-01", "2026-02-30", "2026-01-01T25:00", "now", "today", "-1d", "90d", "all"),
    *("::1", "::ffff:1.2.3.4/96", "0.0.0.0/0", "1.2.3.4/33", "fe80::1%lo", "999.1.1.1", "xn--a", "a@b@c", "*" * 60),
)
text = st.sampled_from(ATTACKS) | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
value = text | st.lists(text, min_size=2, max_size=4).map("".join) | st.lists(text, max_size=6).map(",".join)
raw = value.map(quote) | st.binary(max_size=12).map(quote_from_bytes)
signed = st.tuples(st.sampled_from(("", "-", "!")), raw).map("".join)
queries = st.lists(st.tuples(st.sampled_from(KNOWN), signed).map("=".join), max_size=5).map("&".join)
words = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(("", "-")), st.sampled_from([*KEYS]), st.sampled_from((":", ":-", ":*", ':"')), value
        ).map("".join),
        st.sampled_from(('"', '-"', " OR ", "(", ")", "type:*", "-type:NUMBER_*", "user:", "ip:10.0.0.0/8", '"a b"')),
        value,
    ),
    max_size=6,
).map(" ".join)


def often(cheap: tuple[Any, ...], dear: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """One of the first in most cases: pages that are drawn from beginning to end take a tenth of a second."""
    return st.sampled_from(cheap * (12 * len(dear) // len(cheap) + 1) + dear)


@pytest.fixture
def alice(login: Any) -> Client:
    client: Client = login("alice")
    return client


def assert_answered(answer: Any) -> None:
    assert answer.status_code < 500, answer.content[:500]
    if answer.streaming:
        b"".join(answer.streaming_content)


def get(client: Client, path: str, query: str) -> None:
    assert_answered(client.get(path, QUERY_STRING=query))


@hostile
@given(
    path=often(
        ("/events/news", "/events/export.ndjson", "/events/suggest", "/views/new"),
        ("/events/", "/accounts/demo0001/events/", "/events/summary", "/events/export.csv", "/events/export")
        + ("/about/user/yourname@example.com",),
    ),
    query=queries,
)
def test_filters(alice: Client, path: str, query: str) -> None:
    if path == "/views/new":
        query = urlencode({"query": query})
    get(alice, path, query)


@hostile
@given(path=often(("/events/news", "/events/suggest", "/events/export.ndjson"), ("/events/",)), typed=words)
def test_search_box(alice: Client, path: str, typed: str) -> None:
    get(alice, path, urlencode({"piece" if path.endswith("suggest") else "search_text": typed}))


@hostile
@given(
    place=often(
        (
            *(("/events/news", name) for name in ("before", "after", "since", "at")),
            *(("/events/export.ndjson", name) for name in ("before", "after", "job", "since")),
            ("/events/export/progress", "job"),
            ("/alerts/log", "before"),
        ),
        (
            *(("/findings/", name) for name in ("before", "after", "page")),
            ("/accounts/", "page"),
            ("/session/user/yourname@example.com", "at"),
            ("/events/", "before"),
        ),
    ),
    cut=st.integers(0, 40),
    odd=raw,
    keep=st.booleans(),
)
def test_cursors(alice: Client, place: tuple[str, str], cut: int, odd: str, keep: bool) -> None:
    """Broken ones, and good ones with something odd in their midst."""
    event = AuditEvent.objects.order_by("-pk")[5]
    good = f"{event.created_at.isoformat() if event.created_at else ''}_{event.pk}"
    get(alice, place[0], f"{place[1]}={quote(good[:cut])}{odd}{quote(good[cut:]) if keep else ''}")


@hostile
@given(
    path=st.sampled_from(
        (
            "/api/v1/events",
            "/api/v1/findings",
            "/api/v1/accounts",
            "/api/v1/views",
            "/beta/audit/events",
            "/api/v1/token",
        )
    ),
    query=st.lists(
        st.tuples(st.sampled_from((*KNOWN, "cursor", "page", "q", "level", "state", "fields")), signed).map("=".join),
        max_size=4,
    ).map("&".join),
)
def test_api_parameters(request: Any, path: str, query: str) -> None:
    client = request.node.funcargs.get("of_alice") or _program_of(request)
    get(client, path, query)


def _program_of(request: Any) -> Client:
    made: Program = request.getfixturevalue("program")
    client = made("alice", may_acknowledge=True)
    request.node.funcargs["of_alice"] = client
    return client


@hostile
@given(
    shape=st.sampled_from(
        ("/events/{}/", "/accounts/{}/", "/accounts/{}/events/", "/accounts/demo0001/events/{}/", "/about/user/{}")
        + (
            "/about/{}/a",
            "/session/user/{}",
            "/session/{}/a",
            "/events/export.{}",
            "/findings/{}/",
            "/rules/{}/",
            "/{}",
        )
        + (
            "/beta/audit/events/{}",
            "/api/v1/accounts/{}",
            "/assets/{}",
            "/static/{}",
            "/tokens/{}/revoke",
            "/evidence/{}/",
        )
    ),
    part=raw,
)
def test_parts_of_addresses(alice: Client, shape: str, part: str) -> None:
    assert_answered(alice.get(shape.format(part)))


FORMS = (
    *(
        "/views/new?query=source%3DCD",
        "/profile/tokens/new",
        "/profile/display",
        "/alerts/new",
        "/alerts/channels/new?kind=json",
    ),
    *("/accounts/new", "/streams/new?kind=webhook", "/findings/triage", "/rules/new", "/login/", "/profile/password/"),
    *("/events/worth-a-look/dismiss", "/views/star", "/evidence/", "/csp-report", "/login/confirm/", "/welcome/"),
)
_FIELD = re.compile(r'<(?:input|select|textarea)\b[^>]*?\bname="([^"]+)"(?:[^>]*?\bvalue="([^"]*)")?')


def fields_of(client: Client, path: str, known: dict[str, dict[str, str]]) -> dict[str, str]:
    """What a form holds, as a browser would send it."""
    if path not in known:
        page = client.get(path)
        found = _FIELD.findall(page.content.decode()) if page.status_code == 200 else []
        known[path] = {html.unescape(name): html.unescape(given) for name, given in found} or {"next": "", "query": ""}
    return known[path]


@pytest.fixture
def known_forms() -> dict[str, dict[str, str]]:
    return {}


@hostile
@given(
    path=st.sampled_from(FORMS),
    changed=st.dictionaries(st.integers(0, 40), value | st.lists(value, max_size=3), min_size=1, max_size=4),
)
def test_forms(login: Any, known_forms: dict[str, Any], path: str, changed: dict[int, Any]) -> None:
    client = known_forms.setdefault("", login("admin"))
    fields = fields_of(client, path, known_forms)
    names = [*fields, "next", "query"]
    odd = {names[at % len(names)]: said for at, said in changed.items()}
    assert_answered(
        client.post(path, urlencode(fields | odd, doseq=True), content_type="application/x-www-form-urlencoded")
    )
    if not client.session.get("_auth_user_id"):  # a form has logged it out
        known_forms[""] = login("admin")


lines = st.sampled_from(rule_text().splitlines())
yaml_pieces = st.sampled_from(
    (
        "a: &a [*a]",
        "? [x]",
        "!!python/object:os.system x",
        "<<: *x",
        "- - -",
        "---",
        "...",
        "\t",
        "|",
        ">",
        "%YAML 9",
        "&",
        "*",
    )
    + (
        "condition: not not selection",
        "condition: 1 of *",
        "condition: ((((",
        "event_type|re: (a+)+$",
        "x|cidr: 1",
        "x|all: []",
    )
    + ("timespan: 9999999999d", "timespan: -1h", "level: ''", "user_email|contains|all: [a, b]", "selection: null")
)


@hostile
@given(
    kept=st.lists(lines | yaml_pieces | value, max_size=25),
    at=st.integers(0, 18),
    odd=yaml_pieces | value,
    sent=often((False,), (True,)),
)
def test_rules(login: Any, known_forms: dict[str, Any], kept: list[str], at: int, odd: str, sent: bool) -> None:
    """A good rule with one odd line in it, or lines in any order: read, and some sent from the editor."""
    client = known_forms.setdefault("", login("admin"))
    good = rule_text().splitlines()
    typed = "\n".join(kept) if kept else "\n".join([*good[:at], odd, *good[at:]])
    if sent:
        assert_answered(client.post("/rules/new", {"text": typed}))
    else:
        with contextlib.suppress(own_rules.Refused):
            own_rules.read(typed)
