"""Events, types and runs in the admin: read by their readers, touched by nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount, Profile
from events.admin.records import CappedPaginator
from events.models import AuditEvent, EventType, LegalHold, SavedView, SyncRun
from events.sync import state
from tests.conftest import NOON
from tests.tools.admin import Add, Login
from tests.tools.export import add_many
from tests.tools.pages import text_of


@pytest.fixture
def records(account: NexmoAccount, add_event: Add) -> dict[str, Any]:
    """One of each of what may only be read."""
    event = add_event(account, 1)
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    return {"auditevent": event, "eventtype": EventType.objects.get(), "syncrun": run}


@pytest.mark.parametrize("person", ["alice", "audrey", "admin"])
def test_records_are_read_only(login: Login, records: dict[str, Any], person: str) -> None:
    client = login(person)

    for name, record in records.items():
        base = f"/admin/events/{name}/"
        assert client.get(base).status_code == 200
        client.post(base, {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"})
        assert client.get(f"{base}add/").status_code == 403
        assert client.post(f"{base}add/", {"event_type": "x", "code": "x"}).status_code == 403
        page = client.get(f"{base}{record.pk}/change/")
        assert page.status_code == 200
        assert not re.findall(r'name="(?:_save|_continue|_addanother)"', page.content.decode())
        assert "deletelink" not in page.content.decode()
        assert client.post(f"{base}{record.pk}/change/", {"event_type": "x", "code": "x"}).status_code == 403
        assert client.post(f"{base}{record.pk}/delete/", {"post": "yes"}).status_code == 403
        assert 'value="delete_selected"' not in client.get(base).content.decode()
        assert type(record).objects.get(pk=record.pk) == record
    assert AuditEvent.objects.get().event_type == "NUMBER_UPDATED"


def test_event_in_the_admin_shows_what_was_received(login: Login, records: dict[str, Any]) -> None:
    page = login("admin").get(f"/admin/events/auditevent/{records['auditevent'].pk}/change/")

    assert records["auditevent"].event_id in text_of(page)
    assert "447700900000" in text_of(page)


def test_events_are_not_searched_here_but_on_the_pages_made_for_it(login: Login, records: dict[str, Any]) -> None:
    client = login("admin")

    page = client.get("/admin/events/auditevent/")
    assert 'href="/events/">Search and filter events</a>' in page.content.decode()
    assert 'name="q"' not in page.content.decode()
    with CaptureQueriesContext(connection) as queries:
        assert "0 events" in text_of(client.get("/admin/events/auditevent/", {"q": "NUMBER_UPDATED"}))
    assert not [entry["sql"] for entry in queries if "LIKE" in entry["sql"] or "UPPER" in entry["sql"]]


@pytest.mark.parametrize("order", ["", "1", "-1", "2", "3.-4", "7"])
def test_events_are_listed_along_an_index_whatever_order_is_asked_for(
    login: Login, records: dict[str, Any], order: str
) -> None:
    client = login("admin")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/admin/events/auditevent/", {"o": order}).status_code == 200
    ordered = [sql["sql"] for sql in queries if 'FROM "events_auditevent"' in sql["sql"] and "ORDER BY" in sql["sql"]]
    assert ordered
    for sql in ordered:
        assert sql.partition("ORDER BY ")[2].startswith(
            '"events_auditevent"."created_at" DESC, "events_auditevent"."id" DESC'
        )


@pytest.mark.parametrize("query", ["", "?q=x", "?all=", "?_facets=True"])
def test_lists_of_records_count_within_a_limit(login: Login, records: dict[str, Any], query: str) -> None:
    client = login("admin")

    for name in ("auditevent", "eventtype", "syncrun"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/admin/events/{name}/{query}", follow=True).status_code == 200

        on_records = [entry["sql"] for entry in queries if f'"events_{name}"' in entry["sql"]]
        assert on_records or query == "?q=x"
        assert [sql for sql in on_records if "COUNT(" in sql and "LIMIT" not in sql] == []


def test_paginator_counts_up_to_its_limit(login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    add_many(account, range(70))
    monkeypatch.setattr(CappedPaginator, "most", 60)

    page = login("admin").get("/admin/events/auditevent/").content.decode()

    assert "60 events" in " ".join(page.split())
    assert page.count('class="field-created_at') == 50


def test_what_the_admin_writes_down_is_english(login: Login, cast: dict[str, Any]) -> None:
    Profile.objects.create(user=cast["admin"], language="es")
    factor = Authenticator.objects.create(user=cast["bob"], type="totp", data={})
    client = login("admin")

    page = client.post("/admin/events/legalhold/add/", {"reason": "Caso 1"}, follow=True)
    client.post(f"/admin/events/legalhold/{LegalHold.objects.get().pk}/change/", {})
    client.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})

    assert "todas las cuentas" in text_of(page)  # what is shown is the reader's language
    assert list(LogEntry.objects.order_by("pk").values_list("object_repr", flat=True)) == [
        "hold on all accounts, beginning to open end",
        "hold on all accounts, beginning to open end",
        "TOTP Authenticator",
    ]


def test_views_are_deleted_with_their_owner_and_by_superusers_only(login: Login, cast: dict[str, Any]) -> None:
    cast["alice"].user_permissions.add(*Permission.objects.filter(codename__in=("view_user", "delete_user")))
    leaver = User.objects.create(username="leaver")
    view = SavedView.objects.create(owner=leaver, name="Old", query="source=CD")
    client = login("alice")

    assert client.post(f"/admin/events/savedview/{view.pk}/delete/", {"post": "yes"}).status_code == 403
    page = client.get(f"/admin/auth/user/{leaver.pk}/delete/")
    assert page.context["perms_lacking"] == set()
    client.post(f"/admin/auth/user/{leaver.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="leaver").exists()
    assert not SavedView.objects.filter(name="Old").exists()


def test_types_of_events_tell_nothing_of_accounts_one_does_not_see(
    login: Login, cast: dict[str, Any], add_event: Add
) -> None:
    foreign = NexmoAccount.objects.get(api_key="demo0003")
    add_event(foreign, 1, event_type="ONLY_CHARLIES", event_type_description="Charlie's own")
    private = EventType.objects.get(code="ONLY_CHARLIES")
    listed = EventType.objects.create(code="LISTED", description="As listed", listed_at=NOON)
    url = "/admin/events/eventtype/"

    pages = {name: login(name).get(url).content.decode() for name in ("alice", "admin")}

    assert {name: "ONLY_CHARLIES" in page for name, page in pages.items()} == {"alice": False, "admin": True}
    # When it was first seen is when some account first had it.
    assert {name: "first_seen" in page for name, page in pages.items()} == {"alice": False, "admin": True}
    assert "irst seen" not in text_of(login("alice").get(f"{url}{listed.pk}/change/"))
    assert "0 results" in text_of(login("alice").get(url, {"q": "ONLY_CHARLIES"}))
    assert login("alice").get(f"{url}{private.pk}/change/").status_code == 302
