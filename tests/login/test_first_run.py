"""The first run: nobody exists, and one page makes the first administrator, for whoever has the link."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.test import Client

from auditsite.login import first_run
from auditsite.login.welcome import AdministratorForm
from auditsite.server import supervisor
from tests.tools.pages import text_of, violations
from tests.tools.processes import ROOT
from tests.tools.site import start_site

User = get_user_model()
ADA = {
    "username": "ada",
    "email": "ada@example.com",
    "password1": "correct-horse-9",
    "password2": "correct-horse-9",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def here() -> Client:
    """A browser on the machine itself, which counts for nothing."""
    return Client(SERVER_NAME="localhost", REMOTE_ADDR="127.0.0.1")


@pytest.fixture
def elsewhere() -> Client:
    return Client(REMOTE_ADDR="198.51.100.7")


@pytest.fixture
def link() -> str:
    """What the server prints, without the site's address."""
    return f"/welcome/?token={first_run.invite()}"


# --- who is led there, and who is let in ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/events/", "/accounts/", "/login/", "/admin/", "/accounts/demo0001/", "/login/none/"]
)
def test_every_page_leads_to_the_welcome_while_nobody_exists(here: Client, path: str) -> None:
    response = here.get(path, follow=True)

    assert response.redirect_chain[-1] == ("/welcome/", 302)
    assert response.status_code == 403
    assert "Open the link that the server printed in its terminal" in text_of(response)
    assert "Restart Auditsite to have a new one printed" in text_of(response)


def test_health_is_answered_all_the_same(here: Client) -> None:
    assert here.get("/healthz").status_code == 200


def test_who_has_the_link_creates_the_first_administrator(here: Client, link: str) -> None:
    page = here.get(link)
    assert violations(page) == []
    assert "Welcome to Auditsite" in text_of(page)

    response = here.post(link, ADA)

    assert response["Location"] == "/accounts/new"
    user = User.objects.get()
    assert (user.username, user.email) == ("ada", "ada@example.com")
    assert user.is_superuser and user.is_staff and user.is_active
    assert user.check_password("correct-horse-9")
    assert here.session["_auth_user_id"] == str(user.pk), "and is logged in"
    assert UserSession.objects.get().user == user, "in a browser that can be ended"
    assert "Add your first account" in text_of(here.get("/accounts/new"))


@pytest.mark.parametrize("method", ["get", "post"])
def test_there_is_no_such_page_once_anybody_exists(here: Client, method: str) -> None:
    token = first_run.invite()
    User.objects.create_user("somebody", is_active=False)

    for path in ("/welcome/", f"/welcome/?token={token}"):
        assert getattr(here, method)(path, ADA).status_code == 404
    assert here.get("/login/").status_code == 200
    assert here.get("/events/")["Location"] == "/login/?next=/events/"
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "request_fields",
    [
        {},
        {"REMOTE_ADDR": "::1"},
        {"SERVER_NAME": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1"},  # as a tunnel or a bare proxy passes a stranger on
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"REMOTE_ADDR": "198.51.100.7"},
        {"REMOTE_ADDR": "unix:"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
    ],
)
def test_nobody_gets_in_without_the_link_wherever_the_request_comes_from(request_fields: dict[str, str]) -> None:
    client = Client(**{"SERVER_NAME": "localhost", "REMOTE_ADDR": "127.0.0.1"} | request_fields)

    for response in (client.get("/welcome/"), client.post("/welcome/", ADA)):
        assert response.status_code == 403
        assert violations(response) == []
        assert "<form" not in response.content.decode().partition("<main")[2]
    assert not User.objects.exists()


# --- the link ------------------------------------------------------------------------------------------------------


def test_link_lets_in_from_elsewhere_and_ends_with_the_first_person(elsewhere: Client, link: str) -> None:
    page = elsewhere.get(link)
    assert page.status_code == 200
    assert f'action="{link}"' in page.content.decode()

    assert elsewhere.post(link, ADA)["Location"] == "/accounts/new"
    assert Client(REMOTE_ADDR="198.51.100.7").get(link).status_code == 404


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\0", "\ud800"])
def test_other_tokens_let_nobody_in(elsewhere: Client, token: str) -> None:
    first_run.invite()

    assert elsewhere.get("/welcome/", {"token": token.encode("utf-8", "replace")}).status_code == 403
    assert elsewhere.post("/welcome/?token=nonsense", ADA).status_code == 403
    assert not first_run.is_invited(token)
    assert not User.objects.exists()


