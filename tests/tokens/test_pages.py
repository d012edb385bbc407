"""Making, seeing and revoking tokens on the site."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import ApiToken, NexmoAccount
from accounts.tokens import lifecycle, secret, sight
from accounts.tokens.authenticate import authenticate
from events.operations.demo_data import PASSWORD
from tests.tools.pages import text_of
from tests.tools.scope import Login
from tests.tools.tokens import basic, make_token

pytestmark = pytest.mark.django_db
ASKED = {"name": "SIEM", "days": "30", "all_accounts": "on"}


@pytest.fixture
def browser(login: Login) -> Client:
    """Alice's, where she has just shown that she is there."""
    client = login("alice")
    client.post("/login/confirm/", {"password": PASSWORD})
    return client


def listed(page: Any) -> list[str]:
    """The identifiers of a page's tokens in force."""
    return re.findall(r'data-token="(\w+)"', page.content.decode())


def shown(page: Any) -> secret.Credentials:
    """What the page of a new token shows."""
    return secret.Credentials(
        *(
            unescape(re.findall(rf'id="token-{part}">([^<]*)', page.content.decode())[0])
            for part in ("identifier", "secret")
        )
    )


def test_secret_is_shown_once_and_kept_nowhere(browser: Client, cast: dict[str, Any]) -> None:
    page = browser.post("/profile/tokens/new", ASKED)

    credentials = shown(page)
    token = ApiToken.objects.get()
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert authenticate(RequestFactory().get("/", **basic(credentials))).token == token
    assert credentials.token in page.content.decode()
    assert (
        f"curl -u &#x27;{credentials.identifier}:{credentials.secret}&#x27; &#x27;http://testserver/beta/audit/events"
        in page.content.decode().replace("'", "&#x27;")
    )
    kept = [*Session.objects.all(), *ApiToken.objects.values_list()]
    assert credentials.secret not in f"{kept} {[session.get_decoded() for session in Session.objects.all()]}"
    assert credentials.secret not in str(getattr(cache, "_cache", ""))
    later = browser.get("/profile/tokens/")
    assert listed(later) == [credentials.identifier]
    assert credentials.secret not in later.content.decode()


