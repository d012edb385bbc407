"""`next` leads back to a page of this site, whatever is written there."""

from __future__ import annotations

import pytest

from tests.tools.admin import Login

# What was sent with each form that goes back, and where it leads by default.
FORMS = {
    "/profile/display": ({"theme": "dark"}, "/profile/display"),
    "/events/worth-a-look/dismiss": ({"key": "0123456789abcdef"}, "/events/"),
    "/findings/triage": ({}, "/findings/"),
}
STRANGE = (
    "default",
    "events:list",
    "home",
    "../x",
    "?q=1",
    "mailto:x@example.com",
    "javascript:alert(1)",
    "//evil.example/",
    "/\\evil.example/",
    "https://evil.example/",
    "http://testserver:999999/",
    "http://[",
    "\n/x",
)


@pytest.mark.parametrize("path", FORMS)
def test_a_form_goes_back_to_its_own_page_where_next_is_none_of_ours(login: Login, path: str) -> None:
    client = login("admin")
    data, default = FORMS[path]

    answers = {word: client.post(path, {**data, "next": word}) for word in STRANGE}

    assert {word: (answer.status_code, answer.get("Location")) for word, answer in answers.items()} == dict.fromkeys(
        STRANGE, (302, default)
    )
    assert client.post(path, {**data, "next": "/accounts/?size=10"})["Location"] == "/accounts/?size=10"


@pytest.mark.parametrize("word", ["default", "home", "../x", "mailto:x@example.com", "http://["])
def test_login_leads_to_the_events_where_next_is_no_path(login: Login, word: str) -> None:
    client = login("alice")

    answer = client.get("/login/", {"next": word})

    assert (answer.status_code, answer["Location"]) == (302, "/events/")
