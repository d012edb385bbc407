"""A bounded attack on the site as it really runs: clients that send or read slowly hold no thread."""

from __future__ import annotations

import contextlib
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from auditsite.assets import address
from auditsite.server import web_worker
from tests.tools.site import Site, start_site

MANY = 40  # far more than 2 processes with 2 threads each


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with start_site(tmp_path_factory.mktemp("slow"), WEB_PROCESSES="2", WEB_THREADS="2") as running:
        yield running


def connect(site: Site, receive_buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(20)
    client.connect(("127.0.0.1", site.port))
    return client


def answer(client: socket.socket) -> bytes:
    """All that is said until the server ends the connection."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def ask(site: Site, request: bytes) -> bytes:
    with connect(site) as client:
        client.sendall(request)
        return answer(client)


def assert_pages_answer(site: Site) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: urllib.request.urlopen(f"{site.url}/login/", timeout=8).read(), range(8)))


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaa",
        b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nlogin=a",
    ],
    ids=["silent", "letter", "headers", "header", "body"],
)
def test_unfinished_requests_hold_no_thread(site: Site, beginning: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            client = stack.enter_context(connect(site))
            client.sendall(beginning)

        assert_pages_answer(site)


def test_readers_that_stall_hold_no_thread(site: Site) -> None:
    request = f"GET {address('css')} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 50
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(connect(site, receive_buffer=2048)).sendall(request)
        time.sleep(1)

        assert_pages_answer(site)


def test_more_connections_than_there_is_room_for(site: Site) -> None:
    """Those that wait longest with an unfinished request make room."""
    with contextlib.ExitStack() as stack:
        for _ in range(2 * 512 + 100):
            client = stack.enter_context(connect(site))
            with contextlib.suppress(OSError):
                client.sendall(b"GET / HTTP/1.1\r\n")

        assert_pages_answer(site)


def test_request_that_takes_too_long_is_ended(site: Site) -> None:
    began = time.monotonic()
    with connect(site) as client:
        for letter in b"GET / HTTP/1.1\r\nX: " + b"a" * 1000:
            try:
                client.sendall(bytes([letter]))
            except OSError:
                break
            time.sleep(0.1)
            if time.monotonic() - began > web_worker.HEAD_WITHIN + 5:
                pytest.fail("a request went on for ever")
        else:
            pytest.fail("a request was never ended")


def test_parts_of_a_request_come_together_and_several_follow_one_another(site: Site) -> None:
    with connect(site) as client:
        for piece in (
            b"\r\nGET /healthz HT",
            b"TP/1.1\r\nHost: local",
            b"host\r\n\r",
            b"\nGET /healthz HTTP/1.1\r\nHost: ",
        ):
            client.sendall(piece)
            time.sleep(0.1)
        client.sendall(b"localhost\r\nConnection: close\r\n\r\n")
        text = answer(client)

    assert text.count(b"HTTP/1.1 200 OK") == 2
    assert text.count(b"ok\n") == 2


def test_body_arrives_whole(site: Site) -> None:
    """Django's own refusal for a missing token shows that it read the form: a body cut short would be an error."""
    head = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n"
    body = b"login=" + b"a" * 900_000
    with connect(site) as client:
        client.sendall(head + f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)

        assert b"HTTP/1.1 403" in answer(client)


def test_address_within_reason_is_answered_by_the_site(site: Site) -> None:
    """2,000 characters of the box, each of four bytes, which the browser repeats in two headers."""
    search = "%F0%9F%94%91" * 2_000
    line = f"GET /events/?search_text={search} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    headers = (
        f"Referer: http://localhost/events/?search_text={search}\r\nHX-Current-URL: http://localhost/?q={search}\r\n"
    )

    text = ask(site, (line + headers + "\r\n").encode())

    assert text.startswith(b"HTTP/1.1 302")
    assert b"\r\nLocation: /login/\r\n" in text


def test_address_of_some_thousand_characters_is_come_back_to(site: Site) -> None:
    text = ask(site, b"GET /events/?q=" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert b"\r\nLocation: /login/?next=/events/%3Fq%3D" + b"a" * 9_000 in text


@pytest.mark.parametrize(
    "lines",
    [b"GET /login/?" + b"a=&" * 1_001 + b" HTTP/1.1\r\nHost: localhost", b"GET / HTTP/1.1\r\nHost: other.example"],
    ids=["fields", "host"],
)
def test_what_django_refuses_has_a_page_of_ours(site: Site, lines: bytes) -> None:
    text = ask(site, lines + b"\r\nConnection: close\r\n\r\n")

    assert text.startswith(b"HTTP/1.1 400")
    assert b"shorten the search" in text


@pytest.mark.parametrize(
    ("request_", "status", "advice"),
    [
        (b"GET /?" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414", b"shorten the search"),
        (b"GET /" + b"a" * 40_000, b"414", b"shorten the search"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 140_000, b"431", b"shorten the search"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n", b"413", b"shorten it"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"411", b"Content-Length"),
    ],
    ids=["line", "line that goes on", "headers", "body", "chunks"],
)
def test_what_is_too_large_is_refused_with_what_to_do(
    site: Site, request_: bytes, status: bytes, advice: bytes
) -> None:
    text = ask(site, request_)

    assert text.startswith(b"HTTP/1.1 " + status)
    assert advice in text
    head, _, body = text.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 3\r\n\r\nabc",
        b"nonsense\r\n\r\n",
    ],
)
def test_ambiguous_requests_are_refused(site: Site, request_: bytes) -> None:
    assert ask(site, request_).startswith(b"HTTP/1.1 400")


def test_nothing_of_it_was_an_error_of_ours(site: Site) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{site.url}/nosuch", timeout=8)
    caught.value.close()
    said = re.findall(r" (?:ERROR|CRITICAL) (\S+):", site.log.read_text())
    assert set(said) == {"django.security.DisallowedHost", "django.security.TooManyFieldsSent"}
