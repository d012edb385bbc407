"""Whether a SAML response is what it must be, and who it speaks of."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from accounts.sso.models import SpentAssertion
from accounts.sso.refusal import Refusal
from accounts.sso.saml import metadata

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.sso.config import Saml

LARGEST = 256 * 1024  # characters of a response
NS = OneLogin_Saml2_Constants.NSMAP
ASSERTION = "/samlp:Response/saml:Assertion"
CONFIRMATION = f"{ASSERTION}/saml:Subject/saml:SubjectConfirmation[@Method='{OneLogin_Saml2_Constants.CM_BEARER}']"
SECURITY = {
    "wantAssertionsSigned": True,
    "wantNameId": True,
    "wantAttributeStatement": False,
    "requestedAuthnContext": False,
    "rejectDeprecatedAlgorithm": True,
    "allowRepeatAttributeName": True,
    "allowSingleLabelDomains": True,
}
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


@dataclass(frozen=True)
class Statement:
    """What a verified assertion says. `answers` is the id of the request that it answers, or empty; `authenticated_at`
    is when the provider asked who is there, in seconds since the epoch."""

    subject: str
    attributes: dict[str, list[str]]
    answers: str
    authenticated_at: int | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def our_settings(request: HttpRequest, config: Saml) -> OneLogin_Saml2_Settings:
    """python3-saml's settings for this site and its provider. Raises Refusal, RequestException."""
    # Its one setting for clocks is the library's own constant.
    OneLogin_Saml2_Constants.ALLOWED_CLOCK_DRIFT = settings.SINGLE_SIGN_ON.clock_skew
    return _settings({"sp": _ourselves(request, config), "idp": metadata.read(config)})


def our_metadata(request: HttpRequest, config: Saml) -> bytes:
    """This site's own metadata, for the provider."""
    ours = _settings({"sp": _ourselves(request, config)}, sp_validation_only=True)
    document: Any = ours.get_sp_metadata()
    return document if isinstance(document, bytes) else document.encode()


def _settings(parts: dict[str, Any], **options: bool) -> OneLogin_Saml2_Settings:
    try:
        return OneLogin_Saml2_Settings({"strict": True, "security": SECURITY, **parts}, **options)
    except OneLogin_Saml2_Error as error:
        raise Refusal("invalid", f"settings: {error}") from None


def _ourselves(request: HttpRequest, config: Saml) -> dict[str, Any]:
    return {
        "entityId": config.entity_id,
        "assertionConsumerService": {
            "url": acs_address(request),
            "binding": OneLogin_Saml2_Constants.BINDING_HTTP_POST,
        },
        "NameIDFormat": OneLogin_Saml2_Constants.NAMEID_UNSPECIFIED,
    }


def acs_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("sso:saml_acs"))


def read(request: HttpRequest, config: Saml) -> Statement:
    """What the posted response says, once: an assertion that was read before is refused. Raises Refusal,
    RequestException."""
    sent = request.POST.get("SAMLResponse", "")
    if not sent or len(sent) > LARGEST:
        raise Refusal("invalid", "no SAML response, or too large a one")
    address = acs_address(request)
    ours = our_settings(request, config)
    response = _verified(sent, ours, request)
    document = response.get_xml_document()
    if document.get("Destination", address) != address:
        raise Refusal("invalid", "response: for another destination")
    if config.entity_id not in response.get_audiences():
        raise Refusal("invalid", "assertion: no audience, or another")
    confirmation = _confirmation(document, address)
    statement = Statement(
        _subject(response, config),
        {name: [str(value) for value in values if value] for name, values in response.get_attributes().items()},
        confirmation.get("InResponseTo", ""),
        _authenticated_at(document),
    )
    identifier = f"{config.idp}\0{response.get_assertion_id()}"
    until = datetime.fromtimestamp(OneLogin_Saml2_Utils.parse_SAML_to_time(confirmation.get("NotOnOrAfter")), UTC)
    until += timedelta(seconds=settings.SINGLE_SIGN_ON.clock_skew)
    if not SpentAssertion.spend(hashlib.sha256(identifier.encode()).hexdigest(), until):
        raise Refusal("lost", "assertion: used before")
    return statement


def _verified(sent: str, ours: OneLogin_Saml2_Settings, request: HttpRequest) -> Any:
    """The response with its signature, times, issuer and status checked."""
    asked: dict[str, Any] = {
        "https": "on" if request.is_secure() else "off",
        "http_host": request.get_host(),
        "script_name": request.path,
        "path_info": "",
        "get_data": {},
        "post_data": {},
    }
    try:
        base64.b64decode(sent, validate=False)
        response = OneLogin_Saml2_Response(ours, sent)
        response.is_valid(asked, raise_exceptions=True)
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("invalid", "response: not base64") from None
    except Exception as error:  # the library raises its own, lxml's, xmlsec's, and plain ones
        reason = "cancelled" if "status code of the Response" in str(error) else "invalid"
        raise Refusal(reason, f"response: {type(error).__name__}: {str(error)[:300]}") from None
    if response.encrypted:
        raise Refusal("invalid", "response: encrypted assertions are not supported")
    return response


def _confirmation(document: Any, address: str) -> Any:
    """The bearer confirmation. The library checked one of those there are, so there must be only one; it must be for
    this site and have an end."""
    found = document.xpath(f"{CONFIRMATION}/saml:SubjectConfirmationData", namespaces=NS)
    if len(found) != 1:
        raise Refusal("invalid", f"assertion: {len(found)} confirmations, not one")
    if found[0].get("Recipient") != address or not found[0].get("NotOnOrAfter"):
        raise Refusal("invalid", "assertion: no confirmation for this site with an end")
    return found[0]


def _authenticated_at(document: Any) -> int | None:
    """The oldest moment of those that the assertion names; None where it names none, or one that is no time."""
    said = document.xpath(f"{ASSERTION}/saml:AuthnStatement/@AuthnInstant", namespaces=NS)
    try:
        return min((int(datetime.fromisoformat(moment).timestamp()) for moment in said), default=None)
    except ValueError:
        return None


def _subject(response: Any, config: Saml) -> str:
    """What tells this person from all others, today and later."""
    if config.subject:
        values = response.get_attributes().get(config.subject) or []
        if len(values) != 1:
            raise Refusal("invalid", f"assertion: not one value of {config.subject}")
        subject = str(values[0])
    else:
        try:
            subject, style = str(response.get_nameid()), response.get_nameid_format()
        except (OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError):
            raise Refusal("invalid", "assertion: no NameID") from None
        if style == TRANSIENT:
            raise Refusal("invalid", "assertion: its NameID is transient, and means somebody else tomorrow")
    if not 0 < len(subject) <= 191:
        raise Refusal("invalid", "assertion: no usable subject")
    return subject
