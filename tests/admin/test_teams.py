"""Teams in the admin: members, shared accounts and roles in words; single permissions apart."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.utils.html import strip_tags

from accounts.models import NexmoAccount
from accounts.roles import ACCOUNT_ADMINS, AUDITORS
from events.models import SavedView
from tests.tools.admin import Login, messages
from tests.tools.pages import text_of

LIST = "/admin/auth/group/"


@pytest.fixture
def team(cast: dict[str, Any]) -> Group:
    return Group.objects.get(name="Messaging team")


def page_of(group: Group) -> str:
    return f"{LIST}{group.pk}/change/"


def sent(group: Group, **fields: Any) -> dict[str, Any]:
    """What a browser sends for a team as it is, but for these fields."""
    as_it_is = {
        "name": group.name,
        "members": list(group.user_set.values_list("pk", flat=True)),
        "accounts": list(group.nexmo_accounts.values_list("pk", flat=True)),
    }
    return as_it_is | fields


def ticked(page: Any, name: str) -> set[str]:
    """The labels of the ticked boxes of a field."""
    boxes = re.findall(rf'<input type="checkbox" name="{name}"([^>]*)>\s*<span>([^<]*)', page.content.decode())
    return {label for attributes, label in boxes if "checked" in attributes}


@pytest.fixture
def editor(login: Login, cast: dict[str, Any]) -> Any:
    """Alice, who may also manage teams, and is no superuser."""
    codes = ("view_group", "add_group", "change_group", "delete_group")
    cast["alice"].user_permissions.add(*Permission.objects.filter(codename__in=codes))
    return login("alice")


def test_page_shows_members_accounts_and_roles(login: Login, team: Group) -> None:
    page = login("admin").get(page_of(team))

    assert ticked(page, "members") == {"alice", "bob"}
    assert ticked(page, "accounts") == {"Quillfern Parcel (demo0001)"}
    assert ticked(page, "roles") == set()
    assert "Account admins: add accounts and manage their own" in text_of(page)
    assert "Auditors: see everything, change nothing" in text_of(page)


def test_nothing_is_called_a_group(login: Login, team: Group) -> None:
    client = login("admin")

    for path in (
        "/admin/",
        LIST,
        f"{LIST}add/",
        page_of(team),
        f"{LIST}{team.pk}/delete/",
        f"{LIST}{team.pk}/history/",
    ):
        # Django's own names of permissions are behind "Advanced".
        html = re.sub(r"<details>.*?</details>", "", client.get(path).content.decode(), flags=re.DOTALL)
        words = " ".join(strip_tags(html).split()).lower()
        assert "team" in words
        for word in ("group", "authentication", "authorization", "authenticator", "mfa", "object (", "nexmoaccount"):
            assert word not in words, (path, word)


def test_permissions_are_folded_away(login: Login, team: Group) -> None:
    html = login("admin").get(page_of(team)).content.decode()

    before, advanced = html.split("<details>", 1)
    assert 'name="permissions"' not in before
    assert 'name="permissions"' in advanced


def test_saving_sets_members_and_accounts(login: Login, team: Group, cast: dict[str, Any]) -> None:
    account = NexmoAccount.objects.get(api_key="demo0003")
    data = sent(team, name="Messengers", members=[cast["charlie"].pk], accounts=[account.pk])

    assert login("admin").post(page_of(team), data).status_code == 302

    team.refresh_from_db()
    assert team.name == "Messengers"
    assert list(team.user_set.all()) == [cast["charlie"]]
    assert list(team.nexmo_accounts.all()) == [account]
    said = LogEntry.objects.latest("pk").get_change_message()
    assert said.startswith("Changed Name and Accounts. Added member “charlie”. Deleted member “alice”.")
    history = text_of(login("admin").get(f"{LIST}{team.pk}/history/"))
    assert "Added member “charlie”." in history


def test_record_of_very_many_members_says_that_they_changed(
    login: Login, team: Group, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.rights_form.MOST_TOLD", 1)

    login("admin").post(page_of(team), sent(team, members=[cast["charlie"].pk, cast["alice"].pk]))

    assert LogEntry.objects.latest("pk").get_change_message() == "Changed Members."


def test_saving_a_team_as_it_is_changes_nothing(login: Login, team: Group) -> None:
    extra = Permission.objects.get(codename="view_legalhold")
    team.permissions.set([extra, *Group.objects.get(name=AUDITORS).permissions.all()])
    before = set(team.permissions.all())
    client = login("admin")
    page = client.get(page_of(team))
    assert ticked(page, "roles") == {"Auditors: see everything, change nothing"}
    assert len(ticked(page, "permissions")) == 1  # the one that is no part of the role

    client.post(page_of(team), sent(team, roles=[AUDITORS], permissions=[extra.pk]))

    assert set(team.permissions.all()) == before
    assert set(team.user_set.values_list("username", flat=True)) == {"alice", "bob"}
    assert LogEntry.objects.latest("pk").get_change_message() == "No fields changed."


def test_role_of_a_team_is_its_members_and_can_be_taken_back(login: Login, team: Group, cast: dict[str, Any]) -> None:
    admin, bob = login("admin"), login("bob")
    assert bob.get("/accounts/demo0003/").status_code == 404

    admin.post(page_of(team), sent(team, roles=[AUDITORS]))
    assert bob.get("/accounts/demo0003/").status_code == 200

    admin.post(page_of(team), sent(team))
    assert bob.get("/accounts/demo0003/").status_code == 404
    assert not team.permissions.exists()


def test_new_team_is_made_with_people_and_accounts(login: Login, cast: dict[str, Any]) -> None:
    account = NexmoAccount.objects.get(api_key="demo0004")

    login("admin").post(f"{LIST}add/", {"name": "Ledger", "members": [cast["charlie"].pk], "accounts": [account.pk]})

    assert login("charlie").get("/accounts/demo0004/").status_code == 200


def test_role_of_the_site_keeps_its_name_and_cannot_be_deleted(login: Login, cast: dict[str, Any]) -> None:
    role = Group.objects.get(name=AUDITORS)
    held = list(role.permissions.values_list("pk", flat=True))
    client = login("admin")

    page = client.get(f"{LIST}{role.pk}/delete/")
    client.post(f"{LIST}{role.pk}/delete/", {"post": "yes"})
    client.post(page_of(role), {"name": "Snoopers", "members": [cast["bob"].pk], "permissions": held})

    assert "This role belongs to the site." in text_of(page)
    role.refresh_from_db()
    assert role.name == AUDITORS
    assert list(role.user_set.all()) == [cast["bob"]]
    assert sorted(role.permissions.values_list("pk", flat=True)) == sorted(held)


def test_deleting_a_team_says_who_loses_access_to_what(login: Login, team: Group) -> None:
    assert SavedView.objects.filter(team=team).count() == 1
    client = login("admin")

    words = text_of(client.get(f"{LIST}{team.pk}/delete/"))

    assert "Delete Messaging team?" in words
    assert "Its members (alice, bob) lose access to Quillfern Parcel (demo0001), unless they own it or another" in words
    assert "A saved view shared with it becomes its owner's alone." in words
    after = client.post(f"{LIST}{team.pk}/delete/", {"post": "yes"}, follow=True)
    assert "The team “Messaging team” was deleted successfully." in messages(after)[0][1]
    assert login("bob").get("/accounts/demo0001/").status_code == 404
    assert SavedView.objects.get().team is None


def test_editor_of_teams_shares_only_accounts_that_she_manages(editor: Any, team: Group) -> None:
    others = NexmoAccount.objects.get(api_key="demo0003")
    others.teams.add(team)
    hers = NexmoAccount.objects.get(api_key="demo0002")
    page = editor.get(page_of(team))
    offered = page.context["adminform"].form.fields["accounts"].queryset
    assert {account.api_key for account in offered} == {"demo0001", "demo0002"}

    foreign = NexmoAccount.objects.get(api_key="demo0004")
    refused = editor.post(page_of(team), sent(team, accounts=[foreign.pk]))
    assert "accounts" in refused.context["adminform"].form.errors
    assert editor.post(page_of(team), sent(team, accounts=[hers.pk])).status_code == 302

    assert set(team.nexmo_accounts.all()) == {hers, others}  # what she does not manage stays as it was


def test_editor_of_teams_gives_nobody_more_than_a_team(editor: Any, team: Group, cast: dict[str, Any]) -> None:
    html = editor.get(page_of(team)).content.decode()
    assert 'name="roles"' not in html
    assert 'name="permissions"' not in html

    every = list(Permission.objects.values_list("pk", flat=True))
    editor.post(page_of(team), sent(team, roles=[AUDITORS], permissions=every))
    assert not team.permissions.exists()
    for name in (AUDITORS, ACCOUNT_ADMINS):
        role = Group.objects.get(name=name)
        before = set(role.user_set.all())
        assert editor.post(page_of(role), {"members": [cast["bob"].pk]}).status_code == 403
        assert set(role.user_set.all()) == before
    team.permissions.add(Permission.objects.get(codename="view_all_accounts"))
    assert editor.post(page_of(team), sent(team, members=[cast["charlie"].pk])).status_code == 403


def test_team_is_read_by_those_who_may_only_read(login: Login, team: Group, cast: dict[str, Any]) -> None:
    cast["audrey"].user_permissions.add(Permission.objects.get(codename="view_group"))
    client = login("audrey")

    page = client.get(page_of(team))

    assert page.status_code == 200
    assert "alice, bob" in text_of(page)
    assert "Quillfern Parcel (demo0001)" in text_of(page)
    assert 'name="members"' not in page.content.decode()
    assert client.post(page_of(team), sent(team, members=[])).status_code == 403


def test_list_says_what_each_team_is(login: Login, team: Group) -> None:
    words = text_of(login("admin").get(LIST))

    assert "Messaging team 2 1 See its accounts." in words
    assert "Auditors 1 – A role of the site: see everything, change nothing." in words
