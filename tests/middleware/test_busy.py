"""A database that is locked or away is said to be so."""

from __future__ import annotations

import contextlib
import http.cookiejar
import re
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import path

from auditsite import urls as site_urls
from auditsite.middleware.busy import PATIENCE_MS
from tests.tools.site import Site, start_site


def fails(request: Any) -> Any:
    raise OperationalError(request.GET["with"])


handler500 = site_urls.handler500
urlpatterns = [*site_urls.urlpatterns, path("login/fails", fails)]


def log_in(site: Site) -> tuple[int, str]:
    """Post a wrong password; the answer's status and text."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = opener.open(f"{site.url}/login/", timeout=60).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token
    data = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], "login": "alice", "password": "wrong"}).encode()
    try:
        with opener.open(f"{site.url}/login/", data, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_login_on_a_locked_database_does_not_say_too_many_requests(tmp_path: Path) -> None:
    with start_site(tmp_path) as site, contextlib.closing(sqlite3.connect(tmp_path / "site.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        status, text = log_in(site)

        assert status == 503
        assert "Try again in a moment" in text
        assert "oo many" not in text
        assert PATIENCE_MS / 1000 <= time.monotonic() - began < 20

        other.rollback()
        status, text = log_in(site)
        assert status == 200
        assert "are not correct" in text


@pytest.mark.parametrize(
    ("message", "status"),
    [("database is locked", 503), ("no such table: x", 500 if connection.vendor == "sqlite" else 503)],
)
def test_only_what_passes_is_worth_trying_again(db: None, settings: Any, message: str, status: int) -> None:
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    client.force_login(_user())

    answer = client.get("/login/fails", {"with": message})

    assert answer.status_code == status
    assert ("Retry-After" in answer) == (status == 503)
    assert message not in answer.content.decode()


def _user() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.create_user("somebody")
