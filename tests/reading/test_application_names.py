"""Applications by the names that their events gave them, where an event tells only the id."""

from __future__ import annotations

import importlib
import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import retention
from events.models import ApplicationName, AuditEvent, LegalHold
from events.nexmo.applications import application
from tests.tools.findings import make_finding
from tests.tools.pages import Add, Login, text_of

APP = "63beaff6-5864-498e-aa76-14e6b2a0c111"


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


def created(add_event: Add, account: NexmoAccount, number: int, name: str, **fields: Any) -> AuditEvent:
    context = {"appId": APP, "created": {"accountId": account.api_key, "appId": APP, "name": name}}
    return add_event(account, number, event_type="APP_CREATE", context=context, **fields)


def deleted(add_event: Add, account: NexmoAccount, number: int, app: str = APP, **fields: Any) -> AuditEvent:
    return add_event(account, number, event_type="APP_DELETE", context={"appId": app}, **fields)


@pytest.mark.parametrize(
    ("context", "read"),
    [
        ({"appId": "ABC123", "created": {"appId": "ABC123", "name": "Shop"}}, ("abc123", "Shop")),
        ({"created": {"appId": "abc123", "name": " Shop \n two "}}, ("abc123", "Shop two")),
        ({"applicationId": "abc123", "msisdn": "447700900000"}, ("abc123", "")),
        ({"application_id": "abc123", "application_name": "Shop"}, ("abc123", "Shop")),
        ({"appId": "abc123", "updated": {"name": "New"}, "previous": {"name": "Old"}}, ("abc123", "New")),
        ({"appId": "abc123", "updated": {"name": "x" * 101}}, ("abc123", "")),
        ({"appId": "abc123", "updated": {"name": "a\0b"}}, ("abc123", "")),
        ({"msisdn": "447700900000", "voice-type": "app", "voice-value": "abc123"}, ("abc123", "")),
        ({"msisdn": "447700900000", "voice-type": "tel", "voice-value": "447700900001"}, ("", "")),
        ({"appId": 7, "name": ["Shop"]}, ("", "")),
        (["appId"], ("", "")),
        (None, ("", "")),
    ],
)
def test_contexts_tell_id_and_name(context: Any, read: tuple[str, str]) -> None:
    assert application(context) == read


def test_rows_and_pages_show_the_name_and_keep_the_id(client: Client, account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 1, "Night desk")
    event = deleted(add_event, account, 2, APP.upper())

    assert "Deleted application Night desk" in text_of(client.get("/events/"))
    calls = {"msisdn": "447700900000", "voice-type": "app", "voice-value": APP}
    add_event(account, 3, event_type="NUMBER_UPDATED", context=calls)
    assert ": calls go to app Night desk" in text_of(client.get("/events/"))
    page = text_of(client.get(event.get_absolute_url()))
    assert "Deleted application Night desk" in page
    assert f"Application: Night desk {APP.upper()}" in page
    assert f"Application Night desk {APP}" in text_of(client.get(f"/about/application/{APP}"))


@pytest.mark.parametrize(
    "path",
    [
        *("/events/", "/about/ip/203.0.113.9", f"/about/application/{APP}", "/session/ip/203.0.113.9"),
        *("/findings/{finding}/", "/events/export.csv?columns=what_happened"),
    ],
)
def test_wherever_rows_stand_they_show_the_name(
    client: Client, account: NexmoAccount, add_event: Add, path: str
) -> None:
    created(add_event, account, 1, "Night desk", source_ip="198.51.100.1")
    calls = {"msisdn": "447700900000", "voice-type": "app", "voice-value": APP}
    event = add_event(account, 3, event_type="NUMBER_UPDATED", context=calls, source_ip="203.0.113.9")
    finding = make_finding([event])

    answer = client.get(path.format(finding=finding.pk))
    page = (b"".join(answer) if answer.streaming else answer.content).decode()
    rows = page if answer.streaming else page.partition('id="events"')[2].partition("</table>")[0]

    assert "calls go to app Night desk" in re.sub(r"<[^>]+>", "", rows)


def test_newest_name_holds_whatever_order_events_come_in(client: Client, account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 5, "Second name", created_at="2026-03-16T00:00:00Z")
    created(add_event, account, 1, "First name", created_at="2026-03-15T00:00:00Z")
    deleted(add_event, account, 9, created_at="2026-03-17T00:00:00Z")

    assert "Deleted application Second name" in text_of(client.get("/events/"))


