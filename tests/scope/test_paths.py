"""How paths lead to the login and to events."""

from __future__ import annotations

import html
import posixpath
import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from tests.conftest import PASSWORD
from tests.tools.export import body
from tests.tools.scope import Add, Login, error_text, shown_ids


@pytest.mark.parametrize("path", ["/events/", "/accounts/demo0001/sync/", "/accounts/", "/events/export.csv"])
def test_nobody_is_sent_to_the_login_when_posting(login: Login, events: dict[str, AuditEvent], path: str) -> None:
    response = login("nobody").post(path)

    assert response.status_code == 302
    assert response["Location"] == f"/login/?next={path}"


def test_static_files_need_no_login(client: Client) -> None:
    response = client.get("/static/auditsite/tokens.css")

    assert response.status_code == 200
    assert body(response)


def test_event_is_found_by_its_id_alone(login: Login, events: dict[str, AuditEvent]) -> None:
    response = login("bob").get("/events/of-demo0001/")

    assert response["Location"] == "/accounts/demo0001/events/of-demo0001/"


def test_event_id_that_two_accounts_hold_asks_which(login: Login, cast: dict[str, Any], add_event: Add) -> None:
    for key in ("demo0001", "demo0002", "demo0003"):
        add_event(NexmoAccount.objects.get(api_key=key), 1, id="same")

    page = login("alice").get("/events/same/")

    assert page.status_code == 200
    links = re.findall(r'<a href="(/accounts/[^"]*/events/same/)"', page.content.decode())
    assert sorted(links) == ["/accounts/demo0001/events/same/", "/accounts/demo0002/events/same/"]
    assert "2 of your accounts" in page.content.decode()
    assert "Tannelhof" not in page.content.decode()
    # Bob sees one of the two, and so is not asked.
    assert login("bob").get("/events/same/")["Location"] == "/accounts/demo0001/events/same/"


@pytest.mark.parametrize("spelling", ["ABC-def", "abc-def", "ABC-DEF"])
def test_event_is_found_whatever_the_case_of_its_id(
    login: Login, account: NexmoAccount, add_event: Add, spelling: str
) -> None:
    add_event(account, 1, id="Abc-Def")
    client = login("alice")

    assert client.get(f"/events/{spelling}/")["Location"] == "/accounts/demo0001/events/Abc-Def/"
    assert client.get(f"/accounts/demo0001/events/{spelling}/").status_code == 200


def as_proxies_read(address: str) -> str:
    """The path, with its percent signs read, steps back taken and slashes merged."""
    path = unquote(address.partition("?")[0])
    return posixpath.normpath(path) + ("/" if path.endswith("/") else "")


@pytest.mark.parametrize(
    "event_id",
    [
        "a/b",
        "/a",
        "a/",
        "a?b=c#d",
        "a%2Fb",
        "a b+c",
        "ÄÖÜ",
        "İ",
        "Σας",
        "🎉",
        "..",
        ".",
        "x/../../../login/",
        "/../",
        "a//b",
        "%2e%2e/x",
        "a/%2e%2e/x",
        "~2F",
        "~7E2F/../~",
        "x/../check",
        "\\..\\x",
        "<b>&\"'",
        "export.csv",
        "line\nbreak",
        "tab\ttab",
        "x" * 255,
    ],
)
def test_event_with_an_unusual_id_is_archived_once_and_found(
    login: Login, account: NexmoAccount, add_event: Add, event_id: str
) -> None:
    add_event(account, 1, id=event_id)
    add_event(account, 1, id=event_id)  # a later sync reads it again
    client = login("alice")

    page = client.get("/events/")
    assert shown_ids(page) == [event_id]
    (link,) = re.findall(r'<a class="when" href="([^"]*)"', page.content.decode())
    event = AuditEvent.objects.select_related("account").get()
    for address in (html.unescape(link), event.get_absolute_url()):
        assert as_proxies_read(address) == unquote(address.partition("?")[0])
        opened = client.get(address)
        assert (opened.status_code, opened.context["event"].event_id) == (200, event_id)


@pytest.mark.parametrize(
    "path", ["/events/a%00b/", "/accounts/a%00b/", "/accounts/demo0001/events/a%00b/", "/accounts/%00/events/"]
)
def test_nul_in_a_path_is_404(login: Login, cast: dict[str, Any], path: str) -> None:
    assert login("alice").get(path).status_code == 404


def test_deleted_account_in_a_shared_address_is_404(login: Login, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.get(api_key="demo0005").delete()
    client = login("admin")

    for path in ("", "events/", "events/export.csv", "events/of-demo0005/"):
        assert client.get(f"/accounts/demo0005/{path}").status_code == 404
    assert client.post("/accounts/demo0005/sync/").status_code == 404
    assert error_text(client.get("/events/?account=demo0005"), "account") == ("No account demo0005 is visible to you.")


def test_password_of_the_cast_logs_in(client: Client, cast: dict[str, Any]) -> None:
    response = client.post("/login/", {"login": "bob", "password": PASSWORD})

    assert response["Location"] == "/events/"
