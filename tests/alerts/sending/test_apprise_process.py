"""The process in which apprise sends: what it may do there, and what it tells. Each test here starts one."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from events.alerts.sending.send import ask_apprise
from tests.tools.mails import Mails

ASKED = {"do": "send", "title": "T", "body": "B", "type": "warning", "targets": ["127.0.0.1"], "trusted": ""}


def ask(address: str, **more: Any) -> dict[str, Any]:
    told = ask_apprise({**ASKED, "address": address, **more})
    assert told is not None
    return told


def test_status_and_wish_to_wait_are_told_and_no_redirect_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/busy").respond_with_data("", 429, {"Retry-After": "7"})
    httpserver.expect_request("/away").respond_with_data("", 302, {"Location": httpserver.url_for("/else")})

    told = ask(f"json://127.0.0.1:{httpserver.port}/busy?redirect=yes")
    assert (told["sent"], told["status"], told["retry_after"]) == (False, 429, "7")
    told = ask(f"json://127.0.0.1:{httpserver.port}/away?redirect=yes&overflow=split")
    assert (told["sent"], told["status"]) == (False, 302)
    assert [request.path for request, _ in httpserver.log] == ["/busy", "/away"]


def test_nothing_is_connected_to_that_is_not_allowed(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", httpserver.url_for("/"))  # nor a proxy that would go there
    for address in (f"json://localhost:{httpserver.port}/x", f"jsons://localhost:{httpserver.port}/x"):
        told = ask(address, targets=[])
        assert told["refused"] == f"localhost:{httpserver.port}"
    assert httpserver.log == []


def test_mail_server_of_a_person_is_judged_like_any_target(mails: Mails) -> None:
    address = f"mailto://localhost:{mails.port}?from=a@example.com&to=b@example.com"
    assert ask(address, targets=[])["refused"] == f"localhost:{mails.port}"
    assert mails.taken == []
    assert ask(address)["sent"]


def test_no_file_is_read_and_no_program_run() -> None:
    slack = "slack://TAAAAAAAA/BAAAAAAAA/AAAAAAAAAAAAAAAAAAAAAAAA/?template=/etc/passwd"
    told = ask(slack)
    assert (told["sent"], told["refused"]) == (False, "file")


@pytest.mark.parametrize("address", ["syslog://", "dbus://", "nosuch://x", "http://127.0.0.1/x", "x"])
def test_what_speaks_to_the_machine_itself_is_not_known(address: str) -> None:
    assert ask(address, do="check") == {"known": False}


def test_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from events.alerts.sending import send

    monkeypatch.setattr(send, "PATIENCE", 0.3)
    hang = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    assert send.ask_apprise(ASKED, hang) is None


def test_process_knows_none_of_the_sites_settings() -> None:
    import sys

    from events.alerts.sending import send

    tell = [sys.executable, "-S", "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    told = send.ask_apprise(ASKED, tell)
    assert told
    assert not {"SECRET_KEY", "CREDENTIAL_KEYS", "SEAL_KEY", "DATABASE_URL"} & set(told)
