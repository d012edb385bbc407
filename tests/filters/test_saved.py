"""Views: the one spelling of a filter, which view a list is, saving, sharing and starring."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from accounts.roles import AUDITORS
from events.filters import saved_form
from events.filters.form import EventFilter
from events.filters.saved import BUILTIN, Builtin, canonical
from events.models import SavedView, Star
from events.operations.demo_data import TEAM
from tests.tools.pages import Login, text_of, violations

QUERY = "event_type=APP_CREATE&source=CD"


@pytest.fixture
def mine(cast: dict[str, Any]) -> SavedView:
    """A private view of Alice's."""
    return SavedView.objects.create(owner=cast["alice"], name="Apps by hand", query=QUERY)


@pytest.fixture
def shared(cast: dict[str, Any]) -> SavedView:
    """The demo's view, which Alice shares with her team."""
    return SavedView.objects.get(owner=cast["alice"], team__name=TEAM)


def save(client: Client, **fields: Any) -> Any:
    return client.post("/views/new", {"name": "New one", "description": "", "team": "", "query": QUERY} | fields)


def summary_of(page: Any) -> str:
    """What the menu of views is called."""
    (found,) = re.findall(
        r'<div class="views">\s*<details class="menu">\s*<summary><span>([^<]*)<', page.content.decode()
    )
    return found


# --- the one spelling -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "spelled"),
    [
        ("", ""),
        ("source=CD&event_type=APP_CREATE", "event_type=APP_CREATE&source=CD"),
        ("event_type=B&event_type=A", "event_type=A,B"),
        ("event_type=B,A,,A", "event_type=A,B"),
        ("source=&search_text=+&period=", ""),
        ("before=1.2&after=3.4&size=200&source=CD", "source=CD"),
        ("utm_source=mail&page=2", ""),
        ("search_text=type:APP_*+-source:CD+bob", "event_type=APP_*&search_text=bob&source=-CD"),
        ("source_ip=192.0.2.0/24", "source_ip=192.0.2.0/24"),
        ("search_text=a%26b%3D%C3%A9", "search_text=a%26b%3D%C3%A9"),
        ("search_text=+new:country+", "new=country"),
        ("date_from=2026-03-15T12:00:00%2B02:00", "date_from=2026-03-15T12:00:00%2B02:00"),
    ],
)
def test_equal_filters_have_one_spelling(asked: str, spelled: str) -> None:
    assert canonical(QueryDict(asked)) == spelled
    assert canonical(QueryDict(spelled)) == spelled


@pytest.mark.parametrize("builtin", BUILTIN, ids=lambda builtin: builtin.code)
def test_builtin_view_is_readable_and_spelled_so(cast: dict[str, Any], builtin: Builtin) -> None:
    found = EventFilter(QueryDict(builtin.query), accounts=list(NexmoAccount.objects.all()))

    assert found.form.errors == {}
    assert canonical(QueryDict(builtin.query)) == builtin.query
    assert not builtin.code.isdigit()


# --- the menu -------------------------------------------------------------------------------------------------------
def test_menu_names_the_view_that_the_list_is(client: Client, mine: SavedView) -> None:
    assert summary_of(client.get("/events/")) == "Views"
    assert summary_of(client.get("/events/?source=CD&event_type=APP_CREATE&size=100")) == "Apps by hand"
    assert summary_of(client.get("/events/?search_text=source:CD+type:APP_CREATE")) == "Apps by hand"
    assert summary_of(client.get("/events/?event_type=USER_LOGIN&new=country")) == "Logins from new countries"
    assert summary_of(client.get("/events/?event_type=APP_CREATE")) == "Views"


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("", ""),
        ("size=100", ""),
        ("event_type=NONSENSE", ""),
        (QUERY, ""),
        ("source=API", ""),
        ("source=CD", "/views/new?query=source%3DCD"),
        ("source=CD&before=9.9", "/views/new?query=source%3DCD"),
    ],
)
def test_only_an_unknown_filter_can_be_saved(client: Client, mine: SavedView, asked: str, offered: str) -> None:
    page = client.get(f"/events/?{asked}").content.decode()

    assert re.findall(r'href="(/views/new[^"]*)"', page) == ([offered] if offered else [])


