"""Whether somebody exists is told to nobody: the same answer, and the same work, for every name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from events.operations.demo_data import PASSWORD


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Each password that is hashed, as the slow part of a login."""
    calls: list[str] = []
    encode = MD5PasswordHasher.encode

    def noted(self: Any, password: str, salt: str, *more: Any) -> str:
        calls.append(password)
        return encode(self, password, salt, *more)

    monkeypatch.setattr(MD5PasswordHasher, "encode", noted)
    yield calls


def attempt(name: str, password: str = "wrong-password", **client: Any) -> tuple[int, str]:
    answer = Client(**client).post("/login/", {"login": name, "password": password})
    text = answer.content.decode()
    for changing in (r'name="csrfmiddlewaretoken" value="[^"]*"', r'value="' + re.escape(name) + '"'):
        text = re.sub(changing, "", text)
    return answer.status_code, text


@pytest.fixture
def people(cast: dict[str, Any]) -> dict[str, Any]:
    """Somebody of each kind who cannot log in, besides the cast."""
    cast["charlie"].is_active = False
    cast["charlie"].save()
    cast["alice"].set_unusable_password()
    cast["alice"].save()
    return cast


@pytest.mark.parametrize("local", ["everyone", "superusers"])
def test_wrong_logins_are_alike(people: dict[str, Any], hashed: list[str], settings: Any, local: str) -> None:
    settings.LOCAL_LOGIN = local
    settings.ACCOUNT_RATE_LIMITS = {}
    answers, work = {}, {}
    # A superuser, another person, one who is switched off, one without a password, and nobody.
    for name in ("admin", "bob", "charlie", "alice", "nobody-at-all"):
        hashed.clear()
        answers[name] = attempt(name)
        work[name] = len(hashed)

    assert len(set(answers.values())) == 1, {name: status for name, (status, _) in answers.items()}
    assert answers["bob"][0] == 200
    assert set(work.values()) == {1}, work


def test_right_password_of_somebody_who_may_not_log_in_here_is_as_wrong(
    people: dict[str, Any], hashed: list[str], settings: Any
) -> None:
    settings.LOCAL_LOGIN = "superusers"

    assert attempt("bob", PASSWORD) == attempt("nobody-at-all", PASSWORD)


def test_second_factor_shows_only_after_the_password(people: dict[str, Any]) -> None:
    from allauth.mfa.models import Authenticator

    Authenticator.objects.create(user=people["bob"], type="totp", data={"secret": "x"})

    assert attempt("bob") == attempt("nobody-at-all")
    assert Client().get("/profile/second-factor/authenticate/")["Location"] == "/login/"


def test_limits_count_for_names_that_nobody_has(people: dict[str, Any]) -> None:
    def until_refused(name: str, address: str) -> list[str]:
        return [attempt(name, REMOTE_ADDR=address)[1] for _ in range(7)]

    told = until_refused("bob", "203.0.113.1")
    assert len(set(told)) == 2, "wrong, and too often"
    assert told == until_refused("nobody-at-all", "203.0.113.2")


def test_passkeys_are_asked_for_without_a_name(people: dict[str, Any]) -> None:
    options = Client().get("/profile/second-factor/webauthn/login/", headers={"Accept": "application/json"}).json()

    assert not options["request_options"]["publicKey"].get("allowCredentials")


@pytest.mark.parametrize("path", ["/login/none/", "/accounts/signup/", "/password/reset/", "/login/code/"])
def test_nobody_signs_up_or_resets_a_password(client: Client, people: dict[str, Any], path: str) -> None:
    answer = client.post(path, {"email": "bob@example.com"})

    assert answer.status_code in (302, 404, 405)
    assert answer.get("Location", "/login/").startswith("/login/")
