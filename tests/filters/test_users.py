"""One user, however the address is spelled."""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from events.reading.users import one_user, spellings_of
from tests.tools.filters import Add, found
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "josé.núñez@example.com") for form in ("NFC", "NFD"))


@pytest.fixture
def spelled(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email=COMPOSED)
    add_event(account, 2, user_email=DECOMPOSED)
    add_event(account, 3, user_email=DECOMPOSED.upper())
    add_event(account, 4, user_email="jose.nunez@example.com")


@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED, COMPOSED.upper(), DECOMPOSED.upper()])
def test_user_is_one_in_every_spelling(client: Client, spelled: None, asked: str) -> None:
    assert found(client, {"user_email": asked}) == {1, 2, 3}
    assert found(client, {"user_email": f"-{asked}"}) == {4}
    assert found(client, {"search_text": f"user:{asked}"}) == {1, 2, 3}
    page = client.get(f"/about/user/{quote(asked)}")
    assert page.status_code == 200
    assert len(shown_ids(page)) == 3
    assert page.context["entity"].value == COMPOSED


def test_overview_and_address_page_count_one_user(client: Client, spelled: None) -> None:
    (facet,) = (each for each in client.get("/events/summary").context["facets"] if each["name"] == "user_email")
    assert [(line["code"], line["count"]) for line in facet["shown"]] == [(COMPOSED, 3), ("jose.nunez@example.com", 1)]
    assert len(shown_ids(client.get(facet["shown"][0]["href"]))) == 3
    assert "Users 2" in text_of(client.get("/about/ip/192.0.2.1"))


def test_archive_keeps_what_came(spelled: None) -> None:
    kept = set(AuditEvent.objects.values_list("user_email", flat=True))

    assert {COMPOSED, DECOMPOSED} <= kept


def test_plain_address_is_looked_up_once(client: Client, cast: dict[str, Any]) -> None:
    assert spellings_of("Bob@Example.com") == ("bob@example.com",)
    assert one_user("Bob@Example.com") == "bob@example.com"
    assert set(spellings_of(DECOMPOSED.upper())) == {COMPOSED, DECOMPOSED}
