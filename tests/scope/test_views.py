"""Views and the cast: whose are seen, changed and starred by whom; and that none widens what its reader may see."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from accounts.models import NexmoAccount
from events.filters import saved_form
from events.filters.saved import views_of
from events.models import AuditEvent, SavedView, Star
from events.operations.demo_data import TEAM
from tests.tools.pages import text_of
from tests.tools.scope import CAST, SEES, Login, shown_ids

PERSONS = CAST[1:]


@pytest.fixture
def views(cast: dict[str, Any]) -> dict[str, SavedView]:
    """A private view of each of the cast, and one that Alice shares with the team that Bob is in."""
    SavedView.objects.all().delete()
    made = {
        name: SavedView.objects.create(owner=user, name=f"Of {name}", query="source=CD") for name, user in cast.items()
    }
    team = Group.objects.get(name=TEAM)
    made["team"] = SavedView.objects.create(owner=cast["alice"], name="For the team", query="source=API", team=team)
    return made


def may_see(person: str) -> set[str]:
    return {person, "team"} if person in ("alice", "bob") else {person}


def may_change(person: str) -> set[str]:
    return {person, "team"} if person == "alice" else {person}


@pytest.mark.parametrize("person", PERSONS)
def test_own_views_and_those_of_own_teams_are_listed(login: Login, views: dict[str, SavedView], person: str) -> None:
    client = login(person)
    for path in ("/views/", "/events/"):
        page = client.get(path).content.decode()
        assert {name for name, view in views.items() if view.name in page} == may_see(person), path


@pytest.mark.parametrize("person", PERSONS)
def test_every_path_of_a_view_answers_each_of_the_cast_as_it_should(
    login: Login, views: dict[str, SavedView], person: str
) -> None:
    client = login(person)
    for name, view in views.items():
        followed = client.get(f"/views/{view.pk}/")
        assert followed.status_code == (302 if name in may_see(person) else 404), name
        assert followed.get("Location") in (None, f"/events/?{view.query}&view={view.pk}")
        status = 200 if name in may_change(person) else 404
        assert client.get(f"/views/{view.pk}/edit").status_code == status, name
        assert client.get(f"/views/{view.pk}/delete").status_code == status, name


@pytest.mark.parametrize("person", PERSONS)
def test_posting_changes_own_views_only(login: Login, views: dict[str, SavedView], person: str) -> None:
    client = login(person)
    for name, view in views.items():
        client.post(f"/views/{view.pk}/update", {"query": f"user_email={name}@example.com"})
    updated = {name for name, view in views.items() if SavedView.objects.get(pk=view.pk).query != view.query}
    for name, view in views.items():
        client.post(f"/views/{view.pk}/edit", {"name": f"Changed {name}", "team": ""})
    changed = {name for name, view in views.items() if SavedView.objects.get(pk=view.pk).name.startswith("Changed")}
    for view in views.values():
        client.post(f"/views/{view.pk}/delete")
    deleted = {name for name, view in views.items() if not SavedView.objects.filter(pk=view.pk).exists()}

    assert updated == changed == deleted == may_change(person)


@pytest.mark.parametrize("person", PERSONS)
def test_a_list_opened_as_a_foreign_view_tells_no_more_than_one_of_none(
    login: Login, views: dict[str, SavedView], person: str
) -> None:
    client = login(person)

    def pages(view: SavedView) -> list[str]:
        query = f"user_email=zzz@example.com&view={view.pk}"
        found = [client.get(f"/events/?{query}"), client.get("/views/new", {"query": query, "view": view.pk})]
        # These are others at each answer.
        own = r'name="(csrfmiddlewaretoken|kept_form)" value="[^"]+"|Printed by[^<]+'
        return [re.sub(own, "", page.content.decode()) for page in found]

    for name, view in views.items():
        there = pages(view)
        assert [view.name in page for page in there] == [name in may_see(person)] * 2, name
        if name not in may_see(person):
            SavedView.objects.filter(pk=view.pk).delete()
            assert pages(view) == there, name


@pytest.mark.parametrize("person", PERSONS)
def test_stars_go_to_visible_views_only_and_are_ones_own(
    login: Login, views: dict[str, SavedView], cast: dict[str, Any], person: str
) -> None:
    client = login(person)
    answers = {
        name: client.post("/views/star", {"view": view.pk, "starred": "1"}).status_code for name, view in views.items()
    }
    client.post("/views/star", {"view": "secrets", "starred": "1"})

    assert {name for name, status in answers.items() if status == 302} == may_see(person)
    assert {name for name, status in answers.items() if status == 404} == views.keys() - may_see(person)
    assert set(Star.objects.values_list("user__username", flat=True)) == {person}
    for other in PERSONS:
        starred = views_of(cast[other]).starred
        assert len(starred) == (len(may_see(person)) + 1 if other == person else 0)


@pytest.mark.parametrize(
    "path", ["/views/", "/views/new", "/views/star", "/views/1/", "/views/1/edit", "/views/1/delete"]
)
def test_nobody_is_asked_to_log_in(login: Login, cast: dict[str, Any], path: str) -> None:
    assert login("nobody").get(path)["Location"] == f"/login/?next={path}"
    assert login("nobody").post(path)["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("person", PERSONS)
def test_everybody_may_save_and_star(login: Login, views: dict[str, SavedView], person: str) -> None:
    client = login(person)

    saved = client.post("/views/new", {"name": "Mine", "team": "", "query": "source=CD"})

    assert saved.status_code == 302
    assert SavedView.objects.get(name="Mine").owner.username == person


def test_view_never_widens_what_its_reader_may_see(
    login: Login, views: dict[str, SavedView], events: dict[str, AuditEvent]
) -> None:
    for person in ("alice", "bob"):
        view = views["team"]
        SavedView.objects.filter(pk=view.pk).update(query="event_type=NUMBER_UPDATED")
        page = login(person).get(f"/views/{view.pk}/", follow=True)
        assert set(shown_ids(page)) == {f"of-{key}" for key in SEES[person]}


@pytest.mark.parametrize(
    "query",
    [
        "account=demo0002",
        "account=demo0001,demo0002&source_ip=192.0.2.77",
        "account=-demo0002&user_email=zoe@example.com",
        "account=Marrowby*",
    ],
)
def test_view_that_names_an_account_is_not_there_for_who_does_not_see_it(
    login: Login, cast: dict[str, Any], views: dict[str, SavedView], query: str
) -> None:
    view = views["team"]
    SavedView.objects.filter(pk=view.pk).update(query=query)
    cast["bob"].user_permissions.add(Permission.objects.get(codename="triage_finding"))
    bob = login("bob")

    for path in ("/views/", "/events/", f"/events/?view={view.pk}", "/alerts/new", f"/alerts/new?view={view.pk}"):
        page = bob.get(path).content.decode()
        assert not [word for word in (view.name, "demo0002", "192.0.2.77", "zoe@", "Marrowby") if word in page], path
    assert bob.get(f"/views/{view.pk}/").status_code == bob.get("/views/98765/").status_code == 404
    assert bob.post("/views/star", {"view": view.pk, "starred": "1"}).status_code == 404
    assert login("alice").get(f"/views/{view.pk}/").status_code == 302
    assert "For the team" in login("alice").get("/views/").content.decode()


@pytest.mark.parametrize(
    "query", ["account=demo0001", "account=DEMO0001,demo00*", "account=-demo0001", "account=Lumora*"]
)
def test_view_of_accounts_that_the_team_sees_is_offered(
    login: Login, views: dict[str, SavedView], account: NexmoAccount, query: str
) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(name="Lumora Shop")
    SavedView.objects.filter(pk=views["team"].pk).update(query=query)

    assert "For the team" in login("bob").get("/views/").content.decode()


def test_who_manages_teams_takes_a_view_from_a_team_and_its_owner_keeps_it(
    login: Login, views: dict[str, SavedView], cast: dict[str, Any]
) -> None:
    path = f"/views/{views['team'].pk}/unshare"
    assert {person: login(person).post(path).status_code for person in PERSONS} == dict.fromkeys(PERSONS, 404)
    cast["bob"].user_permissions.add(Permission.objects.get(codename="change_group"))
    User.objects.filter(username="bob").update(is_staff=True)
    bob = login("bob")

    assert f'href="{path}"' in bob.get("/views/").content.decode()
    assert "Its members lose it" in text_of(bob.get(path))
    page = bob.post(path, follow=True)

    assert "no longer shared" in text_of(page)
    view = SavedView.objects.get(pk=views["team"].pk)
    assert (view.owner, view.team) == (cast["alice"], None)
    assert bob.post(path).status_code == 404


def test_own_views_and_those_shared_with_one_team_have_an_end_that_is_said(
    login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    SavedView.objects.all().delete()
    monkeypatch.setattr(saved_form, "MOST_OWN", 3)
    monkeypatch.setattr(saved_form, "MOST_SHARED", 2)
    alice, team = login("alice"), Group.objects.get(name=TEAM).pk

    def save(name: str, **more: Any) -> Any:
        return alice.post("/views/new", {"name": name, "description": "", "team": team, "query": "source=CD"} | more)

    assert [save(name).status_code for name in "ab"] == [302, 302]
    assert "You already share 2 views with this team." in text_of(save("c"))
    private = save("c", team="")
    assert private.status_code == 302
    pk = SavedView.objects.get(name="c").pk
    assert "You already share 2 views" in text_of(alice.post(f"/views/{pk}/edit", {"name": "c", "team": team}))
    assert "You already have 3 views." in text_of(save("d", team=""))
    assert SavedView.objects.count() == 3
    # What is there can still be changed, and its filter replaced.
    shared = SavedView.objects.get(name="a").pk
    assert alice.post(f"/views/{shared}/edit", {"name": "a2", "team": team}).status_code == 302
    assert save("b", replace=SavedView.objects.get(name="b").pk, query="source=API").status_code == 302


def test_who_leaves_the_team_loses_its_views_and_their_stars_are_hidden(
    login: Login, views: dict[str, SavedView], cast: dict[str, Any]
) -> None:
    client = login("bob")
    client.post("/views/star", {"view": views["team"].pk, "starred": "1"})
    cast["bob"].groups.clear()

    assert "For the team" not in client.get("/views/").content.decode()
    assert client.get(f"/views/{views['team'].pk}/").status_code == 404


def test_views_go_with_their_owner_and_become_private_with_their_team(
    views: dict[str, SavedView], cast: dict[str, Any]
) -> None:
    Group.objects.get(name=TEAM).delete()
    assert SavedView.objects.get(pk=views["team"].pk).team is None
    assert not SavedView.objects.visible_to(cast["bob"]).filter(pk=views["team"].pk).exists()

    cast["bob"].delete()
    assert not SavedView.objects.filter(pk=views["bob"].pk).exists()


def test_switched_off_user_sees_no_view(views: dict[str, SavedView], cast: dict[str, Any]) -> None:
    cast["alice"].is_active = False

    assert not SavedView.objects.visible_to(cast["alice"]).exists()


@pytest.mark.parametrize("person", ["alice", "audrey"])
def test_admin_shows_views_to_superusers_only(login: Login, views: dict[str, SavedView], person: str) -> None:
    client = login(person)

    assert client.get("/admin/events/savedview/").status_code == 403
    assert "Of charlie" in login("admin").get("/admin/events/savedview/").content.decode()
    assert "savedview" not in client.get("/admin/").content.decode()
    assert client.get(f"/admin/events/savedview/{views['charlie'].pk}/change/").status_code == 403
