"""The admin: write-only credentials, everybody's own accounts, and events that nobody can touch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.fields import SecretUnreadable
from accounts.models import NexmoAccount
from accounts.roles import ACCOUNT_ADMINS, AUDITORS
from events.admin import CappedPaginator
from events.models import AuditEvent, EventType, SyncRun, SyncState
from events.nexmo.errors import CredentialsRefused
from events.queue import QUEUE
from events.sync import state
from tests.test_export import add_many
from tests.test_pages import text_of

Login = Callable[[str], Client]
Add = Callable[..., AuditEvent]

LIST = "/admin/accounts/nexmoaccount/"
ADD = f"{LIST}add/"
TAKEN = "This API key is registered already. Ask an administrator to share that account with your team."
MALFORMED = (
    "An API key is 4 to 32 letters and digits, such as a1b2c3d4. Copy it from the Nexmo dashboard, without spaces."
)


@pytest.fixture
def client(login: Login) -> Client:
    """Alice: staff, account admin, no superuser."""
    return login("alice")


def change(account: NexmoAccount) -> str:
    return f"{LIST}{account.pk}/change/"


def form(**fields: Any) -> dict[str, Any]:
    """What a browser sends: empty fields too, but no box that is not ticked."""
    plain = {"name": "New shop", "api_key": "a1b2c3d4", "api_secret": "fresh-secret-1", "api_secret_secondary": ""}
    return plain | {"is_active": "on"} | fields


def stored(account: NexmoAccount, name: str = "api_secret") -> str:
    """What stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM accounts_nexmoaccount WHERE id = %s", [account.pk])
        return cursor.fetchone()[0]


def fresh(account: NexmoAccount) -> NexmoAccount:
    return NexmoAccount.objects.get(pk=account.pk)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return response.context["adminform"].form.errors


def messages(response: Any) -> list[tuple[str, str]]:
    """Level and text of the messages that the page after a redirect shows."""
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


def act(client: Client, name: str, *accounts: NexmoAccount) -> list[tuple[str, str]]:
    """Run one of the list's actions, and give its messages."""
    data = {"action": name, "_selected_action": [account.pk for account in accounts]}
    return messages(client.post(LIST, data, follow=True))


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
    client.post(LIST, {"action": "delete_selected", "_selected_action": [theirs.pk], "post": "yes"})
    assert act(client, "sync_now", theirs) == []
    assert act(client, "test_connection", theirs) == []
    assert fresh(theirs).name == "Tannelhof Reisen"
    assert not SyncState.objects.exclude(wanted_at=None).exists()


# --- secrets ----------------------------------------------------------------------------------------------------------


def account_pages(client: Client, account: NexmoAccount) -> str:
    """Everything that the admin says about an account, in one text."""
    paths = (LIST, f"{LIST}?q=demo", change(account), f"{LIST}{account.pk}/history/", f"{LIST}{account.pk}/delete/")
    pages = [client.get(path) for path in (*paths, "/admin/", "/admin/events/syncrun/")]
    assert {page.status_code for page in pages} == {200}
    return "".join(page.content.decode() for page in pages)


@pytest.mark.parametrize("person", ["alice", "admin"])
def test_no_page_shows_a_secret_or_what_is_stored(login: Login, account: NexmoAccount, person: str) -> None:
    account.api_secret_secondary = "second-secret-9"
    account.save()
    client = login(person)
    wrong = client.post(change(account), form(api_key="not a key", api_secret="typed-secret-7")).content.decode()

    pages = account_pages(client, account) + wrong

    for secret in ("sandbox-secret-0001", "second-secret-9", "typed-secret-7"):
        assert secret not in pages
    for name in ("api_secret", "api_secret_secondary"):
        assert stored(account, name).startswith("gAAAA")
        assert stored(account, name) not in pages
    assert "gAAAA" not in pages
    assert "encrypted&gt;" not in pages


