"""What every filter must have, by the one table of filters: nobody needs to be told of a new one."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.filters import search_box
from events.filters.fields import KINDS
from events.filters.form import EventFilter
from events.filters.parameters import unknown
from events.reading import count
from events.reading.filterable import COLUMNS, DIMENSIONS, PARAMETERS
from tests.tools.filters import Add, found
from tests.tools.scope import shown_ids

ROOT = Path(__file__).parents[2]
# What the second event has instead of what the first one has.
OTHERS = {
    "event_type": "APP_CREATE",
    "user_email": "other@example.com",
    "user_id": 7654321,
    "source": "DEVAPI",
    "source_ip": "198.51.100.7",
    "source_country": "ES",
    "context": {"appId": "9b1e2f6a-0000-4000-8000-000000000002"},
}
VALUES = {
    "event_type": "NUMBER_UPDATED",
    "user_email": "yourname@example.com",
    "user_id": "1234567",
    "source": "CD",
    "source_ip": "192.0.2.1",
    "source_country": "GB",
    "account": "demo0001",
    "application": "9b1e2f6a-0000-4000-8000-000000000001",
}
dimensions = pytest.mark.parametrize("name", DIMENSIONS)
columns = pytest.mark.parametrize("name", COLUMNS)


@pytest.fixture
def two(account: NexmoAccount, add_event: Add) -> None:
    """An event as usual, and one of another account that differs from it in everything."""
    add_event(account, 1, context={"appId": VALUES["application"]})
    add_event(NexmoAccount.objects.get(api_key="demo0002"), 2, **OTHERS)


@dimensions
def test_it_has_a_field_in_the_form(client: Client, two: None, name: str) -> None:
    page = client.get("/events/", {name: VALUES[name]})

    assert isinstance(page.context["form"].fields[name], KINDS[DIMENSIONS[name].kind])
    assert f'name="{name}"' in page.content.decode().partition('id="filter"')[2].partition("</form>")[0]


@dimensions
def test_it_narrows_list_and_export(client: Client, two: None, name: str) -> None:
    assert found(client, {name: VALUES[name]}) == {1}
    assert found(client, {name: f"-{VALUES[name]}"}) == {2}


@dimensions
def test_it_narrows_and_counts_first_events(client: Client, two: None, name: str) -> None:
    query = {"new": "country", name: VALUES[name]}

    assert found(client, query) == {1}
    assert client.get("/events/", query).context["count"].number == 1
    assert count(client.get("/events/", query).context["filter"].conditions).number == 1


@dimensions
def test_the_search_box_has_a_word_for_it(client: Client, two: None, name: str) -> None:
    for word in (*DIMENSIONS[name].words, name):
        assert found(client, {"search_text": f"{word}:{VALUES[name]}"}) == {1}
    assert DIMENSIONS[name].words
    assert f"{DIMENSIONS[name].words[0]}:" in search_box.FIRST_KEYS


@dimensions
def test_it_has_a_pill(client: Client, two: None, name: str) -> None:
    (pill,) = client.get("/events/", {name: f"-{VALUES[name]}"}).context["pills"]

    assert (pill.label, pill.title, pill.negated) == (str(DIMENSIONS[name].label), VALUES[name], True)
    assert parse_qs(pill.turned[1:]) == {name: [VALUES[name]]}


@columns
def test_it_has_a_facet_that_leads_to_its_events(client: Client, two: None, name: str) -> None:
    facets = {facet["name"]: facet for facet in client.get("/events/summary").context["facets"]}

    assert facets[name]["title"] == DIMENSIONS[name].facet
    by_value = {str(line["code"]): line for line in facets[name]["shown"]}
    assert by_value[VALUES[name]]["count"] == 1
    assert len(shown_ids(client.get(by_value[VALUES[name]]["href"]))) == 1


@columns
def test_its_value_in_the_table_is_a_link(client: Client, two: None, name: str) -> None:
    client.post("/profile/display", {"with_columns": "1", "columns": ["account", "who", "user_id", "source", "origin"]})
    page = client.get("/events/").content.decode()

    links = [html.unescape(href) for href in re.findall(r'<a class="v" href="([^"]*)"', page)]
    values = [parse_qs(urlsplit(link).query).get(name) for link in links]
    assert [VALUES[name]] in values


@pytest.mark.parametrize(
    ("name", "value", "is_link"),
    [
        ("user_email", "bob@x.example", True),
        ("user_email", "bob", False),
        ("user_email", "b*b@x.example", False),
        ("user_email", "@", False),
        ("source_ip", "2001:DB8::1", True),
        ("source_ip", "192.0.2.77:60162", True),
        ("source_ip", "192.0.2.77 10.0.0.1", True),
        ("source_ip", "192.0.2.077", False),
        ("source_ip", "999.1.1.1", False),
        ("source_ip", "1.2.3", False),
        ("source_ip", "unknown", False),
        ("source_country", "UNITED KINGDOM", False),
    ],
)
def test_a_value_that_the_filter_refuses_is_no_link(
    client: Client, account: NexmoAccount, add_event: Add, name: str, value: str, is_link: bool
) -> None:
    event = add_event(account, 1, **{name: value})
    add_event(account, 2)
    own = client.get(event.get_absolute_url()).content.decode()
    hrefs = re.findall(rf'<a href="([^"]*[?]{name}=[^"]*)"', own)
    assert len(hrefs) == (is_link and name != "source_country")
    assert all(event.event_id in client.get(html.unescape(href)).content.decode() for href in hrefs)
    page = client.get("/events/")
    rows = page.content.decode().partition("<tbody")[2]

    links = [html.unescape(href) for href in re.findall(r'<a class="v" href="([^"]*)"', rows)]
    asked = [query[name][0] for link in links if name in (query := parse_qs(urlsplit(link).query))]
    assert (value in asked) == is_link
    for other in asked:
        assert page.context["filter"].takes(name, other)
        assert (1 if other == value else 2) in found(client, {name: other})


def test_an_event_with_a_list_of_addresses_leads_to_the_one_it_is_found_by(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    event = add_event(account, 1, source_ip="unknown, 192.0.2.77")
    page = client.get(event.get_absolute_url()).content.decode()
    (href,) = re.findall(r'<a href="([^"]*[?]source_ip=[^"]*)"', page)
    assert event.event_id in client.get(html.unescape(href)).content.decode()


@dimensions
def test_commands_have_an_option_for_it(two: None, capfd: Any, name: str) -> None:
    call_command("export_events", "--format", "ndjson", f"--{name.replace('_', '-')}", VALUES[name])

    assert len(capfd.readouterr().out.splitlines()) == 1


@columns
def test_it_is_served_by_its_index(client: Client, two: None, name: str) -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "events_auditevent")

    index = constraints[DIMENSIONS[name].index]
    assert index["columns"] == [DIMENSIONS[name].column, "created_at", "id"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_it_is_known_and_documented(name: str) -> None:
    assert unknown([name]) == []
    assert name in EventFilter.base_filters
    assert all(search_box.KEYS[word] == name for word in PARAMETERS[name].words)
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .+ \|$", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE)
    documented = {row[0]: row[1] for row in rows}
    assert documented[name] == " ".join(f"`{word}:`" for word in PARAMETERS[name].words)
