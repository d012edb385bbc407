"""What is answered leaves an entry, and says who, what and by what filter."""

from __future__ import annotations

import html
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.access import record
from accounts.access.models import AccessEntry
from accounts.access.words import Via
from accounts.models import ApiToken, NexmoAccount
from accounts.tokens import authenticate, lifecycle
from auditsite.access_log import recent
from auditsite.access_log.write import session_mark
from events.models import AuditEvent, SavedView
from events.operations.demo_data import PASSWORD
from tests.tools.access import last, told
from tests.tools.export import body
from tests.tools.scope import Login
from tests.tools.tokens import basic, make_token

SECRET = "typed-where-a-secret-belongs"


def test_list_leaves_one_entry_with_its_filter(login: Login) -> None:
    alice = login("alice")

    alice.get("/events/?source=CD&account=demo0001,demo0002&event_type=&next=/x", HTTP_USER_AGENT="Browser/1")

    assert told() == [("alice", "listed", "event")]
    entry = last()
    assert entry.details == {"filter": "account=demo0001%2Cdemo0002&source=CD"}
    assert entry.api_keys == ["demo0001", "demo0002"]
    assert (entry.status, entry.address, entry.agent) == (200, "127.0.0.1", "Browser/1")
    assert entry.via == Via.SESSION and entry.via_id == session_mark(alice.session.session_key)
    assert entry.request_id


def test_opened_event_is_named_with_its_account(login: Login, events: dict[str, AuditEvent]) -> None:
    login("alice").get("/accounts/demo0001/events/of-demo0001/")

    entry = last()
    assert (entry.action, entry.kind, entry.object_id, entry.accounts) == ("opened", "event", "of-demo0001", "demo0001")


def test_what_is_refused_is_told_with_what_was_tried(login: Login, events: dict[str, AuditEvent]) -> None:
    charlie = login("charlie")

    assert charlie.get("/accounts/demo0001/events/of-demo0001/").status_code == 404
    assert charlie.get("/evidence/").status_code == 403

    assert told() == [("charlie", "refused", "event"), ("charlie", "refused", "evidence")]
    assert [entry.details["action"] for entry in AccessEntry.objects.order_by("pk")] == ["opened", "listed"]


def test_redirects_and_strangers_leave_nothing(login: Login, cast: dict[str, Any]) -> None:
    alice = login("alice")
    for path in ("/", "/healthz", "/nowhere/", "/profile/display"):
        alice.get(path)
    Client().get("/events/")

    assert told() == []


def test_polling_is_told_once_by_each_session(login: Login, cast: dict[str, Any]) -> None:
    alice, polled = login("alice"), {"HX-Request": "true"}

    for _ in range(3):
        alice.get("/accounts/demo0001/", headers=polled)
    assert told() == [("alice", "opened", "account")]
    alice.get("/accounts/demo0002/", headers=polled)
    login("admin").get("/accounts/demo0001/", headers=polled)
    alice.get("/accounts/demo0001/")

    assert told()[1:] == [
        ("alice", "opened", "account"),
        ("admin", "opened", "account"),
        ("alice", "opened", "account"),
    ]


