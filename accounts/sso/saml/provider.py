"""allauth's SAML provider, for what a verified assertion says."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.conf import settings
from django.http import HttpResponseRedirect

from accounts.sso.told import told

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.sso.config import Saml
    from accounts.sso.saml.response import Statement

# Where providers put what we show of a person, in the order in which they are looked for.
ATTRIBUTES = {
    "username": ("username", "uid", "urn:oid:0.9.2342.19200300.100.1.1"),
    "email": (
        *("email", "mail", "urn:oid:0.9.2342.19200300.100.1.3"),
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    ),
    "first_name": (
        *("firstName", "givenName", "urn:oid:2.5.4.42"),
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    ),
    "last_name": (
        *("lastName", "sn", "urn:oid:2.5.4.4"),
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    ),
}


def _config() -> Saml:
    return cast("Saml", settings.SINGLE_SIGN_ON.saml)


class Provider(SAMLProvider):
    """The provider of the settings."""

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
        from onelogin.saml2.utils import OneLogin_Saml2_Utils

        from accounts.sso.saml.response import our_settings

        ours = our_settings(request, _config())
        # Who is logged in and comes again confirms who they are: the provider is to ask, whatever it remembers.
        asked = OneLogin_Saml2_Authn_Request(ours, force_authn=request.user.is_authenticated)
        self.stash_redirect_state(request, process, next_url, data, state_id=asked.get_id(), **kwargs)
        parameters = {"SAMLRequest": asked.get_request(), "RelayState": secrets.token_urlsafe(16)}
        return HttpResponseRedirect(OneLogin_Saml2_Utils.redirect(ours.get_idp_sso_url(), parameters))

    def extract_uid(self, data: Statement) -> str:
        return data.subject

    def extract_extra_data(self, data: Statement) -> dict[str, Any]:
        """What is kept of a login, and shown to administrators."""
        said: dict[str, Any] = {
            name: next((data.attributes[key][0] for key in keys if data.attributes.get(key)), None)
            for name, keys in ATTRIBUTES.items()
        }
        return told(**said, authenticated_at=data.authenticated_at, groups=data.attributes.get(_config().groups, []))

    def extract_common_fields(self, data: Statement) -> dict[str, Any]:
        return {}  # the person is made from what is kept
