"""Ways round the masking: names of applications, sides of changes, groups of findings and columns."""

from __future__ import annotations

import html
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import NexmoAccount
from events.alerts.messages.facts import events_by_keys
from events.archive.verify import verify_account
from events.detection.findings.story import compared
from events.entities.configuration import configuration
from events.entities.entity import entity
from events.models import AuditEvent, EventType, Suppression
from events.reading.rows import fetch_in_order
from events.storage import application_names, search_index, triggers
from events.streams.formats import FORMATS
from tests.tools.export import body
from tests.tools.findings import RULE, make_finding
from tests.tools.records import record_of

pytestmark = pytest.mark.django_db
Login = Callable[[str], Client]

APP = "11111111-2222-4333-a444-555555555555"
SECRET = "hunter2pw"


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return html.unescape(answer.content.decode())


@pytest.fixture
def named(account: NexmoAccount, add_event: Any) -> list[AuditEvent]:
    """An application whose name holds a password, and an event that tells its id alone."""
    context = {"applicationId": APP, "name": f"Shop https://ann:{SECRET}@h.example/"}
    made = add_event(account, 1, event_type="APP_CREATE", context=context)
    return [made, add_event(account, 2, event_type="APP_DISABLE", context={"applicationId": APP})]


def test_names_of_applications_are_masked_wherever_they_stand(login: Login, named: list[AuditEvent]) -> None:
    client = login("alice")
    paths = ["/events/", f"/about/application/{APP}", "/events/suggest?q=shop", "/events/suggest?q=application:shop"]
    texts = {path: page(client, path) for path in (*paths, *(event.get_absolute_url() for event in named))}
    texts["csv"] = body(client.get("/events/export.csv?columns=what_happened")).decode()
    assert [path for path, text in texts.items() if SECRET in text] == []
    assert all("Shop" in text for path, text in texts.items() if "suggest" not in path)


@pytest.mark.parametrize("person", ["alice", "admin"])
def test_no_name_of_an_application_confirms_a_guess(login: Login, named: list[AuditEvent], person: str) -> None:
    client = login(person)
    for asked in (SECRET, f"shop https ann {SECRET}", SECRET[2:7]):
        assert "data-event-id" not in page(client, f"/events/?application={asked}"), asked
        assert "data-event-id" not in page(client, f"/events/?search_text={asked}"), asked
    assert "data-event-id" in page(client, "/events/?application=shop")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT words FROM {application_names.TABLE}")
        assert cursor.fetchall() == [("shop https h example",)]


def test_older_archives_are_masked_by_the_rules_of_now_after_migrating(named: list[AuditEvent]) -> None:
    """What migration 0026 does, on rows as earlier versions wrote them; run twice, as after an interruption."""
    account = named[0].account
    triggers.remove(connection)
    search_index.replace_texts(connection, [(named[0].pk, "")])
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {application_names.TABLE} SET words = 'shop https ann {SECRET} h example'")
    assert application_names.misnoted(account.pk) == APP
    triggers.install(connection)

    migration = import_module("events.migrations.0026_masked_again")
    for _ in range(2):
        migration.mask(apps, connection.schema_editor())
    triggers.install(connection)

    assert application_names.misnoted(account.pk) == ""
    named[0].refresh_from_db()
    assert SECRET in named[0].raw
    assert "shop" in named[0].searchable.lower()
    assert SECRET not in named[0].searchable
    assert verify_account(account).problem == ""


CHANGES = [
    {"old": {"passwords": [SECRET]}, "new": {"passwords": ["other"]}},
    {"old": {"config": f'{{"password":"{SECRET}"}}'}, "new": {"config": '{"password":"o"}'}},
    {"password": {"old": {"value": SECRET}, "new": {"value": "x"}}},
    {"changes": [{"field": "tokens", "old": [SECRET], "new": []}]},
    {"changes": [{"old": {"hash": SECRET}, "new": {"hash": "x"}, "field": "password"}]},
    {"old": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"password": [SECRET]}}}}}}}}, "new": {"a": {}}},
]


@pytest.mark.parametrize("context", CHANGES, ids=str)
def test_both_sides_of_a_change_are_masked(
    login: Login, account: NexmoAccount, add_event: Any, context: dict[str, Any]
) -> None:
    event = add_event(account, 1, event_type="APP_UPDATE", context=context)
    for path in (event.get_absolute_url(), "/events/"):
        assert SECRET not in page(login("alice"), path)
    for name in ("flat", "ecs", "ocsf"):
        assert SECRET not in FORMATS[name].event_json(record_of(event.raw))
    assert SECRET in page(login("audrey"), event.get_absolute_url())


def test_replaced_token_is_a_step_although_both_look_the_same(
    login: Login, account: NexmoAccount, add_event: Any
) -> None:
    for number, token in ((1, "AAAAaaaa1111BBBBbbbb"), (50, "CCCCcccc2222DDDDdddd"), (60, "CCCCcccc2222DDDDdddd")):
        url = f"https://hooks.slack.com/services/T0/B0/{token}"
        context = {"applicationId": APP, "name": "Shop", "updated": {"answer_url": {"url": url}}}
        add_event(account, number, event_type="APP_UPDATE", context=context)
    rows = fetch_in_order(list(AuditEvent.objects.order_by("-created_at").values_list("pk", flat=True)))

    found = configuration(entity("application", APP), rows)  # type: ignore[arg-type]

    setting = next(setting for setting in found.settings if setting.name == "answer_url.url")
    assert setting.row.pk == rows[1].pk, "set by the second event"
    assert setting.values == ("https://hooks.slack.com/services/T0/B0/•••",)
    assert [[step.field for step in found.steps[row.pk]].count("Answer webhook") for row in rows] == [0, 1, 1]
    assert "CCCC" not in page(login("alice"), f"/about/application/{APP}")