def test_polling_is_told_again_after_a_while(
    login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = login("alice")
    alice.get("/accounts/demo0001/")

    monkeypatch.setattr(recent, "RECENT", 0)
    alice.get("/accounts/demo0001/", headers={"HX-Request": "true"})

    assert told() == [("alice", "opened", "account")] * 2


@pytest.mark.parametrize("part", ["summary", "suggest", "news", "export"])
def test_parts_of_a_list_are_told_by_another_filter_alone(login: Login, cast: dict[str, Any], part: str) -> None:
    alice = login("alice")
    alice.get("/events/?source=CD")

    alice.get(f"/events/{part}?source=CD&since=&piece=a")
    assert told() == [("alice", "listed", "event")]
    alice.get(f"/events/{part}?source=API")
    alice.get(f"/events/{part}?source=API")
    alice.get(f"/accounts/demo0001/events/{part}?source=CD")

    assert told() == [("alice", "listed", "event")] * 3
    assert [entry.details["filter"] for entry in AccessEntry.objects.order_by("pk")][:2] == ["source=CD", "source=API"]


@pytest.mark.parametrize("page", ["/events/?source=CD&search_text=number", "/accounts/demo0001/events/?order=oldest"])
def test_what_a_list_itself_asks_for_is_not_told(login: Login, events: Any, page: str) -> None:
    alice = login("alice")

    shown = html.unescape(alice.get(page).content.decode())
    parts = re.findall(r'(?:data-suggest|hx-get)="(/[^"]*)"', shown)

    assert len(parts) >= 2
    for part in parts:
        address = f"{part}{'&' if '?' in part else '?'}piece=a"
        assert alice.get(address, headers={"HX-Request": "true"}).status_code < 300
    assert told() == [("alice", "listed", "event")]


def test_export_is_told_as_begun_and_as_ended(login: Login, account: NexmoAccount, events: Any) -> None:
    alice = login("alice")

    response = alice.get("/accounts/demo0001/events/export.csv?source=CD")
    assert told() == [("alice", "export_begun", "event")]
    body(response)

    assert told() == [("alice", "export_begun", "event"), ("alice", "export_ended", "event")]
    assert last().details == {"filter": "source=CD", "rows": 1, "type": "csv", "whole": True}


def test_export_that_nobody_takes_is_told_as_cut_off(login: Login, events: Any) -> None:
    response = login("audrey").get("/events/export.xlsx")
    for close in response._resource_closers:  # as the web server has it done
        close()

    assert last().details == {"rows": 5, "type": "xlsx", "whole": False}


def test_forms_count_as_done_where_they_lead_on(login: Login, events: Any) -> None:
    alice = login("alice")

    alice.post("/views/new", {"name": "", "query": "source=CD"})
    assert told() == []
    alice.post("/views/new", {"name": "Mine", "query": "source=CD"})

    assert told() == [("alice", "created", "view")]


def test_api_is_told_by_token(login: Login, cast: dict[str, Any], events: Any) -> None:
    token, credentials = make_token(cast["alice"])

    client = Client()
    assert client.get("/api/v1/events?source=CD", **basic(credentials)).status_code == 200

    entry = last()
    assert told() == [("alice", "listed", "event")]
    assert (entry.via, entry.via_id) == (Via.TOKEN, token.identifier)


def test_wrong_tokens_are_told_and_cannot_fill_the_log(cast: dict[str, Any]) -> None:
    wrong = basic(make_token(cast["alice"])[1]._replace(secret="A" * 40))

    for _ in range(10):
        assert Client().get("/api/v1/events", **wrong).status_code == 401
    assert Client().get("/api/v1/events").status_code == 401

    assert set(told()) == {("", "login_failed", "token")}
    assert 0 < len(told()) < 10


def test_no_answer_without_its_entry(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = login("alice")

    def full(entry: record.Entry, **_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(record, "add", full)
    alice.raise_request_exception = False

    assert alice.get("/events/").status_code == 503
    assert alice.get("/profile/display").status_code == 200


def test_no_secret_is_kept(login: Login, cast: dict[str, Any]) -> None:
    admin, stranger = login("admin"), Client()
    account = NexmoAccount.objects.get(api_key="demo0003")
    page = f"/admin/accounts/nexmoaccount/{account.pk}/change/"

    stranger.post(f"/login/?next=/{SECRET}", {"login": SECRET, "password": SECRET})
    admin.get(f"/events/?next=/{SECRET}&code={SECRET}&job={SECRET}")
    changed = admin.post(
        page, {"name": "New", "api_key": "demo0003", "api_secret": SECRET, "owner": account.owner_id, "is_active": "on"}
    )

    assert changed.status_code == 302
    assert ("admin", "credentials_changed", "account") in told()
    assert ("", "login_failed", "session") in told()
    kept = json.dumps(list(AccessEntry.objects.values()), default=str)
    assert SECRET not in kept and account.api_secret not in kept
    entry = AccessEntry.objects.get(action="credentials_changed")
    assert {"api_secret", "name"} <= set(entry.details["fields"]) and entry.accounts == "demo0003"


def test_odd_characters_are_kept_as_far_as_databases_can(login: Login) -> None:
    login("alice").get("/events/?user_email=%00%ED%A0%80", HTTP_USER_AGENT="\x00" * 300)

    assert len(last().agent) == 200


def test_token_is_told_with_its_accounts_and_not_its_secret(login: Login, cast: dict[str, Any]) -> None:
    alice = login("alice")
    account = NexmoAccount.objects.get(api_key="demo0001")
    alice.post("/login/confirm/", {"password": PASSWORD})

    answer = alice.post("/profile/tokens/new", {"name": "Mine", "days": "30", "accounts": [account.pk]})

    token = ApiToken.objects.get()
    assert answer.status_code == 200
    entry = last()
    assert (entry.action, entry.kind, entry.accounts) == ("created", "token", "demo0001")
    assert entry.object_name == f"Mine ({token.identifier})"


def test_person_is_named_after_they_are_gone(login: Login, cast: dict[str, Any]) -> None:
    login("bob").get("/events/")
    cast["bob"].delete()

    assert told() == [("bob", "listed", "event")]


def test_what_was_deleted_is_still_named(login: Login, events: Any) -> None:
    alice = login("alice")
    alice.post("/views/new", {"name": "Short-lived", "query": "source=CD"})
    pk = SavedView.objects.get(name="Short-lived").pk

    alice.post(f"/views/{pk}/delete")

    assert not SavedView.objects.filter(pk=pk).exists()
    entry = last()
    assert (entry.action, entry.kind, entry.object_id, entry.object_name) == ("deleted", "view", str(pk), "Short-lived")


def test_valid_token_that_asks_too_often_failed_no_login(login: Login, cast: dict[str, Any], settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    authenticate._requests.forget()
    _, credentials = make_token(cast["alice"])

    answers = [Client().get("/api/v1/events", **basic(credentials)).status_code for _ in range(3)]

    assert answers == [200, 429, 429]
    assert told() == [("alice", "listed", "event")]


def test_deed_that_broke_off_is_told(login: Login, events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = login("alice")
    alice.raise_request_exception = False
    monkeypatch.setattr("events.views.saved.messages.success", lambda *_: 1 / 0)

    alice.post("/views/new", {"name": "Mine", "query": "source=CD"})

    assert SavedView.objects.filter(name="Mine").exists()
    assert told() == [("alice", "created", "view")]
    assert last().status == 500


def test_failed_write_puts_no_filter_into_the_process_log(
    login: Login, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = login("alice")
    alice.raise_request_exception = False

    def full(*entries: record.Entry, **_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(record, "add", full)
    with caplog.at_level("ERROR"):
        alice.get("/events/?user_email=somebody-private")

    assert "could not be written" in caplog.text
    assert "somebody-private" not in caplog.messages[0]


def test_use_of_a_revoked_token_names_it_and_its_person(cast: dict[str, Any]) -> None:
    token, credentials = make_token(cast["alice"])
    lifecycle.revoke(token, cast["alice"])

    assert Client().get("/api/v1/events", **basic(credentials)).status_code == 401

    assert told() == [("alice", "login_failed", "token")]
    assert (last().object_id, last().via) == (token.identifier, Via.NOBODY)


@pytest.mark.parametrize(
    ("path", "posted"),
    [
        ("/accounts/demo0001/sync/", {}),  # which is switched off here
        ("/findings/triage", {}),  # nothing was selected
        ("/admin/auth/user/99999/change/", {"username": "x"}),
    ],
)
def test_deed_that_a_page_refuses_is_no_deed(login: Login, events: Any, path: str, posted: dict[str, str]) -> None:
    NexmoAccount.objects.update(is_active=False)
    admin = login("admin")

    assert admin.post(path, posted).status_code == 302

    assert [action for _, action, _ in told()] == ["refused"]
    assert last().details["action"] in ("synced", "changed")


@pytest.mark.parametrize(
    "path", ["/events/", "/findings/", "/alerts/", "/findings/suppressions/", "/profile/activity/"]
)
def test_list_of_an_account_that_nobody_sees_does_not_name_it(login: Login, events: Any, path: str) -> None:
    login("alice").get(f"{path}?account=demo0001,demo0003")

    assert "demo0003" not in last().api_keys
    assert "demo0001" in last().api_keys or path not in ("/events/", "/findings/")  # others know no such filter
    assert last().details["filter"] == "account=demo0001%2Cdemo0003"


@pytest.mark.parametrize("path", ["/events/", "/findings/"])
def test_foreign_account_is_told_of_like_one_that_there_is_not(login: Login, events: Any, path: str) -> None:
    """demo0003 is somebody else's, and nobody has demo9999."""
    alice = login("alice")

    foreign, none = (alice.get(f"{path}?account={key}").content.decode() for key in ("demo0003", "demo9999"))

    assert "No account demo0003 is visible to you." in foreign
    assert _still(foreign).replace("demo0003", "demo9999") == _still(none)


def _still(page: str) -> str:
    """A page without what differs at each answer."""
    return re.sub(r'(csrfmiddlewaretoken|kept_form)" value="[^"]*"|"X-CSRFToken": ?"[^"]*"|\d\d:\d\d:\d\d', "", page)


def test_accounts_that_the_admin_has_synced_are_named(login: Login, cast: dict[str, Any]) -> None:
    chosen = list(NexmoAccount.objects.filter(api_key__in=("demo0001", "demo0002")))

    login("admin").post(
        "/admin/accounts/nexmoaccount/",
        {"action": "sync_now", "_selected_action": [account.pk for account in chosen]},
    )

    assert set(told()) == {("admin", "synced", "account")}
    assert sorted(entry.accounts for entry in AccessEntry.objects.all()) == ["demo0001", "demo0002"]


@pytest.mark.parametrize(("asked", "action"), [(True, "tested"), (False, "refused")])
def test_connection_that_fails_was_tested_where_nexmo_was_asked(
    login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch, asked: bool, action: str
) -> None:
    account = NexmoAccount.objects.get(api_key="demo0001")
    outcome = SimpleNamespace(works=False, was_asked=asked, sentence="No.")
    monkeypatch.setattr("events.admin.account.connection.try_account", lambda *_: outcome)

    login("admin").post(f"/admin/accounts/nexmoaccount/{account.pk}/test/")

    assert told() == [("admin", action, "account")]
