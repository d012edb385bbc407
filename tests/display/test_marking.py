"""Foreign text on every page: what cannot be seen is shown as its code, and nothing reorders what stands around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent, SavedView
from events.sync import state
from events.wording.marking import coded, is_hidden, marked, marked_lines
from tests.tools.export import body, csv_rows
from tests.tools.pages import Add, Login
from tests.views.test_walk_of_links import walk

RLO, ZERO_WIDTH, TAG, ESCAPE, FILLER = "\u202e", "\u200b", "\U000e0041", "\x1b", "\u3164"
HOSTILE = f"bob{RLO}moc{ZERO_WIDTH}.{TAG}{ESCAPE}[8m{FILLER}"
CODES = ("U+202E", "U+200B", "U+E0041", "U+001B", "U+3164")
# What a form gives back, and what scripts read, is the text itself; nothing of it is drawn.
DATA = re.compile(r"value|data-.*")


class Seen(HTMLParser):
    """What a page draws: its texts and its attributes that people see or hear."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [value or "" for name, value in attrs if not DATA.fullmatch(name)]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hidden_in(page: str) -> list[str]:
    """The pieces of a page with characters that no one sees; line breaks and indents are its own."""
    seen = Seen(page)
    return [
        text
        for text in (*seen.texts, *seen.attributes)
        if any(is_hidden(letter) and letter not in "\n" for letter in text)
    ]


@pytest.fixture
def world(cast: dict[str, Any], add_event: Add) -> AuditEvent:
    """Names that hide something, wherever other people or Nexmo give them. Returns an event full of them."""
    account = NexmoAccount.objects.get(api_key="demo0001")
    NexmoAccount.objects.all().update(name=HOSTILE)
    for group in Group.objects.all():
        Group.objects.filter(pk=group.pk).update(name=f"{group.pk} {HOSTILE}")
    SavedView.objects.create(
        owner=cast["bob"], name=f"view {HOSTILE}", description=HOSTILE, 
        query=urlencode({"user_email": f"{HOSTILE}@x.example"}),
        team=cast["alice"].groups.first(),
    )  # fmt: skip
    cast["bob"].username = f"bob {HOSTILE}"
    cast["bob"].save()
    fields = (
        "event_type",
        "event_type_description",
        "user_id",
        "source",
        "source_description",
        "source_ip",
        "account_id",
    )
    add_event(account, 1, user_email=f"{HOSTILE}@evil.example", **{name: f"{name} {HOSTILE}" for name in fields})
    add_event(account, 2, source_country=HOSTILE, event_type="APP_CREATE", context={"name": f"gpj.{RLO}exe"})
    state.ensure(list(NexmoAccount.objects.all()))
    context = {HOSTILE: HOSTILE, "before": {"name": HOSTILE}, "after": {"name": "x" + HOSTILE}, "list": [HOSTILE]}
    return add_event(account, 3, id=f"id {HOSTILE}", user_email=f"x{HOSTILE}@evil.example", context=context)


