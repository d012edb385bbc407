"""One secret of each kind is planted through the site's own forms and settings, the site is used, and parts of it fail.
Then each is looked for, in whatever spelling, in everything that the site wrote, answered, sent, logged or kept."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.models import Permission
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_httpserver import HTTPServer

from accounts.models import NexmoAccount
from accounts.sso.config import OpenIDConnect
from auditsite.monitoring import logs
from events.alerts import deliver as alerts
from events.models import Channel, Stream
from events.operations import jobs
from events.sandbox import Sandbox
from events.storage import search_index
from events.streams import deliver as streams
from events.streams import progress
from events.sync.engine import SyncOptions, sync_account
from events.views import account_new
from tests.tools.admin import change, form
from tests.tools.export import body

pytestmark = pytest.mark.django_db
PASSWORD = "Planted-password-52"
PAGES = (
    *(
        "/events/",
        "/events/summary",
        "/events/export",
        "/events/news",
        "/accounts/",
        "/accounts/demo0001/",
        "/findings/",
    ),
    *(
        "/alerts/",
        "/alerts/log",
        "/streams/",
        "/reports/",
        "/reviews/",
        "/rules/",
        "/views/",
        "/evidence/",
        "/profile/",
    ),
    *("/profile/tokens/", "/profile/display", "/profile/second-factor/", "/admin/", "/admin/accounts/nexmoaccount/"),
    *("/admin/auth/user/", "/admin/mfa/authenticator/", "/admin/events/syncrun/", "/admin/accounts/apitoken/"),
    *("/healthz", "/readyz", "/metrics", "/nosuch", "/events/nosuch/", "/login/", "/api/", "/api/openapi.json"),
    *("/help/search/", "/accounts/new", "/streams/new?kind=webhook", "/alerts/channels/new?kind=webhook"),
)


def spellings(secret: str) -> set[str]:
    """How a secret may stand somewhere: as it is, quoted for addresses, HTML and JSON, in hex, within base64."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), quote(secret), html.escape(secret), json.dumps(secret)[1:-1], raw.hex()}
    for before in range(3):  # what stands before it in the same base64 moves it
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = encoded[(0, 2, 3)[before] : len(encoded) - 1]
        found |= {whole, whole.replace("+", "-").replace("/", "_")}
    return {spelling for spelling in found if len(spelling) >= 8}


class Planted:
    """What was planted, and all that the site told, by place."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.told: dict[str, list[str]] = {}
        self.shown_once: set[tuple[str, str]] = set()

    def note(self, place: str, text: Any) -> None:
        self.told.setdefault(place, []).append(text if isinstance(text, str) else repr(text))

    def found(self) -> set[tuple[str, str]]:
        """Kind of secret and place, wherever one is that was not to be there."""
        return {
            (kind, place)
            for kind, secret in self.secrets.items()
            for place, texts in self.told.items()
            if (kind, place) not in self.shown_once
            for text in texts
            if any(spelling in text for spelling in spellings(secret))
        }


class Browser(Client):
    """A browser, of which everything that it is shown is noted."""

    def __init__(self, planted: Planted, **more: Any) -> None:
        super().__init__(raise_request_exception=False, **more)
        self.planted = planted

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        content = body(answer)
        place = f"answer {request.get('REQUEST_METHOD', 'GET')} {request['PATH_INFO']}"
        self.planted.note(place, content.decode("latin-1") + content.decode("utf-8", "replace"))
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        self.planted.note(place, headers)
        answer.whole = content.decode("utf-8", "replace")
        return answer


class Log(logging.Handler):
    """Whatever any logger says at DEBUG, as the console has it in either format."""

    def __init__(self, planted: Planted) -> None:
        super().__init__(logging.DEBUG)
        self.planted = planted
        self.formats = (logs.Json(), logs.Line("{levelname} {name}: {message}", style="{"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "werkzeug":  # of the receiver, whose own address it is
            return
        for each in self.formats:
            self.planted.note("log", each.format(record))


@pytest.fixture
def planted(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    """The settings' own secrets, everything logged at DEBUG, temporary files in a folder of their own."""
    found = Planted()
    settings.METRICS_TOKEN = "planted-metrics-token-0123456789"
    settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = "smtp://mailer:planted-mail-77@127.0.0.1:9", "a@example.com"
    settings.ALERT_TARGETS = settings.STREAM_TARGETS = ["127.0.0.1"]
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.SEAL_CHANNELS = [str(tmp_path / "seals.ndjson")]
    openid = OpenIDConnect("http://127.0.0.1:9", "auditsite", "planted-oidc-secret-31", "Provider")
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, openid=openid)
    settings.SOCIALACCOUNT_PROVIDERS = settings.SINGLE_SIGN_ON.allauth_providers
    found.secrets |= {
        "SECRET_KEY": settings.SECRET_KEY,
        "CREDENTIAL_KEYS": settings.CREDENTIAL_KEYS[0],
        "SEAL_KEY": settings.SEAL_KEY,
        "METRICS_TOKEN": settings.METRICS_TOKEN,
        "mail server": "planted-mail-77",
        "OIDC_CLIENT_SECRET": openid.client_secret,
        "password": PASSWORD,
    }
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    run = subprocess.run

    def watched(command: Any, **options: Any) -> Any:
        found.note("process list", f"{command} {options.get('env')}")
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    handler, root = Log(found), logging.getLogger()
    names = ("", "auditsite", "accounts", "events", "django", "huey", "urllib3", "requests", "allauth")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield found
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def the(pattern: str, text: str) -> str:
    (found,) = {*re.findall(pattern, text)}
    return html.unescape(found)


