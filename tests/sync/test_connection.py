"""Trying credentials before they are stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import responses

from events.nexmo import errors
from events.sandbox import Sandbox
from events.sync import connection

SECRET = "sandbox-secret-0001"


def subclasses(base: type[errors.AuditAPIError]) -> set[type[errors.AuditAPIError]]:
    return {base} | {each for child in base.__subclasses__() for each in subclasses(child)}


def test_right_credentials_work_and_tell_how_many_events_there_are(make_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = make_sandbox(events=30)

    outcome = connection.try_credentials("demo0001", SECRET)

    assert outcome.works
    assert outcome.total and outcome.field == ""
    assert outcome.sentence == f"The connection works. Nexmo lists {outcome.total} events."
    assert len(sandbox.requests) == 1


def test_wrong_secret_is_to_blame(make_sandbox: Callable[..., Sandbox]) -> None:
    make_sandbox()

    outcome = connection.try_credentials("demo0001", "wrong-secret")

    assert not outcome.works
    assert (outcome.code, outcome.field) == ("credentials", "api_secret")
    assert "Copy both again" in outcome.sentence
    assert "wrong-secret" not in repr(outcome)


@pytest.mark.parametrize(
    ("status", "body", "code", "field", "words"),
    [
        (
            403,
            '{"title": "Forbidden", "detail": "not provisioned"}',
            "denied",
            "api_key",
            ["Premium", "not provisioned"],
        ),
        (503, "", "unavailable", "", ["could not be reached", "HTTP 503"]),
        (429, "", "rate-limited", "", ["Wait a minute"]),
        (200, "<html>", "malformed", "", ["NEXMO_AUDIT_URL"]),
        (301, "", "redirected", "", ["NEXMO_AUDIT_URL"]),
        (404, "{}", "not-found", "", ["NEXMO_AUDIT_URL"]),
        (400, "{}", "rejected", "", ["NEXMO_AUDIT_URL"]),
    ],
)
@responses.activate
def test_what_failed_says_what_to_do(
    settings: Any, status: int, body: str, code: str, field: str, words: list[str]
) -> None:
    settings.NEXMO_AUDIT_URL = "https://api.example.com/beta/audit"
    responses.get("https://api.example.com/beta/audit/events", status=status, body=body)

    outcome = connection.try_credentials("demo0001", SECRET)

    assert (outcome.code, outcome.field) == (code, field)
    assert all(word in outcome.sentence for word in words), outcome.sentence
    assert len(responses.calls) == 1, "asked once, whatever the trouble"
    assert SECRET not in repr(outcome)


def test_server_that_does_not_answer_is_not_waited_for_long(
    make_sandbox: Callable[..., Sandbox], settings: Any
) -> None:
    make_sandbox(latency_ms=5_000)
    settings.NEXMO_TIMEOUT = 0.3
    began = time.monotonic()

    assert connection.try_credentials("demo0001", SECRET).code == "unavailable"
    assert time.monotonic() - began < 3


def test_every_error_of_the_client_has_a_sentence() -> None:
    for error in subclasses(errors.AuditAPIError):
        outcome = connection.outcome_of(error("", status=0))
        assert outcome.sentence
        assert not outcome.works
