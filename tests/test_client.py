"""The client against a faked HTTP: what it sends, what each answer becomes, how it waits, and that no secret leaks."""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
import requests
import responses
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from events.nexmo import errors
from events.nexmo.client import AuditClient, Pacer, parse_retry_after

DATA = Path(__file__).parent / "data"
URL = "https://audit.example.com/beta/audit"
KEY = "abcd1234"
SECRET = "Zw9xQk4-distinctive-secret"
SECOND = "Yv8wPj3-distinctive-second"
TRACE = "bf0ca0bf927b3b52e3cb03217e1a1ddf"
EMPTY_LIST = '{"page":{"size":100,"totalElements":0,"totalPages":0,"number":1}}'


def recorded(name: str) -> str:
    return (DATA / f"{name}.json").read_text().strip()


def basic(secret: str = SECRET, key: str = KEY) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


class Waits(threading.Event):
    """A stop signal that notes every wait and lets none of them last."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return self.is_set()


class Faked:
    """Answers in a row to any request; the last one for ever. Knows all requests."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock

    def answer(
        self, *answers: Any, method: str = "GET", path: str = "/events", headers: dict[str, str] | None = None
    ) -> None:
        """Each answer is a status, a body, a pair of both, or an exception."""
        for answer in answers:
            if isinstance(answer, Exception):
                self.mock.add(method, URL + path, body=answer)
                continue
            status, body = (
                answer if isinstance(answer, tuple) else (answer, "") if type(answer) is int else (200, answer)
            )
            self.mock.add(
                method, URL + path, body=body, status=status, headers={"X-Nexmo-Trace-Id": TRACE} | (headers or {})
            )

    @property
    def requests(self) -> list[Any]:
        return [call.request for call in self.mock.calls]

    @property
    def credentials(self) -> list[str]:
        return [request.headers["Authorization"] for request in self.requests]


