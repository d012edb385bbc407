"""A form sent after the login had ended: one logs in, and what was typed is there; nothing is sent by itself."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import kept_forms
from accounts.models import Profile
from events.models import Channel, Finding, SavedView, Stream
from events.operations.demo_data import PASSWORD
from tests.tools.findings import make_finding
from tests.tools.pages import text_of

NEW = "/views/new?query=source%3DCD"
TOLD = "This was not saved, because your login had ended. Check it and save it again."


@pytest.fixture
def browser(cast: dict[str, Any]) -> Client:
    """One that heeds tokens, with Alice logged in."""
    client = Client(enforce_csrf_checks=True)
    log_in(client, "alice")
    return client


def log_in(client: Client, name: str, to: str = "/login/") -> Any:
    fields = hidden(client.get(to)) | {"login": name, "password": PASSWORD}
    return client.post("/login/", fields)


def hidden(page: Any) -> dict[str, str]:
    """The hidden fields of a page."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
    return {name: unescape(value) for name, value in fields}


def end_login(client: Client, how: str) -> None:
    if how == "expired":
        Session.objects.all().delete()
    elif how == "cookie lost":
        del client.cookies[settings.SESSION_COOKIE_NAME]
    elif how == "all cookies lost":
        client.cookies.clear()
    else:  # logged in again, elsewhere in the same browser
        client.post("/logout/", hidden(client.get("/logout/")))
        log_in(client, "alice")


def save(client: Client, **fields: str) -> Any:
    """Send the form of a new view."""
    form = hidden(client.get(NEW))
    return form | {"name": "My view", "description": "With <words>", "team": ""} | fields


HOW = ["expired", "cookie lost", "all cookies lost"]


@pytest.mark.parametrize("how", HOW)
def test_what_was_typed_is_there_after_logging_in(browser: Client, how: str) -> None:
    form = save(browser)
    before = SavedView.objects.count()
    end_login(browser, how)

    sent = browser.post("/views/new", form)
    assert sent.status_code == 302
    assert urlsplit(sent["Location"]).path == "/login/"
    assert parse_qs(urlsplit(sent["Location"]).query) == {"next": [NEW]}
    back = log_in(browser, "alice", sent["Location"])
    assert back["Location"] == NEW
    page = browser.get(NEW)

    assert TOLD in text_of(page)
    assert 'value="My view"' in page.content.decode()
    assert "With &lt;words&gt;</textarea>" in page.content.decode()
    assert 'name="query" value="source=CD"' in page.content.decode()
    assert SavedView.objects.count() == before  # nothing was sent by itself
    again = browser.post("/views/new", hidden(page) | {"name": "My view", "description": "x", "team": ""})
    assert again.status_code == 302 and SavedView.objects.filter(name="My view").exists()
    assert TOLD not in text_of(browser.get(NEW))  # it is there once
    assert "My view" not in browser.get(NEW).content.decode().split('<form class="own', 1)[1]


def test_page_of_a_login_before_the_present_one_keeps_it_too(browser: Client) -> None:
    form = save(browser)
    end_login(browser, "logged in again")

    sent = browser.post("/views/new", form)

    assert sent["Location"] == NEW
    assert 'value="My view"' in browser.get(NEW).content.decode()


def test_display_preferences_are_kept(browser: Client, cast: dict[str, Any]) -> None:
    form = hidden(browser.get("/profile/display"))
    end_login(browser, "expired")
    chosen = {"time_zone": "Europe/Madrid", "theme": "dark", "columns": ["type", "who"], "next": "/events/?source=CD"}

    sent = browser.post("/profile/display", form | chosen)
    log_in(browser, "alice", sent["Location"])
    page = browser.get("/profile/display").content.decode()

    assert '<option value="Europe/Madrid" selected>' in page
    assert re.search(r'name="theme" value="dark"[^>]* checked', page)
    assert re.search(r'name="columns" value="type"[^>]* checked', page)
    assert not re.search(r'name="columns" value="account"[^>]* checked', page)
    assert 'name="next" value="/events/?source=CD"' in page
    assert not Profile.objects.exists()


def test_somebody_else_in_the_same_browser_sees_nothing_of_it(browser: Client) -> None:
    form = save(browser)
    end_login(browser, "expired")
    sent = browser.post("/views/new", form)

    log_in(browser, "bob", sent["Location"])
    page = browser.get(NEW)
    assert "My view" not in page.content.decode()
    assert TOLD not in text_of(page)
    assert not any("My view" in str(session.get_decoded()) for session in Session.objects.all())