@pytest.fixture
def alice(planted: Planted, cast: dict[str, Any]) -> Browser:
    """Alice, who may do much, logged in by her password, with a second factor and a token."""
    names = ("manage_stream", "view_sensitive", "export_evidence", "triage_finding")
    cast["alice"].user_permissions.add(*Permission.objects.filter(codename__in=names))
    cast["alice"].set_password(PASSWORD)
    cast["alice"].save()
    browser = Browser(planted)
    browser.post("/login/", {"login": "alice", "password": "wrong-" + PASSWORD})
    browser.post("/login/", {"login": "alice", "password": PASSWORD})
    browser.post("/login/confirm/", {"password": PASSWORD})
    planted.secrets["session"] = browser.session.session_key or ""
    # Django keeps sessions under their own keys.
    planted.shown_once |= {("session", "table django_session"), ("session", "table usersessions_usersession")}

    activate = "/profile/second-factor/totp/activate/"
    seed = the(r"\b[A-Z2-7]{32}\b", browser.get(activate).whole)
    planted.secrets["second factor"] = seed
    planted.shown_once.add(("second factor", f"answer GET {activate}"))
    code = format_hotp_value(hotp_value(seed, next(yield_hotp_counters_from_time())))
    assert browser.post(activate, {"code": code}).status_code == 302

    page = browser.post("/profile/tokens/new", {"name": "SIEM", "days": "30", "all_accounts": "on"}).whole
    planted.secrets["API token"] = the(r'id="token-secret">([^<]*)', page)
    planted.shown_once.add(("API token", "answer POST /profile/tokens/new"))
    planted.token = the(r'id="token-identifier">([^<]*)', page)  # type: ignore[attr-defined]
    return browser


def enter(browser: Browser, planted: Planted, receiver: str) -> tuple[Channel, Channel, Stream, Stream]:
    """Enter secrets in every form that takes some."""
    demo = NexmoAccount.objects.get(api_key="demo0001")
    planted.secrets |= {
        "API secret": "sandbox-secret-0001",
        "refused API secret": "planted-refused-secret-8",
        "second API secret": "planted-second-secret-4",
        "address of a channel": "planted-hook-token-19",
        "address of another service": "planted-service-token-63",
        "address of a stream": "planted-stream-token-24",
        "token of Splunk": "planted-splunk-token-95",
    }
    browser.post(
        change(demo),
        form(name="Shop", api_key="demo0001", api_secret_secondary=planted.secrets["second API secret"])
        | {"api_secret": planted.secrets["API secret"]},
    )
    typed = {"name": "New", "api_key": "demo0077", "api_secret": planted.secrets["refused API secret"]}
    browser.post("/accounts/new", typed)  # refused
    assert browser.post("/accounts/new", typed | {"save_anyway": "on"}).status_code == 302

    hook = f"{receiver}hook/planted-hook-token-19"
    path = "/alerts/channels/new?kind=webhook"
    planted.secrets["signing of a channel"] = the(
        r"whsec_[A-Za-z0-9+/=]+", browser.post(path, {"name": "Hook", "secret_address": hook}).whole
    )
    planted.shown_once.add(("signing of a channel", "answer POST /alerts/channels/new"))
    service = f"{receiver.replace('http', 'json', 1)}services/planted-service-token-63"
    assert (
        browser.post("/alerts/channels/new?kind=other", {"name": "Other", "secret_address": service}).status_code == 302
    )

    new = {"name": "SIEM", "contents": "events", "format": "flat", "all_accounts": "on", "start": "beginning"}
    address = f"{receiver}in?token=planted-stream-token-24"
    planted.secrets["signing of a stream"] = the(
        r"whsec_[A-Za-z0-9+/=]+", browser.post("/streams/new?kind=webhook", new | {"address": address}).whole
    )
    planted.shown_once.add(("signing of a stream", "answer POST /streams/new"))
    splunk = new | {"address": receiver.rstrip("/"), "secret": "planted-splunk-token-95", "name": "Splunk"}
    assert browser.post("/streams/new?kind=splunk", splunk).status_code == 302
    return (*Channel.objects.order_by("kind"), *Stream.objects.order_by("pk"))  # type: ignore[return-value]


