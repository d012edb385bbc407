"""Accounts in the admin: whose they are, their keys, what a change sets off, and deleting."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.forms import REFUSED
from accounts.models import NexmoAccount
from accounts.roles import ACCOUNT_ADMINS, AUDITORS
from events.models import AuditEvent, SyncRun, SyncState
from events.nexmo.errors import CredentialsRefused
from events.sync import state
from tests.tools.admin import ADD, LIST, Add, Login, act, change, errors, form, fresh
from tests.tools.pages import text_of

TAKEN = "This API key is already registered."
MALFORMED = (
    "An API key is 4 to 32 letters and digits, such as a1b2c3d4. Copy it from the Nexmo dashboard, without spaces."
)


# --- accounts and whose they are --------------------------------------------------------------------------------------


def test_one_person_may_own_several_accounts(client: Client, cast: dict[str, Any]) -> None:
    for key in ("aaaa1111", "bbbb2222"):
        assert client.post(ADD, form(api_key=key)).status_code == 302

    owned = NexmoAccount.objects.filter(owner=cast["alice"]).values_list("api_key", flat=True)
    assert set(owned) == {"demo0001", "demo0002", "aaaa1111", "bbbb2222"}


def test_new_account_belongs_to_who_adds_it(client: Client, cast: dict[str, Any]) -> None:
    # Somebody who is no superuser does not choose, not even by a field put into the form.
    client.post(ADD, form(owner=cast["charlie"].pk))

    account = NexmoAccount.objects.get(api_key="a1b2c3d4")
    assert account.owner == cast["alice"]
    assert account.api_secret == "fresh-secret-1"
    assert account.is_active


def test_owner_does_not_change_when_somebody_else_saves(login: Login, account: NexmoAccount) -> None:
    login("admin").post(
        change(account), form(api_key="demo0001", api_secret="", owner=account.owner_id, name="Renamed")
    )

    assert (fresh(account).owner, fresh(account).name) == (account.owner, "Renamed")


def test_superuser_chooses_the_owner(login: Login, cast: dict[str, Any]) -> None:
    login("admin").post(ADD, form(owner=cast["charlie"].pk))

    assert NexmoAccount.objects.get(api_key="a1b2c3d4").owner == cast["charlie"]


def test_account_admin_cannot_give_an_account_away(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    client.post(change(account), form(api_key="demo0001", api_secret="", owner=cast["charlie"].pk))

    assert fresh(account).name == "New shop"
    assert fresh(account).owner == cast["alice"]


def test_account_admin_sees_her_own_accounts_only(client: Client, cast: dict[str, Any]) -> None:
    page = client.get(LIST).content.decode()

    assert set(re.findall(r"demo000\d", page)) == {"demo0001", "demo0002"}
    assert "charlie" not in page


def test_account_shared_with_an_account_admin_is_not_hers_to_manage(
    client: Client, cast: dict[str, Any], account: NexmoAccount
) -> None:
    theirs = NexmoAccount.objects.get(api_key="demo0003")
    theirs.teams.add(account.teams.get())

    assert client.get("/accounts/demo0003/").status_code == 200
    assert client.get(change(theirs)).status_code == 302
    assert client.post(change(theirs), form(api_key="demo0003", name="Taken over")).status_code == 302
    assert client.post(f"{LIST}{theirs.pk}/delete/", {"post": "yes"}).status_code == 302
    assert fresh(theirs).name == "Tannelhof Reisen"


def test_account_admin_does_not_learn_of_other_teams(client: Client, account: NexmoAccount) -> None:
    Group.objects.create(name="Secret project team")

    for path in (LIST, ADD, change(account)):
        assert "Secret project team" not in client.get(path).content.decode()


def test_account_admin_shares_with_her_own_teams_only(
    client: Client, account: NexmoAccount, cast: dict[str, Any]
) -> None:
    hers = account.teams.get()
    other = Group.objects.create(name="Other team")

    assert set(client.get(ADD).context["adminform"].form.fields["teams"].queryset) == {hers}
    refused = client.post(ADD, form(teams=[other.pk]))
    assert list(errors(refused)) == ["teams"]
    assert client.post(ADD, form(teams=[hers.pk])).status_code == 302
    assert list(NexmoAccount.objects.get(api_key="a1b2c3d4").teams.all()) == [hers]


def test_team_that_an_account_is_shared_with_stays_a_choice_for_it(
    client: Client, account: NexmoAccount, cast: dict[str, Any]
) -> None:
    hers = account.teams.get()
    cast["alice"].groups.remove(hers)

    assert hers in client.get(change(account)).context["adminform"].form.fields["teams"].queryset
    assert hers not in client.get(ADD).context["adminform"].form.fields["teams"].queryset
    client.post(change(account), form(api_key="demo0001", api_secret="", teams=[hers.pk]))
    assert list(account.teams.all()) == [hers]


@pytest.mark.parametrize("person", ["alice", "admin"])
def test_roles_are_no_teams(login: Login, cast: dict[str, Any], person: str) -> None:
    choices = login(person).get(ADD).context["adminform"].form.fields["teams"].queryset

    assert not {ACCOUNT_ADMINS, AUDITORS} & {group.name for group in choices}


def test_superuser_shares_with_any_team(login: Login, cast: dict[str, Any]) -> None:
    other = Group.objects.create(name="Other team")

    login("admin").post(ADD, form(owner=cast["alice"].pk, teams=[other.pk]))

    assert list(NexmoAccount.objects.get(api_key="a1b2c3d4").teams.all()) == [other]


def test_auditor_reads_every_account_and_changes_none(
    login: Login, account: NexmoAccount, cast: dict[str, Any]
) -> None:
    client = login("audrey")

    assert len(set(re.findall(r"demo000\d", client.get(LIST).content.decode()))) == 5
    page = client.get(change(account)).content.decode()
    assert "Quillfern Parcel" in page
    assert not re.findall(r'name="(?:name|api_key|api_secret|owner|teams|_save)"', page)
    assert client.post(change(account), form(api_key="demo0001", name="Changed")).status_code == 403
    assert client.post(ADD, form()).status_code == 403
    assert client.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}).status_code == 403
    assert fresh(account).name == "Quillfern Parcel"
    assert NexmoAccount.objects.count() == 5


def test_auditor_is_offered_no_action(login: Login, account: NexmoAccount) -> None:
    client = login("audrey")

    assert 'name="action"' not in client.get(LIST).content.decode()
    for name in ("sync_now", "test_connection", "delete_selected"):
        client.post(LIST, {"action": name, "_selected_action": [account.pk], "post": "yes"})
    assert not SyncState.objects.exclude(wanted_at=None).exists()
    assert NexmoAccount.objects.filter(pk=account.pk).exists()


def test_account_admin_who_audits_sees_all_and_manages_her_own(
    login: Login, account: NexmoAccount, cast: dict[str, Any]
) -> None:
    cast["alice"].groups.add(Group.objects.get(name=AUDITORS))
    client = login("alice")
    theirs = NexmoAccount.objects.get(api_key="demo0003")

    assert len(set(re.findall(r"demo000\d", client.get(LIST).content.decode()))) == 5
    assert 'name="_save"' in client.get(change(account)).content.decode()
    assert 'name="_save"' not in client.get(change(theirs)).content.decode()
    assert client.post(change(theirs), form(api_key="demo0003", name="Taken over")).status_code == 403
    assert client.post(f"{LIST}{theirs.pk}/delete/", {"post": "yes"}).status_code == 403
    act(client, "delete_selected", theirs)  # there is no such action
    assert act(client, "sync_now", theirs) == []
    assert act(client, "test_connection", theirs) == []
    assert fresh(theirs).name == "Tannelhof Reisen"
    assert not SyncState.objects.exclude(wanted_at=None).exists()


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["demo0003", "DEMO0003", " demo0003 ", "demo0001", "DEMO0002"])
def test_key_that_is_registered_already_is_refused_with_what_to_do(
    client: Client, cast: dict[str, Any], key: str
) -> None:
    expected = str(REFUSED) if "3" in key else TAKEN  # nothing is said of an account that one does not see

    response = client.post(ADD, form(api_key=key))

    assert errors(response) == {"api_key": [expected]}
    assert expected in text_of(response)
    assert "Tannelhof" not in response.content.decode()
    assert "charlie" not in response.content.decode()


def test_malformed_key_is_refused_with_what_a_key_is(client: Client, cast: dict[str, Any]) -> None:
    keys = ["abc", "a" * 33, "a1b2-c3d4", "a1b2 c3d4", "a1b2c3d4/", "ключ1234", "a1b2\nc3d4"]

    told = {key: errors(client.post(ADD, form(api_key=key))) for key in keys}

    assert told == dict.fromkeys(keys, {"api_key": [MALFORMED]})
    assert NexmoAccount.objects.count() == 5


def test_account_may_keep_its_own_key(client: Client, account: NexmoAccount) -> None:
    assert client.post(change(account), form(api_key="demo0001", api_secret="")).status_code == 302


def test_blanks_around_a_key_do_not_count(client: Client, cast: dict[str, Any]) -> None:
    client.post(ADD, form(api_key="  a1b2c3d4 "))

    assert NexmoAccount.objects.filter(api_key="a1b2c3d4").exists()


# --- what a change sets off -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "woken"),
    [
        ({"api_secret": "new-1"}, True),
        ({"api_secret_secondary": "new-2"}, True),
        ({"api_key": "demo9999"}, True),
        ({"is_active": ""}, True),
        ({"name": "Renamed"}, False),
    ],
)
def test_new_credentials_make_an_account_due_at_once(
    client: Client, account: NexmoAccount, fields: dict[str, str], woken: bool
) -> None:
    later = timezone.now() + timezone.timedelta(hours=1)
    state.ensure([account])
    SyncState.objects.filter(account=account).update(due_at=later, failures=3)
    same = {"name": account.name, "api_key": "demo0001", "api_secret": "", "teams": [account.teams.get().pk]}
    data = form(**same | fields)
    if not data["is_active"]:
        del data["is_active"]

    client.post(change(account), data)

    found = SyncState.objects.get(account=account)
    assert (found.due_at, found.failures) == ((None, 0) if woken else (later, 3))


def test_new_account_is_due_at_once(client: Client, cast: dict[str, Any]) -> None:
    client.post(ADD, form())

    due = state.due(NexmoAccount.objects.all(), timezone.now())
    assert due.filter(api_key="a1b2c3d4").exists()


# --- deleting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["alice", "admin"])
def test_account_with_events_cannot_be_deleted(
    login: Login, account: NexmoAccount, add_event: Add, person: str
) -> None:
    add_event(account, 1)
    client = login(person)

    page = client.get(f"{LIST}{account.pk}/delete/")
    client.post(f"{LIST}{account.pk}/delete/", {"post": "yes"})
    client.post(LIST, {"action": "delete_selected", "_selected_action": [account.pk], "post": "yes"})

    assert "Quillfern Parcel (demo0001) cannot be deleted" in text_of(page)
    assert "Archived events are permanent, and this account has had 1 of them. Switch the account off" in text_of(page)
    assert "permission" not in text_of(page)
    assert 'name="post"' not in page.content.decode()
    assert NexmoAccount.objects.filter(pk=account.pk).exists()
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("person", ["alice", "admin"])
def test_account_without_events_can_be_deleted(login: Login, account: NexmoAccount, person: str) -> None:
    client = login(person)

    assert client.post(f"{LIST}{account.pk}/delete/", {"post": "yes"}).status_code == 302

    assert not NexmoAccount.objects.filter(pk=account.pk).exists()


@pytest.mark.parametrize("person", ["alice", "admin"])
def test_account_that_was_synced_but_has_no_events_can_be_deleted(
    login: Login, account: NexmoAccount, person: str
) -> None:
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run, error=CredentialsRefused("wrong key", status=401))

    login(person).post(f"{LIST}{account.pk}/delete/", {"post": "yes"})

    assert not NexmoAccount.objects.filter(pk=account.pk).exists()
    assert not SyncRun.objects.exists()


def test_foreign_accounts_are_not_deleted_by_the_action(client: Client, cast: dict[str, Any]) -> None:
    theirs = NexmoAccount.objects.get(api_key="demo0003")

    client.post(LIST, {"action": "delete_selected", "_selected_action": [theirs.pk], "post": "yes"})

    assert NexmoAccount.objects.filter(pk=theirs.pk).exists()