def test_no_page_shows_the_secret_of_a_second_factor(login: Login, cast: dict[str, Any]) -> None:
    from allauth.mfa.models import Authenticator

    secret = Authenticator.objects.create(user=cast["bob"], type="totp", data={"secret": "gAAAAciphertext"})
    client = login("admin")

    for path in ("", f"{secret.pk}/change/", f"{secret.pk}/history/", f"{secret.pk}/delete/"):
        page = client.get(f"/admin/mfa/authenticator/{path}")
        assert page.status_code in (200, 403, 404)
        assert "gAAAAciphertext" not in page.content.decode()


def test_secret_fields_come_empty_and_ask_no_browser_to_fill_them(client: Client, account: NexmoAccount) -> None:
    page = client.get(change(account)).content.decode()

    for name in ("api_secret", "api_secret_secondary"):
        (field,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
        assert 'type="password"' in field
        assert "value=" not in field
        assert 'autocomplete="new-password"' in field


def test_empty_secret_keeps_the_stored_one(client: Client, account: NexmoAccount) -> None:
    account.api_secret_secondary = "second-secret-9"
    account.save()
    before = stored(account), stored(account, "api_secret_secondary")

    response = client.post(change(account), form(api_key="demo0001", api_secret="", name="Renamed"))

    assert response.status_code == 302
    assert (stored(account), stored(account, "api_secret_secondary")) == before
    assert fresh(account).name == "Renamed"
    assert fresh(account).secrets() == ("sandbox-secret-0001", "second-secret-9")


def test_new_secret_replaces_the_stored_one(client: Client, account: NexmoAccount) -> None:
    client.post(change(account), form(api_key="demo0001", api_secret="  new secret é  "))

    assert fresh(account).secrets() == ("new secret é",)
    assert "new secret" not in stored(account)


def test_second_secret_can_be_added_replaced_and_removed(client: Client, account: NexmoAccount) -> None:
    def post(**fields: Any) -> tuple[str, ...]:
        assert client.post(change(account), form(api_key="demo0001", api_secret="", **fields)).status_code == 302
        return fresh(account).secrets()

    assert "remove_second_secret" not in client.get(change(account)).content.decode()
    assert post(api_secret_secondary="second-1") == ("sandbox-secret-0001", "second-1")
    assert 'name="remove_second_secret"' in client.get(change(account)).content.decode()
    assert post(api_secret_secondary="second-2") == ("sandbox-secret-0001", "second-2")
    # A new one typed beside the tick is what is meant.
    assert post(api_secret_secondary="second-3", remove_second_secret="on") == ("sandbox-secret-0001", "second-3")
    assert post(remove_second_secret="on") == ("sandbox-secret-0001",)
    assert stored(account, "api_secret_secondary") == ""


def test_account_is_not_added_without_a_secret(client: Client, cast: dict[str, Any]) -> None:
    response = client.post(ADD, form(api_secret=""))

    assert errors(response) == {"api_secret": ["Enter the account's API secret, from the Nexmo dashboard."]}
    assert NexmoAccount.objects.count() == 5


@pytest.fixture
def other_keys(account: NexmoAccount, settings: Any) -> NexmoAccount:
    """The account, whose two secrets CREDENTIAL_KEYS no longer open."""
    account.api_secret_secondary = "second-secret-9"
    account.save()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SecretUnreadable):
        fresh(account).secrets()
    return fresh(account)


def test_unreadable_secret_spoils_no_page(client: Client, other_keys: NexmoAccount) -> None:
    assert "Quillfern Parcel" in account_pages(client, other_keys)
    for path in ("/accounts/", "/accounts/demo0001/", "/events/", "/accounts/demo0001/events/"):
        assert client.get(path).status_code == 200


def test_unreadable_secret_is_kept_when_the_field_is_left_empty(
    client: Client, other_keys: NexmoAccount, settings: Any
) -> None:
    before = stored(other_keys), stored(other_keys, "api_secret_secondary")

    response = client.post(change(other_keys), form(api_key="demo0001", api_secret="", name="Renamed"))

    assert response.status_code == 302
    assert (stored(other_keys), stored(other_keys, "api_secret_secondary")) == before
    assert fresh(other_keys).name == "Renamed"


