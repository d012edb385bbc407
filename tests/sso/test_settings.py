"""Settings of single sign-on: refused with a sentence, and nothing loaded without them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.sso.config import Grants, GroupMap
from auditsite.configuration import single_sign_on
from tests.configuration.test_settings import start

OPENID: dict[str, Any] = {
    "issuer": "https://login.example.com",
    "client_id": "auditsite",
    "secret": "hunter2hunter2",
    "label": "Example",
    "scopes": ["openid"],
    "groups": "groups",
    "required": [],
}
SAML: dict[str, Any] = {
    "metadata": "https://login.example.com/metadata",
    "certificate": "",
    "idp": "https://login.example.com",
    "entity_id": "",
    "site": "https://audit.example.com",
    "label": "Example",
    "subject": "",
    "groups": "groups",
    "unsolicited": False,
}


def test_groups_are_read_with_what_they_give() -> None:
    mapped = single_sign_on.group_map("CN=Net,OU=x=team:Network,role:account-admins; /roots=superuser ;")
    assert mapped.given_by == {
        "CN=Net,OU=x": Grants(frozenset({"Network", "Account admins"})),
        "/roots": Grants(superuser=True),
    }
    assert mapped.everything == Grants(frozenset({"Network", "Account admins"}), superuser=True)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("netops", "expected group=target"),
        ("=team:A", "expected group=target"),
        ("netops=", "expected group=target"),
        ("netops=boss", "which is none of team:NAME"),
        ("netops=role:superuser", "which is none of"),
        ("netops=team:Auditors", "which is none of"),
        ("a=staff;a=superuser", "twice"),
    ],
)
def test_groups_that_cannot_be_meant_are_refused(value: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        single_sign_on.group_map(value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "http://login.example.com"}, "OIDC_ISSUER must use https"),
        ({"issuer": "login.example.com"}, "OIDC_ISSUER must be an address"),
        ({"issuer": "https://login.example.com/.well-known/openid-configuration"}, "the issuer alone"),
        ({"client_id": ""}, "OIDC_CLIENT_ID is missing"),
        ({"secret": ""}, "OIDC_CLIENT_SECRET is missing"),
        ({"scopes": ["email"]}, "OIDC_SCOPES must hold openid"),
        ({"required": ["hd"]}, "expected claim=value"),
        ({"issuer": "https://accounts.google.com"}, "everybody with a Google account"),
    ],
)
def test_openid_connect_that_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said) as caught:
        single_sign_on.openid(**(OPENID | changes))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metadata": "http://login.example.com/metadata"}, "SAML_METADATA must use https"),
        ({"metadata": "no-such-file.xml"}, "neither an https address nor a file"),
        ({"idp": ""}, "SAML_IDP is missing"),
        ({"certificate": "no-such-file.pem"}, "not a PEM file"),
        ({"certificate": "pyproject.toml"}, "no PEM certificate"),
    ],
)
def test_saml_that_cannot_be_meant_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        single_sign_on.saml(**(SAML | changes))


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_sign_on, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match=r"auditsite\[sso\]"):
        single_sign_on.openid(**OPENID)
    with pytest.raises(ImproperlyConfigured, match=r"auditsite\[saml\]"):
        single_sign_on.saml(**SAML)


def test_what_would_lock_everybody_out_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="nobody could log in"):
        single_sign_on.group_needed("groups", configured=True, mapped=GroupMap())
    with pytest.raises(ImproperlyConfigured, match="LOCAL_LOGIN must be everyone"):
        single_sign_on.local_login("superusers", configured=False)


LOADED = (
    "import sys; print([name for name in "
    "('allauth.socialaccount', 'accounts.sso.apps', 'jwt', 'onelogin') if name in sys.modules])"
)


def test_nothing_of_it_is_loaded_where_it_is_not_configured() -> None:
    assert start(("shell", "--no-imports", "-c", LOADED)).stdout.strip() == "[]"


def test_configured_site_starts() -> None:
    said = start(
        ("check", "--deploy", "--fail-level", "WARNING"),
        SECRET_KEY="long-enough-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
        OIDC_ISSUER="https://login.example.com",
        OIDC_CLIENT_ID="auditsite",
        OIDC_CLIENT_SECRET="hunter2hunter2",
        SAML_METADATA="https://login.example.com/metadata",
        SAML_IDP="https://login.example.com",
        SSO_GROUPS="netops=team:Network",
    )
    assert (said.returncode, "hunter2" in said.stdout + said.stderr) == (0, False), said.stderr
