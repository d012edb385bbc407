"""Passwords and tokens in events: shown only in the event as received, to those who may see them; found by nobody."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.alerts.messages.facts import events_by_keys
from events.archive.verify import verify_account
from events.models import AuditEvent, Stream
from events.storage import search_index, triggers
from events.streams import read
from events.streams.formats import FORMATS
from tests.tools.export import body
from tests.tools.findings import make_finding
from tests.tools.records import record_of
from tests.tools.tokens import bearer, make_token

pytestmark = pytest.mark.django_db
Login = Callable[[str], Client]

APP, NUMBER = "11111111-2222-4333-a444-555555555555", "447700900000"
PATH_TOKEN = "A1b2C3d4E5f6G7h8I9j0"
URL = f"https://ann:hunter2pw@hooks.example.com/in/{PATH_TOKEN}?token=qtoken777&page=2"
CONTEXT = {
    "applicationId": APP,
    "name": "Shop",
    "msisdn": NUMBER,
    "answer_url": {"url": URL},
    "apiSecret": "apivalue777",
    "accessToken": 998877665544,
    "old": {"password": "oldpassword777"},
    "new": {"password": "newpassword777"},
    "changes": [{"field": "signature", "oldValue": "oldsignature777", "newValue": "newsignature777"}],
}
SECRETS = (
    *("hunter2pw", PATH_TOKEN, "qtoken777", "apivalue777", "998877665544", "oldpassword777", "newpassword777"),
    *("oldsignature777", "newsignature777"),
)
# For those who may see them; with the mark that the rest of the event is there.
AS_RECEIVED = {
    "event": lambda c: page(c.client, c.event.get_absolute_url()),
    "panel": lambda c: page(c.client, c.event.get_absolute_url(), headers={"HX-Request": "true"}),
    "ndjson": lambda c: body(c.client.get("/events/export.ndjson")).decode(),
    "api": lambda c: program(c, "/api/v1/events"),
    "api by arrival": lambda c: program(c, "/api/v1/events?order=arrival"),
    "api for Nexmo's clients": lambda c: program(c, "/beta/audit/events"),
    "api for Nexmo's clients, one": lambda c: program(c, f"/beta/audit/events/{c.event.event_id}"),
}
# For nobody.
CONDENSED = {
    "list": lambda c: page(c.client, "/events/"),
    "overview": lambda c: page(c.client, "/events/summary"),
    "application": lambda c: page(c.client, f"/about/application/{APP}"),
    "number": lambda c: page(c.client, f"/about/number/{NUMBER}"),
    "user": lambda c: page(c.client, "/about/user/yourname@example.com"),
    "session": lambda c: page(c.client, "/session/user/yourname@example.com"),
    "finding": lambda c: page(c.client, c.finding.get_absolute_url()),
    "findings": lambda c: page(c.client, "/findings/"),
    "csv": lambda c: body(c.client.get("/events/export.csv")).decode(),
    "csv with words": lambda c: body(c.client.get("/events/export.csv?columns=what_happened,context")).decode(),
    "xlsx": lambda c: workbook(body(c.client.get("/events/export.xlsx"))),
    "suggestions": lambda c: page(c.client, "/events/suggest?q=hunter2"),
    "alert": lambda c: events_by_keys([(c.event.pk, c.account.pk, "")], {c.account.pk: c.account})[0].said,
    "flat stream": lambda c: FORMATS["flat"].event_json(record_of(c.event.raw)),
    "ecs stream": lambda c: FORMATS["ecs"].event_json(record_of(c.event.raw)),
    "ocsf stream": lambda c: FORMATS["ocsf"].event_json(record_of(c.event.raw)),
}


class Case:
    """An event full of secrets, and somebody who looks at it."""

    def __init__(self, login: Login, cast: dict[str, Any], person: str, event: AuditEvent) -> None:
        self.client, self.person, self.event, self.account = login(person), cast[person], event, event.account
        group = {"context.answer_url.url": URL, "context.apiSecret": "apivalue777"}
        self.finding = make_finding([event], details={"url": URL}, group=group)


@pytest.fixture
def case(login: Login, cast: dict[str, Any], account: NexmoAccount, add_event: Any) -> Callable[[str], Case]:
    def of(person: str) -> Case:
        event = add_event(account, 1, event_type="APP_UPDATE", context=CONTEXT)
        return Case(login, cast, person, event)

    return of


def page(client: Client, path: str, **more: Any) -> str:
    answer = client.get(path, **more)
    assert answer.status_code == 200, path
    return answer.content.decode()


def program(case: Case, path: str) -> str:
    _, credentials = make_token(case.person)
    return page(Client(), path, **bearer(credentials))


def workbook(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return "".join(packed.read(name).decode() for name in packed.namelist())


def told(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("outlet", [*AS_RECEIVED, *CONDENSED])
def test_nothing_sensitive_is_told(case: Callable[[str], Case], outlet: str) -> None:
    shown = (AS_RECEIVED | CONDENSED)[outlet](case("alice"))
    assert told(shown) == []
    assert "Shop" in shown or outlet in ("suggestions", "overview", "user", "session", "number", "findings")
    if outlet in ("event", "panel", "ndjson", "api", "csv"):
        assert "hooks.example.com/in/•••?token=•••&" in shown.replace("&amp;", "&")


@pytest.mark.parametrize("outlet", CONDENSED)
def test_lines_tables_and_streams_tell_it_nobody(case: Callable[[str], Case], outlet: str) -> None:
    assert told(CONDENSED[outlet](case("admin"))) == []


@pytest.mark.parametrize("outlet", AS_RECEIVED)
@pytest.mark.parametrize("person", ["audrey", "admin", "alice with the permission"])
def test_events_as_received_are_whole_for_those_who_may_see_them(
    case: Callable[[str], Case], cast: dict[str, Any], person: str, outlet: str
) -> None:
    if " " in person:
        person = "alice"
        cast["alice"].user_permissions.add(Permission.objects.get(codename="view_sensitive"))
    assert told(AS_RECEIVED[outlet](case(person))) == list(SECRETS)


def test_the_page_says_that_something_is_hidden_and_shows_that_it_changed(
    case: Callable[[str], Case], login: Login
) -> None:
    alice = case("alice")
    shown = AS_RECEIVED["event"](alice)
    assert "stands for passwords and tokens" in shown
    assert "stands for passwords and tokens" not in page(login("audrey"), alice.event.get_absolute_url())
    changes = shown.partition('id="changes"')[2].partition("</section>")[0] or shown
    assert changes.count("•••") >= 4  # password and signature, both sides


@pytest.mark.parametrize("person", ["alice", "audrey", "admin"])
def test_no_search_confirms_what_is_hidden(case: Callable[[str], Case], person: str) -> None:
    looking = case(person)
    client, programs = (
        looking.client,
        Client(headers={"Authorization": f"Bearer {make_token(looking.person)[1].token}"}),
    )
    assert "Shop" in page(programs, "/beta/audit/events?search_text=hooks.example.com")
    for secret in SECRETS:
        for asked in (secret, secret[2:9], f'"token={secret}"'):
            assert "data-event-id" not in page(client, f"/events/?search_text={asked}"), asked
            for path in ("/beta/audit/events", "/api/v1/events"):
                assert "Shop" not in page(programs, f"{path}?search_text={asked}"), asked
    assert "data-event-id" in page(client, "/events/?search_text=hooks.example.com")


def test_the_archive_is_whole(case: Callable[[str], Case]) -> None:
    event = case("alice").event
    assert told(event.raw) == list(SECRETS)
    assert told(json.dumps(event.context)) == list(SECRETS)
    assert told(event.searchable) == []
    assert verify_account(event.account).problem == ""


def test_conflicts_are_masked_too(case: Callable[[str], Case], login: Login, add_event: Any) -> None:
    alice = case("alice")
    add_event(alice.account, 1, event_type="APP_UPDATE", context=CONTEXT | {"name": "Other"})
    assert alice.event.conflicts.count() == 1
    shown = page(alice.client, alice.event.get_absolute_url())
    assert "Other" in shown
    assert told(shown) == []
    assert told(page(login("audrey"), alice.event.get_absolute_url()).partition('id="conflicts"')[2]) == list(SECRETS)


def test_the_admin_shows_it_to_those_who_may_see_it(case: Callable[[str], Case], login: Login, cast: Any) -> None:
    alice = case("alice")
    cast["alice"].user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    cast["alice"].is_staff = True
    cast["alice"].save()
    path = f"/admin/events/auditevent/{alice.event.pk}/change/"
    assert told(page(login("alice"), path)) == []
    assert told(page(login("admin"), path)) == list(SECRETS)


def test_the_command_shows_what_its_person_may_see(case: Callable[[str], Case], capfdbinary: Any) -> None:
    case("alice")
    for options, expected in ((["--user", "alice"], []), (["--user", "audrey"], list(SECRETS)), ([], list(SECRETS))):
        call_command("events", *options)
        assert told(capfdbinary.readouterr().out.decode()) == expected


def test_a_stream_of_events_as_received_takes_the_permission(cast: dict[str, Any]) -> None:
    permissions = Permission.objects.filter(codename__in=("manage_stream", "view_sensitive")).order_by("codename")
    manage, view = permissions
    cast["alice"].user_permissions.add(manage)

    def stream(**values: Any) -> Stream:
        owner = type(cast["alice"]).objects.get(pk=cast["alice"].pk)  # permissions are remembered
        return Stream(**({"owner": owner, "format": "raw", "contents": "events", "all_accounts": True} | values))

    with pytest.raises(read.NothingMayBeSent, match="too_much"):
        read.accounts_of(stream())
    assert read.accounts_of(stream(format="flat"))
    assert read.accounts_of(stream(contents="findings"))
    cast["alice"].user_permissions.add(view)
    assert read.accounts_of(stream())


def test_older_archives_are_searched_without_it_after_migrating(
    account: NexmoAccount, add_event: Any, login: Login
) -> None:
    """What migration 0023 does, on a row as earlier versions wrote it."""

    def found(text: str) -> bool:
        return "data-event-id" in page(login("alice"), f"/events/?search_text={text}")

    event, other = add_event(account, 1, context=CONTEXT), add_event(account, 2)
    triggers.remove(connection)
    search_index.replace_texts(connection, [(event.pk, "")])
    triggers.install(connection)
    assert found("apivalue777")

    import_module("events.migrations.0023_masked_search").mask(apps, connection.schema_editor())
    triggers.install(connection)

    event.refresh_from_db()
    assert told(event.searchable) == []
    assert not found("apivalue777")
    assert found("hooks.example.com")
    assert AuditEvent.objects.get(pk=other.pk).searchable == ""
    assert verify_account(account).problem == ""
