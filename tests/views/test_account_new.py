"""Adding an account on the site: tried while it is saved, saved against advice only where one wants, and followed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.forms import NewAccountForm
from accounts.models import NexmoAccount
from events.models import SyncRun, SyncState
from events.sandbox import Sandbox
from events.sync import asking
from events.sync.engine import sync_account
from tests.tools.pages import Login, text_of, violations

PATH = "/accounts/new"
SECRET = "sandbox-secret-0009"
TYPED = {"name": "Shop production", "api_key": "demo0009", "api_secret": SECRET}


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return make_sandbox(accounts=9, events=200)


def error_of(response: Any, field: str) -> str:
    found = re.findall(rf'id="error-{field}"[^>]*>(.*?)</(?:p|div)>', response.content.decode(), re.DOTALL)
    return found[0] if found else ""


def added() -> NexmoAccount | None:
    return NexmoAccount.objects.filter(api_key="demo0009").first()


def keeps_what_was_typed(response: Any) -> bool:
    """All but the secret, and the page says so."""
    page = response.content.decode()
    assert "Enter the secret again" in page
    assert re.search(r'type="password"[^>]*value', page) is None
    assert violations(response) == []
    return 'value="Shop production"' in page and 'value="demo0009"' in page


def test_account_that_works_is_saved_and_its_sync_begins(
    client: Client, sandbox: Sandbox, cast: dict[str, Any]
) -> None:
    team = Group.objects.get(user=cast["bob"], nexmo_accounts__api_key="demo0001")

    response = client.post(PATH, TYPED | {"teams": [str(team.pk)]}, follow=True)

    assert response.redirect_chain == [("/accounts/demo0009/", 302)]
    account = added()
    assert account and account.owner == cast["alice"] and account.api_secret == SECRET
    assert list(account.teams.all()) == [team]
    text = text_of(response)
    assert "Shop production is saved, and its credentials work. Nexmo lists" in text
    assert "this page updates automatically" in text
    assert SyncState.objects.get(account=account).wanted_by == cast["alice"]
    entry = LogEntry.objects.get(object_id=str(account.pk))
    assert (entry.user, entry.is_addition()) == (cast["alice"], True)
    assert SECRET not in entry.change_message + response.content.decode()
    assert len(sandbox.requests) == 1, "and nothing else asked Nexmo"


def test_its_page_follows_the_first_sync_until_events_stand_there(client: Client, sandbox: Sandbox) -> None:
    client.post(PATH, TYPED)
    page = client.get("/accounts/demo0009/").content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "first-events" not in page

    account = added()
    assert account and sync_account(account)

    page = client.get("/accounts/demo0009/", headers={"HX-Request": "true"}).content.decode()
    (link,) = re.findall(r'id="first-events" href="([^"]*)"', page)
    assert client.get(link).context["page"].rows
    SyncRun.objects.filter(account=account).update(finished_at=timezone.now() - timedelta(hours=1))
    assert "first-events" not in client.get("/accounts/demo0009/").content.decode(), (
        "later it is an account like others"
    )


def test_wrong_secret_is_said_beside_it_and_saved_only_if_wanted(client: Client, sandbox: Sandbox) -> None:
    response = client.post(PATH, TYPED | {"api_secret": "not-the-secret"})

    assert "Nexmo refused this API key with this secret" in error_of(response, "api_secret")
    assert keeps_what_was_typed(response)
    assert "not-the-secret" not in response.content.decode()
    assert 'name="save_anyway"' in response.content.decode()
    assert added() is None

    followed = client.post(PATH, TYPED | {"api_secret": "not-the-secret", "save_anyway": "on"}, follow=True)

    assert added()
    assert "Its credentials were not tested" in text_of(followed)
    assert len(sandbox.requests) == 1, "who insists is not asked about again"


def test_account_without_the_audit_api_is_said_beside_its_key(client: Client, sandbox: Sandbox) -> None:
    sandbox.set_faults("forbidden-unprovisioned")

    response = client.post(PATH, TYPED)

    assert "plan (Premium) includes the Audit API" in error_of(response, "api_key")
    assert "Account is not provisioned for Audit." in error_of(response, "api_key")
    assert keeps_what_was_typed(response)
    assert added() is None


def test_nexmo_out_of_reach_is_said_and_can_be_saved_anyway(client: Client) -> None:
    response = client.post(PATH, TYPED)  # nobody answers at the address of the tests

    assert "could not be reached" in error_of(response, "form")
    assert keeps_what_was_typed(response)
    assert added() is None
    client.post(PATH, TYPED | {"save_anyway": "on"})
    assert added()


def test_saving_anyway_is_not_offered_before_something_failed(client: Client, sandbox: Sandbox) -> None:
    assert 'name="save_anyway"' not in client.get(PATH).content.decode()
    assert 'name="save_anyway"' not in client.post(PATH, TYPED | {"name": ""}).content.decode()
    ticked = client.post(PATH, TYPED | {"name": "", "save_anyway": "on"}).content.decode()
    assert re.search(r'name="save_anyway"[^>]*checked', ticked), "a tick is not lost"


def test_too_many_tries_are_not_asked(client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PER_MINUTE", 1)
    wrong = TYPED | {"api_secret": "not-the-secret"}
    client.post(PATH, wrong)

    response = client.post(PATH, wrong)

    assert "You have sent Nexmo 1 requests within a minute" in error_of(response, "form")
    assert keeps_what_was_typed(response)
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"name": "a\u200bb"}, "name", "cannot be seen"),
        ({"api_key": "no key"}, "api_key", "letters and digits"),
        ({"api_key": "DEMO0002"}, "api_key", "This API key is already registered."),
        ({"api_secret": ""}, "api_secret", "from the Nexmo dashboard"),
        ({"teams": ["98765"]}, "teams", "valid choice"),
    ],
)
def test_what_is_wrong_is_said_before_nexmo_is_asked(
    client: Client, sandbox: Sandbox, typed: dict[str, Any], field: str, words: str
) -> None:
    response = client.post(PATH, TYPED | typed)

    assert words in error_of(response, field)
    assert SECRET not in response.content.decode()
    assert len(sandbox.requests) == 0
    assert added() is None


def test_key_that_somebody_else_saves_meanwhile_is_an_error_not_a_fault(
    client: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(form: NewAccountForm, commit: bool = True) -> None:
        raise IntegrityError

    monkeypatch.setattr(NewAccountForm, "save", taken)

    assert "registered here already" in error_of(client.post(PATH, TYPED), "api_secret")


@pytest.mark.parametrize("more", [{}, {"save_anyway": "on"}])
def test_refusal_does_not_tell_whether_somebody_else_registered_the_key(
    client: Client, sandbox: Sandbox, more: dict[str, str]
) -> None:
    wrong = TYPED | {"api_secret": "not-the-secret"}
    free = client.post(PATH, wrong)

    taken = client.post(PATH, wrong | {"api_key": "demo0003"} | more)

    assert error_of(taken, "api_secret") == error_of(free, "api_secret") != ""
    assert error_of(taken, "api_key") == error_of(free, "api_key") == ""
    assert len(sandbox.requests) == (1 if more else 2), "Nexmo is asked about both"
    if not more:
        said = [re.sub(r"demo000\d|:\d\d UTC", "", text_of(page)) for page in (taken, free)]
        assert said[0] == said[1]


def test_who_holds_the_secret_of_a_key_that_is_registered_is_told(client: Client, sandbox: Sandbox) -> None:
    response = client.post(PATH, TYPED | {"api_key": "demo0003", "api_secret": "sandbox-secret-0003"})

    assert "registered here already" in error_of(response, "api_secret")
    assert NexmoAccount.objects.get(api_key="demo0003").owner.username == "charlie"


def test_only_teams_one_is_in_are_offered(login: Login, cast: dict[str, Any]) -> None:
    other = Group.objects.create(name="Another team")
    assert "Another team" not in login("alice").get(PATH).content.decode()
    assert "Another team" in login("admin").get(PATH).content.decode()

    response = login("alice").post(PATH, TYPED | {"teams": [str(other.pk)]})
    assert "valid choice" in error_of(response, "teams")


@pytest.mark.parametrize("person", ["bob", "charlie", "audrey"])
def test_others_cannot_add_accounts(login: Login, sandbox: Sandbox, person: str) -> None:
    client = login(person)

    assert client.get(PATH).status_code == client.post(PATH, TYPED).status_code == 403
    assert PATH not in client.get("/accounts/").content.decode()
    assert added() is None and len(sandbox.requests) == 0


def test_accounts_page_leads_there(login: Login) -> None:
    assert f'href="{PATH}"' in login("alice").get("/accounts/").content.decode()
    NexmoAccount.objects.all().delete()
    for path in ("/accounts/", "/events/"):
        page = login("admin").get(path)
        assert f'href="{PATH}"' in page.content.decode().partition('data-state="no-accounts"')[2]
