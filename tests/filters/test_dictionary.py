"""Plain words: what pages show is understood, in both languages, of what the reader may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings as site_settings
from django.http import QueryDict
from django.test import Client
from django.utils.translation import gettext, override

from accounts.models import NexmoAccount
from events.filters.dictionary import meaning
from events.nexmo.catalog import EVENT_TYPES
from events.wording.sentences import SENTENCES
from tests.tools.filters import Add, Login, found
from tests.tools.pages import text_of
from tests.tools.scope import shown_ids

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)  # a Thursday
ACCOUNTS = [NexmoAccount(api_key="demo0001", name="Quillfern Parcel")]


def read(text: str) -> str:
    with time_machine.travel(NOW, tick=False):
        meant = meaning(text, ACCOUNTS, EVENT_TYPES)
    return meant.query if meant else ""


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("who deleted a secret last week", "from:2026-11-16 to:2026-11-22 type:ACCOUNT_SECRET_DELETE"),
        ("quién eliminó un secreto la semana pasada", "from:2026-11-16 to:2026-11-22 type:ACCOUNT_SECRET_DELETE"),
        ("Bought number", "type:NUMBER_ASSIGN"),
        ("Logged in", "type:USER_LOGIN"),
        ("Allowed address", "type:IP_WHITELIST_CREATE"),
        ("Cancelled number", "type:NUMBER_USER_CANCELED"),
        ("API secret", "type:ACCOUNT_SECRET_CREATE,ACCOUNT_SECRET_DELETE"),
        ("auto-reload", "type:AUTORELOAD_DISABLE,AUTORELOAD_ENABLE,AUTORELOAD_UPDATE"),
        ("Germany", "country:DE"),
        ("alemania", "country:DE"),
        ("quillfern parcel", "account:demo0001"),
        ("Dashboard", "source:CD"),
        ("logins from France yesterday", "from:2026-11-25 to:2026-11-25 country:FR type:USER_LOGIN"),
        ("secrets in the last 2 weeks", "period:2w type:ACCOUNT_SECRET_CREATE,ACCOUNT_SECRET_DELETE"),
        ("last month", "from:2026-10-01 to:2026-10-31"),
        ("bought 447700900000", "type:NUMBER_ASSIGN 447700900000"),
        ("needle", ""),
        ("alice@example.com", ""),
        ('"bought number"', ""),
        ("type:NUMBER_ASSIGN bought", ""),
        ("-bought", ""),
        ("the", ""),
        ("", ""),
        ("bought " * 21, ""),
    ],
)
def test_words_are_read(text: str, query: str) -> None:
    assert read(text) == query


@pytest.mark.parametrize("language", [code for code, _ in site_settings.LANGUAGES])
@pytest.mark.parametrize("code", EVENT_TYPES)
def test_every_title_and_every_sentence_finds_its_type(language: str, code: str) -> None:
    with override(language):
        titles = [gettext(EVENT_TYPES[code])]
        if code in SENTENCES:
            titles.append(gettext(SENTENCES[code]).partition("[")[0].partition("{")[0])

    for title in titles:
        meant = meaning(title, ACCOUNTS, EVENT_TYPES)
        assert meant, title
        assert code in meant.values.get("event_type", ()), title


def test_stranger_account_is_no_word(client: Client, cast: dict[str, Any]) -> None:
    name = NexmoAccount.objects.get(api_key="demo0003").name

    assert meaning(name, ACCOUNTS, EVENT_TYPES) is None
    assert client.get("/events/", {"search_text": name}).context["reading"] is None


def test_learnt_types_are_words_too() -> None:
    meant = meaning("quantum", ACCOUNTS, {**EVENT_TYPES, "QUANTUM_LEAP": "Quantum leap made"})
    assert meant and meant.values == {"event_type": ("QUANTUM_LEAP",)}


# --- on the page ----------------------------------------------------------------------------------------------------


LAST_MATCH = "The last match is outside the period: 2026-03-15 12:01:00 UTC, yourname@example.com, Quillfern Parcel."


@pytest.fixture
def secrets(account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="ACCOUNT_SECRET_DELETE", context={"note": "x"})
    add_event(account, 2, event_type="NUMBER_ASSIGN", context={"note": "deleted"})
    add_event(NexmoAccount.objects.get(api_key="demo0003"), 3, event_type="ACCOUNT_SECRET_DELETE")


def test_words_that_no_event_has_lead_to_what_they_describe(client: Client, secrets: None) -> None:
    answer = client.get("/events/", {"search_text": "who deleted a secret"})

    assert answer.status_code == 302
    assert answer["Location"] == "/events/?search_text=type%3AACCOUNT_SECRET_DELETE"
    page = client.get(answer["Location"])
    assert len(shown_ids(page)) == 1
    assert "No event contains “who deleted a secret”; these are the events it describes." in text_of(page)


def test_words_that_events_have_are_searched_for_and_their_meaning_is_offered(client: Client, secrets: None) -> None:
    page = client.get("/events/", {"search_text": "deleted"})

    assert len(shown_ids(page)) == 1
    meant = page.context["reading"]
    assert f'<a href="/events/{meant.href}">' in page.content.decode()
    assert meant.count.number == 1
    assert shown_ids(client.get(f"/events/{meant.href}")) != shown_ids(page)


def test_words_in_quotes_are_words(client: Client, secrets: None) -> None:
    page = client.get("/events/", {"search_text": '"who deleted a secret"'})

    assert page.status_code == 200
    assert page.context["empty"] == "no-match"
    assert page.context["reading"] is None


def test_other_conditions_stay(client: Client, secrets: None) -> None:
    answer = client.get("/events/", {"search_text": "deleted secrets", "source": "CD"})

    assert answer["Location"] == "/events/?search_text=type%3AACCOUNT_SECRET_DELETE&source=CD"


def test_meaning_without_events_is_an_answer_too(client: Client, secrets: None) -> None:
    page = client.get("/events/", {"search_text": "switched auto-reload off"}, follow=True)

    assert page.redirect_chain[0][0].endswith("type%3AAUTORELOAD_DISABLE")
    assert page.context["empty"] == "no-match"
    told = "No event contains “switched auto-reload off”. It was read as the filter below, and nothing matches that"
    assert told in text_of(page)


def test_what_looks_like_a_condition_and_is_none_is_told(client: Client, secrets: None) -> None:
    told = "colour: is not a condition, so it was searched for as text. Write one of type:, account:, user:"

    assert told in text_of(client.get("/events/", {"search_text": "colour:red"}))
    assert "not a condition" not in text_of(client.get("/events/", {"search_text": "https://x.example email:zoe"}))


def test_last_match_of_what_words_describe_is_shown(client: Client, secrets: None) -> None:
    page = client.get("/events/", {"search_text": "who deleted a secret yesterday"}, follow=True)

    assert LAST_MATCH in text_of(page)
    assert len(shown_ids(client.get(page.context["anytime"]))) == 1


def test_meaning_of_words_is_read_by_exports_as_the_page_shows_it(client: Client, secrets: None) -> None:
    assert found(client, "search_text=type:ACCOUNT_SECRET_DELETE") == {1}
    assert found(client, "search_text=deleted") == {2}


def test_last_match_outside_the_period_is_shown(login: Login, secrets: None) -> None:
    client = login("alice")
    query = {"event_type": "ACCOUNT_SECRET_DELETE", "date_from": "2026-11-01"}

    page = client.get("/events/", query)

    assert LAST_MATCH in text_of(page)
    assert len(shown_ids(client.get(page.context["anytime"]))) == 1
    assert "outside the period" not in text_of(client.get("/events/", {"event_type": "USER_LOGIN"}))
    assert "outside the period" not in text_of(client.get("/events/", query | {"source": "other"}))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            {"search_text": "type:secret"},
            [("event_type", "ACCOUNT_SECRET_DELETE"), ("event_type", "ACCOUNT_SECRET_CREATE")],
        ),
        ({"event_type": "NUMBR_*", "source": "CD"}, [("event_type", "NUMBER_*")]),
        ({"search_text": "country:span x"}, [("source_country", "ES")]),
        ({"search_text": "-type:NUMBR_*,APP_CREATE"}, [("event_type", "-NUMBER_*,-APP_CREATE")]),
        ({"search_text": "tpye:NUMBER_ASSIGN x"}, [("search_text", "type:NUMBER_ASSIGN x")]),
    ],
)
def test_did_you_mean_is_a_link(
    client: Client, secrets: None, query: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    page = client.get("/events/", query)
    hrefs = [correction.href for correction in page.context["corrections"]]

    for href, (name, value) in zip(hrefs, expected, strict=True):
        assert QueryDict(href.removeprefix("?"))[name] == value
        assert f'href="/events/{href.replace("&", "&amp;")}"' in page.content.decode()
        assert not client.get(f"/events/{href}").context["form"].errors
