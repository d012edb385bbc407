"""The client over real HTTP: against the sandbox with its faults, and against servers that break in other ways."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from events.nexmo import errors
from events.nexmo.client import AuditClient, Pacer
from events.nexmo.sandbox import FAULTS, Sandbox, Switches, odd_events

KEY, SECRET = "demo0001", "sandbox-secret-0001"
ENCODED = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIST = b'{"page":{"totalElements":3}}'


class Waits(threading.Event):
    """A stop signal that notes every wait and lets none of them last."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return self.is_set()


def new_sandbox() -> Sandbox:
    return Sandbox(accounts=1, events=500, start=date(2024, 11, 22), now=lambda: NOON)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with new_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """The shared sandbox, as it was: for faults that leave its events alone."""
    running.requests.clear()
    yield running
    running.clear_faults()
    running.switches = Switches()
    running.set_secrets(KEY, [SECRET])


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own, for faults that change its events."""
    with new_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


@pytest.fixture
def waits() -> Waits:
    return Waits()


Make = Callable[..., AuditClient]


@pytest.fixture
def make(waits: Waits) -> Iterator[Make]:
    made: list[AuditClient] = []

    def client(url: str, **options: Any) -> AuditClient:
        defaults = {"timeout": 5.0, "attempts": 2, "pacer": Pacer(0), "stop": waits, "secrets": [SECRET]}
        made.append(AuditClient(KEY, base_url=url, **(defaults | options)))
        return made[-1]

    yield client
    for each in made:
        each.close()


def statuses(sandbox: Sandbox) -> list[int]:
    """What the sandbox answered to each request; 0 is no answer."""
    return [request.status for request in sandbox.requests]


def numbered(name: str) -> Any:
    """A parameter that begins with the fault's F number, as in F04-truncated."""
    return pytest.param(name, id=f"{FAULTS[name].number.partition(',')[0]}-{name}")


# --- the sandbox's faults, by what the client should make of them

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
EMBEDDED = ("embedded-empty", "embedded-no-events", "embedded-null", "embedded-object")
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
    assert client.list_events() == expected
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
    assert client.list_events() == expected
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


# --- F01 to F07: transport


def test_F01_refused_connection_is_unavailable(make: Make, waits: Waits) -> None:
    with new_sandbox() as sandbox:
        client = make(sandbox.url)
        assert client.list_events().events
    with pytest.raises(errors.Unavailable) as caught:
        client.list_events()
    assert caught.value.detail == "The connection was refused."
    assert caught.value.status == 0 and "127.0.0.1" not in str(caught.value)
    assert len(waits.seconds) == 1


def test_F01_service_that_comes_back_is_found_again(make: Make) -> None:
    sandbox = new_sandbox().start()
    try:
        client = make(sandbox.url, on_wait=lambda seconds, why: sandbox.start())
        sandbox.stop()
        assert client.list_events().events
        assert client.requests_made == 2
    finally:
        sandbox.stop()