class TestPages:
    @pytest.mark.parametrize("person", ["alice", "audrey"])
    def test_no_page_draws_what_cannot_be_seen(self, login: Login, world: AuditEvent, person: str) -> None:
        client, wrong = login(person), {}
        pages = [path for path in walk(client, "/events/") if not path.endswith("/export")]
        for path in (*pages, *self.answers_to_what_is_typed(), world.get_absolute_url()):
            response = client.get(path)
            if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
                page = response.content.decode()
                if found := hidden_in(page):
                    wrong[path] = found
                assert "&lt;span class=" not in page, path
            else:
                body(response)

        assert len(pages) > 30
        assert wrong == {}

    def answers_to_what_is_typed(self) -> Iterator[str]:
        for name in (
            "user_email",
            "source",
            "source_ip",
            "source_country",
            "event_type",
            "account",
            "search_text",
            "period",
        ):
            yield f"/events/?{name}=%E2%80%AEx"
            yield f"/events/export.csv?{name}=%E2%80%AEx"
        yield from (
            "/events/?%E2%80%AEname=1",
            "/events/export.csv?columns=%E2%80%AE",
            "/accounts/?q=%E2%80%AE&sort=%E2%80%AE",
        )
        yield from ("/events/export.csv?times=%E2%80%AE", "/events/export?bom=%E2%80%AE", "/events/?size=%E2%80%AE")

    def test_the_codes_stand_where_the_characters_were(self, login: Login, world: AuditEvent) -> None:
        client = login("alice")
        for path in (
            "/events/",
            world.get_absolute_url(),
            "/accounts/demo0001/",
            "/accounts/",
            "/views/",
            "/events/summary",
        ):
            page = client.get(path).content.decode()
            assert all(f">{code}</span>" in page for code in CODES), path

    def test_titles_hold_codes_without_markup(self, login: Login, world: AuditEvent) -> None:
        page = login("alice").get("/accounts/demo0001/").content.decode()

        assert f"<title>{coded(HOSTILE)} – Auditsite</title>" in page
        assert "[U+202E]moc[U+200B]" in page

    def test_copies_and_files_hold_the_text_itself(self, login: Login, world: AuditEvent) -> None:
        client = login("alice")
        rows = csv_rows(body(client.get("/events/export.csv")))

        assert {row["account_name"] for row in rows} == {HOSTILE}
        assert json.loads(rows[0]["context"])[HOSTILE] == HOSTILE
        assert f"user_email={'%E2%80%AE'.join(['xbob', 'moc'])}" in client.get("/events/").content.decode()


class TestMarked:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("bob@example.com", "bob@example.com"),
            ("<b>&", "&lt;b&gt;&amp;"),
            ("ünï", "<bdi>ünï</bdi>"),
            ("שלום", "<bdi>שלום</bdi>"),
            ("a\tb", 'a<span class="code-mark">U+0009</span>b'),
            ("a\u202eb", '<bdi>a<span class="code-mark" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>b</bdi>'),
            ("\u00a0", '<bdi><span class="code-mark" title="NO-BREAK SPACE">U+00A0</span></bdi>'),
            ("\ud800", '<bdi><span class="code-mark">U+D800</span></bdi>'),
            ("🎉", "<bdi>🎉</bdi>"),
            (5, "5"),
        ],
    )
    def test_text(self, text: Any, expected: str) -> None:
        assert marked(text) == expected

    def test_markup_is_left_alone(self) -> None:
        assert marked(marked("\u202e<")) == marked("\u202e<")

    def test_each_string_of_json_ends_where_it_does(self) -> None:
        assert marked_lines('{"שלום": 5}') == "{&quot;<bdi>שלום</bdi>&quot;: 5}"

    def test_lines_stay_lines(self) -> None:
        assert marked_lines('{\n  "a":\t1\r}') == '{\n  &quot;a&quot;:\t1<span class="code-mark">U+000D</span>}'

    @pytest.mark.parametrize("first, last", [(0x202A, 0x202E), (0x2066, 0x2069), (0x200B, 0x200F), (0xE0020, 0xE007F)])
    def test_every_control_of_direction_and_tag_is_hidden(self, first: int, last: int) -> None:
        assert all(is_hidden(chr(code)) for code in range(first, last + 1))


@pytest.mark.parametrize("name", ["Shop {prod}", "{msisdn}", "{app}", "[x]", "[ {number}]"])
def test_braces_in_a_name_are_a_part_of_it(client: Client, account: NexmoAccount, add_event: Add, name: str) -> None:
    event = add_event(
        account, 1, event_type="NUMBER_LINKED", context={"msisdn": "447700900000", "applicationName": name}
    )

    expected = f"Linked number <b>447700900000</b> to application <b>{name}</b>"
    assert expected in client.get("/events/").content.decode()
    assert expected in client.get(event.get_absolute_url()).content.decode()
