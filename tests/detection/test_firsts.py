"""An event's page says whether it is the user's first from a country, and what came before."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from tests.tools.filters import Add, Login
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


@pytest.fixture
def account(cast: dict[str, Any]) -> NexmoAccount:
    return NexmoAccount.objects.get(api_key="demo0001")


@pytest.fixture
def travels(account: NexmoAccount, add_event: Add) -> list[AuditEvent]:
    return [
        add_event(account, number, user_email="zoe@example.com", source_country=country)
        for number, country in ((1, "DE"), (2, "DE"), (3, "SC"), (4, "SC"), (5, "DE"))
    ]


def test_first_is_told_with_what_came_before(client: Client, travels: list[AuditEvent]) -> None:
    pages = [text_of(client.get(event.get_absolute_url())) for event in travels]

    told = "This user's first event from Seychelles in this account. 2 earlier events from Germany, since 2026-03-15."
    assert told in pages[2]
    assert "This user's first event from Germany in this account. None came before." in pages[0]
    assert all("first event" not in pages[place] for place in (1, 3, 4))
    beside = client.get(travels[2].get_absolute_url(), headers={"HX-Request": "true"})
    assert told in text_of(beside)


def test_country_is_named_under_codes_that_are_not_the_standards(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1, user_email="zoe@example.com", source_country="UK")

    assert "This user's first event from United Kingdom in this account." in text_of(
        client.get(event.get_absolute_url())
    )


def test_events_without_user_or_country_are_no_first(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, missing in ((1, {"user_email": ""}), (2, {"source_country": ""})):
        assert "first event" not in text_of(client.get(add_event(account, number, **missing).get_absolute_url()))


def test_what_is_around_it_can_be_widened_and_marks_it(client: Client, travels: list[AuditEvent]) -> None:
    around = client.get(travels[2].get_absolute_url()).context["around"]

    assert [str(title) for title, _ in around] == ["10 minutes", "1 hour", "24 hours"]
    for _, href in around:
        assert href.endswith(f"#{travels[2].get_absolute_url()}")
        assert len(shown_ids(client.get(href.partition("#")[0]))) == 5