def test_filter_of_one_account_is_saved_with_it(client: Client, cast: dict[str, Any]) -> None:
    page = client.get("/accounts/demo0001/events/?source=CD").content.decode()

    assert f'href="/views/new?query={quote("account=demo0001&source=CD", safe="")}"' in page
    assert "Save this view" not in client.get("/accounts/demo0001/events/").content.decode()


def test_menu_begins_with_what_has_a_star(client: Client, mine: SavedView, shared: SavedView) -> None:
    client.post("/views/star", {"view": "api", "starred": "1"})
    page = client.get("/events/").content.decode()
    menu = page[page.index('<div class="views">') :].split("</details>")[0]

    headings = re.findall(r"<h2>([^<]*)</h2>", menu)
    names = re.findall(r'<a href="/events/\?[^"]*"[^>]*>([^<]*)</a>', menu)

    assert headings == ["Starred", "Mine", "Built in"]
    assert names[:3] == ["Numbers pointed elsewhere", "Changes through the API", "Apps by hand"]
    assert len(names) == len(set(names)) == 2 + len(BUILTIN)


def test_menu_marks_the_view_in_force_and_no_other(client: Client, mine: SavedView, shared: SavedView) -> None:
    api = "source=API&view=api"

    def marked(address: str, **options: Any) -> tuple[list[str], bool]:
        """What is marked in the menu, and whether it says that the filter was changed."""
        page = client.get(f"/events/?{address}", **options).content.decode()
        menu = page[page.index('<div class="views">') :].split("</details>")[0]
        return re.findall(r'aria-current="true"[^>]*>(?:<bdi>)?([^<]*)<', menu), "<small>" in menu

    assert marked("") == ([], False)
    assert marked(QUERY) == (["Apps by hand"], False)
    assert marked(api) == (["Changes through the API"], False)
    assert marked("event_type=USER_LOGIN&new=country") == (["Logins from new countries"], False)
    assert marked(f"{QUERY}&source_country=GB&view={mine.pk}") == ([], True)
    assert marked(api, headers={"accept-language": "es"}) == (["Cambios a través de la API"], False)
    assert client.post("/views/star", {"view": "api", "starred": "1"}).status_code < 400
    assert marked(api) == (["Changes through the API"], False)
    assert marked(QUERY) == (["Apps by hand"], False)
    assert client.post(f"/views/{mine.pk}/edit", {"name": "By hand", "team": ""}).status_code == 302
    assert marked(QUERY) == (["By hand"], False)


# --- saving ---------------------------------------------------------------------------------------------------------
def test_saved_view_is_the_list_it_was_made_from(client: Client, cast: dict[str, Any]) -> None:
    assert "There is no filter to save" in text_of(client.get("/views/new"))
    form = client.get("/views/new", {"query": "source=CD&event_type=B,A&size=9&search_text="})
    assert (
        '<input type="hidden" name="query" value="event_type=A,B&amp;source=CD" id="id_query">' in form.content.decode()
    )

    response = save(client, query="source=CD&event_type=APP_CREATE&size=9", name=" Two  words ", description="a\nb")

    view = SavedView.objects.get(name="Two words")
    assert response["Location"] == f"/events/?{QUERY}&view={view.pk}"
    assert (view.owner, view.query, view.team, view.description) == (cast["alice"], QUERY, None, "a b")
    assert summary_of(client.get(response["Location"])) == "Two words"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"name": "Apps by  hand"}, "You already have a view with this name."),
        ({"description": "x" * 301}, "at most 300 characters"),
        ({"team": "98765"}, "Select a valid choice."),
        ({"query": ""}, "There is no filter to save"),
        ({"query": "size=100"}, "No filter is active"),
        ({"query": "source_ip=nowhere"}, "nowhere is not an IP address"),
        ({"query": "account=demo0003"}, "No account demo0003 is visible to you."),
        (
            {"query": "user_email=" + ",".join(f"{'x' * 300}{n}@x.example" for n in range(14))},
            "too long for a URL",
        ),
    ],
)
def test_wrong_view_is_refused_and_keeps_what_was_typed(
    client: Client, mine: SavedView, fields: dict[str, str], said: str
) -> None:
    before = SavedView.objects.count()

    page = save(client, **({"name": "Typed name", "description": "Typed words"} | fields))

    assert page.status_code == 200
    assert said in text_of(page)
    assert SavedView.objects.count() == before
    if fields.get("query") != "":
        for name, value in {"name": "Typed name", "description": "Typed words", **fields}.items():
            assert name == "team" or value.replace("&", "&amp;") in page.content.decode()
    assert violations(page) == []


