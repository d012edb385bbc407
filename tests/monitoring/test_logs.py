"""What the log says of a request, in both formats, and what it never says."""

from __future__ import annotations

import base64
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import path

from accounts.models import NexmoAccount
from auditsite import urls as site_urls
from auditsite.monitoring import logs
from auditsite.monitoring.logs import request_id
from events.sandbox import Sandbox
from events.sync.engine import sync_account
from tests.conftest import PASSWORD
from tests.tools.export import body
from tests.tools.scope import Login

TOKEN = "a-token-of-the-tests-0123456789"


class Written(logging.Handler):
    """Keeps what the console would have shown."""

    def __init__(self, kind: str) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logs.Json() if kind == "json" else logs.Line("{levelname} {name}: {message}", style="{"))
        self.addFilter(logs.WithRequestId())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def written() -> Iterator[Callable[[str], Written]]:
    """Start writing in one of the formats, everything there is at DEBUG."""
    root, handlers = logging.getLogger(), []
    loggers = [root, *(logging.getLogger(name) for name in ("auditsite", "accounts", "events", "django", "huey"))]
    before = [logger.level for logger in loggers]

    def start(kind: str) -> Written:
        handlers.append(Written(kind))
        root.addHandler(handlers[-1])
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
        return handlers[-1]

    yield start
    for handler in handlers:
        root.removeHandler(handler)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def access(found: Written) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in found.lines]
    return [entry for entry in entries if entry["logger"] == "auditsite.access"]


# --- ids ------------------------------------------------------------------------------------------------------------


def test_answer_carries_an_id_and_each_another(client: Client) -> None:
    first, second = (client.get("/healthz")["X-Request-ID"] for _ in range(2))

    assert len(first) == 32
    assert first != second


def test_sane_id_of_a_proxy_is_kept(client: Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "proxy-1.abc_DEF"})["X-Request-ID"] == "proxy-1.abc_DEF"


@pytest.mark.parametrize(
    "wrong", ["", "short", "x" * 65, "with blank 1", 'quote"123', "-begins-with", "ünicode-name", "a\tb-12345"]
)
def test_other_ids_are_replaced(client: Client, wrong: str) -> None:
    assert client.get("/healthz", headers={"x-request-id": wrong})["X-Request-ID"] != wrong


def test_every_record_of_a_request_has_its_id(login: Login, written: Callable[[str], Written]) -> None:
    client = login("alice")
    found = written("json")

    client.get("/events/nosuch/", headers={"x-request-id": "the-request-1"})
    logging.getLogger("events").info("afterwards")

    entries = [json.loads(line) for line in found.lines]
    assert {entry.get("request_id") for entry in entries[:-1]} == {"the-request-1"}
    assert {entry["logger"] for entry in entries} >= {"auditsite.access", "django.request"}
    assert "request_id" not in entries[-1]


