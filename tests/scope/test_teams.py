"""Who sees which team, and what of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from accounts.roles import ACCOUNT_ADMINS, AUDITORS, ROLES
from tests.tools.pages import text_of
from tests.tools.scope import CAST, Login


@pytest.fixture
def team(cast: dict[str, Any]) -> Group:
    """The messaging team: alice and bob, and demo0001."""
    return Group.objects.get(name="Messaging team")


def test_team_is_seen_by_its_members_and_by_those_who_see_everything(login: Login, team: Group) -> None:
    statuses = {person: login(person).get(f"/teams/{team.pk}/").status_code for person in CAST}

    assert statuses == {"nobody": 302, "alice": 200, "bob": 200, "charlie": 404, "audrey": 200, "admin": 200}


def test_list_holds_the_teams_one_may_see(login: Login, team: Group, cast: dict[str, Any]) -> None:
    other = Group.objects.create(name="Secret project team")
    other.user_set.add(cast["charlie"])
    seen = {}
    for person in CAST[1:]:
        words = text_of(login(person).get("/teams/"))
        seen[person] = {name for name in (team.name, other.name) if name in words}

    assert seen == {
        "alice": {team.name},
        "bob": {team.name},
        "charlie": {other.name},
        "audrey": {team.name, other.name},
        "admin": {team.name, other.name},
    }


@pytest.mark.parametrize("person", ["alice", "bob", "audrey", "admin"])
def test_list_counts_all_that_is_in_a_team(login: Login, team: Group, person: str) -> None:
    team.nexmo_accounts.add(NexmoAccount.objects.get(api_key="demo0003"))

    assert "Messaging team 2 2 none beyond seeing its accounts" in text_of(login(person).get("/teams/"))


def test_list_counts_those_whom_the_page_lists(login: Login, team: Group, cast: dict[str, Any]) -> None:
    cast["charlie"].is_active = False
    cast["charlie"].save()
    team.user_set.add(cast["charlie"])

    for person in ("bob", "admin"):
        assert "Messaging team 3 1" in text_of(login(person).get("/teams/"))
        page = login(person).get(f"/teams/{team.pk}/")
        assert len(page.context["members"]) == 3
        assert "charlie Cannot log in" in text_of(page)
    assert "Messaging team 3 1" in text_of(login("admin").get("/admin/auth/group/"))


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_no_teams_here_either(login: Login, cast: dict[str, Any], role: str) -> None:
    group = Group.objects.get(name=role)

    for person in ("alice", "audrey", "admin"):
        assert login(person).get(f"/teams/{group.pk}/").status_code == 404


def test_page_shows_members_accounts_and_roles_in_words(login: Login, team: Group, cast: dict[str, Any]) -> None:
    gone = cast["charlie"]
    gone.is_active = False
    gone.save()
    team.user_set.add(gone)

    words = text_of(login("bob").get(f"/teams/{team.pk}/"))

    assert "alice Account admins: add accounts and manage their own" in words
    assert "bob (you) none: sees own accounts, and those shared with their teams" in words
    assert "charlie Cannot log in" in words
    assert "Quillfern Parcel demo0001 alice" in words
    assert "Marrowby" not in words
    assert "example.com" not in words


def test_role_that_a_team_carries_is_told(login: Login, team: Group) -> None:
    team.permissions.set(Group.objects.get(name=AUDITORS).permissions.all())
    client = login("bob")

    for path in ("/teams/", f"/teams/{team.pk}/"):
        assert "Auditors: see everything, change nothing" in text_of(client.get(path))
    team.permissions.remove(team.permissions.get(codename="view_all_accounts"))
    assert "Auditors" not in text_of(client.get(f"/teams/{team.pk}/"))


def test_way_to_edit_is_offered_to_those_who_may(login: Login, team: Group) -> None:
    edit = f'href="/admin/auth/group/{team.pk}/change/"'

    offered = {person: edit in login(person).get(f"/teams/{team.pk}/").content.decode() for person in SEES_TEAM}

    assert offered == {"alice": False, "bob": False, "audrey": False, "admin": True}


SEES_TEAM = ("alice", "bob", "audrey", "admin")


def test_whoever_is_in_no_team_is_told_what_to_do(login: Login, cast: dict[str, Any]) -> None:
    words = text_of(login("charlie").get("/teams/"))

    assert "You are not in any team." in words
    assert "An administrator can put you into a team" in words


def test_page_of_a_large_team_asks_as_much_as_that_of_a_small_one(login: Login, team: Group) -> None:
    client = login("admin")
    path = f"/teams/{team.pk}/"
    client.get(path)

    def queries() -> int:
        from django.db import connection

        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    before = queries()
    for number in range(10):
        user = team.user_set.create(username=f"member-{number}")
        user.groups.add(Group.objects.get(name=ACCOUNT_ADMINS))
    for account in NexmoAccount.objects.all():
        account.teams.add(team)

    assert queries() == before


def test_nobody_may_write_there(team: Group, login: Login) -> None:
    client: Client = login("admin")

    assert client.post("/teams/").status_code == 405
    assert client.post(f"/teams/{team.pk}/").status_code == 405