def test_unreadable_secret_is_replaced_by_a_new_one(client: Client, other_keys: NexmoAccount) -> None:
    response = client.post(change(other_keys), form(api_key="demo0001", api_secret="new-1", remove_second_secret="on"))

    assert response.status_code == 302
    assert fresh(other_keys).secrets() == ("new-1",)


def test_unreadable_secret_is_told_when_the_connection_is_tested(client: Client, other_keys: NexmoAccount) -> None:
    ((level, text),) = act(client, "test_connection", other_keys)

    assert level == "error"
    assert text.startswith("Quillfern Parcel (demo0001): The stored API secret cannot be read")


def test_log_of_changes_holds_no_secret(login: Login, account: NexmoAccount, cast: dict[str, Any]) -> None:
    client = login("alice")
    client.post(ADD, form(api_secret="typed-secret-1", api_secret_secondary="typed-secret-2"))
    added = NexmoAccount.objects.get(api_key="a1b2c3d4")
    client.post(change(added), form(api_secret="typed-secret-3", api_secret_secondary="typed-secret-4"))
    client.post(change(added), form(api_secret="", remove_second_secret="on"))
    act(client, "test_connection", added)
    client.post(f"{LIST}{added.pk}/delete/", {"post": "yes"})

    entries = LogEntry.objects.order_by("pk")
    log = "".join(f"{entry.object_repr} {entry.change_message} {entry.get_change_message()}" for entry in entries)
    assert entries.count() == 4
    assert "API secret" in log  # that it was changed is told
    assert "typed-secret" not in log
    assert "gAAAA" not in log


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["demo0003", "DEMO0003", " demo0003 ", "demo0001"])
def test_key_that_is_registered_already_is_refused_with_what_to_do(
    client: Client, cast: dict[str, Any], key: str
) -> None:
    response = client.post(ADD, form(api_key=key))

    assert errors(response) == {"api_key": [TAKEN]}
    assert TAKEN in text_of(response)
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

    assert "Cannot delete Nexmo account" in text_of(page)
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


# --- events, types and runs -------------------------------------------------------------------------------------------


@pytest.fixture
def records(account: NexmoAccount, add_event: Add) -> dict[str, Any]:
    """One of each of what may only be read."""
    event = add_event(account, 1)
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    return {"auditevent": event, "eventtype": EventType.objects.get(), "syncrun": run}