def test_same_name_made_meanwhile_is_an_error_of_the_form(
    client: Client, mine: SavedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_form.ViewForm, "clean_name", lambda form: form.cleaned_data["name"])

    page = save(client, name=mine.name)

    assert "You already have a view with this name." in text_of(page)


def test_owner_shares_with_own_teams_only(login: Login, cast: dict[str, Any]) -> None:
    team, foreign = Group.objects.get(name=TEAM), Group.objects.create(name="Others")

    def choices(person: str) -> list[str]:
        page = login(person).get("/views/new", {"query": QUERY}).content.decode()
        select = page[page.index('<select name="team"') :].split("</select>")[0]
        return re.findall(r"<option[^>]*>([^<]*)<", select)

    assert choices("alice") == choices("bob") == ["Only me", TEAM]
    assert choices("charlie") == choices("audrey") == choices("admin") == ["Only me"]
    auditors = Group.objects.get(name=AUDITORS)
    for person, group in (("alice", foreign), ("charlie", team), ("audrey", auditors)):
        assert "Select a valid choice" in text_of(save(login(person), team=group.pk))
    assert save(login("bob"), team=team.pk).status_code == 302


def test_view_is_renamed_and_unshared_but_keeps_its_filter(client: Client, shared: SavedView) -> None:
    query = shared.query
    assert "Only me" in client.get(f"/views/{shared.pk}/edit").content.decode()

    response = client.post(f"/views/{shared.pk}/edit", {"name": "Mine now", "team": "", "query": "source=API"})

    assert response["Location"] == f"/events/?{query}&view={shared.pk}"
    shared.refresh_from_db()
    assert (shared.name, shared.team, shared.query) == ("Mine now", None, query)


def test_view_of_an_account_that_is_gone_can_still_be_renamed(client: Client, cast: dict[str, Any]) -> None:
    view = SavedView.objects.create(owner=cast["alice"], name="Old", query="account=gone0001")

    assert client.post(f"/views/{view.pk}/edit", {"name": "Older", "team": ""}).status_code == 302


def test_deleting_asks_first(client: Client, shared: SavedView) -> None:
    page = client.get(f"/views/{shared.pk}/delete")
    assert "The members of Messaging team lose it too." in text_of(page)
    assert SavedView.objects.filter(pk=shared.pk).exists()

    after = client.post(f"/views/{shared.pk}/delete", follow=True)

    assert "The view Numbers pointed elsewhere was deleted." in text_of(after)
    assert not Star.objects.exists()


# --- the list of views ----------------------------------------------------------------------------------------------
def test_list_tells_each_view_in_words(client: Client, mine: SavedView, shared: SavedView) -> None:
    page = client.get("/views/")
    words = text_of(page)

    assert "Apps by hand" in words
    assert "Type is Application created" in words
    assert "Shared with Messaging team" in words
    assert "Logins from new countries" in words
    assert "New First from a country" in words
    assert "No view of your own yet" not in words
    assert violations(page) == []