def test_form_of_somebody_else_is_refused(browser: Client) -> None:
    form = save(browser)
    end_login(browser, "all cookies lost")
    log_in(browser, "bob")

    assert browser.post("/views/new", form).status_code == 403
    assert "My view" not in browser.get(NEW).content.decode()


@pytest.mark.parametrize("mark", ["", "x", "None", "a:b:c", "WyJhIl0:1x:abc"])
def test_nothing_is_kept_of_a_form_without_a_mark_of_this_site(browser: Client, mark: str) -> None:
    form = save(browser) | {kept_forms.FIELD: mark}
    end_login(browser, "all cookies lost")

    sent = browser.post("/views/new", form)

    assert sent["Location"] == "/login/?next=/views/new"
    assert settings.SESSION_COOKIE_NAME not in sent.cookies  # nor does anybody fill the table of sessions
    log_in(browser, "alice", sent["Location"])
    assert "My view" not in browser.get(NEW).content.decode()


def test_old_marks_and_long_forms_are_not_kept(browser: Client) -> None:
    form = save(browser, description="x" * (kept_forms.MOST + 1))
    end_login(browser, "expired")
    sent = browser.post("/views/new", form)
    assert "next=/views/new" in sent["Location"]
    assert not Session.objects.exists()
    assert "what you typed could not be kept: it is longer than 20,000 characters" in text_of(
        browser.get(sent["Location"])
    )

    with time_machine.travel(timezone.now() + timezone.timedelta(seconds=kept_forms.AGE + 60)):
        sent = browser.post("/views/new", form | {"description": ""})
    assert sent["Location"] == "/login/?next=/views/new"


def test_button_and_form_that_ask_for_nothing_say_that_nothing_was_changed(browser: Client) -> None:
    token = {"csrfmiddlewaretoken": hidden(browser.get(NEW))["csrfmiddlewaretoken"]}
    end_login(browser, "cookie lost")

    sent = browser.post("/views/star", token)

    assert "Nothing was changed, because you are not logged in." in text_of(browser.get(sent["Location"]))