@pytest.mark.parametrize("person", ["alice", "audrey", "admin"])
def test_records_are_read_only(login: Login, records: dict[str, Any], person: str) -> None:
    client = login(person)

    for name, record in records.items():
        base = f"/admin/events/{name}/"
        assert client.get(base).status_code == 200
        client.post(base, {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"})
        assert client.get(f"{base}add/").status_code == 403
        assert client.post(f"{base}add/", {"event_type": "x", "code": "x"}).status_code == 403
        page = client.get(f"{base}{record.pk}/change/")
        assert page.status_code == 200
        assert not re.findall(r'name="(?:_save|_continue|_addanother)"', page.content.decode())
        assert "deletelink" not in page.content.decode()
        assert client.post(f"{base}{record.pk}/change/", {"event_type": "x", "code": "x"}).status_code == 403
        assert client.post(f"{base}{record.pk}/delete/", {"post": "yes"}).status_code == 403
        assert 'value="delete_selected"' not in client.get(base).content.decode()
        assert type(record).objects.get(pk=record.pk) == record
    assert AuditEvent.objects.get().event_type == "NUMBER_UPDATED"


def test_event_in_the_admin_shows_what_was_received(login: Login, records: dict[str, Any]) -> None:
    page = login("admin").get(f"/admin/events/auditevent/{records['auditevent'].pk}/change/")

    assert records["auditevent"].event_id in text_of(page)
    assert "447700900000" in text_of(page)


@pytest.mark.parametrize(
    "query",
    ["00000000-0000-4000-8000-000000000001", "yourname@example.com", "NUMBER_UPDATED", "192.0.2.1"],
)
def test_events_are_searched_by_exact_values(login: Login, records: dict[str, Any], query: str) -> None:
    client = login("admin")

    assert "1 event" in text_of(client.get("/admin/events/auditevent/", {"q": query}))
    assert "0 events" in text_of(client.get("/admin/events/auditevent/", {"q": query[:-1]}))


@pytest.mark.parametrize("query", ["", "?q=x", "?all=", "?_facets=True"])
def test_lists_of_records_count_within_a_limit(login: Login, records: dict[str, Any], query: str) -> None:
    client = login("admin")

    for name in ("auditevent", "eventtype", "syncrun"):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/admin/events/{name}/{query}", follow=True).status_code == 200

        on_records = [entry["sql"] for entry in queries if f'"events_{name}"' in entry["sql"]]
        assert on_records
        assert [sql for sql in on_records if "COUNT(" in sql and "LIMIT" not in sql] == []


def test_paginator_counts_up_to_its_limit(login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    add_many(account, range(70))
    monkeypatch.setattr(CappedPaginator, "most", 60)

    page = login("admin").get("/admin/events/auditevent/").content.decode()

    assert "60 events" in " ".join(page.split())
    assert page.count('class="field-created_at') == 50


# --- health and actions -----------------------------------------------------------------------------------------------


def test_list_shows_each_accounts_health(client: Client, account: NexmoAccount, add_event: Add) -> None:
    for number in range(1, 4):
        add_event(account, number)
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run)
    SyncState.objects.filter(account=account).update(last_success_at="2026-03-15T12:00:00Z", event_count=1234)

    page = client.get(LIST).content.decode()

    cells = {
        name: re.findall(rf'<td class="field-{name}[^"]*">(.*?)</td>', page, re.DOTALL)
        for name in ("health", "last_sync", "event_count")
    }
    # By name: Marrowby Health, Quillfern Parcel.
    assert re.sub("<[^>]*>", "", cells["health"][0]) == "Never synced"
    assert re.sub("<[^>]*>", "", cells["health"][1]) == "Late"
    assert 'class="health late" title="The last sync was' in cells["health"][1]
    assert cells["last_sync"] == ["never", "2026-03-15 12:00:00 UTC"]
    assert cells["event_count"] == ["0", "1,234"]


def test_health_of_hostile_words_is_escaped(client: Client, account: NexmoAccount) -> None:
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run, error=CredentialsRefused('"><script>x', status=401))

    page = client.get(LIST).content.decode()

    assert "Credentials refused" in page
    assert "<script>x" not in page


def test_connection_that_works_says_so(client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]) -> None:
    sandbox = make_sandbox(accounts=2, events=40)

    ((level, text),) = act(client, "test_connection", account)

    assert level == "success"
    assert re.fullmatch(r"Quillfern Parcel \(demo0001\): works\. Nexmo lists [\d,]+ events\.", text)
    assert len(sandbox.requests) == 1
    assert not AuditEvent.objects.exists()


