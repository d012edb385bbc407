"""Sessions: what one actor did in one go, in all accounts, and what stands beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.entities import session as sessions
from events.models import AuditEvent
from events.reading import Cursor
from events.wording.times import length
from tests.tools.pages import Add, Login, text_of
from tests.tools.scope import shown_ids

START = datetime(2026, 3, 15, 9, tzinfo=UTC)
ZOE, ADDRESS = "zoe@example.com", "203.0.113.9"
PATH = f"/session/user/{ZOE}"


@pytest.fixture
def story(account: NexmoAccount, add_event: Add) -> dict[str, AuditEvent]:
    """Two sessions of one user in two accounts, an hour and a half between them, and a program beside the second."""
    other = NexmoAccount.objects.get(api_key="demo0002")
    told: dict[str, tuple[NexmoAccount, int, str]] = {
        "login": (account, 0, ZOE),
        "elsewhere": (other, 4, ZOE),
        "again": (account, 94, ZOE),
        "api": (account, 96, ""),
        "secret": (account, 104, ZOE),
        "api too": (other, 113, ""),
        "api later": (account, 130, ""),
    }
    return {
        name: add_event(
            where, number, user_email=user, source_ip=ADDRESS, created_at=(START + timedelta(minutes=at)).isoformat()
        )
        for number, (name, (where, at, user)) in enumerate(told.items())
    }


def names(story: dict[str, AuditEvent], response: Any) -> list[str]:
    by_id = {event.event_id: name for name, event in story.items()}
    return [by_id[event_id] for event_id in shown_ids(response)]


def at(event: AuditEvent) -> str:
    return str(Cursor(event.created_at, event.pk))


def test_newest_session_is_read_forwards_with_what_stands_beside_it(
    client: Client, story: dict[str, AuditEvent]
) -> None:
    response = client.get(PATH)

    assert names(story, response) == ["again", "api", "secret", "api too"]
    page = response.content.decode()
    assert page.count('class="beside"') == 2
    assert "<b>+ 10 min</b>" in page
    assert "Length 10 min" in text_of(response)


def test_session_of_an_event_is_the_one_around_it(client: Client, story: dict[str, AuditEvent]) -> None:
    response = client.get(PATH, {"at": at(story["login"])})

    assert names(story, response) == ["login", "elsewhere"]
    assert f"{PATH}?at={at(story['again'])}" in response.content.decode(), "the session after it"
    back = client.get(PATH, {"at": at(story["again"])})
    assert f"{PATH}?at={at(story['elsewhere'])}" in back.content.decode(), "the session before it"


def test_pause_can_be_chosen(client: Client, story: dict[str, AuditEvent]) -> None:
    long = client.get(PATH, {"pause": "120"})
    short = client.get(PATH, {"pause": "10", "at": at(story["secret"])})

    assert names(story, long)[:2] == ["login", "elsewhere"]
    assert names(story, short) == ["again", "api", "secret", "api too"]
    assert names(story, client.get(PATH, {"pause": "x"})) == names(story, client.get(PATH))


def test_session_of_an_address_has_its_users_elsewhere_beside_it(
    client: Client, account: NexmoAccount, story: dict[str, AuditEvent], add_event: Add
) -> None:
    from_home = add_event(
        account, 9, user_email=ZOE, source_ip="198.51.100.7", created_at=(START + timedelta(minutes=95)).isoformat()
    )

    response = client.get(f"/session/ip/{ADDRESS}")

    assert from_home.event_id in shown_ids(response)
    assert response.content.decode().count('class="beside"') == 1


def test_accounts_of_others_have_no_part_in_it(client: Client, login: Login, story: dict[str, AuditEvent]) -> None:
    assert login("charlie").get(PATH).status_code == 404
    bob = login("bob").get(PATH, {"pause": "120"})  # one of the two accounts is shared with him
    assert set(names(story, bob)) < set(names(story, client.get(PATH, {"pause": "120"})))
    assert "elsewhere" not in names(story, bob) or "login" not in names(story, bob)


@pytest.mark.parametrize(
    "path", ["/session/number/447700900000", "/session/user/@", f"{PATH}?at=x", "/session/user/a@b.c"]
)
def test_what_is_no_session_is_not_found(client: Client, story: dict[str, AuditEvent], path: str) -> None:
    assert client.get(path).status_code == 404


def test_long_session_is_cut_and_says_so(
    client: Client, account: NexmoAccount, add_event: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    for number in range(6):
        moment = START + timedelta(minutes=number)
        add_event(account, number, user_email=ZOE, source_ip="", created_at=moment.isoformat())

    response = client.get(PATH)
    page = text_of(response)

    assert "Events 3+" in page
    assert "This session has more events than are shown" in page
    (before,) = re.findall(r'rel="prev" href="([^"]*)"', response.content.decode())
    assert "Events 5+" in text_of(client.get(before)), "the rest is to be reached"


def test_event_and_entity_lead_to_their_session(client: Client, story: dict[str, AuditEvent]) -> None:
    event = story["secret"]

    page = client.get(event.get_absolute_url()).content.decode()

    assert f'href="{PATH}?at={at(event)}"' in page
    assert f'href="/session/ip/{ADDRESS}?at={at(event)}"' in page
    assert f'href="{PATH}"' in client.get(f"/about/user/{ZOE}").content.decode()


def test_session_takes_its_queries(client: Client, story: dict[str, AuditEvent]) -> None:
    client.get(PATH)
    with CaptureQueriesContext(connection) as queries:
        client.get(PATH, {"at": at(story["again"])})

    assert len(queries) <= 21  # with the accounts and their coverage, and marks of findings


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=12, seconds=30), "12 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(days=2, hours=4, minutes=59), "2 d 4 h"),
    ],
)
def test_lengths_are_short(span: timedelta, shown: str) -> None:
    assert length(span) == shown
