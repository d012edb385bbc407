"""Filters by type, account, user, source, address and country."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from accounts.models import NexmoAccount
from events.filters.form import EventFilter
from events.models import EventType
from tests.conftest import NOON
from tests.tools.filters import Add, Login, found, refusal

# --- event_type and account -----------------------------------------------------------------------------------


def test_event_types_in_any_spelling(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, code in enumerate(("USER_LOGIN", "NUMBER_ASSIGN", "USER_LOGOUT", "NUMBER_ASSIGNED")):
        add_event(account, number, event_type=code)

    queries = (
        "event_type=USER_LOGIN,NUMBER_ASSIGN",
        "event_type=USER_LOGIN&event_type=NUMBER_ASSIGN",
        "event_type=user_login,Number_Assign",
        "event_type=,USER_LOGIN,,%20NUMBER_ASSIGN%20,",
        "event_type=USER_LOGIN,USER_LOGIN&event_type=NUMBER_ASSIGN,user_login",
        "event_type=&event_type=USER_LOGIN,NUMBER_ASSIGN",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {0, 1})


def test_accounts_in_any_spelling(login: Login, cast: dict[str, Any], add_event: Add) -> None:
    for number in range(1, 6):
        add_event(NexmoAccount.objects.get(api_key=f"demo000{number}"), number)
    client = login("admin")

    queries = (
        "account=demo0001,demo0003",
        "account=demo0001&account=demo0003",
        "account=DEMO0001,Demo0003",
        "account=,demo0001,,%20demo0003%20,",
        "account=demo0001,demo0001&account=demo0003,DEMO0001",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1, 3})


def test_unknown_event_type_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert refusal(client, "event_type=NO_SUCH_TYPE", "event_type") == "There is no event type NO_SUCH_TYPE."
    assert refusal(client, "event_type=NUMBER_UPDATED,NOPE", "event_type") == "There is no event type NOPE."


def test_unknown_account_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    assert refusal(client, "account=nope", "account") == "No account nope is visible to you."


def test_type_that_only_events_carry_can_be_chosen(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, event_type="BRAND_NEW", event_type_description="Something new")
    add_event(account, 2)

    assert found(client, "event_type=brand_new") == {1}
    page = client.get("/events/").content.decode()
    assert re.search(r'name="event_type" value="BRAND_NEW"> <span>Something new', page)


def test_type_that_nexmo_lists_can_be_chosen_before_any_event(client: Client, cast: dict[str, Any]) -> None:
    EventType.objects.create(code="LISTED_ONLY", description="As listed", listed_at=NOON)

    assert found(client, "event_type=listed_only") == set()
    assert re.search(r'value="LISTED_ONLY"> <span>As listed', client.get("/events/").content.decode())


def test_chosen_boxes_stay_ticked(client: Client, account: NexmoAccount, add_event: Add) -> None:
    page = client.get("/events/?event_type=user_login,NUMBER_ASSIGN&account=demo0001").content.decode()

    ticked = re.findall(r'name="(?:event_type|account)" value="(\w+)" checked', page)
    assert sorted(ticked) == ["NUMBER_ASSIGN", "USER_LOGIN", "demo0001"]


# --- user, source, address, country -------------------------------------------------------------------------------


def test_user_email_in_any_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, user_email="SomeOne@example.com")
    add_event(account, 2, user_email="someone@example.com.evil.test")
    add_event(account, 3, user_email="awesomeone@example.com")

    queries = (
        "user_email=someone@example.com",
        "user_email=SomeOne@Example.COM",
        "user_email=%20someone@example.com%20",
        "user_email=nobody@example.com,someone@example.com",
        "user_email=nobody@example.com&user_email=SOMEONE@example.com",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1})


def test_source_in_any_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source="CD")
    add_event(account, 2, source="DEVAPI")

    queries = ("source=CD", "source=cd", "source=,CD,", "source=CD,NOPE", "source=x&source=Cd")
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1})


@pytest.mark.parametrize("stored", ["Dashboard", "cd", "devApi v2"])
def test_source_is_found_however_nexmo_spells_it(
    client: Client, account: NexmoAccount, add_event: Add, stored: str
) -> None:
    add_event(account, 1, source=stored)
    add_event(account, 2, source="OTHER")

    assert found(client, {"source": stored}) == {1}


def test_source_country_in_any_case(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1, source_country="gb")
    add_event(account, 2, source_country="ES")

    queries = (
        "source_country=GB",
        "source_country=gb",
        "source_country=FR,%20gB",
        "source_country=FR&source_country=GB",
    )
    assert {query: found(client, query) for query in queries} == dict.fromkeys(queries, {1})


ADDRESSES: dict[str, set[int]] = {
    "source_ip=192.0.2.1": {1},
    "source_ip=%20192.0.2.1%20": {1},
    "source_ip=192.0.2.0/24": {1, 2},
    "source_ip=192.0.2.77/24": {1, 2},
    "source_ip=192.0.2.1/32": {1},
    "source_ip=192.0.0.0/16": {1, 2, 3},
    "source_ip=0.0.0.0/0": {1, 2, 3},
    "source_ip=192.0.2.1,192.0.3.1": {1, 3},
    "source_ip=192.0.2.1&source_ip=2001:db8::/32": {1, 4, 5},
    "source_ip=2001:db8::1": {4},
    "source_ip=2001:0DB8:0000:0000:0000:0000:0000:0001": {4},
    "source_ip=2001:db8:0::5": {5},
    "source_ip=2001:db8::/32": {4, 5},
    "source_ip=::/0": {1, 2, 3, 4, 5},
    "source_ip=::ffff:192.0.2.1": {1},
    "source_ip=198.51.100.1": set(),
    "source_ip=192.0.2.": {1, 2},
    "source_ip=192.0.2.*": {1, 2},
    "source_ip=192.0.": {1, 2, 3},
    "source_ip=-192.": {4, 5, 6, 7},
    "source_ip=none": {6, 7},
    "source_ip=none,2001:db8::1": {4, 6, 7},
    "source_ip=-none": {1, 2, 3, 4, 5},
}


def test_source_ip_as_address_or_network(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number, address in enumerate(
        ("192.0.2.1", "192.0.2.255", "192.0.3.1", "2001:db8::1", "2001:0DB8:0:0:0:0:0:5", "unknown", ""), start=1
    ):
        add_event(account, number, source_ip=address)

    assert {query: found(client, query) for query in ADDRESSES} == ADDRESSES


def test_wrong_source_ip_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    wrong = (
        "nonsense",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.0/33",
        "2001:db8::/129",
        "192.0.*.1",
        "300.",
        "1.2.3.4.",
        "1",
    )
    for text in wrong:
        wanted = f"{text} is not an IP address or network. Write 192.0.2.7 or 192.0.2.0/24."
        assert refusal(client, {"source_ip": text}, "source_ip") == wanted
        assert refusal(client, {"source_ip": f"192.0.2.1,{text}"}, "source_ip") == wanted


def test_words_stay_in_the_form(client: Client, cast: dict[str, Any]) -> None:
    names = ("user_email", "source", "source_ip", "source_country")
    query = "&".join(f"{name}=192.0.2.1&{name}=%22%3E192.0.2.2" for name in names)

    page = client.get(f"/events/?{query}").content.decode()

    for name in names:
        assert f'name="{name}" value="192.0.2.1, &quot;&gt;192.0.2.2"' in page


def test_nul_in_any_field_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for name in ("user_email", "source", "source_ip", "source_country", "date_from"):
        assert refusal(client, f"{name}=a%00b", name) == "Null characters are not allowed."


def test_nul_in_a_choice_is_told(client: Client, account: NexmoAccount, add_event: Add) -> None:
    add_event(account, 1)

    for name in ("event_type", "account", "period"):
        assert refusal(client, f"{name}=a%00b", name)


def test_forms_change_nothing_of_each_other(account: NexmoAccount) -> None:
    """Their fields are copied without what never changes in them."""
    wrong = EventFilter(QueryDict("source_country=nowhere&period=x"), accounts=[account]).form
    for field in wrong.fields.values():
        field.label, field.required = "changed", True
        field.widget.attrs["changed"] = "1"
        field.widget.is_hidden_now = True
    right = EventFilter(QueryDict(""), accounts=[account]).form

    assert wrong.errors and right.is_valid()
    for name, field in right.fields.items():
        assert (field.label != "changed", field.required) == (True, False), name
        assert not {"changed", "aria-invalid"} & field.widget.attrs.keys(), name
        assert not hasattr(field.widget, "is_hidden_now"), name
