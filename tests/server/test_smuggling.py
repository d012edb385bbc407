"""Requests that two servers may read differently: the site as it really runs takes each for one request or refuses it.

What would be smuggled is a request for /healthz: a second answer on the connection means that it was taken for one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.test_slow_clients import ask
from tests.tools.site import Site, start_site

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /csp-report HTTP/1.1\r\nHost: localhost\r\n"
LENGTH = f"Content-Length: {len(HIDDEN)}\r\n".encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with start_site(tmp_path_factory.mktemp("smuggling"), HTTPS="true", WEB_PROCESSES="1", WEB_THREADS="2") as running:
        yield running


def test_plain_body_is_a_body_and_what_follows_is_a_request(site: Site) -> None:
    """What the tests below rely on."""
    closing = HIDDEN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert ask(site, POST + LENGTH + b"\r\n" + HIDDEN + closing).count(b"HTTP/1.1 ") == 2


@pytest.mark.parametrize(
    "head",
    {
        "both lengths": LENGTH + b"Transfer-Encoding: chunked\r\n",
        "chunked alone": b"Transfer-Encoding: chunked\r\n",
        "chunked, blank before colon": b"Transfer-Encoding : chunked\r\n",
        "chunked, odd case": b"tRANSFER-eNCODING: xchunked\r\n",
        "chunked, folded": b"Transfer-Encoding:\r\n chunked\r\n",
        "chunked, after a bare LF": b"X: a\nTransfer-Encoding: chunked\r\n",
        "chunked, underscore": LENGTH.replace(b"th:", b"th : ") + b"Transfer_Encoding: chunked\r\n",
        "two lengths": b"Content-Length: 0\r\n" + LENGTH,
        "two equal lengths": b"Content-Length: 0\r\nContent-Length: 0\r\n",
        "two lengths apart": b"Content-Length: 0\r\nX: a\r\n" + LENGTH,
        "list of lengths": b"Content-Length: 0, 0\r\n",
        "plus": b"Content-Length: +0\r\n",
        "minus": b"Content-Length: -1\r\n",
        "hexadecimal": b"Content-Length: 0x5\r\n",
        "underscores": b"Content-Length: 1_0\r\n",
        "superscript": b"Content-Length: \xb2\r\n",
        "many zeros": b"Content-Length: " + b"0" * 30 + str(len(HIDDEN)).encode() + b"\r\n",
        "empty": b"Content-Length:\r\n",
        "blank before colon": b"Content-Length : 0\r\n",
        "folded": b"X: a\r\n Content-Length: 0\r\n",
        "folded value": b"Content-Length:\r\n 0\r\n",
        "bare LF": b"X: a\nContent-Length: 0\r\n",
        "bare CR": b"X: a\rContent-Length: 0\r\n",
        "null": b"X: a\0b\r\n",
        "no name": b": a\r\n",
        "no colon": b"abc\r\n",
        "two hosts": b"Host: evil.example\r\n",
    }.items(),
    ids=lambda named: named[0],
)
def test_ambiguous_request_is_refused_and_the_connection_ended(site: Site, head: tuple[str, bytes]) -> None:
    answer = ask(site, POST + head[1] + b"\r\n" + HIDDEN)

    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 411 ")), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"ok\n" not in answer


@pytest.mark.parametrize(
    "line", [b"GET /healthz\r\n", b"GET  /healthz HTTP/1.1\r\n", b"GET /health z HTTP/1.1\r\n", b"G\0T / HTTP/1.1\r\n"]
)
def test_odd_request_line_is_refused(site: Site, line: bytes) -> None:
    answer = ask(site, line + b"Host: localhost\r\n\r\n" + HIDDEN)

    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "header",
    [
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Ssl: on",
        b"X-Forwarded-Protocol: ssl",
        b"SCRIPT_NAME: /events",
        b"PATH_INFO: /healthz",
    ],
)
def test_gunicorn_believes_no_header_of_its_neighbours(site: Site, header: bytes) -> None:
    """It would: everybody on this machine, and so whatever a proxy there passes on. A site that asks for HTTPS
    redirects what is plain, but /healthz."""
    answer = ask(
        site, b"GET /events/healthz HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\nConnection: close\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 301 ")
    assert b"\r\nLocation: https://localhost/events/healthz\r\n" in answer
