"""The providers, where allauth looks for them."""

from __future__ import annotations

from accounts.sso.oidc.provider import Provider as OpenIDConnect
from accounts.sso.saml.provider import Provider as Saml

provider_classes = [OpenIDConnect, Saml]
