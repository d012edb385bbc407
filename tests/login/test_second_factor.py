"""The second factor: its secret is nowhere in plain text, and each of its codes counts once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    SECRET_SESSION_KEY,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.sessions.models import Session
from django.test import Client

from events.operations.demo_data import PASSWORD
from tests.conftest import NOON

ACTIVATE = "/profile/second-factor/totp/activate/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def bob(cast: dict[str, Any]) -> Client:
    client = Client()
    client.post("/login/", {"login": "bob", "password": PASSWORD})
    client.post("/login/confirm/", {"password": PASSWORD})
    return client


def secret_on(page: Any) -> str:
    (secret,) = set(re.findall(r"\b[A-Z2-7]{32}\b", page.content.decode()))
    return secret


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def log_in(code: str) -> bool:
    """Whether Bob gets in with his password and a code."""
    client = Client()
    asked = client.post("/login/", {"login": "bob", "password": PASSWORD})
    assert asked["Location"] == "/profile/second-factor/authenticate/"
    client.post(asked["Location"], {"code": code})
    return "_auth_user_id" in client.session


def test_code_of_activation_does_not_log_in(bob: Client, clock: Any) -> None:
    secret = secret_on(bob.get(ACTIVATE))
    code = code_of(secret)
    assert bob.post(ACTIVATE, {"code": code}).status_code == 302

    assert not log_in(code)
    assert not log_in(f" {code[:3]} {code[3:]} ")
    clock.shift(30)
    assert log_in(code_of(secret))
    assert not log_in(code_of(secret))


def test_secret_waits_encrypted_in_the_session(bob: Client) -> None:
    secret = secret_on(bob.get(ACTIVATE))

    kept = [Session.objects.get(pk=bob.session.session_key).get_decoded(), dict(bob.session)]
    assert all(secret not in repr(session) for session in kept)
    assert SECRET_SESSION_KEY in kept[0]
    wrong = bob.post(ACTIVATE, {"code": "000000"})
    assert secret_on(wrong) == secret  # what was scanned stays good
    assert secret not in repr(dict(bob.session))
    assert bob.post(ACTIVATE, {"code": code_of(secret)}).status_code == 302
    assert secret not in repr(Authenticator.objects.get(type="totp").data)
    assert SECRET_SESSION_KEY not in bob.session


@pytest.mark.parametrize("stored", ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", None])
def test_secret_that_cannot_be_read_is_replaced(bob: Client, stored: str | None) -> None:
    """Such as one that an earlier version left in the session."""
    session = bob.session
    session[SECRET_SESSION_KEY] = stored
    session.save()

    page = bob.post(ACTIVATE, {"code": code_of(stored) if stored else "123456"})

    assert page.status_code == 200
    secret = secret_on(page)
    assert secret != stored
    assert bob.post(ACTIVATE, {"code": code_of(secret)}).status_code == 302
