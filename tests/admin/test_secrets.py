"""Write-only credentials: no page of the admin shows a secret."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from accounts.encryption import SecretUnreadable
from accounts.models import NexmoAccount
from tests.tools.admin import ADD, LIST, Login, act, change, errors, form, fresh


def stored(account: NexmoAccount, name: str = "api_secret") -> str:
    """What stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM accounts_nexmoaccount WHERE id = %s", [account.pk])
        return cursor.fetchone()[0]


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
        assert re.match("[0-9a-f]{8}:gAAAA", stored(account, name))
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
