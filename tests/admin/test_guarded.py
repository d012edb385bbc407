"""What holds for every list and form of the admin, whoever registered it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection, models
from django.test import RequestFactory
from django.urls import reverse

from accounts.models import NexmoAccount
from auditsite.admin_site import GuardedAdmin, Site
from auditsite.middleware import time_limits
from events.models import AuditEvent, LegalHold
from tests.tools.admin import Add, Login
from tests.tools.pages import text_of

SLOW = r'^(([a-z"{:,_. -]|[\s\S])*)*\x01$'
LOOKUPS = ("regex", "iregex", "contains", "icontains", "startswith", "endswith", "gt", "in", "range", "search")
ADMINS = list(admin.site._registry.values())
LISTS = [f"admin:{found.opts.app_label}_{found.opts.model_name}_changelist" for found in ADMINS]


@pytest.mark.parametrize("found", ADMINS, ids=lambda found: found.opts.label)
def test_no_list_is_filtered_by_what_it_does_not_offer(found: Any, rf: RequestFactory) -> None:
    assert isinstance(found, GuardedAdmin)
    request = rf.get("/")
    request.user = User(is_superuser=True, is_active=True)
    fields = [field for field in found.model._meta.get_fields() if not isinstance(field, models.ManyToOneRel)]
    assert fields
    offered = {item if isinstance(item, str) else item[0] for item in found.list_filter if not isinstance(item, type)}
    for field in fields:
        for lookup in LOOKUPS:
            assert not found.lookup_allowed(f"{field.name}__{lookup}", "x", request)
        if field.name not in offered:
            assert not found.lookup_allowed(f"{field.name}__exact", "x", request)
        if field.is_relation and field.related_model is not None:
            for beyond in field.related_model._meta.concrete_fields:
                assert not found.lookup_allowed(f"{field.name}__{beyond.name}__regex", "x", request)


@pytest.mark.parametrize("name", LISTS)
def test_regular_expression_in_an_address_is_refused(login: Login, cast: dict[str, Any], name: str) -> None:
    client = login("admin")
    assert client.get(reverse(name)).status_code == 200
    assert client.get(reverse(name), {"id__regex": SLOW}).status_code == 400
    assert client.get(reverse(name), {"pk__in": "1,2"}).status_code == 400


def test_attack_on_the_text_of_events_is_refused_at_once(login: Login, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, context={"text": "a b " * 500})
    began = time.monotonic()
    for field in ("raw", "context", "searchable", "user_email", "account__name", "account__owner__password"):
        assert login("alice").get("/admin/events/auditevent/", {f"{field}__regex": SLOW}).status_code == 400
    assert time.monotonic() - began < 10


def test_filters_beside_the_lists_work(login: Login, account: NexmoAccount, cast: dict[str, Any]) -> None:
    client = login("admin")
    team, alice = Group.objects.get(name="Messaging team"), cast["alice"]
    for query in (
        {"is_active__exact": "1"},
        {"teams__id__exact": team.pk},
        {"teams__isnull": "True"},
        {"owner__id__exact": alice.pk},
    ):
        assert client.get("/admin/accounts/nexmoaccount/", query).status_code == 200
    page = client.get("/admin/accounts/nexmoaccount/", {"teams__id__exact": team.pk})
    assert "1 Nexmo account" in text_of(page)
    for path in ("/admin/events/syncrun/?account=demo0001&status__exact=failed", "/admin/auth/user/?is_staff__exact=1"):
        assert client.get(path).status_code == 200


def test_very_long_search_finds_nothing(login: Login, cast: dict[str, Any]) -> None:
    words = "a " * 5_000
    assert "0 people" in text_of(login("admin").get("/admin/auth/user/", {"q": words}))


def test_whatever_is_registered_later_is_guarded_too() -> None:
    site = Site()
    site.register(LogEntry)
    assert isinstance(site._registry[LogEntry], GuardedAdmin)


# --- names ----------------------------------------------------------------------------------------------------------

HIDDEN = ["X: intact.\x1b[8m", "bob\u202emoc", "zero\u200bwidth", "tag\U000e0041", "two\nlines", "\x9b31m", "a\u2028b"]
HIDDEN += ["bob\u3164"]  # a letter, but drawn as nothing


@pytest.mark.parametrize("name", HIDDEN)
def test_account_with_hidden_characters_in_its_name_is_refused(login: Login, account: NexmoAccount, name: str) -> None:
    data = {"name": name, "is_active": "on", "api_key": "demo0001"}
    page = login("admin").post(f"/admin/accounts/nexmoaccount/{account.pk}/change/", data)
    assert "cannot be seen or changes how text is shown" in page.content.decode()
    assert NexmoAccount.objects.get(pk=account.pk).name == "Quillfern Parcel"


@pytest.mark.parametrize("name", HIDDEN)
def test_every_other_name_is_refused_alike(login: Login, cast: dict[str, Any], name: str) -> None:
    client, bob = login("admin"), cast["bob"]
    team = Group.objects.get(name="Messaging team")
    forms = [
        ("/admin/auth/group/add/", {"name": name}),
        (f"/admin/auth/group/{team.pk}/change/", {"name": name}),
        ("/admin/auth/user/add/", {"username": name, "password1": "long-enough-9", "password2": "long-enough-9"}),
        (f"/admin/auth/user/{bob.pk}/change/", {"username": "bob", "first_name": name}),
        (f"/admin/auth/user/{bob.pk}/change/", {"username": "bob", "last_name": name}),
    ]
    for path, data in forms:
        page = client.post(path, data)
        assert page.status_code == 200, path
    assert "cannot be seen" in page.content.decode()
    assert not Group.objects.filter(name=name).exists()
    bob.refresh_from_db()
    assert (bob.first_name, bob.last_name) == ("", "")


def test_reason_of_a_hold_may_have_lines_and_no_hidden_characters(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")
    page = client.post("/admin/events/legalhold/add/", {"reason": "Case 7\x1b[8m"})
    assert "Character 7 (U+001B) cannot be seen" in page.content.decode()
    assert not LegalHold.objects.exists()
    client.post("/admin/events/legalhold/add/", {"reason": "Case 7\r\nasked by legal"})
    assert "asked by legal" in LegalHold.objects.get().reason


# --- time limits ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_regular_expressions_are_switched_off_in_sqlite(account: NexmoAccount, add_event: Add) -> None:
    if connection.vendor != "sqlite":
        assert not AuditEvent.objects.filter(raw__regex="^$").exists()  # limited by statement_timeout there
        return
    add_event(account, 1)
    with pytest.raises(OperationalError, match="user-defined function raised exception"):
        AuditEvent.objects.filter(raw__regex=".").exists()


@pytest.fixture
def limited(transactional_db: None) -> Any:
    """This thread's connection, with a limit as in a process that serves pages."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        time_limits.limit_statements(connection, 0.3)
    else:
        connection.cursor().execute("SET statement_timeout = 300")
    yield connection
    connection.execute_wrappers.clear()
    connection.close()


def count_for_ever(cursor: Any) -> None:
    cursor.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
    cursor.fetchall()


def test_statement_that_takes_too_long_is_stopped_and_the_next_ones_go_on(limited: Any) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
        count_for_ever(cursor)
    assert time_limits.was_stopped(caught.value)
    assert time.monotonic() - began < 5
    time.sleep(0.4)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert not time_limits.was_stopped(OperationalError("database is locked"))


def test_page_whose_statement_was_stopped_says_what_to_do(
    limited: Any, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = login("alice")

    def slow(*_: Any, **__: Any) -> Any:
        with connection.cursor() as cursor:
            count_for_ever(cursor)

    monkeypatch.setattr("events.views.account_list.statuses", slow)
    response = client.get("/accounts/")
    assert response.status_code == 503
    assert "Narrow the request" in text_of(response)


def test_limits_are_for_processes_that_serve_pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert time_limits.postgresql_options("-c jit=off") == "-c jit=off"
    monkeypatch.setattr(time_limits.env, "_withheld", {"SEAL_KEY"})
    assert time_limits.postgresql_options("-c jit=off") == "-c jit=off -c statement_timeout=20000"
    assert time_limits.postgresql_options("-c statement_timeout=5s") == "-c statement_timeout=5s"