def test_link_ends_after_a_day(elsewhere: Client) -> None:
    with time_machine.travel("2026-11-26T12:00:00Z", tick=False) as clock:
        token = first_run.invite()
        clock.shift(first_run.LINK_KEPT - 1)
        assert first_run.is_invited(token)
        clock.shift(2)
        assert not first_run.is_invited(token)


def test_tokens_are_random_and_not_kept_themselves() -> None:
    one, other = first_run.invite(), first_run.invite()

    assert one != other and len(one) >= 43
    assert one not in first_run._kept_as(one)
    assert first_run.is_invited(one) and first_run.is_invited(other), "a second server does not end the first one's"


@pytest.mark.parametrize(
    ("binds", "hosts", "https", "address"),
    [
        (["127.0.0.1:8000"], ["localhost"], False, "http://127.0.0.1:8000"),
        (["0.0.0.0:8080"], ["localhost", "127.0.0.1", "[::1]"], False, "http://localhost:8080"),
        (["[::1]:8000"], ["localhost"], False, "http://[::1]:8000"),
        (["unix:/run/site.sock"], ["localhost"], False, "http://localhost"),
        (["127.0.0.1:8000"], ["audit.example.com", "localhost"], True, "https://audit.example.com"),
        (["127.0.0.1:8000"], [".example.com"], True, "https://example.com"),
    ],
)
def test_link_leads_to_where_people_reach_the_site(
    settings: Any, capsys: Any, binds: list[str], hosts: list[str], https: bool, address: str
) -> None:
    settings.ALLOWED_HOSTS, settings.HTTPS = hosts, https

    first_run.announce(binds)

    (link,) = re.findall(r"https?://\S+", capsys.readouterr().out)
    assert re.fullmatch(re.escape(f"{address}/welcome/?token=") + r"[\w-]{43}", link)
    assert first_run.is_invited(link.partition("token=")[2])


