"""What the identity provider says of itself: where it logs people in, and what it signs with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xmlsec
from allauth.socialaccount.adapter import get_adapter
from django.core.cache import caches
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from accounts.sso.refusal import Refusal

if TYPE_CHECKING:
    from accounts.sso.config import Saml

KEPT = 3_600  # seconds that metadata from an address is not asked for again
NS = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
# Signatures that count; with SHA-1 they do not.
SIGNATURES = frozenset(
    {
        *(
            f"http://www.w3.org/2001/04/xmldsig-more#{key}-sha{bits}"
            for key in ("rsa", "ecdsa")
            for bits in (256, 384, 512)
        ),
    }
)


def read(config: Saml) -> dict[str, Any]:
    """The provider's part of python3-saml's settings. Raises Refusal, RequestException."""
    key = f"sso:{config.metadata}:{config.idp}"
    known: Any = caches["local"].get(key)
    if known is None:
        known = parse(_fetch(config.metadata), config)
        caches["local"].set(key, known, KEPT)
    return known  # type: ignore[no-any-return]


def _fetch(place: str) -> bytes:
    if "://" not in place:
        try:
            return Path(place).read_bytes()
        except OSError as error:
            raise Refusal("unreachable", f"SAML_METADATA: {error.strerror}") from None
    with get_adapter().get_requests_session() as session:
        response = session.get(place)
        response.raise_for_status()
        return bytes(response.content)


def parse(document: bytes, config: Saml) -> dict[str, Any]:
    """The same from the metadata itself, which must be signed where a certificate is configured. Raises Refusal."""
    try:
        root = OneLogin_Saml2_XML.to_etree(document)
    except Exception as error:  # of lxml, or of its guard against document types
        raise Refusal("invalid", f"metadata: {type(error).__name__}: {error}") from None
    if config.certificate:
        _check_signature(root, config.certificate)
    if any(_is_over(element.get("validUntil")) for element in (root, *root.iterfind(".//md:EntityDescriptor", NS))):
        raise Refusal("invalid", "metadata: its validUntil has passed")
    if "'" in config.idp:
        raise Refusal("invalid", "SAML_IDP holds a quotation mark")
    found = OneLogin_Saml2_IdPMetadataParser.parse(OneLogin_Saml2_XML.to_string(root), entity_id=config.idp).get("idp")
    if not found or found.get("entityId") != config.idp:
        raise Refusal("invalid", f"metadata: no identity provider is called {config.idp}")
    if not found.get("singleSignOnService", {}).get("url"):
        raise Refusal("invalid", "metadata: no login by HTTP-Redirect")
    if not (found.get("x509cert") or found.get("x509certMulti")):
        raise Refusal("invalid", "metadata: no certificate to check signatures with")
    return found  # type: ignore[no-any-return]


def _check_signature(root: Any, certificate: str) -> None:
    """Raise Refusal unless the whole document is signed with this certificate's key."""
    signature = root.find("ds:Signature", NS)
    references = [] if signature is None else signature.findall("ds:SignedInfo/ds:Reference", NS)
    if signature is None or len(references) != 1 or references[0].get("URI") not in ("", f"#{root.get('ID')}"):
        raise Refusal("invalid", "metadata: not signed as a whole")
    if signature.find("ds:SignedInfo/ds:SignatureMethod", NS).get("Algorithm") not in SIGNATURES:
        raise Refusal("invalid", "metadata: signed with an algorithm that does not count")
    identifiers = [element.get("ID") for element in root.iter() if element.get("ID")]
    if len(identifiers) != len(set(identifiers)):
        raise Refusal("invalid", "metadata: an ID stands twice")
    xmlsec.tree.add_ids(root, ["ID"])
    try:
        OneLogin_Saml2_Utils.validate_node_sign(signature, root, cert=certificate, raise_exceptions=True)
    except Exception as error:
        raise Refusal("invalid", f"metadata: {type(error).__name__}: its signature is wrong") from None


def _is_over(moment: str | None) -> bool:
    if not moment:
        return False
    return datetime.fromtimestamp(OneLogin_Saml2_Utils.parse_SAML_to_time(moment), UTC) < datetime.now(UTC)