def test_making_asks_for_the_password_and_then_goes_on(login: Login, cast: dict[str, Any]) -> None:
    client = login("alice")
    session = client.session
    del session["account_authentication_methods"]
    session.save()

    asked = client.get("/profile/tokens/new")
    assert (asked.status_code, asked["Location"]) == (302, "/login/confirm/?next=%2Fprofile%2Ftokens%2Fnew")
    asked = client.post("/profile/tokens/new", ASKED)
    assert asked.status_code == 302
    assert not ApiToken.objects.exists()

    client.post(asked["Location"], {"password": PASSWORD})
    assert not ApiToken.objects.exists(), "nothing is sent by itself"

    page = client.post("/profile/tokens/new", ASKED)

    assert shown(page).identifier == ApiToken.objects.get().identifier


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "SI\u200bEM"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"days": "3660"}, "days"),
        ({"days": "-1"}, "days"),
        ({"days": ""}, "days"),
        ({"all_accounts": ""}, "accounts"),
        ({"all_accounts": "", "accounts": "FOREIGN"}, "accounts"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(browser: Client, changes: dict[str, str], field: str) -> None:
    asked = {name: value for name, value in (ASKED | changes).items() if value}
    if asked.get("accounts"):
        asked["accounts"] = str(NexmoAccount.objects.get(api_key="demo0003").pk)

    page = browser.post("/profile/tokens/new", asked)

    assert f'id="error-{field}"' in page.content.decode()
    assert not ApiToken.objects.exists()
    if field != "name":
        assert 'value="SIEM"' in page.content.decode()


def test_token_is_made_as_asked_for(browser: Client, cast: dict[str, Any]) -> None:
    account = NexmoAccount.objects.get(api_key="demo0001")
    asked = {"name": "Night <report>", "days": "7", "accounts": str(account.pk), "may_acknowledge": "on"}

    browser.post("/profile/tokens/new", asked)

    token = ApiToken.objects.get()
    assert (token.person, token.name, token.all_accounts, token.may_acknowledge) == (
        cast["alice"],
        "Night <report>",
        False,
        True,
    )
    assert list(token.accounts.all()) == [account]
    assert abs(token.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=5)
    page = browser.get("/profile/tokens/")
    assert "Night &lt;report&gt;" in page.content.decode()
    assert "demo0001" in text_of(page)
    assert "demo0002" not in text_of(page)


def test_no_token_outlasts_the_setting(browser: Client, settings: Any) -> None:
    for longest, offered in ((3, ["3"]), (45, ["7", "30", "45"]), (400, ["7", "30", "90", "180", "365", "400"])):
        settings.API_TOKEN_DAYS = longest
        page = browser.get("/profile/tokens/new").content.decode()
        assert re.findall(r'<option value="(\d+)"', page) == offered


def test_there_is_an_end_to_the_tokens_of_a_person(
    browser: Client, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST", 1)
    token, _ = make_token(cast["alice"])
    assert "You already have 1 API tokens" in browser.post("/profile/tokens/new", ASKED).content.decode()

    lifecycle.revoke(token, cast["alice"])

    assert browser.post("/profile/tokens/new", ASKED).status_code == 200
    assert ApiToken.objects.count() == 2


def test_own_page_shows_use_and_end_and_what_ended(browser: Client, cast: dict[str, Any]) -> None:
    used, credentials = make_token(cast["alice"], name="Used", days=5)
    authenticate(RequestFactory().get("/", **basic(credentials), REMOTE_ADDR="192.0.2.77"))
    revoked, _ = make_token(cast["alice"], name="Revoked")
    lifecycle.revoke(revoked, cast["admin"])
    expired, _ = make_token(cast["alice"], name="Expired", days=-1)
    make_token(cast["alice"], name="Forgotten", days=-91)
    make_token(cast["bob"], name="Foreign")

    page = browser.get("/profile/tokens/")

    assert listed(page) == [used.identifier]
    ended = re.findall(r'data-ended="(\w+)"', page.content.decode())
    assert ended == [expired.identifier, revoked.identifier]
    for words in ("from 192.0.2.77", "soon", "revoked by admin", "expired"):
        assert words in text_of(page)


def test_revoking_is_asked_for_and_done_once(browser: Client, cast: dict[str, Any], caplog: Any) -> None:
    token, credentials = make_token(cast["alice"])
    path = f"/tokens/{token.identifier}/revoke"

    assert "cannot be undone" in text_of(browser.get(path))
    assert browser.post(path)["Location"] == "/profile/tokens/"
    assert "was revoked" in text_of(browser.get("/profile/tokens/"))
    first = ApiToken.objects.get().revoked_at
    assert first is not None
    browser.post(path)

    assert ApiToken.objects.get().revoked_at == first
    assert f"API token {token.identifier} of alice was revoked by alice." in caplog.text
    assert credentials.secret not in caplog.text


# --- the tokens of others ---------------------------------------------------------------------------------------------


@pytest.fixture
def tokens(cast: dict[str, Any]) -> dict[str, ApiToken]:
    """Tokens by name. Alice owns demo0001, which Bob sees, and demo0002; demo0003 is Charlie's."""
    asked: dict[str, tuple[str, tuple[str, ...]]] = {
        "bob, all": ("bob", ()),
        "bob, one": ("bob", ("demo0001",)),
        "bob, one he does not see": ("bob", ("demo0002",)),
        "charlie, all": ("charlie", ()),
        "audrey, all": ("audrey", ()),
        "audrey, one": ("audrey", ("demo0003",)),
        "admin, one": ("admin", ("demo0001", "demo0003")),
        "alice, all": ("alice", ()),
    }
    made = {name: make_token(cast[person], *keys, name=name)[0] for name, (person, keys) in asked.items()}
    lifecycle.revoke(make_token(cast["bob"], name="bob, revoked")[0], cast["bob"])
    make_token(cast["bob"], name="bob, expired", days=-1)
    return made


SEEN: dict[str, tuple[Any, Any]] = {
    # reader: tokens on the accounts of theirs, and on demo0001 alone; None: there is no such page
    "alice": (
        {"bob, all", "bob, one", "audrey, all", "admin, one", "alice, all"},
        {"bob, all", "bob, one", "audrey, all", "admin, one", "alice, all"},
    ),
    "bob": (set(), None),
    "charlie": ({"charlie, all", "audrey, all", "audrey, one", "admin, one"}, None),
    "audrey": (..., {"bob, all", "bob, one", "audrey, all", "admin, one", "alice, all"}),
    "admin": (..., {"bob, all", "bob, one", "audrey, all", "admin, one", "alice, all"}),
}
REVOCABLE: dict[str, Any] = {
    "alice": {"bob, all", "bob, one", "alice, all"},
    "bob": {"bob, all", "bob, one", "bob, one he does not see"},
    "charlie": {"charlie, all"},
    "audrey": {"audrey, all", "audrey, one"},
    "admin": ...,
}


def test_owners_and_auditors_see_the_tokens_that_read_their_accounts(login: Login, tokens: dict[str, ApiToken]) -> None:
    names = {token.identifier: name for name, token in tokens.items()}
    for reader, (everywhere, on_one) in SEEN.items():
        client = login(reader)
        found = {names[identifier] for identifier in listed(client.get("/tokens/"))}
        assert found == (set(tokens) if everywhere is ... else everywhere), reader
        page = client.get("/accounts/demo0001/tokens/")
        if on_one is None:
            assert page.status_code == 404
        else:
            assert {names[identifier] for identifier in listed(page)} == on_one, reader


def test_account_taken_away_takes_its_tokens_from_the_owners_page(
    login: Login, cast: dict[str, Any], tokens: dict[str, ApiToken]
) -> None:
    client = login("alice")
    cast["bob"].groups.clear()
    cast["audrey"].is_active = False
    cast["audrey"].save()

    found = listed(client.get("/accounts/demo0001/tokens/"))

    assert found == [tokens[name].identifier for name in ("admin, one", "alice, all")]


def test_who_may_revoke_what(login: Login, cast: dict[str, Any], tokens: dict[str, ApiToken]) -> None:
    for reader, may in REVOCABLE.items():
        keys = sight.revocable(cast[reader], list(tokens.values()))
        assert {name for name, token in tokens.items() if token.pk in keys} == (set(tokens) if may is ... else may)
    client = login("alice")
    for name, token in tokens.items():
        path, status = f"/tokens/{token.identifier}/revoke", 200 if name in REVOCABLE["alice"] else 404
        assert client.get(path).status_code == status, name
        if status == 404:
            assert client.post(path).status_code == 404
    links = re.findall(r"/tokens/(\w+)/revoke", client.get("/tokens/").content.decode())
    assert {name for name, token in tokens.items() if token.identifier in links} == REVOCABLE["alice"]
    assert not ApiToken.objects.filter(pk__in=[token.pk for token in tokens.values()]).exclude(revoked_at=None)

    page = client.post(f"/tokens/{tokens['bob, all'].identifier}/revoke")

    assert page["Location"] == "/tokens/"
    assert "revoked by alice" in text_of(login("bob").get("/profile/tokens/"))


def test_page_of_others_names_no_account_that_its_reader_cannot_see(login: Login, tokens: dict[str, ApiToken]) -> None:
    page = login("alice").get("/tokens/")

    assert tokens["admin, one"].identifier in page.content.decode()
    assert "demo0003" not in page.content.decode()


def test_pages_of_tokens_cost_the_same_for_many(
    login: Login, cast: dict[str, Any], tokens: dict[str, ApiToken], django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        make_token(cast["bob"], "demo0001")
        make_token(cast["alice"], "demo0001", "demo0002")
    client = login("alice")

    for path in ("/profile/tokens/", "/tokens/", "/accounts/demo0001/tokens/"):
        with django_assert_max_num_queries(12):
            assert len(listed(client.get(path))) > 10


def test_account_page_leads_its_owner_to_its_tokens(login: Login, cast: dict[str, Any]) -> None:
    for reader, leads in (("alice", True), ("audrey", True), ("bob", False)):
        page = login(reader).get("/accounts/demo0001/").content.decode()
        assert ('href="/accounts/demo0001/tokens/"' in page) == leads, reader


def test_deleted_person_takes_their_tokens_along(cast: dict[str, Any]) -> None:
    token, credentials = make_token(cast["bob"])
    other, _ = make_token(cast["charlie"])
    lifecycle.revoke(other, cast["bob"])

    cast["bob"].delete()

    assert list(ApiToken.objects.values_list("pk", "revoked_by")) == [(other.pk, None)]


# --- in the admin -----------------------------------------------------------------------------------------------------


def test_superuser_revokes_in_the_admin_and_it_is_on_record(
    login: Login, cast: dict[str, Any], tokens: dict[str, ApiToken]
) -> None:
    client, chosen = login("admin"), tokens["audrey, all"]
    action = {"action": "revoke", "_selected_action": [chosen.pk, tokens["bob, one"].pk]}

    page = client.get("/admin/accounts/apitoken/")
    assert chosen.identifier in page.content.decode()
    client.post("/admin/accounts/apitoken/", action)
    assert "2 tokens were revoked" in text_of(client.get("/admin/accounts/apitoken/"))
    client.post("/admin/accounts/apitoken/", action)

    chosen.refresh_from_db()
    assert chosen.revoked_by == cast["admin"]
    logged = LogEntry.objects.filter(object_id=str(chosen.pk), content_type__model="apitoken")
    assert [entry.get_change_message() for entry in logged] == ["Revoked."]
    assert chosen.digest not in client.get(f"/admin/accounts/apitoken/{chosen.pk}/change/").content.decode()


def test_person_with_tokens_is_deleted_in_the_admin(login: Login, cast: dict[str, Any]) -> None:
    make_token(cast["bob"])
    client = login("admin")

    assert "Their API tokens," in text_of(client.get(f"/admin/auth/user/{cast['bob'].pk}/delete/"))
    client.post(f"/admin/auth/user/{cast['bob'].pk}/delete/", {"post": "yes"})

    assert not ApiToken.objects.exists()
    assert not type(cast["bob"]).objects.filter(username="bob").exists()
