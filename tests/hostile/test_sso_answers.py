"""Hostile answers of identity providers, as a browser carries them: refused with a page, never with 500 or more."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from accounts.sso.config import OpenIDConnect, Saml, SingleSignOn
from tests.hostile.test_surfaces import assert_answered, hostile, raw, value
from tests.sso.conftest import oidc_server, site  # noqa: F401 - fixtures
from tests.tools.saml_provider import SamlProvider, Signer

pytestmark = pytest.mark.django_db
ENTITIES = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
)
pieces = st.sampled_from(
    (
        *(ENTITIES, "&c;", '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">', '<!ENTITY x SYSTEM "file:///etc/passwd">'),
        *(
            "<!-- -->",
            "<![CDATA[x]]>",
            "<?xml-stylesheet href='x'?>",
            '<xi:include href="/etc/passwd"/>',
            "</saml:Issuer>",
        ),
        *("<saml:Assertion/>", 'ID="x"', "\x00", "&#0;", "&#x110000;", "<a>" * 300, "ﬀ", '<?xml version="1.1"?>'),
        *("2026-01-01T00:00:00", "9999-12-31T23:59:59Z", "urn:oasis:names:tc:SAML:2.0:status:Responder", "http://[::1"),
    )
)


@pytest.fixture
def providers(
    httpserver: HTTPServer,
    oidc_server: str,  # noqa: F811
    site: Callable[..., SingleSignOn],  # noqa: F811
    cast: Any,
) -> SamlProvider:
    """One of each kind, set up at this site."""
    provider = SamlProvider(httpserver, Signer())
    site(
        openid=OpenIDConnect(oidc_server, "auditsite", "client-secret", "Example"),
        saml=Saml(f"{provider.url}/metadata", provider.entity_id, "https://audit.example.com/saml", "Example"),
    )
    caches["local"].clear()
    return provider


@pytest.fixture
def known() -> dict[str, Any]:
    """What is made once for all examples."""
    return {}


def assert_nobody_came(client: Client, people: int) -> None:
    assert "_auth_user_id" not in client.session
    assert get_user_model().objects.count() == people


@hostile
@given(cut=st.floats(0, 1), odd=pieces | value, keep=st.integers(0, 400), garbled=st.booleans(), relay=value)
def test_saml(
    providers: SamlProvider, known: dict[str, Any], cut: float, odd: str, keep: int, garbled: bool, relay: str
) -> None:
    """A good answer with something odd in its midst, or a piece left out."""
    if not known:
        client = Client()
        _, fields = providers.log_in(client.get("/sso/saml/", {"next": "/events/"})["Location"])
        known |= {"client": client, "good": base64.b64decode(fields["SAMLResponse"]), "relay": fields["RelayState"]}
        known["people"] = get_user_model().objects.count()
    good, at = known["good"], int(cut * len(known["good"]))
    answer = good[:at] + odd.encode() + good[at + keep :]
    sent = odd if garbled else base64.b64encode(answer).decode()
    client = known["client"]
    assert_answered(client.post("/sso/saml/acs/", {"SAMLResponse": sent, "RelayState": relay or known["relay"]}))
    assert_answered(client.get("/sso/saml/finish/", {"ticket": relay}))
    assert_nobody_came(client, known["people"])


@hostile
@given(
    state=raw,
    code=raw,
    error=st.sampled_from(("", "&error=access_denied", "&error[]=x", "&iss=http://[::1")),
    right=st.booleans(),
)
def test_openid(providers: SamlProvider, known: dict[str, Any], state: str, code: str, error: str, right: bool) -> None:
    if not known:
        client = Client()
        begun = client.get("/sso/openid/", {"next": "/events/"})["Location"]
        known |= {"client": client, "state": begun.partition("state=")[2].partition("&")[0]}
        known["people"] = get_user_model().objects.count()
    client = known["client"]
    right = right and not code  # the provider is not asked ten thousand times
    query = f"state={known['state'] if right else state}&code={code}{error}"
    assert_answered(client.get("/sso/openid/callback/", QUERY_STRING=query))
    assert_nobody_came(client, known["people"])