def test_requests_in_other_threads_do_not_mix(client: Client, written: Callable[[str], Written]) -> None:
    found = written("json")
    names = [f"request-of-{number}" for number in range(8)]
    threads = [
        threading.Thread(target=lambda name=name: Client().get("/healthz", headers={"x-request-id": name}))  # type: ignore[misc]
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(entry["request_id"] for entry in access(found)) == names


# --- the access line ------------------------------------------------------------------------------------------------


def test_one_line_a_request_without_its_query(login: Login, written: Callable[[str], Written]) -> None:
    client = login("bob")
    found = written("json")

    answer = client.get("/events/?search_text=hunter2&user_email=somebody@example.com")

    (line,) = access(found)
    assert line["message"] == f"GET /events/ 200 {line['ms']} ms bob"
    assert (line["method"], line["path"], line["status"], line["user"]) == ("GET", "/events/", 200, "bob")
    assert line["request_id"] == answer["X-Request-ID"]
    assert 0 < line["ms"] < 60_000
    assert "hunter2" not in str(found.lines)
    assert "somebody@example.com" not in str(found.lines)


def test_nobody_is_looked_up_for_a_health_check(
    db: None, written: Callable[[str], Written], django_assert_num_queries: Any
) -> None:
    found = written("json")
    with django_assert_num_queries(0):
        Client().get("/healthz")

    assert access(found)[0]["user"] == "-"


def test_export_is_told_when_it_is_over_and_once(login: Login, written: Callable[[str], Written]) -> None:
    client = login("alice")
    found = written("json")

    answer = client.get("/events/export.csv")
    assert access(found) == []
    body(answer)

    (line,) = access(found)
    assert (line["path"], line["status"]) == ("/events/export.csv", 200)


def test_export_that_breaks_off_is_not_told_as_well(
    login: Login, written: Callable[[str], Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: Any) -> Iterator[str]:
        yield "the beginning"
        raise RuntimeError("gone")

    monkeypatch.setattr("events.export.files.ndjson_lines", break_off)
    found = written("json")
    response = login("alice").get("/events/export.ndjson")
    with pytest.raises(RuntimeError):
        list(response.streaming_content)
    response.close()

    assert [entry["status"] for entry in access(found) if entry["path"] == "/events/export.ndjson"] == [500]


def test_export_is_told_without_what_was_searched_for(login: Login, written: Callable[[str], Written]) -> None:
    found = written("json")
    body(login("alice").get("/events/export.ndjson?search_text=someone@example.com"))

    entries = [json.loads(line) for line in found.lines]
    said = [entry["message"] for entry in entries if entry["logger"] == "events.views.export"]
    assert said == ["alice exports events as ndjson from all accounts"]


def test_export_that_nobody_fetches_is_told_too(login: Login, written: Callable[[str], Written]) -> None:
    client = login("alice")
    found = written("json")

    client.get("/events/export.csv").close()

    assert len(access(found)) == 1


@pytest.mark.parametrize("kind", ["line", "json"])
def test_path_cannot_forge_a_line(client: Client, written: Callable[[str], Written], kind: str) -> None:
    found = written(kind)

    client.get("/healthz%0aINFO%20auditsite.access:%20GET%20/forged%1b[2J/")
    logging.getLogger("events").warning("one\nERROR two\x1b[2J")

    assert all("\n" not in line and "\x1b" not in line for line in found.lines)


HOSTILE = [
    chr(n) for n in (*range(32), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x200E, 0x2028, 0x202E, 0x2066, 0xFEFF, 0xE0041)
]


@pytest.mark.parametrize("kind", ["line", "json"])
def test_control_characters_are_shown_as_codes_everywhere(written: Callable[[str], Written], kind: str) -> None:
    """In messages, arguments, request ids, exceptions and the code around them."""
    log = written(kind)
    hostile = "".join(HOSTILE) + "\ud800"
    logger = logging.getLogger("events")

    logger.warning("account %s: intact", hostile)
    logger.warning("account %s", f"X: intact.{chr(27)}[8m", extra={"request_id": hostile})
    try:
        raise RuntimeError(f"x\n2026-11-25 INFO auditsite.access: GET /forged 200{hostile}")
    except RuntimeError:
        logger.exception("failed", stack_info=True)

    text = "\n".join(log.lines)
    assert [character for character in [*HOSTILE, "\ud800"] if character in text.replace("\n", "")] == []
    assert "\\x1b" in text or "\\u001b" in text
    assert "\\u202e" in text
    lines = text.split("\n")
    if kind == "json":
        assert len([json.loads(line) for line in lines]) == 3
    else:
        records = [line for line in lines if not line.startswith("  ")]
        assert [line.split(":")[0] for line in records] == ["WARNING events", "WARNING events", "ERROR events"]


def test_objects_hold_no_more_than_they_should(login: Login, written: Callable[[str], Written]) -> None:
    client = login("alice")
    found = written("json")

    client.get("/events/nosuch/?search_text=hunter2")  # Django attaches the request itself to its own record

    allowed = {"time", "level", "logger", "message", "request_id", "method", "path", "status", "ms", "user"}
    assert {name for line in found.lines for name in json.loads(line)} <= allowed
    assert "hunter2" not in str(found.lines)


# --- what is never said ---------------------------------------------------------------------------------------------


def fail_with_secrets(request: Any) -> Any:
    """A view that fails while its variables hold all that must stay secret."""
    account = NexmoAccount.objects.get(api_key="demo0001")
    api_secret, password, session = account.api_secret, PASSWORD, request.session.session_key
    authorization = request.headers.get("Authorization")
    raise RuntimeError(f"it failed with {len((api_secret, password, session, authorization))} secrets at hand")


urlpatterns = [*site_urls.urlpatterns, path("fails", fail_with_secrets)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["line", "json"])
def test_no_secret_is_ever_logged_at_debug(
    cast: Any,
    make_sandbox: Callable[..., Sandbox],
    written: Callable[[str], Written],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    sandbox = make_sandbox(accounts=5, events=300)
    settings.ROOT_URLCONF = __name__
    settings.METRICS_TOKEN = TOKEN
    found = written(kind)
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    # Logging in, wrongly and rightly, with and without the token of the form.
    client.post("/login/", {"login": "alice", "password": "wrong-hunter2"})
    client.get("/login/")
    csrf = [client.cookies[settings.CSRF_COOKIE_NAME].value]
    for password in ("wrong-hunter2", PASSWORD):
        client.post("/login/", {"login": "alice", "password": password, "csrfmiddlewaretoken": csrf[-1]})
    csrf.append(client.cookies[settings.CSRF_COOKIE_NAME].value)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    # The pages, a sync, an export, and what monitoring asks.
    client.get("/events/?search_text=anything")
    client.post("/accounts/demo0001/sync/", {"csrfmiddlewaretoken": csrf[-1]})
    for account in NexmoAccount.objects.all():
        sync_account(account)
    body(client.get("/events/export.csv"))
    client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    client.get("/metrics", headers={"authorization": "Bearer another-token-9876"})
    # Errors of ours, of Nexmo's, and of the database.
    assert client.get("/fails", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 500
    sandbox.set_secrets("demo0002", ["changed-secret-0002"])
    sync_account(NexmoAccount.objects.get(api_key="demo0002"))
    sandbox.stop()
    monkeypatch.setattr("events.nexmo.client.AuditClient._pause", lambda *_: None)
    sync_account(NexmoAccount.objects.get(api_key="demo0003"))
    monkeypatch.setattr("events.sync.engine.client_for", lambda account, **_: 1 / 0)
    sync_account(NexmoAccount.objects.get(api_key="demo0004"))
    try:
        fail_with_secrets(client.get("/events/").wsgi_request)
    except RuntimeError:
        logging.getLogger("events").exception("as a task of the queue would", exc_info=sys.exc_info())

    text = "\n".join(found.lines)
    assert "it failed with 4 secrets at hand" in text, "tracebacks are there"
    assert "ZeroDivisionError" in text
    secrets = {
        "password": PASSWORD,
        "wrong password": "wrong-hunter2",
        "session key": session,
        "token of metrics": TOKEN,
        "another token": "another-token-9876",
        **{f"csrf {number}": value for number, value in enumerate(csrf)},
        **{f"secret of {a.api_key}": a.api_secret for a in NexmoAccount.objects.all()},
        **{
            f"authorization of {a.api_key}": base64.b64encode(f"{a.api_key}:{a.api_secret}".encode()).decode()
            for a in NexmoAccount.objects.all()
        },
        "SECRET_KEY": settings.SECRET_KEY,
        "CREDENTIAL_KEYS": settings.CREDENTIAL_KEYS[0],
        "SEAL_KEY": settings.SEAL_KEY,
    }
    assert {name for name, value in secrets.items() if value in text} == set()
    assert "csrfmiddlewaretoken" not in text
    assert request_id.get() == ""
