"""Addresses that can be mistaken for one another are named on a user's page."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.entities.entity import entity
from events.entities.lookup import look_alikes
from events.wording.lookalikes import skeleton
from tests.tools.pages import Add, text_of


@pytest.mark.parametrize(
    "other",
    [
        "bоb@example.com",  # Cyrillic o
        "b0b@example.com",
        "bob@examp1e.com",
        "bob@exarnple.com",
        "bob\u200b@example.com",
        "bób@example.com",
        "ｂｏｂ@example.com",
        "ВОВ@EXAMPLE.COM".replace("В", "B"),
    ],
)
def test_forged_address_has_the_same_skeleton(other: str) -> None:
    assert skeleton(other) == skeleton("bob@example.com")


@pytest.mark.parametrize("other", ["rob@example.com", "bob@example.org", "bobby@example.com", "bob.example@com"])
def test_other_address_has_another(other: str) -> None:
    assert skeleton(other) != skeleton("bob@example.com")


class TestPage:
    def test_twin_is_named_and_linked(self, client: Client, account: NexmoAccount, add_event: Add) -> None:
        for number, email in enumerate(
            ("bob@example.com", "b0b@example.com", "bob\u200b@example.com", "eve@example.com")
        ):
            add_event(account, number, user_email=email)

        page = client.get("/about/user/bob@example.com")

        assert "Easily confused with: b0b@example.com , bob U+200B @example.com" in text_of(page)
        assert 'href="/about/user/b0b@example.com"' in page.content.decode()

    def test_nothing_is_said_where_there_is_none(self, client: Client, account: NexmoAccount, add_event: Add) -> None:
        add_event(account, 1, user_email="bob@example.com")

        assert "Easily mistaken" not in text_of(client.get("/about/user/bob@example.com"))

    def test_twin_in_an_account_of_strangers_is_not_told(
        self, client: Client, account: NexmoAccount, add_event: Add
    ) -> None:
        add_event(account, 1, user_email="bob@example.com")
        add_event(NexmoAccount.objects.get(api_key="demo0003"), 2, user_email="b0b@example.com")

        assert "Easily mistaken" not in text_of(client.get("/about/user/bob@example.com"))
        subject = entity("user", "bob@example.com")
        assert subject
        assert [other.value for other in look_alikes(subject, None)] == ["b0b@example.com"]
