"""What the provider answers is read within limits: whoever stands in its place fills no memory and holds no thread."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.test import Client

from accounts.sso import adapter
from accounts.sso.adapter import ProviderSession
from accounts.sso.config import OpenIDConnect, SingleSignOn

PACKED = gzip.compress(b"0" * (2 * adapter.MOST_READ))


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PACKED if self.path == "/bomb" else b'{"issuer": "x"}'
        if self.path.startswith("/.well-known/"):
            body = b"[" * 100_000
        self.send_response(200)
        if self.path == "/bomb":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_packed_bomb_is_not_unpacked(provider: str) -> None:
    assert len(PACKED) < 20_000
    with ProviderSession() as session, pytest.raises(requests.RequestException, match="more than"):
        session.get(f"{provider}/bomb")


@pytest.mark.django_db
def test_answer_that_is_nested_too_deep_is_told(
    provider: str, site: Callable[..., SingleSignOn], client: Client
) -> None:
    site(openid=OpenIDConnect(provider, "auditsite", "client-secret", "Example"))
    page = client.get("/sso/openid/")
    assert "Example" in page.content.decode()
    assert page.status_code < 500 or page.status_code == 502  # what this site says of a provider's failure


def test_answer_is_read_whole_and_as_ever(provider: str) -> None:
    with ProviderSession() as session:
        assert session.get(f"{provider}/").json() == {"issuer": "x"}


def test_answer_that_comes_for_ever_is_given_up(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "PATIENCE", -1.0)
    with ProviderSession() as session, pytest.raises(requests.RequestException, match="not whole"):
        session.get(f"{provider}/")
