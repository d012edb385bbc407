"""Logging in by SAML, at an identity provider on this machine that answers well or badly."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import xmlsec
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.test import Client
from lxml import etree
from pytest_httpserver import HTTPServer

from accounts.sso.config import Saml, SingleSignOn
from accounts.sso.models import SpentAssertion
from accounts.sso.refusal import Refusal
from accounts.sso.saml import metadata
from tests.sso.conftest import user_of
from tests.tools.saml_provider import NS, SamlProvider, Signer, request_in, with_entities, wrapped

People = get_user_model().objects
OTHER = "https://somewhere.example/"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="module")
def stranger() -> Signer:
    return Signer()


@pytest.fixture
def idp(
    httpserver: HTTPServer, signer: Signer, site: Callable[..., SingleSignOn], cast: dict[str, Any]
) -> SamlProvider:
    """The identity provider, set up at this site."""
    provider = SamlProvider(httpserver, signer)
    site(saml=Saml(f"{provider.url}/metadata", provider.entity_id, "https://audit.example.com/saml", "Example"))
    caches["local"].clear()
    return provider


def posted(idp: SamlProvider, client: Client, page: str = "/events/") -> tuple[Any, dict[str, str]]:
    """The answer to the form that the provider has a browser post, and the form."""
    begun = client.get("/sso/saml/", {"next": page})
    assert begun.status_code == 302, begun.content
    address, fields = idp.log_in(begun["Location"])
    # As browsers do with what another site posts: without the session.
    return Client().post(address, fields), fields


def ceremony(idp: SamlProvider, page: str = "/events/") -> tuple[Client, Any]:
    """A whole login. The browser, and the last answer to it."""
    client = Client()
    answer, _ = posted(idp, client, page)
    return client, client.get(answer["Location"]) if answer.status_code == 303 else answer


def test_first_login_makes_a_person_and_the_next_follows_the_groups(idp: SamlProvider) -> None:
    client, answer = ceremony(idp, "/findings/")
    assert (answer.status_code, answer["Location"]) == (302, "/findings/")
    person = People.get(username="dora")
    assert user_of(client) == str(person.pk)
    assert [team.name for team in person.groups.all()] == ["Messaging team"]

    idp.attributes["groups"] = ["CN=Audit,OU=Groups"]
    ceremony(idp)
    person.refresh_from_db()
    assert [team.name for team in person.groups.all()] == ["Auditors"]
    assert person.is_staff
    assert b"demo0001" in client.get("/accounts/").content

    idp.attributes["groups"] = []
    _, answer = ceremony(idp)
    assert answer.status_code == 403
    assert not person.groups.exists()
    assert b"demo0001" not in client.get("/accounts/").content, "in the session that is still open either"


def test_who_is_logged_in_and_comes_again_is_asked_by_the_provider(idp: SamlProvider) -> None:
    client, _ = ceremony(idp)

    forced = [request_in(each.get("/sso/saml/")["Location"]).get("ForceAuthn") for each in (Client(), client)]

    assert forced == [None, "true"]


@pytest.mark.parametrize(("moment", "counts"), [(-1, True), (-14, True), (-16, False), ("24:00:00", False)])
@pytest.mark.parametrize("unsolicited", [False, True])
def test_login_confirms_as_of_when_the_provider_asked(
    idp: SamlProvider, site: Callable[..., SingleSignOn], settings: Any, moment: Any, counts: bool, unsolicited: bool
) -> None:
    """By its word, not by what it was told to do: a browser can take `ForceAuthn` out."""
    if isinstance(moment, int):
        moment = (datetime.now(UTC) + timedelta(minutes=moment)).strftime("%Y-%m-%dT%H:%M:%S.123Z")
    else:  # what the schema takes and Python does not
        moment = f"2026-01-01T{moment}Z"
    ours = dataclasses.replace(settings.SINGLE_SIGN_ON.saml, unsolicited=True)
    site(saml=ours)
    idp.before_signing = changed(".//saml:AuthnStatement", "AuthnInstant", moment)
    if unsolicited:
        client = Client()
        form = {"SAMLResponse": idp.answer("", "http://testserver/sso/saml/acs/", ours.entity_id)}
        client.get(client.post("/sso/saml/acs/", form)["Location"])
    else:
        client, _ = ceremony(idp)
    assert user_of(client)

    assert (client.get("/profile/tokens/new").status_code == 200) is counts


def not_signed(response: Any) -> None:
    pass


def by(signer: Signer, **how: Any) -> Callable[[Any], None]:
    return lambda response: signer.sign(response.find("saml:Assertion", NS), **how)


def changed(path: str, name: str, value: str | None) -> Callable[[Any], None]:
    """What changes an attribute, or text where it has no name; None takes it away."""

    def change(response: Any) -> None:
        element = response.find(path, NS) if path else response
        if not name:
            element.text = value
        elif value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return change


def twice(path: str) -> Callable[[Any], None]:
    """What repeats an element."""

    def repeat(response: Any) -> None:
        element = response.find(path, NS)
        element.addnext(copy.deepcopy(element))

    return repeat


CONFIRMED = ".//saml:SubjectConfirmationData"
BAD: dict[str, dict[str, Any]] = {
    "no signature": {"why": "The Assertion of the Response is not signed", "sign": not_signed},
    "only the response signed": {
        "why": "The Assertion of the Response is not signed",
        "sign": lambda idp, _: lambda response: idp.signer.sign(response),
    },
    "a stranger's signature": {"why": "Signature validation failed", "sign": lambda _, stranger: by(stranger)},
    "a signature with SHA-1": {
        "why": "Deprecated signature algorithm",
        "sign": lambda idp, _: by(idp.signer, method=xmlsec.Transform.RSA_SHA1),
    },
    "changed after signing": {
        "why": "Signature validation failed",
        "spoil": changed(".//saml:NameID", "", "somebody-else"),
    },
    "a wrapped signature": {"why": "must contain 1 assertion", "spoil": wrapped},
    "entities": {"why": "DTDForbidden", "spoil": with_entities},
    "no XML": {"why": "XMLSyntaxError", "spoil": lambda response: b"nothing of the kind"},
    "another audience": {"why": "not a valid audience", "audience": OTHER},
    "no audience": {
        "why": "no audience",
        "before_signing": lambda response: response.find(".//saml:Conditions", NS).clear(),
    },
    "expired": {"why": "expired", "lasts": timedelta(minutes=-2)},
    "not yet valid": {
        "why": "not yet valid",
        "before_signing": changed(".//saml:Conditions", "NotBefore", "2999-01-01T00:00:00Z"),
    },
    "another destination": {"why": "instead of https://somewhere", "before_signing": changed("", "Destination", OTHER)},
    "another recipient": {
        "why": "SubjectConfirmation was not found",
        "before_signing": changed(CONFIRMED, "Recipient", OTHER),
    },
    "a recipient that ours is part of": {
        "why": "no confirmation for this site",
        "before_signing": changed(CONFIRMED, "Recipient", f"{OTHER}?http://testserver/sso/saml/acs/"),
    },
    "no end": {"why": "no confirmation for this site", "before_signing": changed(CONFIRMED, "NotOnOrAfter", None)},
    "two confirmations": {"why": "2 confirmations, not one", "before_signing": twice(".//saml:SubjectConfirmation")},
    "another issuer": {"why": "Invalid issuer", "before_signing": changed(".//saml:Assertion/saml:Issuer", "", OTHER)},
    "a transient name": {"why": "transient", "name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
    "no name": {"why": "no NameID", "subject": ""},
    "a name that is too long": {"why": "no usable subject", "subject": "x" * 192},
    "refused there": {
        "why": "was not Success",
        "before_signing": changed(".//samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"),
    },
}


@pytest.mark.parametrize("how", BAD)
def test_bad_answer_lets_nobody_in(
    how: str, idp: SamlProvider, stranger: Signer, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in BAD[how].items():
        if name != "why":
            setattr(idp, name, value(idp, stranger) if name == "sign" and value is not not_signed else value)

    client, answer = ceremony(idp)

    assert answer.status_code == 403
    assert BAD[how]["why"] in caplog.text
    assert user_of(client) is None
    assert not People.filter(username="dora").exists()
    assert not SpentAssertion.objects.exists()


def test_assertion_opens_once(idp: SamlProvider) -> None:
    client = Client()
    answer, fields = posted(idp, client)
    assert Client().post("/sso/saml/acs/", fields).status_code == 403
    assert client.get(answer["Location"]).status_code == 302
    assert Client().get(answer["Location"]).status_code == 403, "nor does the second step"


def test_spent_assertions_are_forgotten_when_they_have_expired(db: None) -> None:
    now = datetime.now(UTC)
    assert SpentAssertion.spend("a", now - timedelta(seconds=1))
    assert SpentAssertion.spend("b", now + timedelta(hours=1))
    assert not SpentAssertion.spend("b", now + timedelta(hours=1))
    assert [spent.digest for spent in SpentAssertion.objects.all()] == ["b"]


def test_answer_is_for_the_browser_that_asked(idp: SamlProvider) -> None:
    answer, _ = posted(idp, Client())
    other = Client()
    other.get("/sso/saml/")
    assert other.get(answer["Location"]).status_code == 403
    assert user_of(other) is None


def test_login_begins_at_the_provider_only_where_that_is_set(
    idp: SamlProvider, site: Callable[..., SingleSignOn], settings: Any
) -> None:
    ours = settings.SINGLE_SIGN_ON.saml

    def unsolicited() -> Any:
        client = Client()
        form = {"SAMLResponse": idp.answer("", "http://testserver/sso/saml/acs/", ours.entity_id)}
        return client.get(client.post("/sso/saml/acs/", form)["Location"])

    assert unsolicited().status_code == 403
    site(saml=dataclasses.replace(ours, unsolicited=True))
    assert unsolicited().status_code == 302


def test_clocks_may_differ_by_what_is_set(idp: SamlProvider, site: Callable[..., SingleSignOn]) -> None:
    ahead = (datetime.now(UTC) + timedelta(seconds=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    idp.before_signing = changed(".//saml:Conditions", "NotBefore", ahead)
    assert ceremony(idp)[1].status_code == 302
    site(clock_skew=10)
    assert ceremony(idp)[1].status_code == 403


def test_our_metadata_asks_for_signed_assertions(idp: SamlProvider) -> None:
    root = etree.fromstring(Client().get("/sso/saml/metadata/").content)
    assert root.get("entityID") == "https://audit.example.com/saml"
    described = root.find("{*}SPSSODescriptor")
    assert described.get("WantAssertionsSigned") == "true"
    assert described.find("{*}AssertionConsumerService").get("Location") == "http://testserver/sso/saml/acs/"


def test_metadata_must_be_signed_where_a_certificate_is_set(
    idp: SamlProvider, signer: Signer, stranger: Signer
) -> None:
    config = Saml("", idp.entity_id, "https://us.example", "Example", certificate=signer.certificate)
    assert metadata.parse(idp.metadata(signer=signer), config)["singleSignOnService"]["url"] == f"{idp.url}/login"
    moved = idp.metadata(signer=signer).replace(b"/login", b"/elsewhere")
    for bad in (idp.metadata(), idp.metadata(signer=stranger), moved):
        with pytest.raises(Refusal, match="sign"):
            metadata.parse(bad, config)


def test_metadata_that_is_over_or_of_another_provider_is_refused(idp: SamlProvider) -> None:
    config = Saml("", idp.entity_id, "https://us.example", "Example")
    with pytest.raises(Refusal, match="validUntil"):
        metadata.parse(idp.metadata(valid_until="2020-01-01T00:00:00Z"), config)
    with pytest.raises(Refusal, match="no identity provider"):
        metadata.parse(idp.metadata(), dataclasses.replace(config, idp=OTHER))
    with pytest.raises(Refusal, match="metadata"):
        metadata.parse(with_entities(etree.fromstring(idp.metadata())), config)


def test_provider_that_is_down_is_told(idp: SamlProvider, site: Callable[..., SingleSignOn], settings: Any) -> None:
    site(saml=dataclasses.replace(settings.SINGLE_SIGN_ON.saml, metadata="http://127.0.0.1:9/metadata"))
    answer = Client().get("/sso/saml/")
    assert answer.status_code == 502
    assert "cannot be reached" in answer.content.decode()


@pytest.mark.parametrize("person", ["", "bob"])
def test_its_addresses_are_there_for_anybody_once_it_is_set_up(
    idp: SamlProvider, cast: dict[str, Any], person: str
) -> None:
    client = Client()
    if person:
        client.force_login(cast[person], backend="auditsite.login.Backend")
    answers = [client.get(f"/sso/saml/{part}") for part in ("", "metadata/", "finish/")]

    for answer in (*answers, client.post("/sso/saml/acs/")):
        assert answer.status_code not in (404, 405), answer.request["PATH_INFO"]
        assert not answer.get("Location", "").startswith("/login/?next="), answer.request["PATH_INFO"]