def test_F01_unknown_host_is_unavailable(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(errors.Unavailable):
        make("https://audit.example.com/beta/audit").list_events()


def test_F02_silent_server_is_given_up_after_the_timeout(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_faults("slow-answer@seconds=1")
    begin = time.monotonic()
    with pytest.raises(errors.Unavailable, match="The answer took too long"):
        make(sandbox.url, attempts=1, timeout=0.2).list_events()
    assert 0.15 < time.monotonic() - begin < 0.9


def test_F02_silence_within_the_body_is_given_up_after_the_timeout(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_faults("slow-body@seconds=60")
    begin = time.monotonic()
    with pytest.raises(errors.Unavailable, match="The answer took too long"):
        make(sandbox.url, attempts=1, timeout=0.3).list_events()
    assert time.monotonic() - begin < 2


def test_F02_body_that_drips_without_end_is_given_up_in_time(
    sandbox: Sandbox, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes well within the timeout, so that only the deadline of the whole answer ends it."""
    sandbox.set_faults("slow-body@seconds=1.2")
    fast = SimpleNamespace(monotonic=lambda: time.monotonic() * 10)
    monkeypatch.setattr("events.nexmo.client.time", fast)
    begin = time.monotonic()
    with pytest.raises(errors.Unavailable, match="longer than 4 seconds"):
        make(sandbox.url, attempts=1, timeout=1.0).list_events()
    assert 0.35 < time.monotonic() - begin < 1.1


def test_F02_slow_answer_is_retried(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_faults("slow-answer@seconds=1")
    client = make(sandbox.url, timeout=0.2)
    assert client.list_events().events
    assert client.requests_made == 2


def test_F04_truncated_body_is_retried(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_faults("truncated")
    page = make(sandbox.url).list_events()
    assert len(page.events) == 100


Serve = Callable[..., tuple[str, list[bytes]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that takes one connection per answer, sends the bytes and closes; tells its address, and what
    it was sent."""
    with contextlib.ExitStack() as stack:

        def start(*answers: bytes, tls: ssl.SSLContext | None = None) -> tuple[str, list[bytes]]:
            received: list[bytes] = []
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(5)

            def run() -> None:
                for answer in answers:
                    with contextlib.suppress(OSError):  # a client that goes away, or none that comes
                        connection, _ = listener.accept()
                        with connection:
                            connection.settimeout(5)
                            with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
                                got = b""
                                while b"\r\n\r\n" not in got and (part := stream.recv(65536)):
                                    got += part
                                received.append(got)
                                stream.sendall(answer)

            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            stack.callback(thread.join, 6)
            return f"127.0.0.1:{listener.getsockname()[1]}", received

        yield start


def whole(body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = ["HTTP/1.1 200", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


BROKEN = {
    "F03-nothing": b"",
    "F03-half-a-status-line": b"HTTP/1.1 2",
    "F03-no-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "F03-half-a-header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "F03-endless-headers": b"HTTP/1.1 200\r\n" + b"X: y\r\n" * 500 + b"\r\n" + LIST,
    "F03-endless-header-line": b"HTTP/1.1 200\r\nX: " + b"y" * 100_000 + b"\r\n\r\n" + LIST,
    "F04-shorter-than-its-length": whole(LIST, length=len(LIST) + 1),
    "F04-broken-chunk": b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + LIST,
    "F04-no-last-chunk": b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(LIST), LIST),
    "F07-no-gzip": whole(LIST, "Content-Encoding: gzip"),
    "F07-gzip-cut-off": whole(gzip.compress(LIST)[:-12], "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answer_is_retried(serve: Serve, make: Make, waits: Waits, name: str) -> None:
    host, received = serve(BROKEN[name], whole(LIST))
    client = make(f"http://{host}/beta/audit")
    assert client.list_events().total == 3
    assert len(received) == 2 and client.requests_made == 2 and len(waits.seconds) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(whole(LIST), id="F06-no-reason"),
        pytest.param(whole(LIST).replace(b" 200", b" 200 ", 1), id="F06-empty-reason"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + LIST, id="F04-until-the-end-of-the-connection"),
        pytest.param(whole(gzip.compress(LIST), "Content-Encoding: gzip"), id="F07-gzip"),
        pytest.param(whole(LIST, "Content-Type: text/html", "Content-Type: x"), id="F07-other-content-types"),
        pytest.param(whole(LIST, "Content-Type: application/json;charset=nonsense"), id="F07-unknown-charset"),
    ],
)  # fmt: skip
def test_odd_but_whole_answer_is_read(serve: Serve, make: Make, waits: Waits, answer: bytes) -> None:
    host, _ = serve(answer)
    assert make(f"http://{host}/beta/audit").list_events().total == 3
    assert not waits.seconds


def test_F05_tls_asked_of_a_plain_port_is_unavailable(sandbox: Sandbox, make: Make) -> None:
    with pytest.raises(errors.Unavailable, match="encrypted connection could not be made"):
        make(sandbox.url.replace("http://", "https://")).list_events()
    assert not sandbox.requests


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate that is right in all but who signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_F05_untrusted_certificate_gets_no_credentials(serve: Serve, make: Make, self_signed: ssl.SSLContext) -> None:
    host, received = serve(whole(LIST), tls=self_signed)
    with pytest.raises(errors.Unavailable, match="check the certificate"):
        make(f"https://{host}/beta/audit", attempts=1).list_events()
    assert not received


# --- F08 to F20: status


def test_F11_secret_revoked_while_paging_loses_no_page(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_secrets(KEY, [SECRET, "second"])
    sandbox.set_faults("secret-revoked@page=2")
    client = make(sandbox.url, secrets=[SECRET, "second"])
    pages = [client.list_events(page=page, size=20) for page in (1, 2, 3)]
    assert len({event.event_id for page in pages for event in page.events}) == 60
    assert statuses(sandbox) == [200, 401, 200, 200]


def test_F13_missing_event_is_not_found(sandbox: Sandbox, make: Make) -> None:
    with pytest.raises(errors.NotFound, match="no event with this id") as caught:
        make(sandbox.url).get_event("no-such-id")
    assert "no-such-id was not found" in caught.value.detail
    sandbox.set_faults("not-found-event")
    known = make(sandbox.url).list_events(size=1).events[0]
    with pytest.raises(errors.NotFound, match="no event with this id"):
        make(sandbox.url).get_event(known.event_id)


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        ("rate-limit@seconds=7", 7),
        ("rate-limit-service@seconds=7", 7),
        ("rate-limit-absurd", 60),
        ("rate-limit-negative", 1),
        ("rate-limit-garbage", 1),
        ("rate-limit-no-hint", 1),
        ("rate-limit-empty", 1),
        ("rate-limit-html", 1),
    ],
)
def test_F15_retry_after_is_honoured_within_reason(
    sandbox: Sandbox, make: Make, waits: Waits, fault: str, pause: float
) -> None:
    sandbox.set_faults(fault)
    make(sandbox.url).list_events()
    assert waits.seconds == [pause]


def test_F15_retry_after_as_a_date(sandbox: Sandbox, make: Make, waits: Waits) -> None:
    sandbox.set_faults("rate-limit-date@seconds=30")
    make(sandbox.url).list_events()
    assert 25 < waits.seconds[0] <= 30


def test_F16_rate_limit_on_a_late_page_loses_nothing(sandbox: Sandbox, make: Make, waits: Waits) -> None:
    sandbox.set_faults("rate-limit@page=7")
    client = make(sandbox.url)
    ids = [event.event_id for page in range(1, 11) for event in client.list_events(page=page, size=10).events]
    assert ids == [event.event_id for event in client.list_events(size=100).events]
    assert len(waits.seconds) == 1


def test_F17_retry_after_of_503_is_honoured(sandbox: Sandbox, make: Make, waits: Waits) -> None:
    sandbox.set_faults("http-503-retry@seconds=7")
    make(sandbox.url).list_events()
    assert waits.seconds == [7]


@pytest.mark.parametrize("name", ["redirect-host", "redirect-http", "redirect-login"])
def test_F20_redirect_is_followed_by_no_request(serve: Serve, sandbox: Sandbox, make: Make, name: str) -> None:
    host, received = serve(whole(LIST))
    sandbox.set_switches(redirect_target=f"http://{host}")
    sandbox.set_faults(name)
    with pytest.raises(errors.Redirected):
        make(sandbox.url).list_events()
    assert len(sandbox.requests) == 1
    with socket.create_connection(host.split(":")) as probe:  # the other host's one connection is still to be had
        probe.sendall(b"probe\r\n\r\n")
        assert probe.recv(8) == b"HTTP/1.1"
    assert received == [b"probe\r\n\r\n"]


# --- F24 to F38: lists


@pytest.mark.parametrize("name", [numbered(name) for name in (*EMBEDDED, "no-embedded")])
def test_page_without_its_events_still_has_its_total(sandbox: Sandbox, make: Make, name: str) -> None:
    """So that whoever pages sees that something is missing."""
    client = make(sandbox.url)
    total = client.list_events().total
    sandbox.set_faults(name)
    page = client.list_events()
    assert page.events == () and page.total == total and total


@pytest.mark.parametrize("name", [numbered("no-page"), numbered("page-nonsense")])
def test_page_without_figures_still_has_its_events(sandbox: Sandbox, make: Make, name: str) -> None:
    client = make(sandbox.url)
    events = client.list_events().events
    sandbox.set_faults(name)
    page = client.list_events()
    assert (page.total, page.total_pages, page.size) == (None, None, None)
    assert page.events == events


def test_F29_size_clamped_by_the_server_is_told(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_switches(max_size=30)
    page = make(sandbox.url).list_events(size=100)
    assert page.size == 30 == len(page.events)


@pytest.mark.parametrize("form", ["empty", "404"])
def test_F31_page_past_the_end(sandbox: Sandbox, make: Make, form: str) -> None:
    sandbox.set_switches(past_end=form)
    client = make(sandbox.url)
    if form == "404":
        with pytest.raises(errors.NotFound):
            client.list_events(page=99)
    else:
        page = client.list_events(page=99)
        assert page.events == () and page.total


@pytest.mark.parametrize(
    "links", ["first_prev", "https", "relative", "wrong", "self_loop", "no_next", "no_filters", "templated", "none"]
)
def test_F26_F32_F33_links_change_nothing(sandbox: Sandbox, make: Make, links: str) -> None:
    client = make(sandbox.url)
    expected = client.list_events(page=2, size=10)
    sandbox.set_switches(links=links)
    assert client.list_events(page=2, size=10) == expected
    assert [request.params for request in sandbox.requests] == [{"page": "2", "size": "10"}] * 2


def test_F34_short_page_is_what_came(sandbox: Sandbox, make: Make) -> None:
    sandbox.set_faults("short-page@rows=4")
    page = make(sandbox.url).list_events(size=10)
    assert len(page.events) == 6 and page.size == 10


@pytest.mark.parametrize("switches", [{"errors": "rfc7807"}, {"errors": "gateway"}, {"unauthorized_text": "missing"}])
def test_F08_F09_F10_wrong_secret_in_any_words(sandbox: Sandbox, make: Make, switches: dict[str, str]) -> None:
    sandbox.set_switches(**switches)
    with pytest.raises(errors.CredentialsRefused):
        make(sandbox.url, secrets=["wrong", "wrong too"]).list_events()
    assert statuses(sandbox) == [401, 401]


# --- F39 to F49: events and filters


def test_F39_to_F47_every_odd_event_comes_through(own_sandbox: Sandbox, make: Make) -> None:
    client = make(own_sandbox.url)
    total = client.list_events().total
    assert total
    own_sandbox.set_faults("odd-events")
    first = client.list_events()
    pages = range(2, (first.total_pages or 0) + 1)
    events = [*first.events, *(event for page in pages for event in client.list_events(page=page).events)]
    assert len(events) == first.total == total + len(odd_events())
    for event in events:
        for name in (each.name for each in dataclasses.fields(event)):
            if isinstance(text := getattr(event, name), str) and name != "context":
                text.encode()
                assert "\x00" not in text
    raw = {event.raw for event in events}
    assert {text for text in odd_events() if isinstance(text, str)} <= raw
    assert sum(bool(event.odd_fields) for event in events) >= 15


def test_F45_same_id_with_other_content_comes_as_two_events(sandbox: Sandbox, make: Make) -> None:
    client = make(sandbox.url)
    before = client.list_events(size=10).events
    sandbox.set_faults("duplicate-id", "altered-event")
    doubled = client.list_events(size=10).events
    altered = client.list_events(size=10).events
    assert doubled[:-1] == before == client.list_events(size=10).events
    assert doubled[-1].identity == before[0].identity == altered[0].identity
    assert before[0].digest not in (doubled[-1].digest, altered[0].digest)


def test_F48_types_filter_arrives(sandbox: Sandbox, make: Make) -> None:
    page = make(sandbox.url).list_events(event_types=["USER_LOGIN", "APP_UPDATE"])
    assert {event.event_type for event in page.events} == {"USER_LOGIN", "APP_UPDATE"}
    sandbox.set_faults("unasked-events")
    assert len({event.event_type for event in make(sandbox.url).list_events(event_types=["APP_UPDATE"]).events}) > 1


@pytest.mark.parametrize(
    "text", ['say "hi"', "back\\slash", "{x}", "100%", "a_b", "1+1", "a&b", "#1", "\U0001f600", "žluť"]
)
def test_F49_search_text_finds_what_it_says(own_sandbox: Sandbox, make: Make, text: str) -> None:
    name = 'say "hi" back\\slash {x} 100% a_b 1+1 a&b #1 \U0001f600 žluť'
    own_sandbox.add_events(KEY, [{"id": "wanted", "event_type": "APP_UPDATE", "context": {"name": name}}])
    found = make(own_sandbox.url).list_events(search_text=text).events
    assert [event.event_id for event in found] == ["wanted"]


@pytest.mark.parametrize("style", ["zulu", "naive", "date"])
def test_F50_dates_arrive_in_every_style(sandbox: Sandbox, make: Make, style: str) -> None:
    day = datetime(2026, 3, 2, tzinfo=UTC)
    client = make(sandbox.url, date_style=style)
    events = client.list_events(date_from=day, date_to=day + timedelta(days=30)).events
    assert events
    assert all(event.created_at and day <= event.created_at < day + timedelta(days=32) for event in events)


# --- F56: secrets


@pytest.mark.parametrize(
    "fault", ["", "unauthorized", "reset", "redirect-host", "truncated", "ok-html", "multiple-auth", "http-502"]
)
def test_F56_no_log_and_no_error_holds_the_secret(
    sandbox: Sandbox, make: Make, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    if fault:
        sandbox.set_faults(f"{fault}@times=always")
    client = make(sandbox.url, secrets=[SECRET, SECRET])
    try:
        client.list_events(search_text="x")
        assert not fault
    except errors.AuditAPIError as error:
        told: BaseException | None = error
        texts = []
        while told is not None:
            texts += [str(told), repr(told), repr(told.args)]
            told = told.__cause__ or told.__context__
        assert not any(SECRET in text or ENCODED in text for text in texts)
    assert "urllib3" in caplog.text and "127.0.0.1" in caplog.text  # it was looked at with everything on
    assert SECRET not in caplog.text and ENCODED not in caplog.text
    assert all("api_secret" not in request.params for request in sandbox.requests)


def test_F56_proxy_sees_no_credentials(serve: Serve, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    host, received = serve(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{host}")
    monkeypatch.setenv("https_proxy", f"http://{host}")
    with pytest.raises(errors.Unavailable, match="proxy"):
        make("https://audit.example.com/beta/audit", attempts=1).list_events()
    assert received[0].startswith(b"CONNECT audit.example.com:443 ")
    assert b"uthorization" not in received[0]


def test_F56_proxy_and_netrc_of_the_environment_are_not_for_this_machine(
    sandbox: Sandbox, make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("default login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert make(sandbox.url).list_events().events
    assert sandbox.requests[-1].api_key == KEY
