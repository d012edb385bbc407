"""What each answer becomes for the client's caller."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from events.nexmo import errors
from tests.tools.client import EMPTY_LIST, TRACE, URL, Faked, Make, Waits, recorded

# --- what the answers become


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, recorded("error_401_jwt"), errors.CredentialsRefused, "JWT was not found"),
        (401, recorded("error_401_missing"), errors.CredentialsRefused, "Missing credentials"),
        (401, recorded("error_401_rfc7807"), errors.CredentialsRefused,
         "Unauthorized - You did not provide correct credentials."),
        (401, recorded("error_legacy"), errors.CredentialsRefused, ""),
        (403, recorded("error_403"), errors.AccessDenied, "An example goes here"),
        (403, recorded("error_403_unprovisioned"), errors.AccessDenied, "not provisioned to access Audit"),
        (403, recorded("error_403_suspended"), errors.AccessDenied, "Account suspended"),
        (403, recorded("error_403_invalid_ip"), errors.AccessDenied, "Your IP address is not allowed"),
        (403, "<html><h1>403 Forbidden</h1></html>", errors.AccessDenied, ""),
        (404, recorded("error_404_spring"), errors.NotFound, "No message available"),
        (400, recorded("error_400"), errors.RequestRejected, "This was a bad request."),
        (400, recorded("error_400_short"), errors.RequestRejected, "Bad Request"),
        (400, recorded("error_400_invalid_parameters"), errors.RequestRejected,
         "page_size: must be between 1 and 100"),
        (400, "Error: Bad Request", errors.RequestRejected, "Error: Bad Request"),
        (405, recorded("error_405"), errors.RequestRejected, "Method Not Allowed"),
        (406, recorded("error_406"), errors.RequestRejected, "Invalid Accept header"),
        (410, "", errors.RequestRejected, ""),
        (422, recorded("error_400_invalid_parameters"), errors.RequestRejected, "page_size"),
        (451, "[]", errors.RequestRejected, ""),
    ],
)  # fmt: skip
def test_F08_to_F14_final_answers_are_not_asked_for_again(
    faked: Faked, make: Make, waits: Waits, status: int, body: str, error: type[errors.AuditAPIError], words: str
) -> None:
    faked.answer((status, body))
    with pytest.raises(error) as caught:
        make().list_events()
    assert type(caught.value) is error
    assert (caught.value.status, caught.value.trace_id) == (status, TRACE)
    assert words in caught.value.detail and bool(words) == bool(caught.value.detail)
    assert f"(HTTP {status})" in str(caught.value) and f"[trace {TRACE}]" in str(caught.value)
    assert caught.value.detail in str(caught.value)
    assert len(faked.requests) == 1 and not waits.seconds


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (408, "", errors.Unavailable, ""),
        (425, "", errors.Unavailable, ""),
        (429, recorded("error_429_rate_limit"), errors.RateLimited,
         "Rate Limit Hit - Please wait, then retry your request"),
        (429, recorded("error_429_throttled"), errors.RateLimited, "Throttled"),
        (429, "", errors.RateLimited, ""),
        (429, "<html>429</html>", errors.RateLimited, ""),
        (500, recorded("error_500"), errors.Unavailable, "Internal Server Error"),
        (500, '{"status":500,"message":"No message available"}', errors.Unavailable, "No message available"),
        (502, "<html>502</html>", errors.Unavailable, ""),
        (503, "", errors.Unavailable, ""),
        (504, "  <html>504</html>", errors.Unavailable, ""),
        (599, "", errors.Unavailable, ""),
        (200, "", errors.MalformedResponse, "nothing"),
        (200, "<html><title>Sign in</title></html>", errors.MalformedResponse, "Sign in"),
        (200, "OK", errors.MalformedResponse, "OK"),
        (200, "null", errors.MalformedResponse, "null"),
        (200, "[]", errors.MalformedResponse, "[]"),
        (200, "{}", errors.MalformedResponse, "{}"),
        (200, "42", errors.MalformedResponse, "42"),
        (200, recorded("error_401_rfc7807"), errors.MalformedResponse, "Unauthorized"),
        (201, EMPTY_LIST, errors.MalformedResponse, "without content"),
        (204, "", errors.MalformedResponse, "without content"),
        (206, "half", errors.MalformedResponse, "half"),
    ],
)  # fmt: skip
def test_F15_F17_F18_passing_trouble_is_asked_for_again_until_the_last_attempt(
    faked: Faked, make: Make, waits: Waits, status: int, body: str, error: type[errors.AuditAPIError], words: str
) -> None:
    faked.answer((status, body))
    with pytest.raises(error) as caught:
        make(attempts=3).list_events()
    assert type(caught.value) is error and isinstance(caught.value, errors.TransientError)
    assert (caught.value.status, caught.value.trace_id) == (status, TRACE)
    assert words in caught.value.detail
    assert len(faked.requests) == 3 and len(waits.seconds) == 2


@pytest.mark.parametrize(
    "passing",
    [408, 425, 429, 500, 502, 503, 504, 204, "<html>", "", "null", '{"page":', '{"status":503,"error":"x"}',
     requests.ConnectionError("reset"), requests.Timeout("slow"), requests.exceptions.ChunkedEncodingError("cut"),
     requests.exceptions.SSLError("odd"), requests.exceptions.ContentDecodingError("gzip"), OSError("broken pipe")],
    ids=repr,
)  # fmt: skip
def test_F17_passing_trouble_passes(faked: Faked, make: Make, passing: Any) -> None:
    faked.answer(passing, recorded("list"))
    assert make(attempts=2).list_events().total == 40
    assert len(faked.requests) == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.exceptions.ConnectTimeout("x"), "The connection took too long."),
        (requests.exceptions.ReadTimeout("x"), "The answer took too long."),
        (requests.ConnectionError("Read timed out."), "The answer took too long."),
        (requests.ConnectionError("[Errno 111] Connection refused"), "The connection was refused."),
        (requests.exceptions.ProxyError("x"), "The proxy could not be used."),
        (requests.exceptions.SSLError("x"), "The encrypted connection could not be made"),
        (requests.exceptions.ChunkedEncodingError("x"), "The connection broke or the answer was cut off."),
    ],
)
def test_F01_to_F05_transport_trouble_in_plain_words(faked: Faked, make: Make, error: Exception, words: str) -> None:
    faked.answer(error)
    with pytest.raises(errors.Unavailable) as caught:
        make(attempts=1).list_events()
    assert caught.value.detail.startswith(words)
    assert (caught.value.status, caught.value.trace_id) == (0, "")
    assert "Nexmo said" not in str(caught.value) and "HTTP" not in str(caught.value)
    assert "audit.example.com" not in str(caught.value)


def test_F13_404_by_id_is_an_event_that_is_gone_and_on_the_list_a_wrong_address(faked: Faked, make: Make) -> None:
    faked.answer((404, recorded("error_404_event")))
    faked.answer((404, recorded("error_404_event")), path="/events/one")
    with pytest.raises(errors.NotFound) as of_list:
        make().list_events()
    with pytest.raises(errors.NotFound) as of_event:
        make().get_event("one")
    assert "NEXMO_AUDIT_URL" in str(of_list.value)
    assert "no event with this id" in str(of_event.value) and "NEXMO_AUDIT_URL" not in str(of_event.value)
    assert "was not found" in of_event.value.detail


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_F20_redirects_are_not_followed(faked: Faked, make: Make, status: int) -> None:
    faked.answer(status, headers={"Location": "https://elsewhere.example.com/beta/audit/events"})
    faked.mock.add("GET", "https://elsewhere.example.com/beta/audit/events", body=EMPTY_LIST)
    with pytest.raises(errors.Redirected) as caught:
        make().list_events()
    assert caught.value.status == status and isinstance(caught.value, errors.RequestRejected)
    assert [urlsplit(request.url).hostname for request in faked.requests] == ["audit.example.com"]


@pytest.mark.parametrize(
    ("body", "error", "status"),
    [
        ('{"status":500,"error":"x","message":"No message available"}', errors.Unavailable, 500),
        ('{"status":"503","message":"No message available"}', errors.Unavailable, 503),
        (recorded("error_401_missing"), errors.CredentialsRefused, 401),
        (recorded("error_403"), errors.AccessDenied, 403),
        (recorded("error_404_event"), errors.NotFound, 404),
        (recorded("error_400"), errors.RequestRejected, 400),
        ('{"status":429}', errors.RateLimited, 429),
        ('{"status":200}', errors.MalformedResponse, 200),
        ('{"status":600}', errors.MalformedResponse, 200),
        ('{"status":-500}', errors.MalformedResponse, 200),
        ('{"status":null}', errors.MalformedResponse, 200),
        (f'{{"status":{"5" * 5000}}}', errors.MalformedResponse, 200),
        (f'{{"status":"000400{"1" * 5000}"}}', errors.AuditAPIError, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_F19_error_object_under_status_200(
    faked: Faked, make: Make, body: str, error: type[errors.AuditAPIError], status: int | None
) -> None:
    faked.answer(body)
    with pytest.raises(error) as caught:
        make(attempts=1).list_events()
    assert status is None or (type(caught.value), caught.value.status) == (error, status)


@pytest.mark.parametrize(
    "body",
    ['{"status":500,"page":{"totalElements":0}}', '{"status":404,"_embedded":{}}', '{"status":"active","page":{}}'],
)
def test_F19_a_list_with_a_status_is_a_list(faked: Faked, make: Make, body: str) -> None:
    faked.answer(body)
    assert make(attempts=1).list_events().events == ()


def test_F19_an_event_with_a_status_is_an_event(faked: Faked, make: Make) -> None:
    faked.answer('{"id":"one","status":500}', path="/events/one")
    assert make(attempts=1).get_event("one").event_id == "one"


@pytest.mark.parametrize("body", ["", "null", "[]", "<html>"])
def test_F18_one_event_that_is_none_is_malformed(faked: Faked, make: Make, body: str) -> None:
    faked.answer(body, path="/events/one")
    with pytest.raises(errors.MalformedResponse) as caught:
        make(attempts=1).get_event("one")
    assert caught.value.trace_id == TRACE


def test_long_and_hostile_words_of_an_answer_are_shortened(faked: Faked, make: Make) -> None:
    faked.answer((400, "\x1b[31m bad\r\n" + "x" * 5000))
    with pytest.raises(errors.RequestRejected) as caught:
        make().list_events()
    assert caught.value.detail.isprintable() and len(caught.value.detail) == 200


def test_trace_id_is_shortened_and_may_be_missing(faked: Faked, make: Make) -> None:
    faked.answer(400, headers={"X-Nexmo-Trace-Id": "t" * 500})
    faked.mock.add("GET", f"{URL}/events/one", status=400)
    with pytest.raises(errors.RequestRejected) as long:
        make().list_events()
    with pytest.raises(errors.RequestRejected) as missing:
        make().get_event("one")
    assert len(long.value.trace_id) == 64
    assert missing.value.trace_id == "" and "trace" not in str(missing.value)


def test_a_body_without_end_is_given_up(faked: Faked, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.nexmo.client.MAX_BODY_BYTES", 1000)
    faked.answer('{"page":"' + "x" * 2000 + '"}', '{"page":"' + "x" * 500 + '"}')
    with pytest.raises(errors.MalformedResponse, match="larger than"):
        make(attempts=1).list_events()
    assert make(attempts=1).list_events().events == ()


@pytest.mark.parametrize("code", ["credentials", "denied", "not-found", "rejected", "redirected", "rate-limited",
                                  "unavailable", "malformed"])  # fmt: skip
def test_every_kind_of_error_has_its_code_and_says_what_to_do(code: str) -> None:
    kinds = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "advice")}
    error = kinds[code]("its words", status=418)
    assert str(error).startswith(error.what.removesuffix(".")) and error.advice in str(error)
    assert "Nexmo said: its words" in str(error) and "(HTTP 418)" in str(error)


# --- OPTIONS


def test_event_types_are_those_of_options(faked: Faked, make: Make) -> None:
    faked.answer(recorded("options"), method="OPTIONS")
    assert len(make().event_types()) == 27
    assert faked.requests[0].url == f"{URL}/events"


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", "<html>", "OK", '{"eventTypes":[]}', '{"eventTypes":['])
def test_F21_F22_F23_options_answered_by_something_else_is_no_types(
    faked: Faked, make: Make, waits: Waits, body: str
) -> None:
    faked.answer(body, method="OPTIONS", headers={"Allow": "GET, OPTIONS"})
    assert make().event_types() == ()
    assert len(faked.requests) == 1 and not waits.seconds


def test_F21_options_204_is_no_types(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(204, method="OPTIONS")
    assert make().event_types() == ()
    assert len(faked.requests) == 1 and not waits.seconds


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.CredentialsRefused),
        (403, errors.AccessDenied),
        (404, errors.NotFound),
        (405, errors.RequestRejected),
        (302, errors.Redirected),
        (429, errors.RateLimited),
        (500, errors.Unavailable),
        (206, errors.MalformedResponse),
    ],
)
def test_options_fails_like_the_list(faked: Faked, make: Make, status: int, error: type[Exception]) -> None:
    faked.answer(status, method="OPTIONS")
    with pytest.raises(error):
        make(attempts=2).event_types()
    assert len(faked.requests) == (2 if issubclass(error, errors.TransientError) else 1)
