"""Names for codes, in the form and in the search box; and what is said where one is not known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.names import nearest
from tests.tools.filters import Add, Login, found, refusal
from tests.tools.pages import text_of


@pytest.fixture
def events(cast: dict[str, Any], account: NexmoAccount, add_event: Add) -> None:
    """One each of Quillfern Parcel and of the other account that alice sees."""
    add_event(
        account, 1, event_type="ACCOUNT_SECRET_DELETE", event_type_description="", source="CD", source_country="GB"
    )
    add_event(
        NexmoAccount.objects.get(api_key="demo0002"), 2, event_type="APP_CREATE", source="DEVAPI", source_country="ES"
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"account": "Quillfern Parcel"}, {1}),
        ({"account": "-quillfern  PARCEL"}, {2}),
        ({"account": "quillfern parcel,demo0002"}, {1, 2}),
        ({"search_text": 'account:"quillfern parcel"'}, {1}),
        ({"event_type": "Account secret deleted"}, {1}),
        ({"search_text": '-type:"account secret deleted"'}, {2}),
        ({"source_country": "Spain"}, {2}),
        ({"source_country": "united kingdom,ESP"}, {1, 2}),
        ({"search_text": "-country:spain"}, {1}),
        ({"search_text": "country:uk"}, {1}),
        ({"search_text": "country:ZZ"}, set()),
        ({"source": "nothing like it"}, set()),
        ({"search_text": "number:+447700900000 period:90d", "period": ""}, set()),
        ({"search_text": "number:+447700900000 since:2026-01-01"}, {1, 2}),
    ],
)
def test_names_stand_for_codes(client: Client, events: None, asked: dict[str, str], expected: set[int]) -> None:
    assert found(client, asked) == expected


@pytest.mark.parametrize("named", ["España", "espana", "Spain", "es"])
def test_country_is_understood_in_the_readers_language_and_in_english(login: Login, events: None, named: str) -> None:
    page = login("alice").get("/events/", {"source_country": named}, headers={"accept-language": "es"})

    assert page.context["count"].number == 1
    assert 'name="source_country" value="' in page.content.decode()


@pytest.mark.parametrize("named", ["Secreto de cuenta eliminado", "Account secret deleted"])
def test_type_is_understood_in_the_readers_language_and_in_english(login: Login, events: None, named: str) -> None:
    page = login("alice").get("/events/", {"search_text": f'type:"{named}"'}, headers={"accept-language": "es"})

    assert page.context["count"].number == 1


def test_name_becomes_its_code_on_the_page(client: Client, events: None) -> None:
    page = client.get("/events/", {"account": "quillfern parcel", "source_country": "spain"}).content.decode()

    assert '<input type="checkbox" name="account" value="demo0001" checked>' in page
    assert 'name="source_country" value="ES"' in page


def test_name_of_two_accounts_stands_for_both(client: Client, events: None) -> None:
    NexmoAccount.objects.filter(api_key="demo0002").update(name="QUILLFERN parcel")

    assert found(client, {"account": "Quillfern Parcel"}) == {1, 2}


def test_strangers_account_is_unknown_by_name_and_never_suggested(login: Login, events: None) -> None:
    name = NexmoAccount.objects.get(api_key="demo0003").name
    client = login("alice")

    assert refusal(client, {"account": name}, "account") == f"No account {name} is visible to you."
    assert refusal(client, {"account": name[:-1]}, "account") == f"No account {name[:-1]} is visible to you."


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ("type:XXX_*", "event_type", "There is no event type XXX_*."),
        ("type:NUMBR_*", "event_type", "There is no event type NUMBR_*. Did you mean NUMBER_*?"),
        ("type:ACOUNT_SECRET_DELETE", "event_type", "Did you mean ACCOUNT_SECRET_DELETE?"),
        ('type:"acount secret deleted"', "event_type", "Did you mean Account secret deleted?"),
        ("account:quilfern", "account", "Did you mean Quillfern Parcel?"),
        ("account:demo001", "account", "No account demo001 is visible to you."),
        ("country:Span", "source_country", "SPAN is not a country. Write its name or its two letters, such as GB. "
         "Did you mean Spain?"),
        ("type:secret", "event_type", "Did you mean ACCOUNT_SECRET_DELETE or ACCOUNT_SECRET_CREATE?"),
        ("-user:*", "user_email", "Write an address, or more of it: name@example.com, name, or *@example.com."),
        ("period:8y", "period", "Choose one of today"),
    ],
)  # fmt: skip
def test_slip_is_refused_with_what_may_be_meant(
    client: Client, events: None, asked: str, field: str, said: str
) -> None:
    told = refusal(client, {"search_text": asked}, field)
    assert said in told
    assert ("Did you mean" in told) == ("Did you mean" in said)


def test_name_with_percent_signs_is_suggested_as_it_is(client: Client, events: None) -> None:
    NexmoAccount.objects.filter(api_key="demo0001").update(name="100%s sure")

    assert refusal(client, {"account": "100%s sur"}, "account").endswith("Did you mean 100%s sure?")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("dash", ["Dashboard"]),
        ("hboar", ["Dashboard"]),
        ("panl", ["Panel"]),
        ("secret", ["Secrets", "A secret", "Old secrets"]),
        ("da", []),
        ("", []),
        ("zzz", []),
    ],
)
def test_nearest_is_a_part_or_a_slip(word: str, expected: list[str]) -> None:
    assert nearest(word, ("Dashboard", "Panel", "API", "Old secrets", "A secret", "Secrets")) == expected


def test_unknown_source_is_asked_about_and_allowed(client: Client, events: None, add_event: Add) -> None:
    account = NexmoAccount.objects.get(api_key="demo0001")
    add_event(account, 3, source="dashcam")

    assert "No event here has the source dash. Did you mean Dashboard?" in text_of(client.get("/events/?source=dash"))
    assert "No event here has the source dash." in text_of(client.get("/events/?source=-dash"))
    for known in ("dashcam", "Dashboard", "CD", "nothing"):
        assert "Did you mean" not in text_of(client.get("/events/", {"source": known}))


# --- what is wrong, and where it is told ----------------------------------------------------------------------


def box(page: str) -> str:
    return re.findall(r'name="search_text" value="([^"]*)"', page)[0]


def test_box_keeps_all_of_its_text_while_something_of_it_is_wrong(client: Client, events: None) -> None:
    text = "type:NUMBR_* country:GB -source:CD hello"
    page = client.get("/events/", {"search_text": text, "user_email": "a@example.com"}).content.decode()

    assert box(page) == text
    assert 'name="source_country" value=' not in page and 'value="-CD"' not in page
    assert 'name="user_email" value="a@example.com"' in page


def test_every_wrong_field_is_told_where_the_rows_would_be(client: Client, events: None) -> None:
    page = client.get("/events/", {"search_text": "type:NUMBR_* country:<b>", "source_ip": "x"}).content.decode()
    told = re.findall(r"<li><strong>(.*?)</strong>: (.*?)</li>", page[page.index('id="empty"') :])

    assert dict(told) == {
        "Event types": "There is no event type NUMBR_*. Did you mean NUMBER_*?",
        "IP address": "x is not an IP address or network. Write 192.0.2.7 or 192.0.2.0/24.",
        "Country": "&lt;B&gt; is not a country. Write its name or its two letters, such as GB.",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("absent words", True),
        ('"absent words"', True),
        ("absent -words", True),
        ("absent", False),
        ('"absent": 1', False),
        ("", False),
    ],
)
def test_nothing_found_says_how_words_are_searched_for(client: Client, events: None, text: str, told: bool) -> None:
    page = text_of(client.get("/events/", {"search_text": text, "source": "none"}))

    assert ("Every word must be in the event, in any order; put a phrase in quotes." in page) == told


def test_view_is_saved_by_codes(client: Client, events: None) -> None:
    client.post("/views/new", {"name": "Spain", "query": "account=quillfern+parcel&source_country=Spain"})

    (pk,) = re.findall(r'href="/views/(\d+)/">Spain', client.get("/views/").content.decode())[:1]
    assert client.get(f"/views/{pk}/")["Location"] == f"/events/?account=demo0001&source_country=ES&view={pk}"


def test_star_stands_for_accounts_too(client: Client, events: None) -> None:
    assert found(client, "account=demo*") == found(client, "")
    assert found(client, "account=-demo*") == set()
