"""What browsers may keep, and the names of cookies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from auditsite.assets import address
from auditsite.configuration import env
from tests.configuration.test_settings import GOOD, start
from tests.tools.export import body
from tests.tools.scope import Login

VALUES = {
    "api_key": "demo0001",
    "event_id": "of-demo0001",
    "kind": "csv",
    "value": "192.0.2.1",
    "pk": "1",
    "app_label": "accounts",
    "content_type_id": "1",
    "object_id": "1",
    "rest": "x",
    "url": "x",
}


def addresses(patterns: list[Any], before: str = "/") -> list[str]:
    """Every address of the site, with values in the place of its parts."""
    made = []
    for pattern in patterns:
        route = getattr(pattern.pattern, "_route", None)
        if route is None:
            continue  # the admin's last: whatever is not found
        for name, converter in pattern.pattern.converters.items():
            label = next(part for part in route.split("<") if part.split(">")[0].split(":")[-1] == name)
            route = route.replace(f"<{label.split('>')[0]}>", VALUES.get(name, "1"))
            assert converter is not None
        if isinstance(pattern, URLResolver):
            made += addresses(pattern.url_patterns, before + route)
        elif isinstance(pattern, URLPattern) and pattern.name != "asset":
            made.append(before + route)
    return made


@pytest.mark.parametrize("person", ["admin", "nobody"])
def test_no_page_is_kept_by_a_browser(login: Login, events: Any, person: str, settings: Any) -> None:
    client = login(person)
    paths = addresses(get_resolver().url_patterns)
    assert len(paths) > 60
    assert {"/events/", "/events/evidence.zip", "/accounts/demo0001/seals.ndjson", "/admin/events/auditevent/"} <= {
        *paths
    }
    assert {"/profile/second-factor/totp/activate/", "/profile/second-factor/recovery-codes/"} <= {*paths}

    kept = {}
    for path in paths:
        if "logout" in path:
            continue
        client.raise_request_exception = False
        response = client.get(path)
        if "no-store" not in response.get("Cache-Control", ""):
            kept[path] = response.get("Cache-Control")
        response.close()
    assert kept == {}


def test_refusals_are_not_kept_either(login: Login, events: Any) -> None:
    for path in ("/nosuch", "/events/nosuch/", "/accounts/demo0009/"):
        assert login("bob").get(path)["Cache-Control"] == "no-store"
    assert "no-store" in Client(enforce_csrf_checks=True).post("/login/")["Cache-Control"]


def test_what_is_public_is_kept(client: Client, db: None) -> None:
    assert "immutable" in client.get(address("css"))["Cache-Control"]
    icon = client.get("/static/auditsite/icon.svg")
    assert body(icon)
    assert "no-store" not in icon.get("Cache-Control", "")


def test_restored_page_is_asked_for_anew_on_every_page(login: Login, db: None) -> None:
    script = login("admin").get(address("js")).content.decode()
    assert "persisted" in script
    assert "restored.js" in login("admin").get("/admin/").content.decode()


# --- cookies --------------------------------------------------------------------------------------------------------


def test_cookies_of_two_sites_on_one_host_do_not_clash(tmp_path: Path) -> None:
    names = {
        env.cookie_prefix(key, database, secure=False)
        for key in ("one" * 20, "two" * 20)
        for database in ("/a.sqlite3", "/b.sqlite3")
    }
    assert len(names) == 4
    assert env.cookie_prefix("one" * 20, "/a.sqlite3", secure=False) in names, "the same in every process"


def test_every_cookie_has_a_name_of_this_site(cast: dict[str, Any]) -> None:
    client = Client()
    client.get("/login/")
    client.post("/login/", {"login": "alice", "password": "audit-demo"})
    client.post("/profile/display", {"language": "en"})
    client.post("/logout/")  # leaves a message in a cookie

    prefix = env.cookie_prefix(settings.SECRET_KEY, str(settings.DATABASES["default"]["NAME"]), secure=False)
    used = set(client.cookies)
    names = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.MESSAGES_COOKIE_NAME}
    assert used <= names | {settings.LANGUAGE_COOKIE_NAME, settings.KNOWN_BROWSER_COOKIE_NAME}
    assert {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} <= used
    assert len({name.rpartition("_")[0] for name in used}) == 1
    assert prefix.startswith("auditsite_")


def test_cookies_are_named_by_key_and_database() -> None:
    command = "from django.conf import settings; print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)"
    answers = {
        start(arguments=("shell", "-v0", "-c", command), **changes).stdout.strip()
        for changes in ({}, {"SECRET_KEY": GOOD["SECRET_KEY"][::-1]}, {"DATABASE_URL": "postgres://host/other"})
    }
    assert len(answers) == 3
    assert all(len(set(answer.split())) == 2 for answer in answers)


def test_over_https_no_other_host_can_set_a_cookie_of_ours() -> None:
    command = (
        "from django.conf import settings as s; from django.http import HttpResponse as R; "
        "print(*(n for n in dir(s) if n.endswith('_COOKIE_NAME') and not getattr(s, n).startswith('__Host-')), "
        "*(n for n in dir(s) if n.endswith('_COOKIE_SECURE') and not getattr(s, n)), "
        "*(n for n in dir(s) if n.endswith('_COOKIE_DOMAIN') and getattr(s, n)), "
        "*(n for n in dir(s) if n.endswith('_COOKIE_PATH') and getattr(s, n) != '/'))"
    )
    done = start(arguments=("shell", "-v0", "-c", command), ALLOWED_HOSTS="audit.example.com")
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