GROUPS = [
    ({"apiSecret": SECRET}, {"context.apiSecret": SECRET}),
    (
        {"answer_url": {"url": f"https://ann:{SECRET}@h.example/"}},
        {"context.answer_url.url": f"https://ann:{SECRET}@h.example/"},
    ),
    ({"field": "apiSecret", "oldValue": "old", "newValue": SECRET}, {"context.newValue": SECRET}),
    ({"field": "apiSecret", "value": SECRET}, {"context.value": SECRET}),
    ({"credentials": {"data": SECRET}}, {"context.credentials.data": SECRET}),
    ({"body": f'{{"password":"{SECRET}"}}'}, {"context.body": f'{{"password":"{SECRET}"}}'}),
]


@pytest.mark.parametrize(("context", "group"), GROUPS, ids=str)
def test_values_that_events_of_a_finding_share_are_masked(
    login: Login, cast: Any, account: NexmoAccount, add_event: Any, context: Any, group: Any
) -> None:
    finding = make_finding([add_event(account, 1, event_type="APP_UPDATE", context=context)], group=group)
    cast["alice"].user_permissions.add(Permission.objects.get(codename="triage_finding"))
    kept = Suppression.objects.create(
        rule=RULE, account=account, fields=group, created_by=cast["admin"], created_at=timezone.now()
    )
    client = login("alice")
    texts = {
        path: page(client, path)
        for path in (
            "/findings/",
            finding.get_absolute_url(),
            f"/findings/{finding.pk}/suppress",
            "/findings/suppressions/",
        )
    }
    assert [path for path, text in texts.items() if SECRET in text] == []
    name = next(iter(group))
    assert all(name in text and "•••" in text for path, text in texts.items() if "suppress" in path)
    assert SECRET not in str(kept)


def test_a_suppression_still_compares_what_is_masked(
    login: Login, cast: Any, account: NexmoAccount, add_event: Any
) -> None:
    event = add_event(account, 1, event_type="APP_UPDATE", context={"apiSecret": SECRET})
    finding = make_finding([event], group={"context.apiSecret": SECRET})
    cast["alice"].user_permissions.add(Permission.objects.get(codename="triage_finding"))
    client = login("alice")
    form = {"fields_": "context.apiSecret", "account": account.api_key, "span": "7", "reason": ""}
    shown = client.post(f"/findings/{finding.pk}/suppress", form).content.decode()
    digest = shown.partition('name="shown" value="')[2].partition('"')[0]
    version = shown.partition('name="version" value="')[2].partition('"')[0]
    client.post(f"/findings/{finding.pk}/suppress", form | {"shown": digest, "version": version, "save": "1"})
    assert Suppression.objects.get().fields == {"context.apiSecret": SECRET}


def test_what_a_rule_compared_is_masked() -> None:
    details = {"password": SECRET, "url": f"https://ann:{SECRET}@h.example/", "reason": "new"}
    said = " ".join(compared(details))
    assert SECRET not in said
    assert "reason: new" in said


COLUMNS = {
    "event_type_description": f"See https://ann:{SECRET}@h.example/",
    "source": f"password={SECRET}",
    "source_description": f"Bearer {SECRET}pw",
    "source_ip": f"https://x.example/?token={SECRET}",
    "user_id": f"https://ann:{SECRET}@h.example/",
    "user_email": f"https://ann:{SECRET}@mail.example.com",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_columns_are_masked_as_the_context_is(
    login: Login, cast: Any, account: NexmoAccount, add_event: Any, column: str
) -> None:
    event = add_event(account, 1, event_type="XX", **{column: COLUMNS[column]})
    cast["alice"].user_permissions.add(Permission.objects.get(codename="view_auditevent"))
    cast["alice"].is_staff = True
    cast["alice"].save()
    client, finding = login("alice"), make_finding([event])
    paths = ("/events/", "/events/summary", event.get_absolute_url(), finding.get_absolute_url(), "/findings/")
    admin = ("/admin/events/auditevent/", f"/admin/events/auditevent/{event.pk}/change/")
    texts = {path: page(client, path) for path in (*paths, *admin, "/events/suggest?q=hunter2")}
    texts |= {kind: body(client.get(f"/events/export.{kind}")).decode() for kind in ("csv", "ndjson")}
    texts |= {name: FORMATS[name].event_json(record_of(event.raw)) for name in ("flat", "ecs", "ocsf")}
    told = events_by_keys([(event.pk, account.pk, "")], {account.pk: account})[0]
    texts |= {"alert": f"{told.said} {told.values}", "type": EventType.objects.get(code="XX").description}

    assert [path for path, text in texts.items() if SECRET in text] == []
    assert "•••" in texts["csv"]
    event.refresh_from_db()
    assert SECRET in getattr(event, column), "the archive is whole"
    assert SECRET in page(login("audrey"), event.get_absolute_url())


@pytest.mark.parametrize("column", ["source", "user_email"])
def test_no_filter_confirms_a_guess_of_what_a_column_hides(
    login: Login, account: NexmoAccount, add_event: Any, column: str
) -> None:
    event = add_event(account, 1, event_type="XX", **{column: COLUMNS[column]})
    value = getattr(event, column)
    client = login("admin")
    for asked in (value, f"*{SECRET}*", f"https*{SECRET[:4]}*", SECRET):
        answer = client.get("/events/", {column: asked})
        assert "data-event-id" not in answer.content.decode(), asked
    assert SECRET not in page(client, f"/events/suggest?q={SECRET}")
    assert "data-event-id" in page(client, "/events/?event_type=XX")
