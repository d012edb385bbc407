"""The filter by application: found by the name that rows show, within the reader's accounts."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.archive import verify
from events.models import ApplicationName
from events.nexmo import applications as nexmo_applications
from events.nexmo.applications import words_of
from events.reading import applications, count, stream
from tests.tools.filters import Add, Login, found
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids

ORDERS, FIFTY, DESK, COMMA, THEIRS = (f"63beaff6-5864-498e-aa76-14e6b2a0c11{number}" for number in range(5))


@pytest.fixture
def client(login: Login) -> Client:
    return login("alice")


@pytest.fixture
def named(account: NexmoAccount, add_event: Add) -> None:
    """Applications with their names (events 1 to 5), and events that tell ids alone."""
    other = NexmoAccount.objects.get(api_key="demo0002")
    theirs = NexmoAccount.objects.get(api_key="demo0003")

    def create(owner: NexmoAccount, number: int, app: str, name: str) -> None:
        add_event(owner, number, event_type="APP_CREATE", context={"appId": app, "name": name})

    create(account, 1, ORDERS, "Order notifications 5")
    create(other, 2, FIFTY, "Order notifications 50")
    create(account, 3, DESK, "Réception – Nachtschicht")
    create(account, 4, COMMA, 'Shop, "EU"')
    create(theirs, 5, THEIRS, "Order notifications 5")
    calls = {"msisdn": "447700900000", "voice-type": "app", "voice-value": ORDERS}
    add_event(account, 10, event_type="NUMBER_UPDATED", context=calls)
    add_event(account, 11, event_type="APP_DELETE", context={"appId": ORDERS.upper()})
    add_event(other, 12, event_type="NUMBER_LINKED", context={"msisdn": "1", "applicationId": FIFTY})
    add_event(account, 13, event_type="APP_DELETE", context={"appId": f"{ORDERS}x"})  # another one
    add_event(account, 14, event_type="APP_DELETE", context={"appId": DESK})
    add_event(account, 15, event_type="APP_DELETE", context={"appId": COMMA})
    add_event(theirs, 16, event_type="APP_DELETE", context={"appId": THEIRS})
    add_event(theirs, 17, event_type="APP_DELETE", context={"appId": ORDERS})
    add_event(account, 18, event_type="USER_LOGIN")


FIVE, BOTH = {1, 10, 11}, {1, 10, 11, 2, 12}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("calls go to app Order notifications 5", FIVE),
        ("Order notifications 5", FIVE),
        ("order NOTIFICATIONS 5", FIVE),
        ("application order notifications 5", FIVE),
        ("Order notifications", BOTH),
        ("order notif", BOTH),
        ("calls go to app Order notif", BOTH),
        ("las llamadas van a app Order notifications 5", FIVE),
        ("Changed number 447700900000: calls go to app Order notifications 5", {10}),
        ("Deleted application Order notifications 5", {11}),
        ("who deleted app Order notifications 5", {11}),
        ("reception nachtschicht", {3, 14}),
        ("Réception – Nachtschicht", {3, 14}),
        ("app:reception", {3, 14}),
        ('app:"Order notifications 5"', FIVE),
        (f"app:{ORDERS}", FIVE),
        (f"application:{ORDERS.upper()}", FIVE),
        ('app:"Shop, "', {4, 15}),
        ('app:"Shop, EU"', {4, 15}),
        ('app:"order notifications 5",reception', FIVE | {3, 14}),
        ('app:order -app:"order notifications 5"', {2, 12}),
        ("-app:order type:APP_DELETE", {13, 14, 15}),
        ("app:order type:NUMBER_LINKED", {12}),
        ("app:order account:demo0002", {2, 12}),
    ],
)
def test_words_of_a_name_lead_to_the_events_of_its_applications(
    client: Client, named: None, typed: str, expected: set[int]
) -> None:
    page = client.get("/events/", {"search_text": typed})
    if page.status_code == 302:
        page = client.get(page["Location"])
    elif page.context["reading"]:
        page = client.get(f"/events/{page.context['reading'].href}")
    query = page.wsgi_request.GET.dict()

    assert found(client, query) == expected
    assert len(shown_ids(page)) == len(expected) == page.context["count"].number
    assert "No event matches" not in text_of(page)


def test_name_is_offered_where_events_hold_its_words(client: Client, named: None) -> None:
    page = client.get("/events/?search_text=order+notifications+5")

    assert "Application is <b>" in page.content.decode()
    assert f'<a href="/about/application/{ORDERS}">Order notifications 5</a>' in page.content.decode()
    assert page.context["reading"].count.number == 3


def test_applications_are_offered_beside_what_words_mean_otherwise(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, event_type="APP_CREATE", context={"appId": DESK, "name": "Secret"})
    add_event(account, 2, event_type="APP_DELETE", context={"appId": DESK})

    page = client.get("/events/", {"search_text": "secret"})

    assert page.context["reading"].event_filter.active == {
        "event_type": ["ACCOUNT_SECRET_CREATE", "ACCOUNT_SECRET_DELETE"]
    } or page.context["reading"].event_filter.active == {"application": ["Secret"]}
    offered = page.context["applications"]
    href = offered["events"] or page.context["reading"].href
    assert found(client, href.removeprefix("?")) == {1, 2}


def test_types_are_those_of_applications_where_the_words_say_so(client: Client, named: None) -> None:
    for typed, kinds in (
        ("Deleted application nachtschicht", "APP_DELETE"),
        ("eliminó la aplicación nachtschicht", "APP_DELETE"),
        ("linked number 1 to app Order notifications 50", "NUMBER_LINKED"),
    ):
        answer = client.get("/events/", {"search_text": typed}, follow=True)
        reading = answer.context["reading"]
        active = reading.event_filter.active if reading else answer.context["filter"].active
        assert active["event_type"] == [kinds], typed


def test_pill_shows_the_name_of_an_id(client: Client, named: None) -> None:
    (pill,) = client.get("/events/", {"application": f"-{ORDERS}"}).context["pills"]

    assert (pill.label, pill.verb, pill.value) == ("Application", "is not", "Order notifications 5")


def test_name_of_a_strangers_application_is_none(login: Login, client: Client, named: None) -> None:
    for typed in ("app:tannelhof", f"app:{THEIRS}"):
        assert not shown_ids(client.get("/events/", {"search_text": typed}))
    assert found(login("charlie"), 'search_text=app:"Order notifications 5"') == {5, 16}
    assert found(login("audrey"), 'search_text=app:"Order notifications 5"') == FIVE | {5, 16}
    page = login("charlie").get("/events/", {"search_text": "nachtschicht"})
    assert (page.context["reading"], page.context["applications"]) == (None, None)
    assert not login("charlie").get("/events/suggest?piece=app:nacht").json()["items"]


def test_unknown_name_is_refused_with_what_may_be_meant(client: Client, named: None) -> None:
    page = client.get("/events/", {"application": "Order notifcations 5"})

    assert not shown_ids(page)
    said = "No application Order notifcations 5 is visible to you. Did you mean Order notifications 5"
    assert said in text_of(page)
    hrefs = [offered.href for offered in page.context["corrections"]]
    assert found(client, hrefs[0].removeprefix("?")) == FIVE


def test_too_many_applications_are_refused(client: Client, named: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applications, "MOST_MEANT", 1)

    page = client.get("/events/?application=order")
    assert "More than 1 applications have order in their names" in text_of(page)
    assert not shown_ids(page)
    assert client.get("/events/?search_text=order").status_code == 200


def test_box_completes_names(client: Client, named: None) -> None:
    def offered(piece: str) -> list[str]:
        return [item["text"] for item in client.get("/events/suggest", {"piece": piece}).json()["items"]]

    assert offered("app:notif") == ['app:"Order notifications 5"', 'app:"Order notifications 50"']
    assert offered('app:"order notifications 50') == ['app:"Order notifications 50"']
    assert offered('-app:x,"shop, ') == []
    assert offered("-app:shop") == ['-app:"Shop EU"']
    assert 'app:"Réception – Nachtschicht"' in offered("recep")


def test_files_and_counts_hold_the_same(client: Client, named: None) -> None:
    conditions = client.get("/events/?application=order").context["filter"].conditions

    assert count(conditions).number == len(list(stream.stream_keys(conditions))) == len(BOTH)
    assert "order" in client.get("/events/export.csv?application=order")["Content-Disposition"]
    assert client.get("/events/summary?application=order").status_code == 200


def test_same_events_are_found_by_a_walk(client: Client, named: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.reading.candidates.Sought.find", lambda *_, **_more: None)

    assert found(client, "application=Order notifications 5") == FIVE
    assert len(shown_ids(client.get("/events/?application=Order+notifications+5"))) == len(FIVE)
    assert found(client, "application=order&search_text=NUMBER_LINKED") == {12}


def test_renamed_application_is_found_by_its_new_name(
    client: Client, account: NexmoAccount, named: None, add_event: Add
) -> None:
    add_event(
        account,
        20,
        event_type="APP_UPDATE",
        context={"appId": DESK, "updated": {"name": "Day shift"}},
        created_at="2026-03-20T00:00:00Z",
    )

    assert found(client, "application=day shift") == {3, 14, 20}
    assert "No application nachtschicht" in text_of(client.get("/events/?application=nachtschicht"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Order-notifications  5", "order notifications 5"),
        ("Café “réservé”", "cafe reserve"),
        ("Cafe\u0301", "cafe"),
        ("STRASSE Straße", "strasse strasse"),
        ("***", "***"),
        ("", ""),
    ],
)
def test_names_are_compared_by_their_words(name: str, words: str) -> None:
    assert words_of(name) == words


def test_migration_notes_the_words_of_names_that_are_noted_already(named: None) -> None:
    before = list(ApplicationName.objects.order_by("pk").values_list("words", flat=True))
    ApplicationName.objects.update(words="")

    importlib.import_module("events.migrations.0014_application_words").fill(
        apps, SimpleNamespace(connection=connection)
    )

    assert list(ApplicationName.objects.order_by("pk").values_list("words", flat=True)) == before
    assert "order notifications 5" in before


def test_forged_words_find_nothing_and_are_found_out(client: Client, account: NexmoAccount, named: None) -> None:
    assert verify.hidden_from_filters([account], text="") == ""

    ApplicationName.objects.filter(application_id=DESK).update(words="order notifications 5")

    assert found(client, "application=Order notifications 5") == FIVE
    assert DESK in verify.hidden_from_filters([account], text="")
    assert DESK in verify.verify_account(account).problem


def test_what_is_looked_for_in_texts_is_told_to_the_check_of_the_index(client: Client, named: None) -> None:
    conditions = (
        client.get("/events/", {"application": "Order notifications 5", "search_text": "x"})
        .context["filter"]
        .conditions
    )

    assert conditions.looked_for == f"x {json.dumps(ORDERS)}"


def test_every_name_of_an_id_has_what_texts_are_asked_for_first() -> None:
    assert all("app" in name for name in (*nexmo_applications.IDS, nexmo_applications.CALLS_GO[1]))
