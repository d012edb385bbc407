"""Requests as reverse proxies pass them on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from auditsite.server.proxy import client_address

PASSWORD = "audit-demo"


@pytest.mark.parametrize(
    ("forwarded", "remote", "address"),
    [
        ("198.51.100.7", "127.0.0.1", "198.51.100.7"),
        ("192.0.2.1, 198.51.100.7", "127.0.0.1", "198.51.100.7"),
        ("198.51.100.7:60162", "127.0.0.1", "198.51.100.7"),
        ("[2001:db8::7]:443", "127.0.0.1", "2001:db8::7"),
        ("unknown", "127.0.0.1", "127.0.0.1"),
        ("192.0.2.1, unknown", "127.0.0.1", "127.0.0.1"),
        ("_hidden", "127.0.0.1", "127.0.0.1"),
        (" , ", "127.0.0.1", "127.0.0.1"),
        ("", "127.0.0.1", "127.0.0.1"),
        ("unknown", "", "unknown"),
        (None, "", "unknown"),
    ],
)
def test_address_is_the_proxys_word_or_the_connections(
    settings: Any, forwarded: str | None, remote: str, address: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}

    assert client_address(RequestFactory(headers=headers).get("/", REMOTE_ADDR=remote)) == address


def test_what_is_remembered_of_one_request_is_no_others(settings: Any) -> None:
    def address(forwarded: str, remote: str) -> str:
        return client_address(RequestFactory(headers={"x-forwarded-for": forwarded}).get("/", REMOTE_ADDR=remote))

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    assert [address("192.0.2.1", "127.0.0.1"), address("192.0.2.1", "127.0.0.2")] == ["127.0.0.1", "127.0.0.2"]
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert [address("192.0.2.1", "127.0.0.1"), address("192.0.2.2", "127.0.0.1")] == ["192.0.2.1", "192.0.2.2"]
    assert address("192.0.2.9, " * 400 + "192.0.2.3", "127.0.0.1") == "192.0.2.3"


def test_unknown_address_does_not_keep_people_out(cast: Any, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    client = Client(headers={"x-forwarded-for": "unknown"})

    answer = client.post("/login/", {"login": "alice", "password": PASSWORD}, REMOTE_ADDR="")

    assert (answer.status_code, answer["Location"]) == (302, "/events/")


def log_in(host: str, origin: str, *, secure: bool = False) -> int:
    client = Client(enforce_csrf_checks=True, headers={"host": host, "origin": origin})
    form = client.get("/login/", secure=secure)
    token = form.context["csrf_token"]
    data = {"login": "alice", "password": PASSWORD, "csrfmiddlewaretoken": str(token)}
    return client.post("/login/", data, secure=secure).status_code


@pytest.mark.parametrize(
    ("host", "origin", "secure"),
    [
        ("localhost", "http://localhost:8080", False),
        ("localhost", "https://localhost:8443", True),
        ("127.0.0.1", "http://127.0.0.1:8080", False),
        ("[::1]", "http://[::1]:8080", False),
        ("localhost:8080", "http://localhost:8080", False),
    ],
)
def test_host_without_its_port_does_not_refuse_forms(cast: Any, host: str, origin: str, secure: bool) -> None:
    assert log_in(host, origin, secure=secure) == 302


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost", "http://evil.example:8080"),
        ("localhost", "http://localhost.evil.example:8080"),
        ("localhost", "https://localhost:8080"),
        ("localhost:8000", "http://localhost:8080"),
        ("localhost", "http://user@localhost:8080"),
        ("localhost", "http://localhost:bad"),
        ("localhost", "null"),
    ],
)
def test_foreign_forms_are_still_refused(cast: Any, host: str, origin: str) -> None:
    assert log_in(host, origin) == 403
