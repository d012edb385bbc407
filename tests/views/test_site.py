"""Login, logout, header, health, and the pages of errors."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.conftest import PASSWORD
from tests.tools.pages import Login, text_of, violations


def test_login_page_asks_for_name_and_password(client: Client) -> None:
    page = Client().get("/login/?next=/accounts/")

    assert page.status_code == 200
    assert {"login", "password", "next"} <= set(re.findall(r'name="(\w+)"', page.content.decode()))
    assert 'name="next" value="/accounts/"' in page.content.decode()
    words = text_of(page)
    assert "No account, or password forgotten? Ask your administrator." in words
    assert "Sign up" not in words
    assert "reset" not in words


def test_logging_in_leads_to_where_one_wanted_to_go(cast: dict[str, Any]) -> None:
    client = Client()
    form = {"login": "bob", "password": PASSWORD}

    assert client.post("/login/", form)["Location"] == "/events/"
    assert Client().post("/login/", form | {"next": "/accounts/"})["Location"] == "/accounts/"
    assert Client().post("/login/", form | {"next": "https://evil.example/"})["Location"] == "/events/"
    assert client.get("/events/").status_code == 200


@pytest.mark.parametrize("form", [{"login": "bob", "password": "wrong"}, {"login": "nobody", "password": PASSWORD}])
def test_wrong_login_is_refused_without_saying_which_part_is_wrong(cast: dict[str, Any], form: dict[str, str]) -> None:
    client = Client()

    page = client.post("/login/", form)

    assert page.status_code == 200
    assert "The username and/or password you specified are not correct." in text_of(page)
    assert form["password"] not in page.content.decode()
    assert client.get("/events/").status_code == 302


def test_inactive_person_cannot_log_in(cast: dict[str, Any]) -> None:
    cast["bob"].is_active = False
    cast["bob"].save()
    client = Client()

    client.post("/login/", {"login": "bob", "password": PASSWORD})

    assert client.get("/events/").status_code == 302


def test_logout_asks_and_then_ends_the_session(client: Client) -> None:
    assert "Log out?" in text_of(client.get("/logout/"))
    assert client.get("/events/").status_code == 200

    response = client.post("/logout/")

    assert response["Location"] == "/login/"
    assert client.get("/events/")["Location"].startswith("/login/")


@pytest.mark.parametrize("person", ["alice", "bob"])
def test_header_names_the_reader_and_offers_what_she_may(login: Login, person: str) -> None:
    page = login(person).get("/events/").content.decode()

    assert f"<summary>{person}</summary>" in page
    assert '<form id="logout" method="post" hidden action="/logout/">' in page
    assert '<button type="submit" form="logout" class="plain">Log out</button>' in page
    # On a phone, where the navigation is one line, it stands in the menu.
    assert [f'<a class="{place}" href="/admin/">Admin</a>' in page for place in ("beyond", "from-nav")] == [
        person == "alice"
    ] * 2
    assert '<a href="/events/" aria-current="page">Events</a>' in page


def test_first_paint_needs_one_stylesheet_and_no_script(client: Client) -> None:
    page = client.get("/events/").content.decode()

    assert len(re.findall(r'<link rel="stylesheet"', page)) == 1
    assert all("defer" in script for script in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize("kind", ["css", "js"])
def test_stylesheet_and_script_are_kept_for_ever_under_their_own_address(client: Client, kind: str) -> None:
    found = re.search(rf'"(/assets/site-\w+\.{kind})"', client.get("/events/").content.decode())
    assert found

    current = Client().get(found[1])
    old = Client().get(f"/assets/site-0123456789ab.{kind}")

    assert current["Cache-Control"] == "public, max-age=31536000, immutable"
    assert old.content == current.content
    assert "immutable" not in old["Cache-Control"]
    assert Client().get("/assets/site-0123456789ab.html").status_code == 404


@pytest.mark.parametrize(
    "path", ["/events/summary", "/events/news", "/accounts/", "/accounts/demo0001/", "/accounts/demo0001/events/x/"]
)
def test_part_of_a_page_tells_of_an_ended_login_in_its_place(path: str) -> None:
    told = {"HX-Request": "true", "HX-Current-URL": "https://testserver/events/?source=CD"}
    page = Client().get(path, headers=told)

    assert page.status_code == 286  # htmx asks no more
    assert page["HX-Retarget"] == "#notice"
    assert text_of(page) == "You were logged out. Log in again"
    assert 'href="/login/?next=%2Fevents%2F%3Fsource%3DCD"' in page.content.decode()


def test_nonsense_of_where_one_is_breaks_nothing() -> None:
    told = {"HX-Request": "true", "HX-Current-URL": "http://["}

    assert Client().get("/events/summary", headers=told).status_code == 286


def test_way_back_after_an_ended_login_stays_on_this_site() -> None:
    told = {"HX-Request": "true", "HX-Current-URL": "https://elsewhere.example//evil.example/x"}

    assert "evil" not in Client().get("/events/summary", headers=told).content.decode()


def test_home_leads_to_the_events_with_its_query(client: Client) -> None:
    assert client.get("/?source=CD")["Location"] == "/events/?source=CD"


def test_healthz_answers_anyone_without_a_query() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.mark.parametrize("path", ["/nonsense", "/accounts/nosuchkey/", "/events/nosuchevent/", "/admin/nonsense/"])
def test_missing_page_says_what_to_do(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert "Nothing here" in text_of(response)
    assert 'href="/events/">All my events</a>' in response.content.decode()


def test_refused_page_says_why(login: Login) -> None:
    response = login("audrey").post("/accounts/demo0001/sync/")

    assert response.status_code == 403
    assert "You are not allowed to do that" in text_of(response)


def test_broken_page_says_that_nothing_is_lost(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("hidden detail")

    monkeypatch.setattr("events.views.account_list.statuses", broken)
    client.raise_request_exception = False

    response = client.get("/accounts/")

    assert response.status_code == 500
    assert "Something went wrong in Auditsite" in text_of(response)
    assert "hidden detail" not in response.content.decode()
    assert violations(response) == []
