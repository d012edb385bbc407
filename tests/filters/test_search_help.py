"""The help for the search box: every condition there is, with an example that the box takes."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.search_help import conditions, signs
from events.reading.filterable import PARAMETERS
from tests.tools.pages import Add, Login, text_of, violations


def test_every_condition_has_a_line_with_all_its_words(client: Client, account: NexmoAccount) -> None:
    page = client.get("/help/search/")
    text = text_of(page)

    for parameter in PARAMETERS.values():
        assert parameter.meaning, parameter.name
        assert str(parameter.meaning) in text
        for word in parameter.words:
            assert f"{word}:" in text
    assert violations(page) == []


def test_every_example_can_be_followed(client: Client, account: NexmoAccount) -> None:
    page = client.get("/help/search/").content.decode()
    examples = [unescape(address) for address in re.findall(r'<dt><a href="([^"]*)"', page)]

    assert len(examples) == len(conditions([account])) + len(signs())
    for address in examples:
        found = client.get(address, follow=True)
        assert found.status_code == 200
        assert found.context["form"].errors == {}, address
        assert found.context["unknown"] == []
    for line in conditions([account]):
        read = client.get(line.href).context["filter"].active
        assert read or line.example.startswith("order:"), line.example


@pytest.mark.parametrize(("person", "example"), [("charlie", "account:demo0003"), ("alice", "account:demo000")])
def test_the_example_of_an_account_is_the_readers_own(login: Login, person: str, example: str) -> None:
    assert example in text_of(login(person).get("/help/search/"))


def test_help_needs_a_login(login: Login) -> None:
    assert login("nobody").get("/help/search/")["Location"] == "/login/?next=/help/search/"


def test_the_example_of_an_application_is_the_readers_own(login: Login, account: NexmoAccount, add_event: Add) -> None:
    context = {"appId": "63beaff6-5864-498e-aa76-14e6b2a0c111", "name": "Night, desk"}
    add_event(account, 1, event_type="APP_CREATE", context=context)

    assert 'app:"Night desk"' in text_of(login("alice").get("/help/search/"))
    assert "desk" not in text_of(login("charlie").get("/help/search/"))
