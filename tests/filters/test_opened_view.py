"""A view that was opened and then changed: it keeps its name, can be updated, saved as another, and gone back to."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from events.models import SavedView
from events.operations.demo_data import TEAM
from tests.tools.pages import Login, text_of, violations

QUERY = "event_type=APP_CREATE&source=CD"
CHANGED = f"{QUERY}&source_country=ES"


@pytest.fixture
def mine(cast: dict[str, Any]) -> SavedView:
    """A private view of Alice's."""
    return SavedView.objects.create(owner=cast["alice"], name="Apps by hand", description="Who did", query=QUERY)


@pytest.fixture
def shared(cast: dict[str, Any]) -> SavedView:
    """The demo's view, which Alice shares with her team."""
    return SavedView.objects.get(owner=cast["alice"], team__name=TEAM)


def menu_of(client: Client, address: str) -> tuple[str, list[str]]:
    """What the menu of views is called, and what stands beside it."""
    page = client.get(address)
    assert violations(page) == []
    html = page.content.decode()
    menu = re.split(r"\n</div>", html[html.index('<div class="views">') :])[0]
    summary = re.search(r"<summary>(.*?)</summary>", menu)
    beside = re.findall(r"<(?:a class=\"button\"|button)[^>]*>([^<]*)<", menu)
    return re.sub(r"<[^>]*>", "", summary[1] if summary else ""), beside


def test_changed_view_keeps_its_name_and_offers_what_can_be_done(client: Client, mine: SavedView) -> None:
    opened = client.get(f"/views/{mine.pk}/")["Location"]

    assert menu_of(client, opened) == ("Apps by hand", ["☆"])
    assert menu_of(client, f"{opened}&source_country=ES") == (
        "Apps by hand changed",
        ["Update", "Save as", "Reset"],
    )
    assert menu_of(client, f"/events/?view={mine.pk}") == ("Apps by hand changed", ["Reset"])  # nothing to save
    assert menu_of(client, f"{opened}&source_ip=nowhere") == ("Apps by hand changed", ["Reset"])
    assert menu_of(client, f"/events/?{CHANGED}") == ("Views", ["Save this view"])


def test_changed_view_of_somebody_else_cannot_be_updated(login: Login, shared: SavedView) -> None:
    bob = login("bob")

    assert menu_of(bob, f"/events/?{CHANGED}&view={shared.pk}") == (f"{shared.name} changed", ["Save as", "Reset"])
    assert menu_of(bob, f"/events/?{CHANGED}&view=api") == ("Changes through the API changed", ["Save as", "Reset"])
    assert menu_of(login("charlie"), f"/events/?{CHANGED}&view={shared.pk}") == ("Views", ["Save this view"])


def test_filter_that_is_another_view_is_called_by_that_one(client: Client, mine: SavedView) -> None:
    twin = SavedView.objects.create(owner=mine.owner, name="A twin", query=QUERY)

    assert menu_of(client, f"/events/?source=API&view={mine.pk}")[0] == "Changes through the API"
    assert menu_of(client, f"/events/?{QUERY}&view={mine.pk}")[0] == "Apps by hand"
    assert menu_of(client, f"/events/?{QUERY}&view={twin.pk}")[0] == "A twin"


def test_everything_on_the_page_that_changes_the_filter_keeps_the_view(
    client: Client, mine: SavedView, account: Any, add_event: Any
) -> None:
    add_event(account, 1, event_type="APP_CREATE", source="CD")
    page = client.get(f"/events/?{QUERY}&view={mine.pk}").content.decode()
    form = page[page.index('<form id="filter"') :].split("</form>")[0]
    pills = re.findall(r'<a class="remove" href="([^"]*)"', page)
    values = re.findall(r'<a class="v" href="([^"]*)"', page)

    assert f'<input type="hidden" name="view" value="{mine.pk}">' in form
    assert pills and values
    for address in (*pills, *values):
        # The script takes the last parameter for what the value is about.
        assert re.search(rf"\bview={mine.pk}&\w+=", unescape(address)) or address.endswith(f"view={mine.pk}"), address
    summary = client.get(re.findall(r'hx-get="(/events/summary[^"]*)"', page)[0].replace("&amp;", "&"))
    assert f"view={mine.pk}" in summary.content.decode()


@pytest.mark.parametrize("kept", ["export", "evidence"])
def test_files_know_no_view(login: Login, shared: SavedView, account: Any, add_event: Any, kept: str) -> None:
    add_event(account, 1, event_type=re.split("[=,&]", shared.query)[1])
    page = login("admin").get("/events/?source=CD&view=api").content.decode()

    addresses = re.findall(rf'"(/events/{kept}[^"]*)"', page)

    assert addresses
    assert all("source=CD" in address and "view=" not in address for address in addresses)


def test_view_is_updated_with_the_filter_and_nothing_else(client: Client, shared: SavedView) -> None:
    kept = (shared.name, shared.description, shared.team)

    after = client.post(f"/views/{shared.pk}/update", {"query": f"size=9&{CHANGED}", "name": "x"}, follow=True)

    assert after.redirect_chain == [(f"/events/?{CHANGED}&view={shared.pk}", 302)]
    assert f"The filter of the view {shared.name} was replaced." in text_of(after)
    shared.refresh_from_db()
    assert (shared.name, shared.description, shared.team) == kept
    assert shared.query == CHANGED


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "This field is required."),
        ("size=9", "No filter is active"),
        ("source_ip=nowhere", "nowhere is not an IP address"),
        ("account=demo0003", "No account demo0003 is visible to you."),
        ("search_text=" + "x" * 9_000, "too long for a URL"),
    ],
)
def test_view_is_not_updated_with_a_wrong_filter(client: Client, mine: SavedView, query: str, said: str) -> None:
    after = client.post(f"/views/{mine.pk}/update", {"query": query}, follow=True)

    assert said in text_of(after)
    mine.refresh_from_db()
    assert mine.query == QUERY


def test_view_is_updated_by_posting_only(client: Client, mine: SavedView) -> None:
    assert client.get(f"/views/{mine.pk}/update?query=source%3DCD").status_code == 405


def test_saving_as_begins_with_the_words_of_the_view(client: Client, mine: SavedView) -> None:
    changed = client.get(f"/events/?{CHANGED}&view={mine.pk}").content.decode()
    address = unescape(re.findall(r'href="(/views/new[^"]*)"', changed)[0])

    form = client.get(address).content.decode()

    assert 'value="Copy of Apps by hand"' in form
    assert "Who did</textarea>" in form
    assert f'name="query" value="{CHANGED.replace("&", "&amp;")}"' in form
    SavedView.objects.filter(pk=mine.pk).update(name="N" * 80)
    assert f'value="{("Copy of " + "N" * 80)[:80]}"' in client.get(address).content.decode()
