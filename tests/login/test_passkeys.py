"""Passkeys: registered, used alone and as second factor, and what is refused."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from auditsite.configuration import checks
from events.operations.demo_data import PASSWORD
from tests.tools.passkey import Passkey

ADD, LOGIN = "/profile/second-factor/webauthn/add/", "/profile/second-factor/webauthn/login/"
CONFIRM = "/profile/second-factor/webauthn/reauthenticate/"
Confirmed = Callable[[str], Client]


def options_on(page: Any, kind: str) -> dict[str, Any]:
    """What a page would hand to the browser."""
    text = re.search(r'id="passkey-data" type="application/json">(.*?)</script>', page.content.decode(), re.DOTALL)
    assert text, page.content
    found: dict[str, Any] = json.loads(text[1])[kind]
    return found


def add(client: Client, key: Passkey, **fields: str) -> Any:
    options = options_on(client.get(ADD), "creation_options")
    return client.post(ADD, {"name": "Laptop", "passwordless": "on", "credential": key.create(options), **fields})


def log_in(key: Passkey, person: Any, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    options = client.get(LOGIN, headers={"Accept": "application/json"}).json()["request_options"]
    return client, client.post(f"{LOGIN}?next=/teams/", {"credential": key.get(options, person)})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def bobs_key(confirmed: Confirmed) -> Passkey:
    key = Passkey()
    assert add(confirmed("bob"), key)["Location"] == "/profile/second-factor/recovery-codes/"
    return key


def test_passkey_logs_in_alone(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    client, answer = log_in(bobs_key, cast["bob"])

    assert answer["Location"] == "/teams/"
    assert client.get("/events/").status_code == 200
    assert Authenticator.objects.get(type="webauthn").last_used_at


def test_passkey_is_a_second_factor(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    client = Client()
    asked = client.post("/login/", {"login": "bob", "password": PASSWORD})
    assert asked["Location"] == "/profile/second-factor/authenticate/"
    assert not is_in(client)
    options = options_on(client.get(asked["Location"]), "request_options")

    client.post(asked["Location"], {"credential": bobs_key.get(options, cast["bob"])})

    assert is_in(client)


def test_passkey_confirms(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    client, codes = log_in(bobs_key, cast["bob"])[0], "/profile/second-factor/recovery-codes/"
    session = client.session
    del session["account_authentication_methods"]  # as if the login were long ago
    session.save()
    assert client.get(codes)["Location"].startswith("/login/confirm/")
    options = options_on(client.get(f"{CONFIRM}?next={codes}"), "request_options")

    answer = client.post(f"{CONFIRM}?next={codes}", {"credential": bobs_key.get(options, cast["bob"])})

    assert answer["Location"] == codes
    assert client.get(codes).status_code == 200


def test_passkey_that_does_not_confirm_is_asked_for_again(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    client, codes = log_in(bobs_key, cast["bob"])[0], "/profile/second-factor/recovery-codes/"
    options = options_on(client.get(f"{CONFIRM}?next={codes}"), "request_options")

    answer = client.post(CONFIRM, {"credential": Passkey().get(options, cast["bob"]), "next": codes})

    assert answer["Location"] == f"{CONFIRM}?next={codes.replace('/', '%2F')}"
    page = client.get(answer["Location"])
    assert "Incorrect code" in page.content.decode()
    options = options_on(page, "request_options")
    answer = client.post(CONFIRM, {"credential": bobs_key.get(options, cast["bob"]), "next": codes})
    assert answer["Location"] == codes


def test_answer_counts_once(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    client = Client()
    options = client.get(LOGIN, headers={"Accept": "application/json"}).json()["request_options"]
    answer = bobs_key.get(options, cast["bob"])
    client.post(LOGIN, {"credential": answer})
    assert is_in(client)
    client.post("/logout/")

    client.get(LOGIN, headers={"Accept": "application/json"})
    client.post(LOGIN, {"credential": answer})

    assert not is_in(client)


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/events/?source=CD&date_from=2026-01-01", "/login/?next=/events/%3Fsource%3DCD%26date_from%3D2026-01-01"),
        ("https://evil.example/", "/login/"),
        ("//evil.example/", "/login/"),
        ("", "/login/"),
    ],
)
def test_login_that_failed_still_leads_to_the_page_that_was_asked_for(
    bobs_key: Passkey, cast: dict[str, Any], wanted: str, page: str
) -> None:
    client = Client()
    options = client.get(LOGIN, headers={"Accept": "application/json"}).json()["request_options"]

    answer = client.post(LOGIN, {"credential": Passkey().get(options, cast["bob"]), "next": wanted})

    assert answer["Location"] == page
    assert (f'name="next" value="{html.escape(wanted)}"' in client.get(page).content.decode()) is ("?" in page)


@pytest.mark.parametrize("who", ["another key", "another person", "another site"])
def test_somebody_elses_answer_is_refused(bobs_key: Passkey, cast: dict[str, Any], who: str) -> None:
    if who == "another site":
        bobs_key.origin = "https://testserver.example.org"
    key = Passkey() if who == "another key" else bobs_key

    client, answer = log_in(key, cast["admin" if who == "another person" else "bob"])

    assert answer["Location"] == "/login/?next=/teams/"
    assert not is_in(client)


def test_device_that_did_not_verify_who_is_there_logs_nobody_in(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    bobs_key.verifies = False
    assert not is_in(log_in(bobs_key, cast["bob"])[0])

    bobs_key.verifies = True
    assert is_in(log_in(bobs_key, cast["bob"])[0])


def test_challenge_of_the_second_step_logs_nobody_in_alone(
    confirmed: Confirmed, bobs_key: Passkey, cast: dict[str, Any]
) -> None:
    """It does not ask the device to verify anybody: alice's, answered by bob's key without a finger on it."""
    assert add(confirmed("alice"), Passkey())["Location"]
    for verifies in (False, True):
        bobs_key.verifies = verifies
        with time_machine.travel(timezone.now(), tick=False) as clock:
            client = Client()
            asked = client.post("/login/", {"login": "alice", "password": PASSWORD})
            options = options_on(client.get(asked["Location"]), "request_options")
            clock.shift(timedelta(minutes=16))  # allauth's LOGIN_TIMEOUT: nobody is half in any more

            client.post(LOGIN, {"credential": bobs_key.get(options, cast["bob"])})

        assert not is_in(client)


def test_key_beside_the_password_logs_nobody_in_alone(confirmed: Confirmed, cast: dict[str, Any]) -> None:
    key = Passkey()
    assert add(confirmed("bob"), key, passwordless="")["Location"]

    client, answer = log_in(key, cast["bob"])

    assert (answer["Location"], is_in(client)) == ("/login/?next=/teams/", False)
    asked = client.post("/login/", {"login": "bob", "password": PASSWORD})
    options = options_on(client.get(asked["Location"]), "request_options")
    client.post(asked["Location"], {"credential": key.get(options, cast["bob"])})
    assert is_in(client), "as second step it counts"


@pytest.mark.parametrize("origin", ["https://testserver:8443", "https://other.testserver", "https://testserver"])
def test_answer_is_for_the_site_and_no_other_port_or_subdomain(
    confirmed: Confirmed, bobs_key: Passkey, cast: dict[str, Any], settings: Any, origin: str
) -> None:
    settings.PASSKEY_ORIGIN = "https://testserver"
    settings.ALLOWED_HOSTS = ["*"]
    bobs_key.origin = origin
    elsewhere = Passkey(origin)
    add(confirmed("alice"), elsewhere)

    assert is_in(log_in(bobs_key, cast["bob"])[0]) is (origin == "https://testserver")
    assert Authenticator.objects.filter(user=cast["alice"]).exists() is (origin == "https://testserver")
    options = Client().get(LOGIN, headers={"Accept": "application/json", "Host": "other.testserver"}).json()
    assert options["request_options"]["publicKey"]["rpId"] == "testserver", "whatever host was asked"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Audit.example.com:443/here", "https://audit.example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", ""),
        ("http://127.0.0.1:8000", ""),
    ],
)
def test_origin_is_written_as_browsers_do(address: str, origin: str) -> None:
    assert checks.passkey_origin(address) == origin


def test_deactivated_person_does_not_come_in(bobs_key: Passkey, cast: dict[str, Any]) -> None:
    cast["bob"].is_active = False
    cast["bob"].save()

    client, answer = log_in(bobs_key, cast["bob"])

    assert (answer["Location"], is_in(client)) == ("/login/inactive/", False)


def test_passkey_is_no_way_around_single_sign_on(bobs_key: Passkey, cast: dict[str, Any], settings: Any) -> None:
    settings.LOCAL_LOGIN = "superusers"

    client, answer = log_in(bobs_key, cast["bob"])

    assert (answer["Location"], is_in(client)) == ("/login/", False)
    assert b"Log in by single sign-on" in client.get("/login/").content
    cast["bob"].is_superuser = True
    cast["bob"].save()
    assert is_in(log_in(bobs_key, cast["bob"])[0])


GARBAGE = [
    "",
    "1",
    "null",
    '"a"',
    "[]",
    "[[]]",
    "{}",
    '{"id": 1}',
    '{"response": []}',
    '{"response": {"userHandle": 7}}',
    '{"response": {"userHandle": "LTE"}}',
    '{"response": {"userHandle": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", '
    '"attestationObject": "oA", "authenticatorData": "AA", "signature": "AA", "userHandle": "MQ"}, '
    '"clientExtensionResults": {}}',
    "{" * 2_000,
]


def test_garbage_is_refused_in_a_sentence(confirmed: Confirmed, bobs_key: Passkey) -> None:
    alice, stranger, half = confirmed("alice"), Client(), Client()
    options_on(alice.get(ADD), "creation_options")
    stranger.get(LOGIN, headers={"Accept": "application/json"})
    half.post("/login/", {"login": "bob", "password": PASSWORD})

    for text in GARBAGE:
        answers = [
            alice.post(ADD, {"name": "x", "credential": text}).status_code,
            stranger.post(LOGIN, {"credential": text}).status_code,
        ]
        assert answers == [200, 302], text
    for text in GARBAGE[:4]:  # more would be too many wrong ones
        assert half.post("/profile/second-factor/authenticate/", {"credential": text}).status_code == 200
    assert not Authenticator.objects.filter(user__username="alice").exists()
    assert not is_in(stranger)
    assert not is_in(half)


def test_passkeys_are_listed_renamed_and_removed_by_their_owner_alone(
    confirmed: Confirmed, bobs_key: Passkey, cast: dict[str, Any]
) -> None:
    key = Authenticator.objects.get(type="webauthn")
    bob, alice = confirmed_again("bob", bobs_key, cast), confirmed("alice")
    base = "/profile/second-factor/webauthn"
    assert "Laptop" in bob.get(f"{base}/").content.decode()

    assert alice.post(f"{base}/keys/{key.pk}/edit/", {"name": "Mine"}).status_code == 404
    assert alice.post(f"{base}/keys/{key.pk}/remove/").status_code == 404
    assert bob.post(f"{base}/keys/{key.pk}/edit/", {"name": "Key\u202e"}).status_code == 200
    bob.post(f"{base}/keys/{key.pk}/edit/", {"name": "Old laptop"})
    assert "Old laptop" in bob.get(f"{base}/").content.decode()
    assert "Remove Old laptop?" in bob.get(f"{base}/keys/{key.pk}/remove/").content.decode()
    bob.post(f"{base}/keys/{key.pk}/remove/")

    assert not Authenticator.objects.filter(type="webauthn").exists()


def confirmed_again(name: str, key: Passkey, cast: dict[str, Any]) -> Client:
    client, _ = log_in(key, cast[name])
    client.post("/login/confirm/", {"password": PASSWORD})
    return client
