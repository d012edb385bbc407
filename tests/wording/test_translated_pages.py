"""The pages in another language: nothing of them stays in English, and two languages never mix."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.html import strip_tags

from accounts.models import NexmoAccount, Profile
from events.detection.rules import own_rules
from events.filters.search_box import BadQuery, read
from events.models import EventType, Hunt, SyncRun
from events.wording.codes import grouped, source_title, type_words
from events.wording.context_line import summarise
from events.wording.sentences import SENTENCES, sentence
from tests.conftest import NOON
from tests.tools.language import outside_brackets
from tests.tools.pages import Add, Login, finished, text_of
from tests.tools.rules import ONE, rule_text

EVENT = "00000000-0000-4000-8000-000000000001"
# What the pages below show of the archive, which no catalogue holds.
DATA = (
    *("Auditsite", "Nexmo", "UTC", "CSV", "NDJSON", "Excel", "JSON", "English", "Español", "Brackets"),
    *("Quillfern Parcel", "Marrowby Health", "Messaging team", "demo0001", "demo0002", "alice"),
    *("yourname@example.com", "yourname@", "example.com", EVENT, "Unheard of", "UNHEARD_OF", "USER_LOGIN"),
    *("NUMBER_UPDATED", "CD", "DEVAPI", "Customer dashboard", "msisdn 447700900000 · country GB", "GB"),
    *("xyzzy", "tpye:x", "Numbers pointed elsewhere"),
    "Numbers linked, unlinked or changed by hand in the last month: calls may go astray.",
)
# The admin says what stands in Django's own pictures, and shows everybody's accounts.
ADMIN_DATA = (
    "True",
    "False",
    "Search",
    "admin",
    "audrey",
    "bob",
    "charlie",
    "Bluegum Ledger",
    "Petit Passereau",
    "Tannelhof Reisen",
    "demo000",
)
PAGES = (
    "/events/",
    "/events/?period=7d&source=CD&source=-DEVAPI&search_text=xyzzy",
    "/events/?source_ip=x&user_email=x&source_country=x&date_from=x&account=x&event_type=x&size=x&period=x",
    "/events/?search_text=tpye:x",
    "/events/?before=x",
    "/events/summary",
    "/accounts/",
    "/accounts/demo0001/",
    "/accounts/demo0001/events/",
    f"/accounts/demo0001/events/{EVENT}/",
    "/about/user/yourname@example.com",
    "/about/ip/192.0.2.1",
    "/about/number/447700900000",
    "/about/application/none",
    "/events/export",
    "/accounts/demo0001/events/export?columns=x&source=CD",
    "/events/export.csv?source_ip=x",
    "/events/export.csv?columns=x",
    "/views/",
    "/teams/",
    "/views/new",
    "/views/new?source=CD",
    "/views/1/edit",
    "/views/1/delete",
    "/accounts/?state=x&sort=x&search=xyzzy",
    "/no/such/page/",
    "/profile/display",
    "/profile/password/",
    "/profile/second-factor/",
    "/profile/second-factor/totp/activate/",
    "/login/confirm/",
    "/logout/",
)
RULE_PAGES = (
    "/rules/?origin=own",
    "/rules/?severity=x&origin=x&state=x",
    f"/rules/{ONE}/",
    f"/rules/{ONE}/versions/2/",
    f"/rules/{ONE}/edit",
    "/rules/new",
    "/rules/trial/{}/?version=1",
    "/rules/trial/{}/?done",
)
RULE_DATA = (
    *("Numbers bought", "Somebody bought a number.", "A campaign that begins.", "Ask who bought it.", "attack.impact"),
    *("NUMBER_ASSIGN", "account, user_email", "account", "experimental", ONE, "user_email", "1 h"),
)
ADMIN_PAGES = (
    "/admin/",
    "/admin/accounts/nexmoaccount/",
    "/admin/accounts/nexmoaccount/add/",
    "/admin/auth/group/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/events/",
    "/admin/events/auditevent/",
    "/admin/events/syncrun/",
    "/admin/events/legalhold/add/",
    "/admin/events/discrepancy/",
    "/admin/events/ownrule/",
)


@pytest.fixture
def events(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)
    login = {"event_type": "USER_LOGIN", "event_type_description": "User login into Customer dashboard"}
    add_event(account, 2, **login, context=None, source="DEVAPI")
    add_event(account, 3, event_type="UNHEARD_OF", event_type_description="", user_email="", created_at=None)
    finished(account)
    SyncRun.objects.create(account=account, status="failed", trigger="person", started_at="2026-03-16T12:00:00Z")


def left_over(client: Client, path: str, language: str, data: tuple[str, ...] = DATA) -> list[str]:
    page = client.get(path, headers={"accept-language": language}).content.decode()
    zones = re.compile(r"\b[A-Z]\w+(?:/[\w+-]+)+")
    return [text for text in outside_brackets(page, data) if re.search(r"[^\W\d_]{2}", zones.sub("", text))]


@pytest.mark.parametrize("path", PAGES)
def test_every_word_of_a_page_is_a_message(login: Login, events: None, pseudo_language: str, path: str) -> None:  # noqa: F811
    assert left_over(login("alice"), path, pseudo_language) == []


@pytest.mark.parametrize("path", RULE_PAGES)
def test_every_word_about_rules_is_a_message(
    login: Login, events: None, cast: dict[str, Any], pseudo_language: str, path: str
) -> None:
    own = own_rules.save(rule_text(), cast["admin"])
    own_rules.save(rule_text(level="high"), cast["admin"], own=own)
    found = {"accounts": [], "first_at": "2026-03-15T12:00:00+00:00", "last_at": "2026-03-15T13:00:00+00:00"}
    event = {"account": 0, "event_id": "x", "event_type": "NUMBER_ASSIGN", "at": found["first_at"], "step": ""}
    newest = [found | {"group": {"account": "demo0001"}, "events": [event] * 5, "more": 2}]
    trial = Hunt.objects.create(requested_by=cast["admin"], requested_at=NOON, text=rule_text(), found=120)
    if "done" in path:
        result = {"newest": newest, "months": [["2023-01", 1], ["2026-03", 119]]}
        Hunt.objects.update(state="done", finished_at=NOON, result=result)
    client = login("admin")
    path = path.format(trial.pk)

    assert left_over(client, path, pseudo_language, (*DATA, *ADMIN_DATA, *RULE_DATA)) == []


@pytest.mark.parametrize("path", ADMIN_PAGES)
def test_every_word_of_the_admin_is_a_message(login: Login, events: None, pseudo_language: str, path: str) -> None:  # noqa: F811
    assert left_over(login("admin"), path, pseudo_language, (*DATA, *ADMIN_DATA)) == []


def test_every_word_of_the_login_is_a_message(db: None, pseudo_language: str) -> None:  # noqa: F811
    assert left_over(Client(), "/login/", pseudo_language) == []


def test_readers_of_two_languages_do_not_hear_each_others(login: Login, cast: dict[str, Any], events: None) -> None:
    Profile.objects.create(user=cast["alice"], language="es")
    Profile.objects.create(user=cast["bob"], language="en")
    spanish, english = login("alice"), login("bob")
    path = "/accounts/demo0001/events/?event_type=-APP_CREATE"

    for _ in range(2):
        for client, said, unsaid in (
            (spanish, ("Filtros", "Inició sesión en el panel", "Número cambiado", "24 horas"), "Filters"),
            (english, ("Filters", "Logged in to the dashboard", "Number updated", "Last 24 hours"), "Filtros"),
        ):
            words = text_of(client.get(path))
            assert [each for each in said if each not in words] == []
            assert unsaid not in words


@pytest.mark.parametrize("named", ["Dashboard", "dashboard", "Panel", "CD", "-API"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_source_is_understood_in_every_language(login: Login, events: None, language: str, named: str) -> None:
    page = login("alice").get("/events/", {"source": named}, headers={"accept-language": language})

    assert page.context["count"].number == 2


def test_only_the_catalogues_own_words_are_translated(login: Login, events: None) -> None:
    for code, description in (("APP_CREATE", "Application created"), ("APP_DELETE", "App gone for good")):
        EventType.objects.update_or_create(code=code, defaults={"description": description})

    words = text_of(login("alice").get("/events/", headers={"accept-language": "es"}))

    assert "Aplicación creada APP_CREATE" in words
    assert "App gone for good APP_DELETE" in words
    with translation.override("es"):
        assert type_words("APP_CREATE", "Brand new") == "Brand new"
        assert type_words("NEW_TYPE", "Application created") == "Application created"
        assert type_words("NEW_TYPE") == ""
        assert (source_title("CD"), source_title("INTERNAL")) == ("Panel", "")


@pytest.mark.parametrize(
    ("event_type", "context", "expected"),
    [
        ("NUMBER_LINKED", {"msisdn": "44", "applicationName": "Shop"},
         "Vinculó el número <b>44</b> a la aplicación <b>Shop</b>"),
        ("NUMBER_LINKED", {"msisdn": "44"}, "Vinculó el número <b>44</b>"),
        ("NUMBER_LINKED", {}, ""),
        ("USER_LOGIN", None, "Inició sesión en el panel"),
    ],
)  # fmt: skip
def test_sentences_are_spoken_in_spanish(event_type: str, context: Any, expected: str) -> None:
    with translation.override("es"):
        assert sentence(event_type, context) == expected


def test_sentences_need_the_same_pieces_in_spanish() -> None:
    for event_type, pattern in SENTENCES.items():
        needed = dict.fromkeys(re.findall(r"\{([\w-]+)\}", re.sub(r"\[.*?\]", "", pattern)), "x")
        with translation.override("es"):
            assert bool(sentence(event_type, {"number": "1", "app": "1", **needed} | _spelled(needed)))
            assert bool(sentence(event_type, {})) == (not needed)


def _spelled(pieces: dict[str, str]) -> dict[str, str]:
    names = {"number": "msisdn", "app": "appId", "person": "email", "secret": "secretId", "address": "ip"}
    return {names.get(piece, piece): value for piece, value in pieces.items()}


def test_lines_of_context_are_spoken_in_spanish() -> None:
    with translation.override("es"):
        assert strip_tags(summarise({"ids": [1, 2, 3, 4, 5], "on": True})) == "ids 1, 2, 3 y 2 más · on sí"
        assert strip_tags(summarise({"nested": [{"a": 1}]})) == "nested 1 elemento"


def test_numbers_are_grouped_as_the_language_does() -> None:
    assert grouped(1_234_567) == "1,234,567"
    with translation.override("es"):
        assert grouped(1_234_567) == "1\xa0234\xa0567"


def test_slips_of_the_box_are_told_in_spanish() -> None:
    with translation.override("es"), pytest.raises(BadQuery, match="¿quiso decir type:?"):
        read("tpye:APP_CREATE")
