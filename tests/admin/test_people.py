"""People in the admin: roles in words, teams, accounts, and no word of how Django keeps passwords."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from accounts.models import NexmoAccount
from accounts.roles import ACCOUNT_ADMINS, AUDITORS
from events.models import EvidencePack, LegalHold
from tests.tools.admin import Login, messages
from tests.tools.pages import text_of

LIST = "/admin/auth/user/"


def page_of(person: User) -> str:
    return f"{LIST}{person.pk}/change/"


def sent(person: User, **fields: Any) -> dict[str, Any]:
    """What a browser sends for a person as they are, but for these fields; None is a box that is not ticked."""
    as_it_is = {
        "username": person.username,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "is_active": "on" if person.is_active else None,
        "is_staff": "on" if person.is_staff else None,
        "is_superuser": "on" if person.is_superuser else None,
        "roles": [name for name in person.groups.values_list("name", flat=True) if name in (ACCOUNT_ADMINS, AUDITORS)],
        "teams": list(person.groups.exclude(name__in=(ACCOUNT_ADMINS, AUDITORS)).values_list("pk", flat=True)),
    }
    return {name: value for name, value in (as_it_is | fields).items() if value is not None}


def groups_of(person: User) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


@pytest.fixture
def editor(login: Login, cast: dict[str, Any]) -> Client:
    """Alice, who may also manage people, and is no superuser."""
    codes = ("view_user", "add_user", "change_user", "delete_user")
    cast["alice"].user_permissions.add(*Permission.objects.filter(codename__in=codes))
    return login("alice")


def test_page_shows_roles_teams_and_accounts(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")
    html = client.get(page_of(cast["alice"])).content.decode()
    words = text_of(client.get(page_of(cast["bob"])))

    assert re.search(rf'value="{ACCOUNT_ADMINS}"[^>]*checked', html)
    assert not re.search(rf'value="{AUDITORS}"[^>]*checked', html)
    assert '<a href="/accounts/demo0001/">Quillfern Parcel (demo0001)</a>' in html
    assert '<a href="/accounts/demo0002/">Marrowby Health (demo0002)</a>' in html
    assert "Owns: None. Also sees: Quillfern Parcel (demo0001)" in words
    assert "Also sees: All accounts." in text_of(client.get(page_of(cast["audrey"])))


def test_password_is_a_link_and_nothing_of_its_hash_is_shown(login: Login, cast: dict[str, Any]) -> None:
    bob = cast["bob"]
    client = login("admin")

    html = client.get(page_of(bob)).content.decode()

    assert f'Set. <a href="/admin/auth/user/{bob.pk}/password/">Change it</a>' in html
    for word in ("algorithm", "pbkdf2", "iterations", "salt", "hash", "Raw passwords"):
        assert word not in html
    bob.set_unusable_password()
    bob.save()
    assert "Not set, so this person cannot log in. Set one" in text_of(client.get(page_of(bob)))


def test_page_of_a_password_says_what_follows_and_sets_it(login: Login, cast: dict[str, Any]) -> None:
    path = f"{LIST}{cast['bob'].pk}/password/"
    client, theirs = login("admin"), login("bob")

    words = text_of(client.get(path))
    assert "The old password stops working, and open sessions end." in words
    assert "authentication" not in words
    assert client.post(path, {"password1": "", "password2": "", "set-password": "1"}).status_code == 200
    assert theirs.get("/events/").status_code == 200
    new = {"password1": "another-Pass-77", "password2": "another-Pass-77", "set-password": "1"}
    assert client.post(path, new).status_code == 302

    cast["bob"].refresh_from_db()
    assert cast["bob"].check_password("another-Pass-77")
    assert theirs.get("/events/").status_code == 302


def test_new_person_needs_a_name_and_a_password(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")
    words = text_of(client.get(f"{LIST}add/"))
    assert "authentication" not in words

    new = {"username": "dora", "password1": "another-Pass-77", "password2": "another-Pass-77"}
    response = client.post(f"{LIST}add/", new)

    dora = User.objects.get(username="dora")
    assert response["Location"] == page_of(dora)
    assert dora.check_password("another-Pass-77")


def test_saving_sets_roles_and_teams(login: Login, cast: dict[str, Any]) -> None:
    bob, team = cast["bob"], Group.objects.create(name="Other team")

    login("admin").post(page_of(bob), sent(bob, roles=[AUDITORS], teams=[team.pk], first_name="Robert"))

    bob.refresh_from_db()
    assert groups_of(bob) == {AUDITORS, "Other team"}
    assert bob.first_name == "Robert"
    said = LogEntry.objects.latest("pk").get_change_message()
    assert said.startswith("Changed First name. Added assignment of role “Auditors”.")
    assert "Added membership in team “Other team”. Deleted membership in team “" in said
    with override("es"):
        assert "pertenencia al equipo “Other team”" in LogEntry.objects.latest("pk").get_change_message()


@pytest.mark.parametrize("name", ["alice", "bob", "audrey", "admin"])
def test_saving_somebody_as_they_are_changes_nothing(login: Login, cast: dict[str, Any], name: str) -> None:
    person = cast[name]
    before = groups_of(person)

    login("admin").post(page_of(person), sent(person))

    assert groups_of(person) == before
    assert LogEntry.objects.latest("pk").get_change_message() == "No fields changed."


def test_nobody_locks_themselves_out(login: Login, cast: dict[str, Any]) -> None:
    admin = cast["admin"]
    client = login("admin")

    refused = client.post(page_of(admin), sent(admin, is_active=None, is_superuser=None))
    client.post(f"{LIST}{admin.pk}/switch-off/")
    page = client.get(f"{LIST}{admin.pk}/delete/")

    assert set(refused.context["adminform"].form.errors) == {"is_active", "is_superuser"}
    assert "You cannot delete yourself. Ask another administrator." in text_of(page)
    assert "Switch off instead" not in page.content.decode()
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.is_superuser


def test_list_says_what_people_may_do(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")
    words = text_of(client.get(LIST))

    for said in (
        "Superuser: manages everything, people and teams too",
        "Account admins: add accounts and manage their own",
        "Auditors: see everything, change nothing",
    ):
        assert said in words
    team = Group.objects.get(name="Messaging team")
    for chosen, people in ((AUDITORS, {"audrey"}), (str(team.pk), {"alice", "bob"}), ("x", set()), ("9" * 30, set())):
        html = client.get(LIST, {"team": chosen}).content.decode()
        assert set(re.findall(r'<th class="field-username"><a [^>]*>(\w+)', html)) == people, chosen


# --- leaving ----------------------------------------------------------------------------------------------------------


def test_owner_of_accounts_is_switched_off_instead_of_deleted(login: Login, cast: dict[str, Any]) -> None:
    alice = cast["alice"]
    client, hers = login("admin"), login("alice")

    page = client.get(f"{LIST}{alice.pk}/delete/")
    client.post(f"{LIST}{alice.pk}/delete/", {"post": "yes"})
    assert User.objects.filter(pk=alice.pk).exists()
    assert "alice owns 2 accounts (Marrowby Health (demo0002), Quillfern Parcel (demo0001))." in text_of(page)
    assert 'name="post"' not in page.content.decode()

    after = client.post(f"{LIST}{alice.pk}/switch-off/", follow=True)

    assert messages(after)[0][0] == "success"
    assert "alice is switched off" in messages(after)[0][1]
    assert hers.get("/events/").status_code == 302
    assert LogEntry.objects.latest("pk").get_change_message() == "Switched off."


def test_deleting_somebody_says_what_goes_with_them(login: Login, cast: dict[str, Any]) -> None:
    bob = cast["bob"]
    EvidencePack.objects.create(
        requested_by=bob, requested_at=timezone.now(), time_zone="UTC", name="x.zip", expires_at=timezone.now()
    )
    client = login("admin")

    words = text_of(client.get(f"{LIST}{bob.pk}/delete/"))

    assert "Delete bob? This cannot be undone." in words
    assert "bob is removed from: Messaging team." in words
    assert "An evidence pack that this person asked for can no longer be downloaded." in words
    assert "object (" not in words
    client.post(f"{LIST}{bob.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=bob.pk).exists()


def test_whoever_made_a_hold_stays_on_record(login: Login, cast: dict[str, Any]) -> None:
    LegalHold.objects.create(reason="Case 7", created_by=cast["bob"])
    client = login("admin")

    page = client.get(f"{LIST}{cast['bob'].pk}/delete/")
    client.post(f"{LIST}{cast['bob'].pk}/delete/", {"post": "yes"})

    assert "bob made or released a legal hold, and its record says who." in text_of(page)
    assert User.objects.filter(username="bob").exists()


def test_people_are_not_deleted_by_the_dozen(login: Login, cast: dict[str, Any]) -> None:
    client = login("admin")

    client.post(LIST, {"action": "delete_selected", "_selected_action": [cast["bob"].pk], "post": "yes"})

    assert 'value="delete_selected"' not in client.get(LIST).content.decode()
    assert User.objects.filter(username="bob").exists()


# --- people managed by somebody who is no superuser -------------------------------------------------------------------


def test_editor_of_people_gives_no_rights(editor: Client, cast: dict[str, Any]) -> None:
    bob = cast["bob"]
    every = list(Permission.objects.values_list("pk", flat=True))
    powerful = Group.objects.create(name="Powerful team")
    powerful.permissions.set(Group.objects.get(name=AUDITORS).permissions.all())

    html = editor.get(page_of(bob)).content.decode()
    for name in ("roles", "is_superuser", "user_permissions"):
        assert f'name="{name}"' not in html
    editor.post(page_of(bob), sent(bob, roles=[AUDITORS], is_superuser="on", user_permissions=every))
    refused = editor.post(page_of(bob), sent(bob, teams=[powerful.pk]))

    assert "teams" in refused.context["adminform"].form.errors
    bob = User.objects.get(pk=bob.pk)
    assert not bob.is_superuser
    assert not bob.user_permissions.exists()
    assert groups_of(bob) == {"Messaging team"}


def test_editor_of_people_keeps_the_roles_they_have(editor: Client, cast: dict[str, Any]) -> None:
    charlie, team = cast["charlie"], Group.objects.get(name="Messaging team")
    charlie.groups.add(Group.objects.get(name=ACCOUNT_ADMINS))  # as alice is

    assert editor.post(page_of(charlie), sent(charlie, roles=[], teams=[team.pk])).status_code == 302

    assert groups_of(charlie) == {ACCOUNT_ADMINS, "Messaging team"}


def give_role(person: User) -> None:
    person.groups.add(Group.objects.get(name=AUDITORS))


def give_team_with_role(person: User) -> None:
    team = Group.objects.create(name="Reviewers")
    team.permissions.set(Group.objects.get(name=AUDITORS).permissions.all())
    person.groups.add(team)


def give_permission(person: User) -> None:
    person.user_permissions.add(Permission.objects.get(codename="add_legalhold"))


def make_superuser(person: User) -> None:
    person.is_superuser = True
    person.save()


def give_role_and_switch_off(person: User) -> None:
    give_role(person)
    person.is_active = False
    person.save()


@pytest.mark.parametrize(
    "promote", [give_role, give_team_with_role, give_permission, make_superuser, give_role_and_switch_off]
)
def test_editor_of_people_only_reads_whoever_has_more_rights(
    editor: Client, cast: dict[str, Any], promote: Callable[[User], None]
) -> None:
    bob = cast["bob"]
    promote(bob)
    new = {"password1": "another-Pass-77", "password2": "another-Pass-77", "set-password": "1"}
    as_it_was = User.objects.filter(pk=bob.pk).values().get()
    changed = sent(bob, email="mine@example.com", username="mine", is_active="on")

    page = editor.get(page_of(bob))
    statuses = {
        "save": editor.post(page_of(bob), changed).status_code,
        "password form": editor.get(f"{LIST}{bob.pk}/password/").status_code,
        "password": editor.post(f"{LIST}{bob.pk}/password/", new).status_code,
        "switch off": editor.post(f"{LIST}{bob.pk}/switch-off/").status_code,
        "delete": editor.post(f"{LIST}{bob.pk}/delete/", {"post": "yes"}).status_code,
    }

    assert page.status_code == 200
    assert "You can only read this page: this person holds permissions that you lack." in text_of(page)
    assert 'name="email"' not in page.content.decode()
    assert f"{bob.pk}/password/" not in page.content.decode()
    assert set(statuses.values()) == {403}, statuses
    assert User.objects.filter(pk=bob.pk).values().get() == as_it_was


def test_editor_of_people_changes_whoever_has_no_more_rights(editor: Client, cast: dict[str, Any]) -> None:
    cast["charlie"].groups.add(Group.objects.get(name=ACCOUNT_ADMINS))
    new = {"password1": "another-Pass-77", "password2": "another-Pass-77", "set-password": "1"}

    for name in ("alice", "bob", "charlie"):  # herself, somebody without a role, and another account admin
        person = cast[name]
        page = editor.get(page_of(person))
        assert "You can only read" not in text_of(page)
        assert editor.post(page_of(person), sent(person, email=f"{name}@example.org")).status_code == 302
        person.refresh_from_db()
        assert person.email == f"{name}@example.org"
    assert editor.post(f"{LIST}{cast['charlie'].pk}/password/", new).status_code == 302
    cast["charlie"].refresh_from_db()
    assert cast["charlie"].check_password("another-Pass-77")


def test_deletion_that_takes_what_one_may_not_delete_says_so(editor: Client, cast: dict[str, Any]) -> None:
    bob = cast["bob"]
    Authenticator.objects.create(user=bob, type="totp", data={"secret": "x"})

    page = editor.get(f"{LIST}{bob.pk}/delete/")
    refused = editor.post(f"{LIST}{bob.pk}/delete/", {"post": "yes"})

    words = text_of(page)
    assert (
        "bob cannot be deleted Deleting it would also delete records that you may not delete: second factor." in words
    )
    assert "Other records depend on it" not in words
    assert 'name="post"' not in page.content.decode()
    assert "Switch off instead" in page.content.decode()
    assert refused.status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


def test_editor_of_people_learns_of_no_foreign_account(editor: Client, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.get(api_key="demo0003").teams.add(Group.objects.get(name="Messaging team"))
    cast["alice"].groups.remove(Group.objects.get(name="Messaging team"))

    for path in (page_of(cast["charlie"]), page_of(cast["bob"]), f"{LIST}{cast['charlie'].pk}/delete/"):
        page = editor.get(path).content.decode()
        assert "demo0003" not in page
        assert "Tannelhof" not in page


# --- second factors ---------------------------------------------------------------------------------------------------


def test_taking_a_second_factor_away_says_what_follows(login: Login, cast: dict[str, Any]) -> None:
    client, bob = login("admin"), cast["bob"]
    codes = Authenticator.objects.create(user=bob, type="recovery_codes", data={"seed": "x"})
    first = Authenticator.objects.create(user=bob, type="totp", data={"secret": "x"})
    base = "/admin/mfa/authenticator"

    words = text_of(client.get(f"{base}/{first.pk}/delete/"))
    assert "Remove bob's second factor?" in words
    assert "bob then logs in with the password alone" in words
    assert "stop working" in text_of(client.get(f"{base}/{codes.pk}/delete/"))
    Authenticator.objects.create(user=bob, type="webauthn", data={})
    assert "bob still logs in with another second factor." in text_of(client.get(f"{base}/{first.pk}/delete/"))

    client.post(f"{base}/{first.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.filter(pk=first.pk).exists()


def test_second_factor_of_whoever_has_more_rights_stays(editor: Client, cast: dict[str, Any]) -> None:
    cast["alice"].user_permissions.add(
        *Permission.objects.filter(codename__in=("view_authenticator", "delete_authenticator"))
    )
    factors = {
        name: Authenticator.objects.create(user=cast[name], type="totp", data={"secret": "x"})
        for name in ("bob", "audrey", "admin")
    }

    statuses = {
        name: editor.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}).status_code
        for name, factor in factors.items()
    }

    assert statuses == {"bob": 302, "audrey": 403, "admin": 403}
    assert set(Authenticator.objects.values_list("user__username", flat=True)) == {"audrey", "admin"}
