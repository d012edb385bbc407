"""The client over real HTTP: no log, no error and no proxy sees a secret."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import pytest

from events.nexmo import errors
from events.sandbox import Sandbox
from tests.tools.client_faults import KEY, SECRET, Make, Serve

ENCODED = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()


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