def test_server_prints_a_link_that_works_through_a_proxy(tmp_path: Path) -> None:
    with start_site(tmp_path, founded=False, WEB_PROCESSES="2") as site:
        deadline = time.monotonic() + 120
        while not (links := re.findall(r"http://127.0.0.1:\d+(/welcome/\S+)", site.log.read_text())):
            assert time.monotonic() < deadline
            time.sleep(0.1)

        def status(path: str, **headers: str) -> int:
            request = urllib.request.Request(site.url + path, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        assert len(links) == 1, "whatever the number of processes"
        assert status("/welcome/", **{"X-Forwarded-For": "198.51.100.7"}) == 403
        assert status(links[0], **{"X-Forwarded-For": "198.51.100.7"}) == 200
        assert status("/welcome/") == 403, "not even from the machine itself"
        assert site.log.read_text().count(links[0].partition("token=")[2]) == 1, "requests are logged without it"


def test_nothing_is_printed_once_somebody_exists(capsys: Any) -> None:
    User.objects.create_user("somebody")
    first_run.announce(["127.0.0.1:8000"])

    assert capsys.readouterr().out == ""


def test_database_that_is_away_is_logged_and_stops_nothing(
    capsys: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> bool:
        raise DatabaseError("secret words")

    monkeypatch.setattr(first_run, "is_pending", away)
    first_run.announce(["127.0.0.1:8000"])

    assert capsys.readouterr().out == ""
    assert "No link to create the first administrator" in caplog.text
    assert "secret words" not in caplog.text


def test_cache_that_is_away_is_logged_and_stops_nothing(
    capsys: Any, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    pytest.importorskip("redis")
    nowhere = {"BACKEND": "auditsite.caches.SignedRedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = configured.CACHES | {"default": nowhere}

    first_run.announce(["127.0.0.1:8000"])

    assert capsys.readouterr().out == ""
    assert "No link to create the first administrator" in caplog.text and "ConnectionError" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("age", "printed_elsewhere"), [(1, False), (2, False), (1, True)])
def test_first_worker_prints_the_link_and_keeps_no_connection(
    capsys: Any, monkeypatch: pytest.MonkeyPatch, gunicorn: ModuleType, age: int, printed_elsewhere: bool
) -> None:
    if printed_elsewhere:
        monkeypatch.setenv(supervisor.LINK_IS_PRINTED, "true")
    connection.ensure_connection()

    gunicorn.post_worker_init(SimpleNamespace(age=age, cfg=SimpleNamespace(bind=["127.0.0.1:8000"])))

    prints = age == 1 and not printed_elsewhere
    assert ("/welcome/?token=" in capsys.readouterr().out) == prints
    assert (connection.connection is None) == prints


def test_run_prints_the_link_last_and_once(tmp_path: Path) -> None:
    """The whole of `manage.py run`: what stands at the end of the terminal is the address to open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "run", f"--port={port}"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "AUDITSITE_HOME": str(tmp_path)},
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + 180
        while "a restart prints a new one" not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        (link,) = re.findall(rf"http://127\.0\.0\.1:{port}/welcome/\S+", log.read_text())
        assert log.read_text().index("Auditsite runs at") < log.read_text().index(link)
        with urllib.request.urlopen(link, timeout=60) as page:
            assert "Create administrator" in page.read().decode()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


# --- what is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"username": ""}, "username", "This field is required."),
        ({"username": "a\u200bda"}, "username", "cannot be seen"),
        ({"username": "a b"}, "username", "valid username"),
        ({"email": ""}, "email", "This field is required."),
        ({"email": "nonsense"}, "email", "valid email"),
        ({"password2": "another-horse-9"}, "password2", "match"),
        ({"password1": "short", "password2": "short"}, "password2", "at least 12 characters"),
        ({"password1": "password1", "password2": "password1"}, "password2", "too common"),
        ({"password1": "ada@example.com", "password2": "ada@example.com"}, "password2", "similar"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_else_is_lost(
    here: Client, link: str, typed: dict[str, str], field: str, sentence: str
) -> None:
    response = here.post(link, ADA | typed)

    page = response.content.decode()
    (error,) = re.findall(rf'id="error-{field}"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert sentence in error
    if field != "email":
        assert 'value="ada@example.com"' in page
    assert "Enter the password again" in page
    for secret in {(ADA | typed)["password1"], (ADA | typed)["password2"]} - {"ada@example.com"}:
        assert f'value="{secret}"' not in page
    assert re.search(r'type="password"[^>]*value', page) is None
    assert not User.objects.exists()


def test_attempts_are_counted_as_those_of_the_login(here: Client, link: str) -> None:
    wrong = ADA | {"password2": "another"}
    statuses = [here.post(link, wrong).status_code for _ in range(31)]

    assert statuses == [200] * 30 + [429]
    refused = here.post(link, ADA)
    assert "Too many attempts" in text_of(refused)
    assert 'value="ada"' in refused.content.decode()
    assert not User.objects.exists()


def test_form_needs_a_token_of_its_own_page(link: str) -> None:
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="localhost", REMOTE_ADDR="127.0.0.1")

    assert strict.post(link, ADA).status_code == 403
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_becomes_administrator(monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    """Both have passed every check before either saves."""
    both = threading.Barrier(2, timeout=60)
    make = first_run.make_administrator

    def together(user: Any) -> None:
        both.wait()
        make(user)

    monkeypatch.setattr(first_run, "make_administrator", together)

    def post(name: str) -> int:
        try:
            client = Client(SERVER_NAME="localhost", REMOTE_ADDR="127.0.0.1")
            return client.post(link, ADA | {"username": name}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        statuses = sorted(threads.map(post, ["ada", "eve"]))

    assert statuses == [302, 404]
    assert User.objects.count() == 1


def test_page_speaks_spanish(here: Client, link: str) -> None:
    page = here.get(link, headers={"accept-language": "es"})

    assert '<html lang="es"' in page.content.decode()
    assert "Welcome" not in text_of(page)


def test_form_asks_for_no_more_than_is_needed() -> None:
    assert list(AdministratorForm().fields) == ["username", "email", "password1", "password2"]
    assert configured.LOGIN_URL == "account_login"