def use(browser: Browser, planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever people, programs and the worker do, also what fails."""
    account = NexmoAccount.objects.get(api_key="demo0001")
    run = sync_account(account)
    assert run and run.status == "succeeded"
    sync_account(NexmoAccount.objects.get(api_key="demo0077"))  # refused
    with monkeypatch.context() as broken:

        def fail(session: Any, request: Any, **options: Any) -> Any:
            raise RuntimeError("something that nobody thought of")

        broken.setattr(requests.Session, "send", fail)
        run = sync_account(account, SyncOptions(full=True))
        assert run and run.status == "failed"
    with monkeypatch.context() as broken:

        def crash(*args: Any, **options: Any) -> Any:
            raise RuntimeError("a page that fails")

        broken.setattr(account_new.NewAccountForm, "is_valid", crash)
        typed = {"name": "New", "api_key": "demo0088", "api_secret": planted.secrets["refused API secret"]}
        assert browser.post("/accounts/new", typed).status_code == 500

    for channel in Channel.objects.all():
        browser.post(f"/alerts/channels/{channel.pk}/test")
        alerts.serve(channel.pk)
    for stream in Stream.objects.all():
        progress.begin(stream)
        browser.post(f"/streams/{stream.pk}/test")
        streams.serve(stream.pk)
    jobs.enqueue("plan_seals")
    while jobs.run_next():
        pass
    output = io.StringIO()
    call_command("seal_archive", stdout=output, stderr=output)
    planted.note("output of a command", output.getvalue())


def look_around(browser: Browser, planted: Planted) -> None:
    for path in PAGES:
        browser.get(path)
    for account in NexmoAccount.objects.visible_to(browser.session["_auth_user_id"] and _alice()):
        browser.get(change(account))
        browser.get(f"/admin/accounts/nexmoaccount/{account.pk}/history/")
    for kind in ("csv", "ndjson", "xlsx"):
        browser.get(f"/events/export.{kind}")
    for room, model in (("alerts/channels", Channel), ("streams", Stream)):
        for row in model._default_manager.all():
            browser.get(f"/{room}/{row.pk}/")
            browser.get(f"/{room}/{row.pk}/edit")
    metrics = Browser(planted, headers={"authorization": f"Bearer {planted.secrets['METRICS_TOKEN']}"})
    assert "auditsite_" in metrics.get("/metrics").whole
    token = f"{planted.token}:{planted.secrets['API token']}"  # type: ignore[attr-defined]
    basic = base64.b64encode(token.encode()).decode()
    program = Browser(planted, headers={"authorization": f"Basic {basic}"})
    assert program.get("/beta/audit/events").status_code == 200
    for path in ("/api/v1/token", "/api/v1/accounts", "/api/v1/events?nonsense=1"):
        program.get(path)
    assert Browser(planted).get("/sso/openid/").status_code in (302, 200, 400, 403, 502, 503)
    browser.post("/events/", {})


def _alice() -> Any:
    return NexmoAccount.objects.get(api_key="demo0001").owner


def dump(planted: Planted) -> None:
    """All tables, the cache, the queue's and the files' contents."""
    with connection.cursor() as cursor:
        # The search index can only be asked; what it is made of is in tables beside it.
        for table in {*connection.introspection.table_names(cursor)} - {search_index.INDEX}:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                planted.note(f"table {table}", repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)))
    for name in caches:
        planted.note("cache", getattr(caches[name], "_cache", {}))


def test_planted_secrets_are_found_nowhere(
    alice: Browser,
    planted: Planted,
    make_sandbox: Callable[..., Sandbox],
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_sandbox(accounts=1, events=30)
    httpserver.expect_request(re.compile(".*")).respond_with_json({"text": "Success", "code": 0})
    enter(alice, planted, httpserver.url_for("/"))
    use(alice, planted, monkeypatch)
    look_around(alice, planted)
    dump(planted)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            planted.note(f"file {file.relative_to(tmp_path).parts[0]}", file.read_bytes().decode("latin-1"))
    for request, _answer in httpserver.log:
        planted.note("what was sent", request.get_data(as_text=True))

    # All of it was really looked at.
    assert len(planted.secrets) == 19
    assert len([place for place in planted.told if place.startswith("table ")]) > 30
    places = ("log", "process list", "cache", "what was sent", "answer POST /accounts/new", "table django_admin_log")
    assert {*places} <= planted.told.keys()
    together = "".join(planted.told["log"])
    assert all(part in together for part in ("Traceback", "urllib3", "nobody thought of", "a page that fails"))
    assert planted.found() == set()
    # And what is shown once is seen, so that the search itself works.
    seen, planted.shown_once = planted.shown_once, set()
    assert planted.found() == seen


@pytest.mark.parametrize(
    "text",
    ["{}", "x%2B{}", '{{"a":"{}"}}'],
)
def test_the_search_finds_a_secret_in_whatever_spelling(text: str) -> None:
    planted = Planted()
    planted.secrets["kind"] = secret = "pl+nted/secret <1>="
    ways = [secret, quote(secret, safe=""), html.escape(secret), secret.encode().hex(), json.dumps(secret)[1:-1]]
    ways += [
        encode(before + secret.encode() + b"after").decode()
        for before in (b"", b"x", b"xy", b"user:", b"somebody:")
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    ]
    for number, way in enumerate(ways):
        planted.note(f"place {number}", text.replace("{{", "{").replace("}}", "}").replace("{}", way, 1))
    assert len(planted.found()) == len(ways)