@pytest.fixture
def faked() -> Iterator[Faked]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Faked(mock)


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Every pause is as long as it may become; the bounds that were asked for."""
    asked: list[tuple[float, float]] = []

    def highest(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", highest)
    return asked


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(waits: Waits) -> Iterator[Callable[..., AuditClient]]:
    made: list[AuditClient] = []

    def client(**options: Any) -> AuditClient:
        defaults = {"api_key": KEY, "secrets": [SECRET], "base_url": URL, "pacer": Pacer(0), "stop": waits}
        made.append(AuditClient(**(defaults | options)))
        return made[-1]

    yield client
    for each in made:
        each.close()


Make = Callable[..., AuditClient]


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
    ],
    ids=["message", "invalid-parameters", "plain-text", "no-json", "no-list", "cut-in-two"],
)
def test_F56_a_secret_that_an_answer_repeats_is_not_passed_on(faked: Faked, make: Make, status: int, body: str) -> None:
    """`detail` is "never a credential": it is shown to people and stored with the run."""
    faked.answer((status, body))
    with pytest.raises(errors.AuditAPIError) as caught:
        make(attempts=1).list_events()
    assert_no_secret(caught.value)
    assert SECRET[:8] not in str(caught.value)


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


# --- where it asks


@pytest.mark.parametrize(
    "url",
    [
        "http://api.nexmo.com/beta/audit", "http://127.0.0.1.example.com/", "http://localhost.example.com/",
        "http://localhost@example.com/", "http://192.0.2.1/", "http://10.0.0.1/", "http://0.0.0.0/", "http://[2001:db8::1]/",
        "ftp://127.0.0.1/", "file:///etc/passwd", "api.nexmo.com/beta/audit", "//127.0.0.1/", "", "http://",
        "http://example.com\\@127.0.0.1/", "http://example.com#@127.0.0.1/", "http://example.com?@127.0.0.1/",
    ],
)  # fmt: skip
def test_F56_plain_http_is_for_this_machine_only(url: str, make: Make) -> None:
    with pytest.raises(ValueError, match="https"):
        make(base_url=url)


@pytest.mark.parametrize(
    "url",
    ["https://api.nexmo.com/beta/audit", "http://127.0.0.1:8801/beta/audit", "http://127.9.9.9/", "http://[::1]:8801/",
     "http://localhost:8801/beta/audit", "HTTP://LOCALHOST/"],
)  # fmt: skip
def test_https_and_this_machine_are_allowed(url: str, make: Make) -> None:
    assert make(base_url=url).base_url == url


def test_without_a_secret_there_is_no_client(make: Make) -> None:
    with pytest.raises(ValueError, match="secret"):
        make(secrets=[])


def test_requests_have_timeouts_and_ask_for_json(faked: Faked, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    faked.answer(EMPTY_LIST)
    make().list_events()
    make(timeout=0.5).list_events()
    slow, quick = faked.requests
    assert slow.req_kwargs["timeout"] == (10.0, 30.0)
    assert quick.req_kwargs["timeout"] == (0.5, 0.5)
    assert slow.headers["Accept"] == "application/json"
    assert slow.headers["User-Agent"] == "Auditsite"
    assert slow.req_kwargs["verify"] is True


def test_leaving_the_client_closes_its_connections(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    with make() as client:
        monkeypatch.setattr(client._session, "close", lambda: closed.append(client))
        assert not closed
    assert closed == [client]


# --- what it asks


def asked(request: Any) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_parameters_without_filters(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    make().list_events()
    make().list_events(page=7, size=30)
    assert [asked(request) for request in faked.requests] == [
        {"page": "1", "size": "100"},
        {"page": "7", "size": "30"},
    ]
    assert urlsplit(faked.requests[0].url).path == "/beta/audit/events"


def test_F48_event_types_are_one_list_with_commas(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    make().list_events(event_types=("APP_CREATE", "APP_DELETE"))
    make().list_events(event_types=["APP_CREATE"])
    make().list_events(event_types=())
    assert [asked(request).get("event_type") for request in faked.requests] == [
        "APP_CREATE,APP_DELETE",
        "APP_CREATE",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("password", "password"),
        ('say "hi"', r"say \"hi\""),
        (r"back\slash", r"back\\slash"),
        (r"\"", r"\\\""),
        ("100% _ + & # = ; ? / {x} [y]", "100% _ + & # = ; ? / {x} [y]"),
        ("é € \U0001f600", "é € \U0001f600"),
        ("x" * 2000, "x" * 2000),
        (" ", " "),
    ],
    ids=lambda text: text[:12].encode("ascii", "replace").decode(),
)
def test_F49_search_text_arrives_as_part_of_a_json_string(faked: Faked, make: Make, text: str, sent: str) -> None:
    faked.answer(EMPTY_LIST)
    make().list_events(search_text=text)
    assert asked(faked.requests[0]) == {"page": "1", "size": "100", "search_text": sent}
    assert json.loads(f'"{sent}"') == text


BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 7, 1, 23, 30, 15, 999_999, tzinfo=timezone(timedelta(hours=-1)))  # 2 July, 00:30 UTC


@pytest.mark.parametrize(
    ("style", "zone", "sent"),
    [
        ("zulu", UTC, "2026-07-02T00:30:15Z"),
        ("zulu", BERLIN, "2026-07-02T00:30:15Z"),
        ("naive", UTC, "2026-07-02T00:30:15"),
        ("naive", BERLIN, "2026-07-02T02:30:15"),
        ("date", UTC, "2026-07-02"),
        ("date", timezone(timedelta(hours=-3)), "2026-07-01"),
    ],
)
@pytest.mark.parametrize("name", ["date_from", "date_to"])
def test_F50_dates_in_three_styles(faked: Faked, make: Make, name: str, style: str, zone: Any, sent: str) -> None:
    faked.answer(EMPTY_LIST)
    make(date_style=style, zone=zone).list_events(**{name: MOMENT})
    assert asked(faked.requests[0]) == {"page": "1", "size": "100", name: sent}


def test_all_filters_together(faked: Faked, make: Make) -> None:
    faked.answer(EMPTY_LIST)
    day = datetime(2026, 3, 1, tzinfo=UTC)
    make().list_events(
        page=2, size=1, event_types=["A", "B"], search_text="x", date_from=day, date_to=day + timedelta(days=1)
    )
    assert asked(faked.requests[0]) == {
        "page": "2", "size": "1", "event_type": "A,B", "search_text": "x",
        "date_from": "2026-03-01T00:00:00Z", "date_to": "2026-03-02T00:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("bad", [{"page": 0}, {"page": -1}, {"size": 0}, {"size": 101}, {"size": -1}])
def test_page_and_size_out_of_bounds_are_not_asked_for(faked: Faked, make: Make, bad: dict[str, int]) -> None:
    client = make()
    with pytest.raises(ValueError, match="page starts at 1"):
        client.list_events(**bad)
    assert client.requests_made == 0 and not faked.requests


@pytest.mark.parametrize(
    ("event_id", "path"),
    [
        ("aaaaaaaa-bbbb-cccc-dddd-0123456789ab", "/events/aaaaaaaa-bbbb-cccc-dddd-0123456789ab"),
        ("evt/../?x=1&y=<b>#z", "/events/evt%2F..%2F%3Fx%3D1%26y%3D%3Cb%3E%23z"),
        ("a b%41", "/events/a%20b%2541"),
    ],
)
def test_F45_an_id_stays_one_part_of_the_path(faked: Faked, make: Make, event_id: str, path: str) -> None:
    faked.answer(recorded("event_devapi"), path=path)
    make().get_event(event_id)
    assert faked.requests[0].url == URL + path


def test_zone_applies_to_lists_and_single_events(faked: Faked, make: Make) -> None:
    faked.answer(recorded("list"))
    faked.answer(recorded("event_devapi"), path="/events/one")
    client = make(zone=BERLIN)
    assert client.list_events().events[0].created_at == datetime(2018, 5, 16, 14, 34, 22, tzinfo=UTC)
    assert client.get_event("one").created_at == datetime(2018, 8, 13, 8, 15, 31, tzinfo=UTC)


def test_F33_links_are_never_followed(faked: Faked, make: Make) -> None:
    faked.answer(recorded("list"))
    page = make().list_events()
    assert len(page.events) == 1 and page.total_pages == 2
    assert len(faked.requests) == 1


def test_requests_are_counted(faked: Faked, make: Make) -> None:
    faked.answer(503, 503, EMPTY_LIST)
    client = make()
    client.list_events()
    client.list_events()
    assert client.requests_made == 4 == len(faked.requests)


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


# --- how it waits


def test_pauses_grow_and_are_jittered(
    faked: Faked, make: Make, waits: Waits, no_jitter: list[tuple[float, float]]
) -> None:
    faked.answer(503)
    with pytest.raises(errors.Unavailable):
        make(attempts=6, longest_wait=12).list_events()
    assert waits.seconds == [1, 2, 4, 8, 12]
    assert no_jitter == [(0.2, pause) for pause in waits.seconds]


def test_one_attempt_is_one_request(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(503)
    with pytest.raises(errors.Unavailable):
        make(attempts=1).list_events()
    assert len(faked.requests) == 1 and waits.seconds == []


def test_each_call_has_all_attempts(faked: Faked, make: Make) -> None:
    faked.answer(503, 503, EMPTY_LIST, 503, 503, EMPTY_LIST)
    client = make(attempts=3)
    client.list_events()
    client.list_events()
    assert len(faked.requests) == 6


def test_pauses_are_told_before_they_begin(faked: Faked, make: Make, waits: Waits) -> None:
    told: list[tuple[float, str, int]] = []
    faked.answer(429, 503, EMPTY_LIST, headers={"Retry-After": "7"})
    make(on_wait=lambda seconds, why: told.append((seconds, why, len(waits.seconds)))).list_events()
    assert [(why, before) for _, why, before in told] == [
        (errors.RateLimited.what, 0),
        (errors.Unavailable.what, 1),
    ]
    assert [seconds for seconds, _, _ in told] == waits.seconds


@pytest.mark.parametrize(
    ("hint", "pause"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 1),
        ("59", 59),
        ("60", 60),
        ("61", 60),
        ("999999999", 60),
        ("99999999999", 60),
        ("-1", 1),
        ("1.5", 1),
        ("soon", 1),
        ("", 1),
        ("²", 1),
        ("nan", 1),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("Wed, 21 Oct 9999 07:28:00 GMT", 60),
        ("Wed, 99 Oct 2015 07:28:00 GMT", 1),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 1),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999", 1),
    ],
)
def test_F15_retry_after_is_honoured_within_reason(
    faked: Faked, make: Make, waits: Waits, hint: str, pause: float
) -> None:
    """Without a usable hint the first pause is that of the backoff: at most 1 second."""
    faked.answer(429, headers={"Retry-After": hint.encode().decode("latin-1")})
    faked.answer(EMPTY_LIST)
    make(longest_wait=60).list_events()
    assert waits.seconds == [pause]


def test_F15_retry_after_as_a_date(faked: Faked, make: Make, waits: Waits) -> None:
    hint = format_datetime(datetime.now(UTC) + timedelta(seconds=31), usegmt=True)
    faked.answer(429, headers={"Retry-After": hint})
    faked.answer(EMPTY_LIST)
    make().list_events()
    assert 25 < waits.seconds[0] <= 31


@pytest.mark.parametrize("spelled", ["-0000", "+0000", "GMT", ""])
def test_F15_date_without_a_zone_is_utc(spelled: str) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    read = parse_retry_after(f"{moment:%a, %d %b %Y %H:%M:%S} {spelled}".strip())
    assert read is not None and 90 < read <= 100


def test_F15_retry_after_is_told_to_the_caller(faked: Faked, make: Make) -> None:
    faked.answer(429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.RateLimited) as caught:
        make(attempts=2).list_events()
    assert caught.value.retry_after == 3600


def test_F15_no_retry_after_is_told_as_none(faked: Faked, make: Make) -> None:
    faked.answer(429)
    with pytest.raises(errors.RateLimited) as caught:
        make(attempts=1).list_events()
    assert caught.value.retry_after is None


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_F17_retry_after_of_any_passing_trouble_is_honoured(
    faked: Faked, make: Make, waits: Waits, status: int
) -> None:
    """Maintenance is told with 503 and Retry-After; five hasty attempts within it would all be lost."""
    faked.answer(status, headers={"Retry-After": "7"})
    faked.answer(EMPTY_LIST)
    make().list_events()
    assert waits.seconds == [7]


odd_dates = st.tuples(
    st.sampled_from(("Wed, ", "", "x, ")),
    st.integers(-1, 99),
    st.sampled_from((" Oct ", "-oct-", " Foo ")),
    st.integers(-1, 10**25),
    st.sampled_from((" 07:28:00 ", " 7:28 ", " 99:99:99 ", " ")),
    st.sampled_from(("GMT", "-0000", "EST", "", "+")),
    st.integers(0, 10**25) | st.just(""),
).map(lambda parts: "".join(map(str, parts)))


@settings(deadline=None, max_examples=200, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
@given(st.text(max_size=40) | odd_dates)
def test_F15_no_retry_after_is_too_odd(text: str) -> None:
    seconds = parse_retry_after(text)
    assert seconds is None or seconds >= 0


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


# --- stopping and pacing


def test_stop_before_a_request_makes_none(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(EMPTY_LIST)
    waits.set()
    client = make()
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert client.requests_made == 0 and not faked.requests


def test_stop_during_a_pause_ends_it(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(503)
    client = make(on_wait=lambda seconds, why: waits.set())
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert client.requests_made == 1 and len(waits.seconds) == 1


def test_stop_while_pacing_makes_no_request(faked: Faked, make: Make, waits: Waits) -> None:
    faked.answer(EMPTY_LIST)
    pacer = Pacer(0.001)
    pacer.delay()
    client = make(pacer=pacer)
    waits.set()
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert client.requests_made == 0 and waits.seconds[0] > 900


def test_a_real_stop_signal_wakes_a_long_pause(faked: Faked, make: Make) -> None:
    faked.answer(429, headers={"Retry-After": "30"})
    stop = threading.Event()
    begin = time.monotonic()
    client = make(stop=stop, on_wait=lambda seconds, why: threading.Timer(0.05, stop.set).start())
    with pytest.raises(errors.Stopped):
        client.list_events()
    assert time.monotonic() - begin < 5


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The client's clock, which stands still until told."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("events.nexmo.client.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_pacer_spaces_requests_out(clock: SimpleNamespace) -> None:
    pacer = Pacer(4)
    assert [pacer.delay() for _ in range(4)] == [0, 0.25, 0.5, 0.75]
    clock.now += 0.5
    assert pacer.delay() == 0.5


def test_pacer_saves_nothing_up_while_idle(clock: SimpleNamespace) -> None:
    pacer = Pacer(4)
    pacer.delay()
    clock.now += 60
    assert [pacer.delay() for _ in range(3)] == [0, 0.25, 0.5]


@pytest.mark.parametrize("rate", [0, -1])
def test_pacer_without_a_rate_never_delays(clock: SimpleNamespace, rate: float) -> None:
    pacer = Pacer(rate)
    assert [pacer.delay() for _ in range(3)] == [0, 0, 0]


def test_clients_of_one_account_share_its_pace(faked: Faked, make: Make, waits: Waits, clock: SimpleNamespace) -> None:
    faked.answer(EMPTY_LIST)
    pacer = Pacer(2)
    make(pacer=pacer).list_events()
    make(pacer=pacer).list_events()
    make(pacer=pacer).list_events()
    assert waits.seconds == [0.5, 1.0]


def test_retries_and_the_second_secret_keep_the_pace_too(
    faked: Faked, make: Make, waits: Waits, clock: SimpleNamespace
) -> None:
    faked.answer(401, 503, EMPTY_LIST)
    make(secrets=[SECRET, SECOND], pacer=Pacer(2)).list_events()
    assert waits.seconds == [0.5, 1, 1.0]  # pace, pause after 503, pace


def test_one_request_a_second_is_the_default(faked: Faked, waits: Waits, clock: SimpleNamespace) -> None:
    faked.answer(EMPTY_LIST)
    with AuditClient(KEY, [SECRET], URL, stop=waits) as client:
        client.list_events()
        client.list_events()
    assert waits.seconds == [1.0]
