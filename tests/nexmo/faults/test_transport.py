"""The client over real HTTP that breaks: connections, timeouts, bodies cut off, TLS."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from events.nexmo import errors
from events.sandbox import Sandbox
from tests.tools.client import Waits
from tests.tools.client_faults import LIST, Make, Serve, new_sandbox, whole


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


def test_answer_that_unpacks_to_far_more_is_left_at_the_limit(
    serve: Serve, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb of 30 MB in 30 kB: no more than the limit and one piece of it is ever held."""
    monkeypatch.setattr("events.nexmo.client.MAX_BODY_BYTES", 1_000_000)
    packed = gzip.compress(b" " * 30_000_000, 9)
    host, _ = serve(whole(packed, "Content-Encoding: gzip"))
    client = make(f"http://{host}/beta/audit", attempts=1)
    tracemalloc.start()
    try:
        with pytest.raises(errors.MalformedResponse, match="larger than"):
            client.list_events()
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