def test_name_of_another_account_is_no_name(client: Client, cast: dict[str, Any], add_event: Add) -> None:
    theirs = NexmoAccount.objects.get(api_key="demo0003")
    mine = NexmoAccount.objects.get(api_key="demo0001")
    created(add_event, theirs, 1, "Their secret project")
    deleted(add_event, mine, 2)

    for path in ("/events/", f"/about/application/{APP}", "/events/?search_text=secret+project"):
        assert "Their secret project" not in text_of(client.get(path)), path


def test_name_is_read_from_its_event_and_not_from_the_index(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    created(add_event, account, 1, "Night desk")
    other = add_event(account, 3, event_type="APP_CREATE", context={"appId": "other123", "name": "Other"})
    deleted(add_event, account, 2)

    ApplicationName.objects.filter(application_id=APP).update(event=other)
    assert f"Deleted application {APP}" in text_of(client.get("/events/"))


def test_search_for_a_name_leads_to_its_application(client: Client, account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 1, "Night desk")

    page = client.get("/events/?search_text=night+desk").content.decode()

    assert f'<a href="/about/application/{APP}">Night desk</a>' in page


def test_removed_events_take_the_names_that_they_gave(account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 1, "Night desk", created_at="2020-03-15T00:00:00Z")
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=30)
    account.refresh_from_db()

    planned = retention.plan(account, timezone.now())
    assert planned
    retention.apply(planned)

    assert not ApplicationName.objects.exists()


def test_name_that_a_held_event_gave_before_holds_again(client: Client, account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 1, "Held name", created_at="2020-03-15T00:00:00Z")
    created(add_event, account, 2, "Later name", created_at="2020-06-15T00:00:00Z")
    deleted(add_event, account, 3, created_at=timezone.now().isoformat())
    LegalHold.objects.create(
        account=account,
        first_day=date(2020, 3, 1),
        last_day=date(2020, 3, 31),
        reason="Case",
        created_by_id=account.owner_id,
    )
    NexmoAccount.objects.filter(pk=account.pk).update(keep_days=30)
    account.refresh_from_db()
    assert "Deleted application Later name" in text_of(client.get("/events/"))

    planned = retention.plan(account, timezone.now())
    assert planned
    retention.apply(planned)

    assert "Deleted application Held name" in text_of(client.get("/events/"))


def test_names_take_one_query_and_none_where_they_are_told(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    created(add_event, account, 1, "Night desk")
    client.get("/events/")
    with CaptureQueriesContext(connection) as without:
        client.get("/events/")
    for number in range(2, 12):
        deleted(add_event, account, number, f"{APP}{number}")
    with CaptureQueriesContext(connection) as with_names:
        client.get("/events/")

    assert len(with_names) == len(without) + 1


def test_what_is_archived_already_is_named_by_the_migration(account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 5, "Second name", created_at="2026-03-16T00:00:00Z")
    created(add_event, account, 1, "First name", created_at="2026-03-15T00:00:00Z")
    before = list(ApplicationName.objects.values_list("account", "application_id", "event", "created_at"))
    ApplicationName.objects.all().delete()

    migration = importlib.import_module("events.migrations.0013_application_names")
    migration.fill(apps, SimpleNamespace(connection=connection))

    after = list(ApplicationName.objects.values_list("account", "application_id", "event", "created_at"))
    assert after == before != []


def test_configuration_of_a_number_names_its_application(client: Client, account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 1, "Night desk")
    context = {"msisdn": "447700900000", "applicationId": APP}
    add_event(account, 2, event_type="NUMBER_LINKED", context=context)

    page = client.get("/about/number/447700900000").content.decode()

    assert f'<a href="/about/application/{APP}">Night desk</a> <code>{APP}</code>' in page


def test_context_names_the_application_beside_its_id(client: Client, account: NexmoAccount, add_event: Add) -> None:
    created(add_event, account, 1, "Night <desk>")
    context = {"msisdn": "447700900000", "voice-type": "app", "voice-value": APP, "note": "x"}
    event = add_event(account, 2, event_type="NUMBER_UPDATED", context=context)

    page = client.get(event.get_absolute_url()).content.decode()

    tree = page.partition('id="context"')[2].partition("</section>")[0]
    assert f'<span class="break">{APP}</span> <a href="/about/application/{APP}">Night &lt;desk&gt;</a>' in tree
    assert tree.count("<a ") == 1
