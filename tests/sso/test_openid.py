"""Logging in by OpenID Connect, at a real provider on this machine."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_httpserver import HTTPServer

from accounts.access.models import AccessEntry
from accounts.login import sessions
from accounts.sso.config import OpenIDConnect, SingleSignOn
from accounts.sso.oidc.provider import Adapter
from auditsite.configuration.single_sign_on import group_map
from tests.conftest import PASSWORD
from tests.sso.conftest import Provider, ceremony, user_of
from tests.tools.access import told

# What the provider is made of warns of its own future.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
People = get_user_model().objects
Login = Callable[[str], Client]


def teams(name: str) -> list[str]:
    return sorted(People.get(username=name).groups.values_list("name", flat=True))


def test_first_login_makes_a_person_with_what_the_groups_give(provider: Provider, cast: dict[str, Any]) -> None:
    page = Client().get("/login/?next=/findings/")
    assert 'href="/sso/openid/?next=%2Ffindings%2F"' in page.content.decode()

    client, answer = ceremony(provider, provider.person(), page="/findings/")

    assert (answer.status_code, answer["Location"]) == (302, "/findings/")
    person = People.get(username="dora")
    assert user_of(client) == str(person.pk)
    assert teams("dora") == ["Messaging team"]
    assert not (person.has_usable_password() or person.is_staff or person.is_superuser)
    assert b"demo0001" in client.get("/accounts/").content, "the account that the team shares"


def test_group_that_is_gone_takes_its_rights_at_the_next_login(provider: Provider, cast: dict[str, Any]) -> None:
    sub = provider.person(groups=["messaging-eu", "CN=Audit,OU=Groups", "roots"])
    before, _ = ceremony(provider, sub)
    person = People.get(username="dora")
    assert (teams("dora"), person.is_staff, person.is_superuser) == (["Auditors", "Messaging team"], True, True)
    person.groups.add(Group.objects.create(name="Given by hand"))

    after, answer = ceremony(provider, provider.person(groups=["CN=Audit,OU=Groups"]))
    person.refresh_from_db()
    assert answer.status_code == 302
    assert (teams("dora"), person.is_staff, person.is_superuser) == (["Auditors", "Given by hand"], True, False)

    _, answer = ceremony(provider, provider.person(groups=[]))
    assert answer.status_code == 403
    assert "none of your groups" in answer.content.decode()
    assert teams("dora") == ["Given by hand"]
    for still_open in (before, after):
        assert b"demo0001" not in still_open.get("/accounts/").content


def test_superuser_and_staff_are_left_alone_where_the_map_does_not_name_them(
    provider: Provider, site: Callable[..., SingleSignOn], cast: dict[str, Any]
) -> None:
    sub = provider.person()
    ceremony(provider, sub)
    People.filter(username="dora").update(is_superuser=True, is_staff=True)
    site(group_map=group_map("messaging-eu=team:Messaging team"))
    ceremony(provider, sub)
    person = People.get(username="dora")
    assert person.is_superuser
    assert person.is_staff


def test_everyone_is_let_in_where_that_is_set(
    provider: Provider, site: Callable[..., SingleSignOn], cast: dict[str, Any]
) -> None:
    site(group_needed=False)
    person = provider.person(groups="not-in-the-map", preferred_username="do\u200bra\0", given_name=["no", "text"])
    _, answer = ceremony(provider, person, page="https://evil.example/")
    assert (answer.status_code, answer["Location"]) == (302, "/events/")
    assert teams("dora") == []


def test_required_claim_that_is_gone_takes_what_the_groups_gave(
    provider: Provider, cast: dict[str, Any], site: Callable[..., SingleSignOn]
) -> None:
    required = (("hd", "example.com"), ("email_verified", "true"))
    site(openid=OpenIDConnect(provider.issuer, "auditsite", "client-secret", "Example", required=required))
    claims = {"hd": "example.com", "email_verified": True}
    ceremony(provider, provider.person(**claims))
    dora = People.get(username="dora")
    assert dora.groups.exists()
    assert "missing" not in dora.socialaccount_set.get().extra_data

    for gone in ({"hd": "elsewhere.example"}, {"email_verified": False}):
        _, answer = ceremony(provider, provider.person(**claims | gone))
        assert answer.status_code == 403
        assert "not as somebody who may come in here" in answer.content.decode()
        assert not dora.groups.exists()


def test_whoever_is_switched_off_stays_out(provider: Provider, cast: dict[str, Any]) -> None:
    sub = provider.person()
    ceremony(provider, sub)
    People.filter(username="dora").update(is_active=False)
    client, answer = ceremony(provider, sub)
    assert answer.status_code == 403
    assert user_of(client) is None
    assert not People.get(username="dora").is_active


@pytest.mark.parametrize("claims", [{"email": "BOB@example.com"}, {"preferred_username": "Bob"}])
def test_local_person_is_linked_by_an_administrator_and_never_by_name_or_address(
    claims: dict[str, str], provider: Provider, cast: dict[str, Any], login: Login, settings: Any
) -> None:
    People.filter(username="bob").update(email="bob@example.com")
    sub = provider.person("subject-of-bob", **claims)
    client, answer = ceremony(provider, sub)
    assert answer.status_code == 403
    assert "subject-of-bob" in answer.content.decode(), "what the administrator needs"
    assert user_of(client) is None
    assert People.count() == len(cast)

    form = {"user": cast["bob"].pk, "provider": settings.SINGLE_SIGN_ON.openid.name, "uid": sub}
    assert login("admin").post("/admin/socialaccount/socialaccount/add/", form).status_code == 302
    client, answer = ceremony(provider, sub)
    assert answer.status_code == 302
    assert user_of(client) == str(cast["bob"].pk)


def test_only_whoever_has_all_rights_of_a_person_links_a_login_to_them(
    provider: Provider, cast: dict[str, Any], login: Login, settings: Any
) -> None:
    from django.contrib.auth.models import Permission

    cast["alice"].is_staff = True
    cast["alice"].save()
    cast["alice"].user_permissions.add(*Permission.objects.filter(content_type__app_label="socialaccount"))
    form = {"user": cast["admin"].pk, "provider": settings.SINGLE_SIGN_ON.openid.name, "uid": "alice-herself"}
    answer = login("alice").post("/admin/socialaccount/socialaccount/add/", form)
    assert "permissions that you lack" in answer.content.decode()


def test_nobody_is_created_where_that_is_not_wanted(
    provider: Provider, site: Callable[..., SingleSignOn], cast: dict[str, Any]
) -> None:
    site(provisions=False)
    _, answer = ceremony(provider, provider.person())
    assert "nobody here is linked" in answer.content.decode()
    assert People.count() == len(cast)


def test_same_subject_of_another_provider_is_somebody_else(
    provider: Provider, site: Callable[..., SingleSignOn], cast: dict[str, Any], settings: Any
) -> None:
    sub = provider.person()
    ceremony(provider, sub)
    # The same server under another name: a site that has changed its provider.
    moved = Provider(provider.issuer.replace("localhost", "127.0.0.1"))
    site(openid=dataclasses.replace(settings.SINGLE_SIGN_ON.openid, issuer=moved.issuer))
    client, answer = ceremony(moved, sub)
    assert answer.status_code == 403, "she would be dora, who exists"
    assert user_of(client) is None


def test_answer_counts_once_and_for_the_browser_that_asked(provider: Provider, cast: dict[str, Any]) -> None:
    sub, client = provider.person(), Client()
    back = provider.log_in(client.get("/sso/openid/")["Location"], sub)
    other = Client()
    other.get("/sso/openid/")
    assert other.get(back).status_code == 403
    assert user_of(other) is None
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 403


def test_token_for_another_login_is_refused(provider: Provider, cast: dict[str, Any]) -> None:
    sub, client = provider.person(), Client()
    back = provider.log_in(client.get("/sso/openid/")["Location"], sub)
    session = client.session
    (state,) = session["socialaccount_states"].values()
    assert len(state[0]["nonce"]) > 40
    state[0]["nonce"] = "of-another-login"
    session.save()
    assert client.get(back).status_code == 403
    assert user_of(client) is None


def test_cancelled_login_and_answers_of_nonsense_are_told_in_a_sentence(
    provider: Provider, cast: dict[str, Any]
) -> None:
    client = Client()
    for query in ("", "state=x&code=y", "error=access_denied&state=x"):
        assert client.get(f"/sso/openid/callback/?{query}").status_code == 403
    begun = client.get("/sso/openid/")
    state = next(iter(client.session["socialaccount_states"]))
    answer = client.get(f"/sso/openid/callback/?error=access_denied&state={state}")
    assert begun.status_code == 302
    assert "cancelled" in answer.content.decode()


def test_provider_must_be_the_one_that_is_set(
    site: Callable[..., SingleSignOn], httpserver: HTTPServer, cast: dict[str, Any]
) -> None:
    issuer = httpserver.url_for("").rstrip("/")
    said = {"issuer": "https://evil.example", "authorization_endpoint": issuer, "token_endpoint": issuer}
    httpserver.expect_request("/.well-known/openid-configuration").respond_with_json({**said, "jwks_uri": issuer})
    site(openid=OpenIDConnect(issuer, "auditsite", "secret", "Example"))
    assert Client().get("/sso/openid/").status_code == 403
    httpserver.clear()
    assert Client().get("/sso/openid/").status_code == 502
    caches["local"].clear()


def test_login_ends_at_a_fixed_time(provider: Provider, cast: dict[str, Any]) -> None:
    client, _ = ceremony(provider, provider.person())
    ends_at = sessions.ends_at(client.session)
    assert ends_at
    left = ends_at - timezone.now()
    assert timedelta(hours=11, minutes=58) < left <= timedelta(hours=12)


def test_form_outlasts_the_login_that_confirms_who_sends_it(provider: Provider, cast: dict[str, Any]) -> None:
    sub, page = provider.person(), "/profile/tokens/new"
    dora, _ = ceremony(provider, sub)
    mark = dora.get(page).content.decode().split('name="kept_form" value="')[1].split('"')[0]
    session = dora.session
    session["account_authentication_methods"] = [{"method": "socialaccount", "at": 0}]
    session.save()
    asked = dora.post(page, {"kept_form": mark, "name": "Nightly report"})
    offered = dora.get(asked["Location"])
    assert offered.status_code == 403
    assert 'href="/sso/openid/?next=%2Fprofile%2Ftokens%2Fnew"' in offered.content.decode()
    assert "prompt=login&max_age=0&" in dora.get("/sso/openid/")["Location"]
    elsewhere = Client().get("/sso/openid/")["Location"]
    assert ("max_age=43200" in elsewhere, "prompt=" in elsewhere) == (True, False)

    _, answer = ceremony(provider, sub, dora, page)

    assert answer["Location"] == page
    assert 'value="Nightly report"' in dora.get(page).content.decode()


AGO = {"now": 0, "a while ago": -60 * 14, "too long ago": -60 * 16, "some day": 60 * 60, "it does not say": None}


@pytest.mark.parametrize("asked", AGO)
@pytest.mark.parametrize("has_password", [False, True])
def test_login_confirms_as_of_when_the_provider_asked(
    provider: Provider, cast: dict[str, Any], asked: str, has_password: bool
) -> None:
    """By its word, not by what it was told to do: a browser can take `prompt` out, and log out to be sent without."""
    ago = AGO[asked]
    counts = asked not in ("too long ago", "it does not say")
    sub = provider.person(auth_time=None if ago is None else int(time.time()) + ago)
    dora, _ = ceremony(provider, sub)
    if has_password:
        person = People.get(username="dora")
        person.set_password(PASSWORD)
        person.save()
        dora, _ = ceremony(provider, sub)

    assert (dora.get("/profile/tokens/new").status_code == 200) is counts
    ceremony(provider, sub, dora)
    assert (dora.get("/profile/tokens/new").status_code == 200) is counts
    if asked == "some day":
        (record,) = dora.session["account_authentication_methods"]
        assert record["at"] <= time.time(), "no confirmation in advance"


@pytest.mark.parametrize("said", ["yesterday", True, [1]])
def test_what_is_no_moment_confirms_nothing(provider: Provider, cast: dict[str, Any], said: Any) -> None:
    dora, _ = ceremony(provider, provider.person(auth_time=said))

    assert dora.get("/profile/tokens/new").status_code == 302


def test_moment_is_in_the_signed_token_or_is_not_said(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = Adapter(RequestFactory().get("/"), provider.issuer)
    monkeypatch.setattr(adapter, "ask", lambda *_, **__: {"sub": "x", "groups": ["a"], "auth_time": 7})
    monkeypatch.setattr(Adapter, "openid_config", {"userinfo_endpoint": f"{provider.issuer}/userinfo"})

    assert adapter._with_userinfo({"sub": "x"}, "token") == {"sub": "x", "groups": ["a"], "auth_time": None}


def test_passwords_are_for_superusers_alone_where_that_is_set(
    provider: Provider, cast: dict[str, Any], settings: Any
) -> None:
    settings.LOCAL_LOGIN = "superusers"
    page = Client().get("/login/").content.decode()
    assert "Emergency login with a password" in page
    for name, gets_in in (("bob", False), ("admin", True)):
        client = Client()
        answer = client.post("/login/", {"login": name, "password": PASSWORD})
        assert (answer.status_code == 302) is gets_in
    wrong = Client().post("/login/", {"login": "bob", "password": "wrong"}).content.decode()
    right = Client().post("/login/", {"login": "bob", "password": PASSWORD}).content.decode()
    assert "not correct" in wrong
    assert "not correct" in right, "nobody learns that the password was right"


def test_site_without_a_provider_offers_none(cast: dict[str, Any]) -> None:
    assert "/sso/" not in Client().get("/login/").content.decode()
    for path in ("openid/", "openid/callback/", "saml/", "saml/finish/", "saml/metadata/"):
        assert Client().get(f"/sso/{path}").status_code == 404
    assert Client().post("/sso/saml/acs/").status_code == 404


def test_administrator_reads_whose_a_login_is_and_takes_it_away(
    provider: Provider, cast: dict[str, Any], login: Login
) -> None:
    sub = provider.person()
    ceremony(provider, sub)
    admin, pages = login("admin"), "/admin/socialaccount/socialaccount/"
    listed = admin.get(pages).content.decode()
    assert "dora" in listed
    assert "Example" in listed
    link = People.get(username="dora").socialaccount_set.get()
    assert "messaging-eu" in admin.get(f"{pages}{link.pk}/change/").content.decode()
    asked = admin.get(f"{pages}{link.pk}/delete/").content.decode()
    assert "no other way in" in asked
    admin.post(f"{pages}{link.pk}/delete/", {"post": "yes"})
    assert ceremony(provider, sub)[1].status_code == 403


@pytest.mark.parametrize("person", ["", "bob"])
def test_its_addresses_are_there_for_anybody_once_it_is_set_up(
    provider: Provider, cast: dict[str, Any], person: str
) -> None:
    client = Client()
    if person:
        client.force_login(cast[person], backend="auditsite.login.Backend")

    for path in ("/sso/openid/", "/sso/openid/callback/"):
        answer = client.get(path)
        assert answer.status_code not in (404, 405), path
        assert not answer.get("Location", "").startswith("/login/?next="), path


def test_rights_that_a_login_brings_or_takes_stand_beside_it(provider: Provider, cast: dict[str, Any]) -> None:
    ceremony(provider, provider.person(groups=["CN=Audit,OU=Groups"]))
    assert set(told()) == {("dora", "login", "session"), ("dora", "rights_changed", "person")}

    ceremony(provider, provider.person(groups=[]))

    assert set(told()[2:]) == {("dora", "login_refused", "session"), ("dora", "rights_changed", "person")}
    assert AccessEntry.objects.get(action="login_refused").details["reason"]
    assert not any("filter" in entry.details for entry in AccessEntry.objects.all())