def test_list_without_own_views_says_how_to_make_one(login: Login, shared: SavedView) -> None:
    assert "No view of your own yet" in text_of(login("charlie").get("/views/"))
    bobs = text_of(login("bob").get("/views/"))
    assert "No view of your own yet" in bobs
    assert "From alice, for Messaging team" in bobs


@pytest.mark.parametrize("path", ["/views/", "/events/"])
def test_more_views_take_no_more_queries(client: Client, mine: SavedView, path: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            client.get(path)
        return len(sent)

    client.get(path)
    few = queries()
    for number in range(20):
        SavedView.objects.create(owner=mine.owner, name=f"More {number}", query=f"user_email=u{number}@example.com")

    assert queries() == few


def test_hostile_names_are_shown_as_text(client: Client, cast: dict[str, Any]) -> None:
    SavedView.objects.create(owner=cast["alice"], name="<script>x", description="<b>y", query="search_text=%3Ci%3Ez")

    for path in ("/views/", "/events/", "/events/?search_text=%3Ci%3Ez"):
        page = client.get(path)
        assert "&lt;script&gt;x" in page.content.decode()
        assert violations(page) == []


# --- stars ----------------------------------------------------------------------------------------------------------
def test_star_is_given_once_and_taken_back(client: Client, mine: SavedView, cast: dict[str, Any]) -> None:
    Star.objects.all().delete()
    for key in (str(mine.pk), "secrets"):
        for _ in range(2):
            assert client.post("/views/star", {"view": key, "starred": "1"})["Location"] == "/views/"
    assert Star.objects.filter(user=cast["alice"]).count() == 2
    assert ">★<" in client.get(f"/events/?{QUERY}").content.decode()

    back = client.post("/views/star", {"view": str(mine.pk), "starred": "", "to": "list"})

    assert back["Location"] == f"/events/?{QUERY}&view={mine.pk}"
    assert [star.builtin for star in Star.objects.all()] == ["secrets"]
    assert ">☆<" in client.get(f"/events/?{QUERY}").content.decode()


@pytest.mark.parametrize("key", ["", "nothing", "-1", "98765", "9" * 18, "9" * 30, "²", "1\0"])
def test_star_of_no_view_is_404(client: Client, cast: dict[str, Any], key: str) -> None:
    assert client.post("/views/star", {"view": key, "starred": "1"}).status_code == 404


def test_database_keeps_stars_and_names_unique(mine: SavedView, cast: dict[str, Any]) -> None:
    alice = cast["alice"]
    Star.objects.create(user=alice, view=mine)
    Star.objects.create(user=alice, builtin="api")
    for wrong in ({"view": mine}, {"builtin": "api"}, {}, {"view": mine, "builtin": "x"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Star.objects.create(user=alice, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.create(owner=alice, name=mine.name, query="source=CD")
    SavedView.objects.create(owner=cast["bob"], name=mine.name, query="source=CD")


# --- replacing ------------------------------------------------------------------------------------------------------
def test_filter_of_a_view_is_replaced_only_when_asked(client: Client, shared: SavedView) -> None:
    offered = f'<input type="checkbox" name="replace" value="{shared.pk}">'
    fields = {"name": shared.name, "description": "Typed words", "query": "source=CD"}
    before = (shared.name, shared.description, shared.team, shared.query)

    page = save(client, **fields)

    assert offered in page.content.decode()
    assert "You already have a view with this name." in text_of(page)
    assert "Typed words" in page.content.decode()
    shared.refresh_from_db()
    assert (shared.name, shared.description, shared.team, shared.query) == before

    after = client.post("/views/new", {**fields, "team": "", "replace": str(shared.pk)}, follow=True)

    assert after.redirect_chain == [(f"/events/?source=CD&view={shared.pk}", 302)]
    assert f"The filter of the view {shared.name} was replaced." in text_of(after)
    shared.refresh_from_db()
    assert (shared.name, shared.description, shared.team, shared.query) == (*before[:3], "source=CD")
    assert SavedView.objects.filter(name=shared.name).count() == 1


def test_replacing_is_meant_for_one_view(client: Client, mine: SavedView, shared: SavedView) -> None:
    page = save(client, name=mine.name, query="source=CD", replace=str(shared.pk))

    assert f'name="replace" value="{mine.pk}">' in page.content.decode()
    assert {view.query for view in (mine, shared) if view.refresh_from_db() is None} == {QUERY, shared.query}


def test_nobody_replaces_another_persons_view(login: Login, shared: SavedView) -> None:
    save(login("bob"), name=shared.name, query="source=CD", replace=str(shared.pk))

    shared.refresh_from_db()
    assert shared.query != "source=CD"


def test_replacing_with_a_wrong_filter_keeps_the_box_ticked(client: Client, mine: SavedView) -> None:
    page = save(client, name=mine.name, query="source_ip=nowhere", replace=str(mine.pk))

    assert f'name="replace" value="{mine.pk}" checked>' in page.content.decode()
    mine.refresh_from_db()
    assert mine.query == QUERY


def test_renaming_to_a_name_in_use_offers_no_replacing(client: Client, mine: SavedView, shared: SavedView) -> None:
    page = client.post(f"/views/{mine.pk}/edit", {"name": shared.name, "team": "", "replace": str(shared.pk)})

    assert "You already have a view with this name." in text_of(page)
    assert 'name="replace"' not in page.content.decode()


def test_saving_and_changing_say_so(client: Client, mine: SavedView) -> None:
    assert "The view New one was saved." in text_of(
        client.post("/views/new", {"name": "New one", "team": "", "query": "source=CD"}, follow=True)
    )
    assert "The view Renamed was saved." in text_of(
        client.post(f"/views/{mine.pk}/edit", {"name": "Renamed", "team": ""}, follow=True)
    )


def test_link_of_a_view_is_its_lasting_address(login: Login, mine: SavedView, shared: SavedView) -> None:
    alices = login("alice").get("/views/").content.decode()
    bobs = login("bob").get("/views/").content.decode()

    for view in (mine, shared):
        assert f'<a id="view-{view.pk}" href="/views/{view.pk}/">' in alices
        assert f'data-copy="#view-{view.pk}" hidden' in alices
    assert f'data-copy="#view-{shared.pk}" hidden' in bobs
    assert "/edit" not in bobs
    assert 'href="/events/?source=API&amp;view=api"' in bobs


@pytest.mark.parametrize("asked", ["source=API", "source=DEVAPI", "source=devapi", "search_text=source:DEVAPI"])
def test_view_is_known_by_name_and_by_code_of_its_source(client: Client, cast: dict[str, Any], asked: str) -> None:
    assert summary_of(client.get(f"/events/?{asked}")) == "Changes through the API"
    assert summary_of(client.get("/events/?source=-DEVAPI")) == "Views"
    assert summary_of(client.get("/events/?source=CD")) == "Views"


def test_own_view_by_the_name_of_a_source_is_known_by_its_code(client: Client, cast: dict[str, Any]) -> None:
    SavedView.objects.create(owner=cast["alice"], name="By hand", query="event_type=APP_CREATE&source=-API,Dashboard")

    assert summary_of(client.get("/events/?source=CD,-DEVAPI&event_type=APP_CREATE")) == "By hand"


def test_unknown_parameter_is_not_left_out_silently(client: Client, cast: dict[str, Any]) -> None:
    query = "source=CD&zzz=red"

    page = text_of(client.get("/views/new", {"query": query}))
    assert "There is no filter “zzz”. It is not saved with the view." in page

    page = client.post("/views/new", {"name": "Red", "query": query})
    assert "There is no filter “zzz”." in page.content.decode().partition('id="error-query"')[2][:200]
    assert not SavedView.objects.filter(name="Red").exists()
    assert "not saved with" not in text_of(client.get("/views/new", {"query": "source=CD&before=x"}))
