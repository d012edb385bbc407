"""A SAML identity provider over HTTP, that answers well or in each of the ways in which an answer can be bad."""

from __future__ import annotations

import base64
import copy
import secrets
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree, html
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
NS = {"saml": SAML, "samlp": SAMLP}
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


class Signer:
    """A key with its certificate."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=9))
            .sign(key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.bare_certificate = "".join(self.certificate.splitlines()[1:-1])
        self.key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, element: Any, place: int = 1, method: Any = xmlsec.Transform.RSA_SHA256) -> None:
        """Sign an element with an ID, by a signature at this place within it."""
        xmlsec.tree.add_ids(element, ["ID"])
        signature = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, method)
        element.insert(place, signature)
        digest = xmlsec.Transform.SHA1 if method == xmlsec.Transform.RSA_SHA1 else xmlsec.Transform.SHA256
        reference = xmlsec.template.add_reference(signature, digest, uri=f"#{element.get('ID')}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(self.key, xmlsec.KeyFormat.PEM)
        context.sign(signature)


class SamlProvider:
    """The provider. Attributes are what it says of whoever logs in; `spoil` may change an answer before it is sent."""

    def __init__(self, server: HTTPServer, signer: Signer) -> None:
        self.signer = signer
        self.url = server.url_for("").rstrip("/")
        self.entity_id = f"{self.url}/saml"
        self.subject = "subject-1"
        self.name_format = PERSISTENT
        self.attributes: dict[str, list[str]] = {
            "username": ["dora"],
            "email": ["dora@example.com"],
            "groups": ["messaging-eu"],
        }
        self.audience = ""  # the asking site's own
        self.lasts = timedelta(minutes=5)
        self.before_signing: Callable[[Any], None] = lambda response: None
        self.sign: Callable[[Any], None] = lambda response: signer.sign(response.find("saml:Assertion", NS))
        self.spoil: Callable[[Any], Any] = lambda response: response
        server.expect_request("/metadata").respond_with_handler(lambda request: Response(self.metadata()))
        server.expect_request("/login").respond_with_handler(self._log_in)

    def metadata(self, valid_until: str = "", signer: Signer | None = None) -> bytes:
        until = f' validUntil="{valid_until}"' if valid_until else ""
        root = etree.fromstring(
            f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_m"
              entityID="{self.entity_id}"{until}>
            <md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}"><md:KeyDescriptor use="signing">
            <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
            <ds:X509Certificate>{self.signer.bare_certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
            <md:SingleSignOnService Location="{self.url}/login"
              Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"/>
            </md:IDPSSODescriptor></md:EntityDescriptor>"""
        )
        if signer:
            signer.sign(root, 0)
        return etree.tostring(root)

    def _log_in(self, request: Request) -> Response:
        asked = etree.fromstring(zlib.decompress(base64.b64decode(request.args["SAMLRequest"]), -15))
        assert asked.get("Destination") == f"{self.url}/login"
        answer = self.answer(
            asked.get("ID"), asked.get("AssertionConsumerServiceURL"), asked.findtext("saml:Issuer", namespaces=NS)
        )
        return Response(
            f'<form method="post" action="{asked.get("AssertionConsumerServiceURL")}">'
            f'<input name="SAMLResponse" value="{answer}"><input name="RelayState" value="x"></form>',
            mimetype="text/html",
        )

    def answer(self, request: str, address: str, audience: str) -> str:
        """The response as a form carries it."""
        now, end = datetime.now(UTC), datetime.now(UTC) + self.lasts
        stamp, until = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (min(now, end), end))
        answers = f' InResponseTo="{request}"' if request else ""
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        response = etree.fromstring(
            f"""<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_{secrets.token_hex(16)}" Version="2.0"
              IssueInstant="{stamp}" Destination="{address}"{answers}><saml:Issuer>{self.entity_id}</saml:Issuer>
            <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
            <saml:Assertion ID="_{secrets.token_hex(16)}" Version="2.0" IssueInstant="{stamp}">
            <saml:Issuer>{self.entity_id}</saml:Issuer>
            <saml:Subject><saml:NameID Format="{self.name_format}">{self.subject}</saml:NameID>
            <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
            <saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{address}"{answers}/>
            </saml:SubjectConfirmation></saml:Subject>
            <saml:Conditions NotBefore="{stamp}" NotOnOrAfter="{until}"><saml:AudienceRestriction>
            <saml:Audience>{self.audience or audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
            <saml:AuthnStatement AuthnInstant="{stamp}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:x
            </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
            <saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"""
        )
        self.before_signing(response)
        self.sign(response)
        spoilt = self.spoil(response)  # bytes, another response, or None: this one
        if not isinstance(spoilt, bytes):
            spoilt = etree.tostring(response if spoilt is None else spoilt)
        return base64.b64encode(spoilt).decode()

    def log_in(self, address: str) -> tuple[str, dict[str, str]]:
        """Follow a browser to the login; where its form is to be posted, and what it holds."""
        page = requests.get(address, timeout=5)
        assert page.ok, page.text
        form = html.fromstring(page.text)
        return urlsplit(form.get("action")).path, dict(form.fields)


def wrapped(response: Any) -> Any:
    """The signed assertion hidden within the response, and a forged one of another person in its place."""
    signed = response.find("saml:Assertion", NS)
    forged = copy.deepcopy(signed)
    forged.remove(forged.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
    forged.set("ID", "_forged")
    forged.find(".//saml:NameID", NS).text = "somebody-else"
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    response.replace(signed, forged)
    extensions.append(signed)
    response.insert(1, extensions)
    return response


def with_entities(response: Any) -> bytes:
    """The same with entities that grow."""
    tens = "".join(f'<!ENTITY {name} "{10 * f"&{before};"}">' for before, name in ("ab", "bc"))
    bomb = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{tens}]>'
    return bomb.encode() + etree.tostring(response).replace(b"subject-1", b"&c;")


def request_id(address: str) -> str:
    """The id of the request that an address at the provider carries."""
    return str(request_in(address).get("ID"))


def request_in(address: str) -> Any:
    """The request itself."""
    asked = parse_qs(urlsplit(address).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(asked), -15))
