"""Nobody guesses passwords without end, and nobody keeps another person out."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from events.operations.demo_data import PASSWORD
from tests.tools.admin import Login


def attempt(client: Client, name: str, password: str, address: str = "192.0.2.1") -> bool:
    """Whether a login succeeds."""
    page = client.post("/login/", {"login": name, "password": password}, REMOTE_ADDR=address)
    return page.status_code == 302


def attack(name: str, times: int, address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert not attempt(Client(), name, "wrong", address)


def test_wrong_passwords_from_one_address_keep_nobody_out_at_another(cast: dict[str, Any]) -> None:
    attack("admin", 6)

    assert not attempt(Client(), "admin", PASSWORD)
    assert attempt(Client(), "alice", PASSWORD)  # from the same address
    assert attempt(Client(), "ADMIN", PASSWORD, "198.51.100.7")


def test_a_network_of_ipv6_counts_as_one_address(cast: dict[str, Any]) -> None:
    for number in range(6):
        attack("admin", 1, f"2001:db8::{number}")

    assert not attempt(Client(), "admin", PASSWORD, "2001:db8::ffff")
    assert attempt(Client(), "admin", PASSWORD, "2001:db8:1::1")


def test_guesses_from_many_addresses_end_too_but_not_for_a_browser_that_is_known(
    cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.ACCOUNT_RATE_LIMITS, "login_failed_name", "8/h/key")
    own = Client()
    assert attempt(own, "admin", PASSWORD, "203.0.113.1")
    own.cookies.pop(settings.SESSION_COOKIE_NAME)

    for number in range(8):
        attack("admin", 1, f"198.51.100.{number}")

    assert not attempt(Client(), "admin", PASSWORD, "192.0.2.99")
    assert attempt(own, "admin", PASSWORD, "192.0.2.99")
    assert attempt(Client(), "alice", PASSWORD, "192.0.2.99")


def test_own_failures_in_a_known_browser_are_counted_wherever_it_is(cast: dict[str, Any]) -> None:
    own = Client()
    assert attempt(own, "admin", PASSWORD)
    own.cookies.pop(settings.SESSION_COOKIE_NAME)

    for number in range(5):
        assert not attempt(own, "admin", "wrong", f"198.51.100.{number}")

    assert not attempt(own, "admin", PASSWORD, "203.0.113.5")


def test_a_browser_is_known_for_who_logged_in_with_it_and_by_our_signature(cast: dict[str, Any]) -> None:
    browser = Client()
    assert attempt(browser, "alice", PASSWORD, "203.0.113.1")
    browser.cookies.pop(settings.SESSION_COOKIE_NAME)
    forged = Client()
    forged.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = signing.dumps(["x", ["admin"]], salt="another")

    attack("admin", 5)

    assert not attempt(browser, "admin", PASSWORD)
    assert not attempt(forged, "admin", PASSWORD)


def test_logins_that_succeed_use_up_nothing(cast: dict[str, Any]) -> None:
    assert all(attempt(Client(), "bob", PASSWORD) for _ in range(8))


def test_confirming_who_one_is_stays_open_while_others_guess(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.ACCOUNT_RATE_LIMITS, "login_failed_name", "5/h/key")
    attack("bob", 5)

    page = login("bob").post("/login/confirm/", {"password": PASSWORD, "next": "/teams/"})

    assert (page.status_code, page["Location"]) == (302, "/teams/")


NEW = dict.fromkeys(("password1", "password2", "new_password1", "new_password2"), "a-new-password-9")


def test_the_own_password_is_not_guessed_for_long(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")

    pages = [client.post("/profile/password/", NEW | {"oldpassword": "wrong"}) for _ in range(6)]
    right = client.post("/profile/password/", NEW | {"oldpassword": PASSWORD})

    assert [page.status_code for page in (*pages, right)] == [200] * 5 + [429] * 2
    cast["admin"].refresh_from_db()
    assert cast["admin"].check_password(PASSWORD)


@pytest.mark.parametrize("path", ["/admin/password_change/", "/admin/auth/user/{own}/password/"])
def test_the_admin_changes_the_own_password_nowhere_else(login: Login, cast: dict[str, Any], path: str) -> None:
    client, address = login("admin"), path.format(own=cast["admin"].pk)

    answers = [client.get(address), client.post(address, NEW | {"old_password": PASSWORD})]

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/profile/password/")}
    cast["admin"].refresh_from_db()
    assert cast["admin"].check_password(PASSWORD)
