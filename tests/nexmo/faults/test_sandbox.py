"""The client against each of the sandbox's faults, by what it should make of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from events.nexmo import errors
from events.sandbox import FAULTS, Sandbox
from tests.tools.client import Waits
from tests.tools.client_faults import EMBEDDED, Make, numbered, statuses

PASSING = {
    "reset": errors.Unavailable, "disconnect": errors.Unavailable, "reset-midway": errors.Unavailable,
    "truncated": errors.Unavailable, "truncated-json": errors.MalformedResponse,
    "rate-limit": errors.RateLimited, "rate-limit-absurd": errors.RateLimited, "rate-limit-date": errors.RateLimited,
    "rate-limit-empty": errors.RateLimited, "rate-limit-garbage": errors.RateLimited,
    "rate-limit-html": errors.RateLimited, "rate-limit-negative": errors.RateLimited,
    "rate-limit-no-hint": errors.RateLimited, "rate-limit-service": errors.RateLimited,
    "http-408": errors.Unavailable, "http-425": errors.Unavailable, "http-500": errors.Unavailable,
    "http-500-rfc7807": errors.Unavailable, "http-502": errors.Unavailable, "http-503": errors.Unavailable,
    "http-503-retry": errors.Unavailable, "http-504": errors.Unavailable,
    "list-204": errors.MalformedResponse, "ok-array": errors.MalformedResponse, "ok-empty": errors.MalformedResponse,
    "ok-html": errors.MalformedResponse, "ok-null": errors.MalformedResponse, "ok-number": errors.MalformedResponse,
    "ok-object": errors.MalformedResponse, "ok-text": errors.MalformedResponse, "ok-error": errors.Unavailable,
}  # fmt: skip
FINAL = {
    "unauthorized": errors.CredentialsRefused, "unauthorized-missing": errors.CredentialsRefused,
    "unauthorized-rfc7807": errors.CredentialsRefused, "multiple-auth": errors.CredentialsRefused,
    "forbidden": errors.AccessDenied, "forbidden-html": errors.AccessDenied, "forbidden-ip": errors.AccessDenied,
    "forbidden-suspended": errors.AccessDenied, "forbidden-unprovisioned": errors.AccessDenied,
    "not-found-html": errors.NotFound, "not-found-list": errors.NotFound,
    "bad-request": errors.RequestRejected, "bad-request-rfc7807": errors.RequestRejected,
    "bad-request-short": errors.RequestRejected, "bad-request-text": errors.RequestRejected,
    "not-acceptable": errors.RequestRejected, "unprocessable": errors.RequestRejected,
    "wrong-verb": errors.RequestRejected,
    "redirect-host": errors.Redirected, "redirect-http": errors.Redirected, "redirect-login": errors.Redirected,
}  # fmt: skip
HARMLESS = ("no-reason", "bom", "duplicate-headers", "gzip", "utf-16", "wrong-charset", "latin-1", "no-links",
            "numbers-as-text", "page-key", "zero-based")  # fmt: skip
ELSEWHERE = {  # in tests of their own below, or drift that only a whole sync can tell
    "slow-answer", "slow-body", "secret-revoked", "not-found-event", "no-page", "no-embedded", "page-nonsense",
    "short-page", "duplicate-id", "altered-event", "odd-events", "unasked-events", "repeated-page", "totals-change",
    "shift-insert", "shift-delete", "late-events", "same-second",
}  # fmt: skip
OPTIONS = {
    "options-204": None, "options-intercepted": None, "options-empty": None, "options-duplicates": 0,
    "options-extra-key": 0, "options-new-type": 1, "options-missing-type": -1, "options-no-description": 0,
}  # fmt: skip


def test_no_fault_is_forgotten() -> None:
    assert {*PASSING, *FINAL, *HARMLESS, *ELSEWHERE, *EMBEDDED, *OPTIONS} == FAULTS.keys()


@pytest.mark.parametrize("name", [numbered(name) for name in PASSING])
def test_passing_fault_is_retried(sandbox: Sandbox, make: Make, waits: Waits, name: str) -> None:
    expected = make(sandbox.url).list_events()
    sandbox.set_faults(name)
    client = make(sandbox.url)
    assert replace(client.list_events(), sent_at=None) == replace(expected, sent_at=None)  # a second may have passed
    assert client.requests_made == 2 and len(waits.seconds) == 1
    assert statuses(sandbox)[-1] == 200


@pytest.mark.parametrize("name", [numbered(name) for name in PASSING])
def test_fault_that_never_passes_is_told_by_its_name(sandbox: Sandbox, make: Make, name: str) -> None:
    sandbox.set_faults(f"{name}@times=always")
    client = make(sandbox.url, attempts=3)
    with pytest.raises(errors.TransientError) as caught:
        client.list_events()
    assert type(caught.value) is PASSING[name]
    assert client.requests_made == 3 == len(sandbox.requests)
    assert bool(caught.value.trace_id) == bool(caught.value.status)


@pytest.mark.parametrize("name", [numbered(name) for name in FINAL])
def test_final_fault_is_told_at_once(sandbox: Sandbox, make: Make, waits: Waits, name: str) -> None:
    sandbox.set_faults(name)
    client = make(sandbox.url)
    with pytest.raises(errors.AuditAPIError) as caught:
        client.list_events()
    assert type(caught.value) is FINAL[name]
    assert client.requests_made == 1 == len(sandbox.requests) and not waits.seconds
    assert len(caught.value.trace_id) == 32


@pytest.mark.parametrize("name", [numbered(name) for name in HARMLESS])
def test_harmless_fault_changes_nothing(sandbox: Sandbox, make: Make, waits: Waits, name: str) -> None:
    client = make(sandbox.url)
    expected = client.list_events()
    assert len(expected.events) == 100 and expected.total
    sandbox.set_faults(f"{name}@times=always")
    assert replace(client.list_events(), sent_at=None) == replace(expected, sent_at=None)  # a second may have passed
    assert client.requests_made == 2 and not waits.seconds


@pytest.mark.parametrize("name", [numbered(name) for name in OPTIONS])
def test_options_fault(sandbox: Sandbox, make: Make, waits: Waits, name: str) -> None:
    client = make(sandbox.url)
    usual = client.event_types()
    sandbox.set_faults(name)
    types, difference = client.event_types(), OPTIONS[name]
    assert len(types) == (0 if difference is None else len(usual) + difference)
    assert len({each.code for each in types}) == len(types)
    assert client.requests_made == 2 and not waits.seconds


@pytest.mark.parametrize("name", [numbered(name) for name in ("reset", "truncated", "http-503", "rate-limit")])
def test_options_and_single_events_are_retried_too(sandbox: Sandbox, make: Make, name: str) -> None:
    client = make(sandbox.url)
    event = client.list_events(size=1).events[0]
    sandbox.set_faults(name)
    assert client.event_types()
    sandbox.set_faults(name)
    assert client.get_event(event.event_id) == event
    assert client.requests_made == 5
