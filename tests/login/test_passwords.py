"""What new passwords are refused, and where."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from tests.tools.scope import Login

BOB = User(username="bob.marshall", email="bob.marshall@example.com", first_name="Robert")


@pytest.mark.parametrize(
    "password",
    [
        "short-one-9",  # 11 characters
        "password1234",
        "P@ssw0rd1234!",
        "12345qwertyuiop",
        "passwordpassword",
        "iloveyou2026!!",
        "bob.marshall9",
        "marshall@example.com",
        "Auditsite-2026",
        "Aud1tsite2026",
        "nexmo-nexmo-2026",
        "tannelhof2026!",  # the host
        " " * 12,
        "\u200b" * 12,
        "123456789012",
        "098765432109",
        "qwertzuiop99",
        "1qaz2wsx3edc4",
        "abcabcabcabcab",
        "!!!!!!!!!!!!",
        "password password",
        "Password1Password2",
        "passwordpasswordpassword",
        "p a s s w o r d",
        "p-a-s-s-w-o-r-d-1",
        "1234567password",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11\uff12\uff13\uff14",  # full-width password1234
        "\uff42\uff4f\uff42.\uff4d\uff41\uff52\uff53\uff48\uff41\uff4c\uff4c9",  # and bob.marshall9
        "vonage12345678",
        "vonagepassword",
        "nexmovonageauditsite",
        "v o n a g e - 2 0 2 6",
    ],
)
def test_password_that_anybody_would_try_is_refused(settings: Any, password: str) -> None:
    settings.SITE_URL = "https://audit.tannelhof.example"

    with pytest.raises(ValidationError):
        validate_password(password, BOB)


@pytest.mark.parametrize(
    "password",
    [
        "aaaabbbbcccc" + "d",  # no rules about kinds of characters
        "correct horse battery",
        "nexmo sends my cat to sea",
        "пароль из слов",
        "  spaces count  ",
        "correct horse 1234 battery",
        "vonage and a long sentence",
        "correct horsecorrect horse",
        "x" * 8 + "y" * 120,
    ],
)
def test_any_other_is_taken_as_typed(password: str) -> None:
    validate_password(password, BOB)


def test_long_one_is_looked_at_in_no_time() -> None:
    before = time.process_time()

    validate_password("correct horse battery " + "a" * 100_000 + "b" * 100_000, BOB)

    assert time.process_time() - before < 5


@pytest.mark.parametrize("path", ["/profile/password/", "/admin/auth/user/add/", "/admin/auth/user/{bob}/password/"])
def test_every_form_for_passwords_asks_that_of_them(login: Login, cast: dict[str, Any], path: str) -> None:
    admin = login("admin")
    path = path.format(bob=cast["bob"].pk)
    weak = dict.fromkeys(("password1", "password2"), "Auditsite-2026")

    answer = admin.post(path, weak | {"oldpassword": "audit-demo", "username": "dora"})

    assert answer.status_code == 200
    assert "little more than “auditsite”" in answer.content.decode()


def test_first_administrator_is_asked_that_too(db: None) -> None:
    from auditsite.login import first_run

    form = {"username": "ada", "email": "ada@example.com", "password1": "password1234", "password2": "password1234"}

    answer = Client().post(f"/welcome/?token={first_run.invite()}", form)

    assert "This password is too common; added digits" in answer.content.decode()
    assert not User.objects.exists()
