"""One user, however the address is spelled."""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from events.reading.users import matching, one_user, spellings_of
from tests.tools.filters import Add, found, refusal
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "josé.núñez@example.com") for form in ("NFC", "NFD"))


@pytest.fixture
def spelled(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email=COMPOSED)
    add_event(account, 2, user_email=DECOMPOSED)
    add_event(account, 3, user_email=DECOMPOSED.upper())
    add_event(account, 4, user_email="jose.nunez@example.com")
    add_event(account, 5, user_email=COMPOSED.replace("é", "e\u0301"))


@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED, COMPOSED.upper(), DECOMPOSED.upper()])
def test_user_is_one_in_every_spelling(client: Client, spelled: None, asked: str) -> None:
    assert found(client, {"user_email": asked}) == {1, 2, 3, 5}
    assert found(client, {"user_email": f"-{asked}"}) == {4}
    assert found(client, {"search_text": f"user:{asked}"}) == {1, 2, 3, 5}
    page = client.get(f"/about/user/{quote(asked)}")
    assert page.status_code == 200
    assert len(shown_ids(page)) == 4
    assert page.context["entity"].value == COMPOSED


def test_overview_and_address_page_count_one_user(client: Client, spelled: None) -> None:
    (facet,) = (each for each in client.get("/events/summary").context["facets"] if each["name"] == "user_email")
    assert [(line["code"], line["count"]) for line in facet["shown"]] == [(COMPOSED, 4), ("jose.nunez@example.com", 1)]
    assert len(shown_ids(client.get(facet["shown"][0]["href"]))) == 4
    assert "Users 2" in text_of(client.get("/about/ip/192.0.2.1"))


def test_archive_keeps_what_came(spelled: None) -> None:
    kept = set(AuditEvent.objects.values_list("user_email", flat=True))

    assert {COMPOSED, DECOMPOSED} <= kept


def test_plain_address_is_looked_up_once(client: Client, cast: dict[str, Any]) -> None:
    assert spellings_of("Bob@Example.com") == ("bob@example.com",)
    assert one_user("Bob@Example.com") == "bob@example.com"
    assert set(spellings_of(DECOMPOSED.upper())) == {COMPOSED, DECOMPOSED}


# --- parts and patterns ---------------------------------------------------------------------------------------------


@pytest.fixture
def users(account: NexmoAccount, add_event: Add) -> None:
    for number, email in enumerate(
        ("zoe@example.com", "zoe.b@example.org", "anzoe@example.com", "a*b@example.com", "", "zoé@example.net"), start=1
    ):
        add_event(account, number, user_email=email)
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 9, user_email="zoe@elsewhere.example")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("zoe", {1, 2, 3}),
        ("ZOE", {1, 2, 3}),
        ("zoe*", {1, 2}),
        ("*@example.com", {1, 3, 4}),
        ("z*e*@*.com", {1}),
        ("*.org", {2}),
        ("zoé", {6}),
        ("nobody", set()),
        ("elsewhere", set()),
        ("-zoe", {4, 5, 6}),
        ("-nobody", {1, 2, 3, 4, 5, 6}),
        ("none", {5}),
        ("-none", {1, 2, 3, 4, 6}),
        ("none,*.org", {2, 5}),
        ("zoe@example.com", {1}),
    ],
)
def test_users_by_part_by_pattern_and_none(client: Client, users: None, asked: str, expected: set[int]) -> None:
    assert found(client, {"user_email": asked}) == expected
    assert found(client, {"search_text": f"{'-' if asked[0] == '-' else ''}user:{asked.removeprefix('-')}"}) == expected


@pytest.mark.parametrize(("asked", "shown"), [("zoe", "*zoe*"), ("*@example.com", "*@example.com"), ("none", "none")])
def test_pill_says_what_a_part_stands_for(client: Client, users: None, asked: str, shown: str) -> None:
    (pill,) = client.get("/events/", {"search_text": f"user:{asked}"}).context["pills"]
    assert (pill.label, pill.verb, pill.value) == ("User", "is", shown)


def test_part_of_very_many_addresses_is_refused(client: Client, users: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.filters.fields.MOST_USERS", 2)
    said = refusal(client, {"user_email": "zoe"}, "user_email")
    assert said == "zoe stands for too many users; write more of it."


def test_users_are_looked_up_one_by_one(users: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert matching("*zoe*") == (
            "anzoe@example.com",
            "zoe.b@example.org",
            "zoe@elsewhere.example",
            "zoe@example.com",
        )


@pytest.mark.parametrize("name", ["user_email", "source_ip", "source_country", "source", "event_type"])
def test_none_is_a_value_that_counts_link_to(client: Client, account: NexmoAccount, add_event: Add, name: str) -> None:
    add_event(account, 1)
    add_event(account, 2, **{name: ""})

    assert found(client, {name: "none"}) == {2}
    assert found(client, {name: "-none"}) == {1}
    summary = client.get("/events/summary").content.decode()
    assert f"{name}=none" in summary
