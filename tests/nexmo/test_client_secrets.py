"""The client's credentials: where they go, that they leak nowhere, and which of two secrets is used."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import requests

from events.nexmo import errors
from tests.tools.client import EMPTY_LIST, KEY, SECOND, SECRET, URL, Faked, Make, Waits, asked, recorded


def basic(secret: str = SECRET, key: str = KEY) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


# --- credentials


def test_F56_credentials_are_in_the_header_and_nowhere_else(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    faked.answer(recorded("options"), method="OPTIONS")
    faked.answer(recorded("event_devapi"), path="/events/one")
    client = make()
    client.list_events(search_text="x")
    client.event_types()
    client.get_event("one")
    assert [request.method for request in faked.requests] == ["GET", "OPTIONS", "GET"]
    for request in faked.requests:
        headers = dict(request.headers)
        assert headers.pop("Authorization") == basic()
        assert request.body is None
        for text in (request.url, str(headers)):
            assert SECRET not in text and KEY not in text and basic()[6:] not in text
    assert SECRET not in repr(client) and SECRET not in str(client)


@pytest.mark.parametrize("secret", ["schlüssel:€", "a:b", " ", "\U0001f511"])
def test_credentials_of_any_letters_are_sent_as_utf_8(faked: Faked, make: Make, secret: str) -> None:
    faked.answer(EMPTY_LIST)
    make(secrets=[secret]).list_events()
    assert faked.credentials == [basic(secret)]


def secret_forms() -> tuple[str, ...]:
    return SECRET, basic()[6:], SECOND, basic(SECOND)[6:]


def assert_no_secret(error: BaseException | None) -> None:
    """Not in the error, nor in any that it came from."""
    while error is not None:
        for text in (str(error), repr(error), repr(error.args), repr(vars(error)) if hasattr(error, "code") else ""):
            for form in secret_forms():
                assert form not in text
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "answer",
    [
        *(status for status in (204, 302, 400, 401, 403, 404, 405, 418, 429, 500, 503)),
        (401, recorded("error_401_rfc7807")),
        "<html>",
        "null",
        requests.ConnectionError("cannot connect"),
        requests.exceptions.SSLError("bad certificate"),
        requests.exceptions.ProxyError("bad proxy"),
        requests.Timeout("too slow"),
        requests.exceptions.ChunkedEncodingError("cut off"),
    ],
    ids=lambda answer: repr(answer)[:40],
)
def test_F56_no_error_and_no_log_holds_a_secret(
    faked: Faked, make: Make, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    faked.answer(answer)
    with pytest.raises(errors.AuditAPIError) as caught:
        make(secrets=[SECRET, SECOND], attempts=2).list_events()
    assert_no_secret(caught.value)
    for form in secret_forms():
        assert form not in caplog.text


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, json.dumps({"status": 401, "message": f"Wrong credentials {KEY}:{SECRET}"})),
        (400, json.dumps({"title": "Bad", "invalid_parameters": [{"name": "Authorization", "reason": basic()}]})),
        (502, f"upstream refused {basic()}"),
        (200, f"you sent {SECRET}"),
        (200, json.dumps([basic()])),
        (502, "x" * 185 + SECRET),
        (502, f"you sent {SECRET.upper()}"),
        (403, json.dumps({"detail": SECRET.swapcase()})),
        (401, basic()[6:].lower()),
        (403, '{"detail": "' + "".join(f"\\u{ord(letter):04x}" for letter in SECRET.upper()) + '"}'),
    ],
    ids=[
        "message",
        "invalid-parameters",
        "plain-text",
        "no-json",
        "no-list",
        "cut-in-two",
        "capitals",
        "other-case",
        "basic-in-small",
        "escapes",
    ],
)
def test_F56_a_secret_that_an_answer_repeats_is_not_passed_on(faked: Faked, make: Make, status: int, body: str) -> None:
    """`detail` is "never a credential": it is shown to people and stored with the run."""
    faked.answer((status, body))
    with pytest.raises(errors.AuditAPIError) as caught:
        make(attempts=1).list_events()
    assert_no_secret(caught.value)
    assert SECRET[:8].casefold() not in str(caught.value).casefold()
    assert basic()[6:].casefold() not in str(caught.value).casefold()


def test_F56_netrc_is_not_asked(faked: Faked, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine audit.example.com login other password other\ndefault login any password any\n")
    monkeypatch.setenv("NETRC", str(netrc))
    faked.answer(EMPTY_LIST)
    make().list_events()
    make(secrets=[""]).list_events()
    assert faked.credentials == [basic(), basic("")]


def test_proxy_of_the_environment_is_for_the_public_host_and_never_for_this_machine(
    faked: Faked, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example.com:3128")
    faked.answer(EMPTY_LIST)
    make().list_events()
    used = faked.requests[-1].req_kwargs["proxies"]
    assert used["https"] == "http://proxy.example.com:3128"
    assert "Proxy-Authorization" not in faked.requests[-1].headers
    for url in (
        "http://127.0.0.1:8801/beta/audit",
        "https://localhost:8801/beta/audit",
        "http://[::1]:8801/beta/audit",
    ):
        faked.mock.add("GET", f"{url}/events", body=EMPTY_LIST)
        make(base_url=url).list_events()
        assert not faked.requests[-1].req_kwargs["proxies"]


def test_cookies_are_not_kept(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST, headers={"Set-Cookie": "session=1; Path=/"})
    client = make()
    client.list_events()
    client.list_events()
    assert "Cookie" not in faked.requests[1].headers


# --- two secrets


def answer_by_secret(faked: Faked, accepted: set[str]) -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        fine = request.headers["Authorization"] in {basic(secret) for secret in accepted}
        return (200, {}, EMPTY_LIST) if fine else (401, {}, recorded("error_401_jwt"))

    faked.mock.add_callback("GET", f"{URL}/events", callback=answer)


def test_F11_second_secret_takes_over_and_stays(faked: Faked, make: Make, waits: Waits) -> None:
    answer_by_secret(faked, {SECOND})
    client = make(secrets=[SECRET, SECOND])
    client.list_events(page=1)
    client.list_events(page=2)
    assert faked.credentials == [basic(SECRET), basic(SECOND), basic(SECOND)]
    assert [asked(request)["page"] for request in faked.requests] == ["1", "1", "2"]
    assert not waits.seconds


def test_F11_first_secret_is_used_while_it_works(faked: Faked, make: Make) -> None:
    answer_by_secret(faked, {SECRET, SECOND})
    client = make(secrets=[SECRET, SECOND])
    client.list_events()
    client.list_events()
    assert faked.credentials == [basic(SECRET)] * 2


def test_F11_secret_rotated_twice_while_paging(faked: Faked, make: Make) -> None:
    accepted = {SECRET}
    answer_by_secret(faked, accepted)
    client = make(secrets=[SECRET, SECOND])
    for page, live in enumerate((SECRET, SECOND, SECRET), start=1):
        accepted.clear()
        accepted.add(live)
        client.list_events(page=page)
    assert faked.credentials == [basic(each) for each in (SECRET, SECRET, SECOND, SECOND, SECRET)]
    assert [asked(request)["page"] for request in faked.requests] == ["1", "2", "2", "3", "3"]


def test_F08_both_refused_is_two_requests_and_no_more(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer((401, recorded("error_401_jwt")))
    with pytest.raises(errors.CredentialsRefused):
        make(secrets=[SECRET, SECOND]).list_events()
    assert faked.credentials == [basic(SECRET), basic(SECOND)]
    assert not waits.seconds


def test_F08_one_secret_refused_is_one_request(faked: Faked, make: Make) -> None:
    faked.answer(401)
    with pytest.raises(errors.CredentialsRefused):
        make().list_events()
    assert len(faked.requests) == 1


@pytest.mark.parametrize("status", [403, 404, 400, 302])
def test_second_secret_is_for_401_only(faked: Faked, make: Make, status: int) -> None:
    faked.answer(status)
    with pytest.raises(errors.AuditAPIError):
        make(secrets=[SECRET, SECOND]).list_events()
    assert faked.credentials == [basic(SECRET)]


def test_F11_trouble_after_the_second_secret_took_over_is_retried_with_it(faked: Faked, make: Make) -> None:
    faked.answer(401, 503, EMPTY_LIST)
    make(secrets=[SECRET, SECOND]).list_events()
    assert faked.credentials == [basic(SECRET), basic(SECOND), basic(SECOND)]


def test_F19_credentials_refused_under_status_200_try_the_second_secret_too(faked: Faked, make: Make) -> None:
    faked.answer(recorded("error_401_jwt"), EMPTY_LIST)
    make(secrets=[SECRET, SECOND]).list_events()
    assert faked.credentials == [basic(SECRET), basic(SECOND)]


def test_a_trace_id_that_repeats_a_secret_is_not_passed_on(faked: Faked, make: Make) -> None:
    faked.answer((403, "no"), headers={"X-Nexmo-Trace-Id": f"t-{SECRET.upper()}"})

    with pytest.raises(errors.AccessDenied) as caught:
        make(attempts=1).list_events()

    assert caught.value.trace_id == ""
