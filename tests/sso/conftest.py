"""Sites with a provider, and people who log in there."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.test import Client

from accounts.sso.config import OpenIDConnect, SingleSignOn
from auditsite.configuration.single_sign_on import group_map

with warnings.catch_warnings():
    # What the provider is made of warns of its own future, whatever the filters were before its import.
    import authlib.deprecate

    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    import oidc_provider_mock

GROUPS = "messaging-eu=team:Messaging team;CN=Audit,OU=Groups=role:auditors,staff;roots=superuser"


@pytest.fixture
def site(settings: Any) -> Callable[..., SingleSignOn]:
    """Set up single sign-on for one test: what SSO_GROUPS and its companions would say, by their names here."""

    def configure(**said: Any) -> SingleSignOn:
        base = settings.SINGLE_SIGN_ON
        rules = dataclasses.replace(base, session=timedelta(hours=12), **({"group_map": group_map(GROUPS)} | said))
        settings.SINGLE_SIGN_ON = rules
        settings.SOCIALACCOUNT_PROVIDERS = rules.allauth_providers
        return rules

    return configure


@pytest.fixture(scope="session")
def oidc_server() -> Iterator[str]:
    """An OpenID Connect provider on this machine; its issuer."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


class Provider:
    """What a person does at the OpenID Connect provider, and what its administrator does."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def person(self, sub: str = "subject-1", **claims: Any) -> str:
        """Somebody who can log in there, and is asked for it each time."""
        claims = {
            "auth_time": int(time.time()),
            "preferred_username": "dora",
            "email": "dora@example.com",
            "groups": ["messaging-eu"],
        } | claims
        requests.put(f"{self.issuer}/users/{sub}", json=claims, timeout=5).raise_for_status()
        return sub

    def log_in(self, address: str, sub: str) -> str:
        """Follow a browser to the provider's login, log in, and return where it is sent back to."""
        requests.get(address, timeout=5).raise_for_status()
        answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=5)
        assert answer.status_code in (302, 303), answer.text
        return answer.headers["Location"]


@pytest.fixture
def provider(oidc_server: str, site: Callable[..., SingleSignOn], db: None) -> Provider:
    """The OpenID Connect provider, set up at this site."""
    site(openid=OpenIDConnect(oidc_server, "auditsite", "client-secret", "Example"))
    return Provider(oidc_server)


def ceremony(provider: Provider, sub: str, client: Client | None = None, page: str = "/events/") -> tuple[Client, Any]:
    """A whole login: from our button to the provider and back. The browser, and the answer to it."""
    client = client or Client()
    begun = client.get("/sso/openid/", {"next": page})
    assert begun.status_code == 302, begun.content
    return client, client.get(provider.log_in(begun["Location"], sub))


def user_of(client: Client) -> str | None:
    """Who a browser is logged in as, by the number in its session."""
    return client.session.get("_auth_user_id")
