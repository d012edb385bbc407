"""Sessions end in time, are listed, and can be ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.login import sessions
from accounts.login.device import device
from accounts.login.signals import sessions_ended
from auditsite.configuration import checks
from auditsite.login import Backend
from events.operations.demo_data import PASSWORD
from events.operations.tasks import tidy
from tests.conftest import NOON
from tests.tools.scope import Login

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
TELEPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def browser(agent: str = WINDOWS, address: str = "203.0.113.7", name: str = "bob") -> Client:
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    client.post("/login/", {"login": name, "password": PASSWORD})
    client.post("/login/confirm/", {"password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/teams/").status_code == 200


def test_sessions_name_their_backend_as_every_version_has_named_it(cast: dict[str, Any]) -> None:
    assert browser().session[BACKEND_SESSION_KEY] == "auditsite.login.Backend"
    assert f"{Backend.__module__}.{Backend.__name__}" == "auditsite.login.Backend"  # logins by passkey and provider


# --- limits -----------------------------------------------------------------------------------------------------------


def test_session_that_is_not_used_ends_and_says_so(cast: dict[str, Any], clock: Any) -> None:
    bob = browser()
    clock.shift(timedelta(hours=11, minutes=59))
    assert is_in(bob)
    clock.shift(timedelta(hours=12))

    answer = bob.get("/teams/", follow=True)

    assert answer.redirect_chain == [("/login/?next=/teams/", 302)]
    assert "You were logged out after 12 hours without activity." in answer.content.decode()
    assert not is_in(bob)


def test_session_that_is_used_ends_all_the_same(cast: dict[str, Any], clock: Any, settings: Any) -> None:
    settings.SESSION_MAX = timedelta(days=2)
    bob = browser()
    for _ in range(4):
        clock.shift(timedelta(hours=11, minutes=59))
        assert is_in(bob)
    clock.shift(timedelta(minutes=4))

    answer = bob.get("/teams/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Retarget"]) == (286, "#notice")
    assert "You were logged out after 2 days, the maximum session length." in answer.content.decode()
    assert not is_in(bob)


def test_ended_session_counts_nowhere(cast: dict[str, Any], clock: Any) -> None:
    """Also where a page asks for no login, but looks who is there."""
    admin = browser(name="admin")
    assert admin.get("/metrics").status_code == 200
    clock.shift(timedelta(hours=12))

    assert admin.get("/metrics").status_code == 401


def test_form_outlasts_its_session(cast: dict[str, Any], clock: Any) -> None:
    bob = browser()
    page = bob.get("/views/new?query=source%3DCD").content.decode()
    mark = page.split('name="kept_form" value="')[1].split('"')[0]
    clock.shift(timedelta(hours=13))

    answer = bob.post("/views/new", {"kept_form": mark, "name": "Half done", "query": "source=CD"})
    assert answer["Location"].startswith("/login/?next=/views/new")
    assert "What you typed is kept" in bob.get(answer["Location"]).content.decode()
    login = bob.post(answer["Location"], {"login": "bob", "password": PASSWORD})

    assert "Half done" in bob.get(login["Location"]).content.decode()


def test_what_a_page_asks_for_by_itself_is_no_activity(cast: dict[str, Any], clock: Any) -> None:
    bob = browser()
    for _ in range(3):
        clock.shift(timedelta(hours=4))
        bob.get("/events/news", headers={"HX-Request": "true"})
        bob.get("/accounts/?by_itself=1")  # without scripts

    assert not is_in(bob)


def test_activity_is_written_once_in_five_minutes(cast: dict[str, Any], clock: Any) -> None:
    bob = browser()

    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert is_in(bob)
        written = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
        return sum("access_accessentry" not in sql for sql in written)

    assert [writes(), writes()] == [0, 0]
    clock.shift(timedelta(minutes=5))
    assert writes() > 0
    assert writes() == 0
    assert UserSession.objects.get().last_seen_at == NOON + timedelta(minutes=5)


def test_session_of_before_the_limits_counts_no_more(login: Login) -> None:
    """Nothing would end it: it is in nobody's list of sessions, and not idle before its first page."""
    bob = login("bob")
    session = bob.session
    for name in (sessions.BEGAN, sessions.SEEN, sessions.ENDS):
        del session[name]
    session.save()

    answer = bob.get("/teams/", follow=True)

    assert "since your login, this site has begun to limit how long logins last" in answer.content.decode()
    assert not is_in(bob)


def test_noting_activity_takes_nothing_back_that_happens_meanwhile(login: Login, clock: Any) -> None:
    """As when a form is kept while a page of the same browser is being made."""
    bob = login("bob")
    clock.shift(timedelta(minutes=10))
    request = RequestFactory().get("/teams/")
    request.session = import_module("accounts.login.session_store").SessionStore(bob.session.session_key)
    request.user = bob.get("/teams/").wsgi_request.user
    request.session.load()

    sessions.note_activity(request)

    assert request.session.modified is False, "and so the page does not write it again at its end"


