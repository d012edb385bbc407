"""The one HTTP request of a webhook: where it goes, and what bounds it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from events.outbound import post, targets
from events.outbound.post import NoAnswer
from events.outbound.targets import Refused, Targets, read_targets

LOOPBACK = read_targets(["127.0.0.1"])


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_loopback_is_refused_unless_allowed_and_nothing_is_connected(httpserver: HTTPServer) -> None:
    with pytest.raises(Refused):
        post.post(httpserver.url_for("/x"), b"", {}, Targets())
    assert httpserver.log == []


def test_name_that_leads_elsewhere_at_the_second_look_is_not_looked_up_twice(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was judged is the one that is connected to."""
    httpserver.expect_request("/x").respond_with_data("ok")
    asked = []

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(targets.socket, "getaddrinfo", answer)
    found = post.post(f"http://rebinding.example:{httpserver.port}/x", b"", {}, LOOPBACK)
    assert found.status == 200
    assert asked == ["rebinding.example"]
    assert httpserver.log[0][0].headers["Host"] == f"rebinding.example:{httpserver.port}"


def test_redirect_is_an_answer_and_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("", 307, {"Location": httpserver.url_for("/y")})
    assert post.post(httpserver.url_for("/x"), b"", {}, LOOPBACK).status == 307
    assert [request.path for request, _ in httpserver.log] == ["/x"]


def test_proxies_of_the_environment_are_not_used(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    httpserver.expect_request("/x").respond_with_data("ok")
    assert post.post(httpserver.url_for("/x"), b"", {}, LOOPBACK).status == 200


def test_of_a_long_answer_only_the_beginning_is_read(httpserver: HTTPServer) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(2_000):
            sent.append(1)
            yield b"x" * 10_000

    httpserver.expect_request("/x").respond_with_response(Response(endless(), 500))
    assert post.post(httpserver.url_for("/x"), b"", {}, LOOPBACK).status == 500
    assert len(sent) < 2_000


def test_server_that_says_nothing_is_left(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "READ_TIMEOUT", 0.2)
    with pytest.raises(NoAnswer) as error:
        post.post(f"http://127.0.0.1:{silent}/", b"", {}, LOOPBACK)
    assert error.value.kind == "timeout"


def test_server_that_answers_a_byte_at_a_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "PATIENCE", 0.5)
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        wire, _ = server.accept()
        with wire:
            wire.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not ended.wait(0.05):
                try:
                    wire.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(NoAnswer) as error:
            post.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {}, LOOPBACK)
        ended.set()
        thread.join()
    assert error.value.kind == "timeout"


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_answer_that_is_none_is_told_as_broken(answer: bytes) -> None:
    def once(server: socket.socket) -> None:
        wire, _ = server.accept()
        with wire:
            wire.recv(65_536)
            wire.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=once, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(NoAnswer) as error:
            post.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, LOOPBACK)
        thread.join()
    assert error.value.kind == "broken"


def test_nobody_at_the_port_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswer) as error:
        post.post(f"http://127.0.0.1:{port}/", b"", {}, LOOPBACK)
    assert error.value.kind == "unreachable"


def test_certificate_must_be_of_the_host(monkeypatch: pytest.MonkeyPatch, httpserver_ssl: HTTPServer) -> None:
    with pytest.raises(NoAnswer) as error:
        post.post(f"https://127.0.0.1:{httpserver_ssl.port}/x", b"", {}, LOOPBACK)
    assert error.value.kind == "certificate"


@pytest.fixture
def httpserver_ssl(tmp_path: Any) -> Iterator[HTTPServer]:
    import datetime
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "both.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        yield server