@pytest.mark.parametrize(
    ("referer", "expected"),
    [
        ("http://testserver/accounts/demo0001/?x=1", "/accounts/demo0001/%3Fx%3D1"),
        ("https://evil.example/accounts/", ""),
        ("http://testserver//evil.example/", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("path", ["/accounts/demo0001/sync/", "/views/star"])
def test_button_leads_back_to_its_page_and_nowhere_else(
    browser: Client, referer: str, expected: str, path: str
) -> None:
    for how in ("cookie lost", "all cookies lost"):
        browser.force_login(get_user_model().objects.get(username="alice"), "auditsite.login.Backend")
        token = {"csrfmiddlewaretoken": hidden(browser.get(NEW))["csrfmiddlewaretoken"]}
        end_login(browser, how)
        assert (
            browser.post(path, token, headers={"referer": referer})["Location"] == f"/login/?next={expected or path}"
        ), how


def test_login_itself_says_that_its_page_is_out_of_date(cast: dict[str, Any]) -> None:
    page = Client(enforce_csrf_checks=True).post("/login/", {"login": "alice", "password": PASSWORD})

    assert page.status_code == 403
    assert "This page is out of date" in text_of(page)


def test_no_form_of_secrets_alone_asks_to_be_kept(login: Any) -> None:
    """Others do, without their secrets: tests/login/test_confirm."""
    admin = login("admin")
    for path in ("/login/", "/profile/password/", "/profile/second-factor/"):
        assert kept_forms.FIELD not in admin.get(path, follow=True).content.decode(), path


def test_form_with_secrets_keeps_all_but_those(browser: Client) -> None:
    form = hidden(browser.get("/accounts/new"))
    end_login(browser, "expired")

    browser.post("/accounts/new", form | {"name": "Shop", "api_key": "abcd1234", "api_secret": "very-secret-value"})
    stored = [session.get_decoded() for session in Session.objects.all()]
    log_in(browser, "alice")
    page = browser.get("/accounts/new").content.decode()

    assert 'value="Shop"' in page
    assert 'value="abcd1234"' in page
    assert "very-secret-value" not in f"{page}{stored}"
    assert str(kept_forms.SECRETS_AGAIN) in page


# Where each form is, and what is typed into it.
LONG_FORMS = {
    "channel": ("/alerts/channels/new?kind=slack", {"name": "On-call", "secret_address": "https://x.example/SECRET"}),
    "stream": ("/streams/new?kind=webhook", {"name": "To the SIEM", "address": "https://x.example/SECRET"}),
    "collector": (
        "/streams/new?kind=splunk",
        {"name": "Splunk", "address": "https://splunk.example:8088", "secret": "SECRET", "index": "audit"},
    ),
}


@pytest.mark.parametrize("which", LONG_FORMS)
def test_destination_is_typed_once_but_for_its_secrets(cast: dict[str, Any], which: str) -> None:
    path, typed = LONG_FORMS[which]
    browser = Client(enforce_csrf_checks=True)
    log_in(browser, "admin")
    form = hidden(browser.get(path))
    end_login(browser, "expired")

    sent = browser.post(path, form | typed)
    stored = [session.get_decoded() for session in Session.objects.all()]
    back = log_in(browser, "admin", sent["Location"])
    page = browser.get(back["Location"]).content.decode()

    assert back["Location"] == path
    assert TOLD in unescape(page)
    for value in typed.values():
        assert (f'value="{value}"' in page) == ("SECRET" not in value), value
    assert "SECRET" not in f"{page}{stored}"
    assert not Stream.objects.exists() and not Channel.objects.exists()


@pytest.mark.parametrize("where", ["/findings/{}/", "/findings/?state=all"])
def test_note_on_a_finding_is_there_after_logging_in(events: dict[str, Any], browser: Client, where: str) -> None:
    finding = make_finding([events["demo0001"]])
    path = where.format(finding.pk)
    page = browser.get(path)
    (version,) = {*re.findall(r'name="finding" value="([^"]+)"', page.content.decode())}
    end_login(browser, "expired")

    posted = {"finding": version, "deed": "acknowledge", "note": "Long and careful words"}
    sent = browser.post("/findings/triage", hidden(page) | posted)
    back = log_in(browser, "alice", sent["Location"])
    page = browser.get(back["Location"])

    assert back["Location"] == path
    assert TOLD in text_of(page)
    assert "Long and careful words" in page.content.decode()
    assert Finding.objects.get().state == "open"  # nothing was done by itself
    if "state" in path:
        assert re.search(r'name="finding" value="[^"]+"[^>]* checked', page.content.decode())
        assert '<option value="acknowledge" selected' in page.content.decode()


def test_suppression_is_filled_in_again(events: dict[str, Any], browser: Client) -> None:
    finding = make_finding([events["demo0001"]])
    path = f"/findings/{finding.pk}/suppress"
    form = hidden(browser.get(path))
    end_login(browser, "expired")

    sent = browser.post(path, form | {"reason": "A known supplier", "span": "90", "show": "1"})
    back = log_in(browser, "alice", sent["Location"])
    page = browser.get(back["Location"]).content.decode()

    assert 'value="A known supplier"' in page
    assert '<option value="90" selected' in page


def test_day_to_send_again_from_and_new_owner_are_filled_in_again(cast: dict[str, Any], account: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    log_in(browser, "admin")
    stream = Stream.objects.create(kind="webhook", name="To the SIEM", owner=cast["admin"], created_by=cast["admin"])
    page = f"/streams/{stream.pk}/"
    hand_over = f"/admin/auth/user/{cast['alice'].pk}/hand-over/"
    forms = {path: hidden(browser.get(path)) for path in (page, hand_over)}

    for path, target, typed, shown in (
        (page, f"{page}replay", {"since": "2026-03-01"}, 'value="2026-03-01"'),
        (hand_over, hand_over, {"to": str(cast["bob"].pk)}, f'<option value="{cast["bob"].pk}" selected'),
    ):
        end_login(browser, "expired")
        sent = browser.post(target, forms[path] | typed)
        back = log_in(browser, "admin", sent["Location"])
        assert back["Location"] == path
        assert shown in browser.get(path).content.decode(), path
    account.refresh_from_db()
    assert account.owner == cast["alice"]


def test_way_back_from_a_file_is_the_page_that_offered_it(events: dict[str, Any]) -> None:
    client, page, file = Client(), "/events/export?source=CD", "/events/export.csv?source=CD"

    sent = client.get(file, headers={"referer": f"http://testserver{page}"})
    alone = client.get(file)
    event = client.get("/accounts/demo0001/events/a.b/", headers={"referer": f"http://testserver{page}"})

    assert parse_qs(urlsplit(sent["Location"]).query)["next"] == [page]
    assert parse_qs(urlsplit(alone["Location"]).query)["next"] == [file]
    assert parse_qs(urlsplit(event["Location"]).query)["next"] == ["/accounts/demo0001/events/a.b/"]
