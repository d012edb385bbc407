"""Logins, failures, lock-outs and second factors."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.signals import authentication_failed
from django.db import transaction
from django.test import Client, RequestFactory

from accounts.access.models import AccessEntry
from accounts.access.note import notes_of
from accounts.access.words import Via
from tests.conftest import PASSWORD
from tests.login.test_second_factor import ACTIVATE, code_of, secret_on
from tests.tools.access import last, told
from tests.tools.scope import Login
from tests.tools.tokens import basic, make_token


def test_login_and_logout_are_of_one_session(cast: dict[str, Any]) -> None:
    client = Client()

    client.post("/login/", {"login": "alice", "password": PASSWORD})
    client.get("/events/")
    client.post("/logout/")

    assert told() == [("alice", "login", "session"), ("alice", "listed", "event"), ("alice", "logout", "session")]
    login, listed, logout = AccessEntry.objects.order_by("pk")
    assert login.details == {"methods": ["password"]}
    assert login.via_id == listed.via_id == logout.via_id != ""
    assert logout.via == Via.SESSION


def test_failures_name_people_and_nothing_else_that_was_typed(cast: dict[str, Any]) -> None:
    client = Client()

    client.post("/login/", {"login": "Alice", "password": "wrong"})
    client.post("/login/", {"login": "my-password", "password": "wrong"})

    assert told() == [("alice", "login_failed", "session"), ("", "login_failed", "session")]
    assert last().details == {"unknown_name": True}


def test_lock_out_is_told_and_cannot_fill_the_log(cast: dict[str, Any]) -> None:
    client = Client()

    for _ in range(30):
        client.post("/login/", {"login": "alice", "password": "wrong"})

    actions = [action for _, action, _ in told()]
    assert actions.count("login_failed") == 5
    assert 0 < actions.count("locked_out") < 10


def test_password_change_is_told(login: Login) -> None:
    alice = login("alice")

    alice.post(
        "/profile/password/",
        {"oldpassword": PASSWORD, "password1": "quite-another-9", "password2": "quite-another-9"},
    )

    assert told() == [("alice", "password_changed", "person")]


def test_confirming_who_one_is_is_told(login: Login) -> None:
    alice = login("alice")

    alice.post("/login/confirm/", {"password": "wrong"})
    alice.post("/login/confirm/", {"password": PASSWORD})

    assert told() == [("alice", "confirm_failed", "session"), ("alice", "confirmed", "session")]


def test_second_factors_are_told(cast: dict[str, Any]) -> None:
    client = Client()
    client.post("/login/", {"login": "alice", "password": PASSWORD})
    client.post("/login/confirm/", {"password": PASSWORD})
    secret = secret_on(client.get(ACTIVATE))

    code = code_of(secret)
    with pytest.MonkeyPatch.context() as patch:  # as in production, where a request's transactions end within it
        patch.setattr(transaction, "on_commit", lambda do, *_, **__: do())
        client.post(ACTIVATE, {"code": code})
    assert told()[2:] == [("alice", "factor_added", "factor")] * 2
    assert [entry.details["type"] for entry in AccessEntry.objects.order_by("-pk")[:2]] == ["recovery_codes", "totp"]
    client.get("/profile/second-factor/recovery-codes/")
    stranger = Client()
    asked = stranger.post("/login/", {"login": "alice", "password": PASSWORD})
    stranger.post(asked["Location"], {"code": "000000"})

    assert told()[4:] == [("alice", "secret_shown", "factor"), ("alice", "factor_failed", "factor")]


def test_each_of_several_deeds_has_its_entry(login: Login, cast: dict[str, Any]) -> None:
    admin, tokens = login("admin"), [make_token(cast[name])[0] for name in ("alice", "bob")]

    admin.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [token.pk for token in tokens]})

    entries = AccessEntry.objects.filter(action="changed", kind="token", person="admin")
    assert {entry.object_id for entry in entries} == {str(token.pk) for token in tokens}


def test_noise_elsewhere_hides_nothing_that_is_tried_with_a_person(cast: dict[str, Any]) -> None:
    wrong = basic(make_token(cast["alice"])[1]._replace(secret="A" * 40))
    for _ in range(8):
        Client().get("/api/v1/events", **wrong)
    request = RequestFactory().post("/login/second-factor/")

    authentication_failed.send(sender=None, request=request, user=cast["admin"], reauthentication=False)

    assert [said.person for said in notes_of(request)] == [cast["admin"]]