def test_connection_with_a_wrong_secret_says_what_to_do_and_shows_no_secret(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    sandbox = make_sandbox()
    account.api_secret = "wrong-secret-5"
    account.save()

    ((level, text),) = act(client, "test_connection", account)

    assert level == "error"
    assert text.startswith("Quillfern Parcel (demo0001): Nexmo refused the API key or secret (HTTP 401).")
    assert "wrong-secret-5" not in text
    assert len(sandbox.requests) == 1


def test_connection_is_tested_once_and_not_again(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    sandbox = make_sandbox(faults=["http-500"])

    ((level, _),) = act(client, "test_connection", account)

    assert level == "error"
    assert len(sandbox.requests) == 1


def test_connection_to_nowhere_is_told(client: Client, account: NexmoAccount) -> None:
    ((level, text),) = act(client, "test_connection", account)

    assert level == "error"
    assert text.startswith("Quillfern Parcel (demo0001):")
    assert "sandbox-secret" not in text


def test_connections_are_tested_one_by_one(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    make_sandbox(accounts=1)

    told = act(client, "test_connection", account, NexmoAccount.objects.get(api_key="demo0002"))

    assert sorted(level for level, _ in told) == ["error", "success"]


def test_connection_that_works_again_forgives_refused_credentials(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any]
) -> None:
    make_sandbox()
    run = state.claim(account, SyncRun.Trigger.COMMAND)
    assert run
    state.finish(run, error=CredentialsRefused("no", status=401), fingerprint="f")

    act(client, "test_connection", account)

    found = SyncState.objects.get(account=account)
    assert (found.refused_credentials, found.problem_code, found.due_at) == ("", "", None)


@pytest.mark.parametrize("name", ["test_connection", "sync_now"])
def test_actions_leave_foreign_accounts_alone(
    client: Client, account: NexmoAccount, make_sandbox: Callable[..., Any], name: str
) -> None:
    sandbox = make_sandbox()
    theirs = NexmoAccount.objects.get(api_key="demo0003")
    theirs.teams.add(account.teams.get())

    assert act(client, name, theirs) == []
    assert not sandbox.requests
    assert not SyncState.objects.exclude(wanted_at=None).exists()


def test_superuser_acts_on_any_account(login: Login, cast: dict[str, Any]) -> None:
    told = act(login("admin"), "sync_now", *NexmoAccount.objects.all())

    assert len(told) == 5
    assert SyncState.objects.exclude(wanted_at=None).count() == 5


def test_sync_now_queues_the_chosen_accounts(client: Client, account: NexmoAccount, cast: dict[str, Any]) -> None:
    told = act(client, "sync_now", account)

    assert told == [("success", "Quillfern Parcel (demo0001): the sync begins as soon as a worker is free.")]
    wanted = SyncState.objects.exclude(wanted_at=None).get()
    assert (wanted.account, wanted.wanted_by) == (account, cast["alice"])
    assert QUEUE.pending_count() == 1


def test_sync_now_leaves_out_accounts_that_are_switched_off(client: Client, account: NexmoAccount) -> None:
    NexmoAccount.objects.filter(pk=account.pk).update(is_active=False)

    told = act(client, "sync_now", account)

    assert told == [("warning", "Quillfern Parcel (demo0001) is switched off; make it active first.")]
    assert QUEUE.pending_count() == 0


@pytest.mark.django_db(transaction=True)
def test_sync_now_is_carried_out_by_the_worker(
    login: Login, account: NexmoAccount, make_sandbox: Callable[..., Any], cast: dict[str, Any]
) -> None:
    make_sandbox(accounts=1, events=30)
    act(login("alice"), "sync_now", account)

    task = QUEUE.dequeue()
    assert task
    QUEUE.execute(task)

    run = SyncRun.objects.get()
    assert (run.status, run.trigger, run.requested_by) == (
        SyncRun.Status.SUCCEEDED,
        SyncRun.Trigger.PERSON,
        cast["alice"],
    )
    assert run.added == AuditEvent.objects.filter(account=account).count() > 0
    assert SyncState.objects.get(account=account).wanted_at is None


# --- getting in -------------------------------------------------------------------------------------------------------


def test_admins_login_is_the_sites(client: Client) -> None:
    response = Client().get("/admin/login/?next=/admin/accounts/")

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=")
    assert Client().get("/admin/", follow=True).request["PATH_INFO"] == "/login/"


def test_admins_login_takes_no_password_itself(cast: dict[str, Any]) -> None:
    """Else the throttling and the second factor of the site's own login could be walked around."""
    client = Client()

    response = client.post("/admin/login/", {"username": "admin", "password": "audit-demo"})

    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/login/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_who_is_no_staff_is_refused(login: Login, person: str) -> None:
    response = login(person).get("/admin/", follow=True)

    assert response.status_code == 403


def test_email_addresses_are_not_managed(login: Login) -> None:
    assert login("admin").get("/admin/account/emailaddress/").status_code == 404