def test_no_page_fails_because_its_activity_cannot_be_noted(
    cast: dict[str, Any], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = browser()
    clock.shift(timedelta(minutes=10))

    def locked(**_: Any) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(UserSession.objects, "update_or_create", locked)
        assert is_in(bob)
    assert bob.session[sessions.SEEN] == NOON.timestamp(), "as it was"
    assert is_in(bob)
    assert bob.session[sessions.SEEN] == (NOON + timedelta(minutes=10)).timestamp()


def test_limits_make_sense() -> None:
    with pytest.raises(ImproperlyConfigured, match="SESSION_IDLE must be at least 2m"):
        checks.session_max(timedelta(days=1), timedelta(minutes=1))
    with pytest.raises(ImproperlyConfigured, match="SESSION_MAX must not be shorter"):
        checks.session_max(timedelta(hours=1), timedelta(hours=2))


# --- the list ---------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_with_device_and_address(cast: dict[str, Any]) -> None:
    bob = browser()
    browser(TELEPHONE, "198.51.100.9")
    browser(name="alice", address="192.0.2.77")

    page = bob.get("/profile/sessions/").content.decode()

    assert page.index("Firefox on Windows") < page.index("this one") < page.index("Safari on iPhone")
    assert "203.0.113.7" in page
    assert "198.51.100.9" in page
    assert "192.0.2.77" not in page


def test_session_is_ended_at_its_next_request(cast: dict[str, Any]) -> None:
    bob, telephone = browser(), browser(TELEPHONE)
    other = UserSession.objects.get(user_agent=TELEPHONE)

    answer = bob.post(f"/profile/sessions/{other.pk}/end", follow=True)

    assert "That session was ended." in answer.content.decode()
    assert "Safari on iPhone" not in answer.content.decode()
    assert (is_in(bob), is_in(telephone)) == (True, False)


def test_all_others_are_ended_at_once(cast: dict[str, Any]) -> None:
    bob, telephone, third, alice = browser(), browser(TELEPHONE), browser(), browser(name="alice")
    told: list[tuple[str, int]] = []

    def hear(person: Any, count: int, **_: Any) -> None:
        told.append((person.get_username(), count))

    sessions_ended.connect(hear)
    bob.post("/profile/sessions/end")

    assert told == [("bob", 2)]

    assert [is_in(client) for client in (bob, telephone, third, alice)] == [True, False, False, True]


def test_nobody_ends_somebody_elses_session(cast: dict[str, Any]) -> None:
    bob, alice = browser(), browser(name="alice")
    session = UserSession.objects.get(user=cast["bob"])

    assert alice.post(f"/profile/sessions/{session.pk}/end").status_code == 404
    assert is_in(bob)


def test_new_password_ends_the_others(cast: dict[str, Any]) -> None:
    bob, telephone = browser(), browser(TELEPHONE)
    new = "a-quite-new-pass-phrase-9"

    bob.post("/profile/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert not is_in(telephone)


def test_administrator_ends_all_sessions_of_a_person(cast: dict[str, Any]) -> None:
    bob, telephone, admin = browser(), browser(TELEPHONE), browser(name="admin")
    page = admin.get(f"/admin/auth/user/{cast['bob'].pk}/change/").content.decode()
    assert "Logged in with 2 browsers." in page

    admin.post(f"/admin/auth/user/{cast['bob'].pk}/end-sessions/")

    assert [is_in(client) for client in (bob, telephone, admin)] == [False, False, True]


@pytest.mark.parametrize("way", ["switch-off/", "change/"])
def test_whoever_is_switched_off_and_on_again_is_logged_in_nowhere(cast: dict[str, Any], way: str) -> None:
    bob, admin, alice = browser(), browser(name="admin"), browser(name="alice")
    fields = {"username": "bob", "is_active": ""} if way == "change/" else {}

    admin.post(f"/admin/auth/user/{cast['bob'].pk}/{way}", fields)
    cast["bob"].refresh_from_db()
    assert not cast["bob"].is_active
    cast["bob"].is_active = True
    cast["bob"].save()

    assert not is_in(bob)
    assert is_in(alice)
    assert is_in(browser())


def test_whoever_is_switched_off_in_a_shell_is_nobody_at_the_next_request(cast: dict[str, Any]) -> None:
    bob, alice = browser(), browser(name="alice")
    people = type(cast["bob"]).objects.filter(pk=cast["bob"].pk)

    people.update(is_active=False)
    assert not is_in(bob)
    people.update(is_active=True)
    assert is_in(bob), "nothing had ended it: docs/logging-in.md says so"

    people.update(is_active=False)
    sessions.forget_ended()
    people.update(is_active=True)
    assert not is_in(bob)
    assert is_in(alice)


def test_address_that_nobody_knows_keeps_nobody_out(cast: dict[str, Any]) -> None:
    bob = browser(address="unknown")

    assert is_in(bob)
    assert '<span class="quiet">unknown</span>' in bob.get("/profile/sessions/").content.decode()


def test_tidying_forgets_sessions_that_have_ended(cast: dict[str, Any], clock: Any) -> None:
    browser()
    clock.shift(timedelta(days=30))
    bob = browser()

    tidy()

    assert Session.objects.count() == UserSession.objects.count() == 1
    assert is_in(bob)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (WINDOWS, "Firefox on Windows"),
        (TELEPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0",
         "Edge on Linux"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_browser_in_two_words(agent: str, words: str) -> None:
    assert device(agent) == words
