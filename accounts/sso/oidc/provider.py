"""allauth's OpenID Connect, with what it leaves to others: the issuer is compared, every ID token's signature checked,
and each login bound to a nonce."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import caches
from django.urls import reverse

from accounts.sso.oidc import id_token
from accounts.sso.refusal import Refusal
from accounts.sso.told import told

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.sso.config import OpenIDConnect

KEPT = 300  # seconds that what a provider says of itself is not asked for again
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def ours() -> OpenIDConnect:
    """The provider of the settings; views are not found where there is none."""
    return cast("OpenIDConnect", settings.SINGLE_SIGN_ON.openid)


class Adapter(OpenIDConnectOAuth2Adapter):
    """One login at the provider."""

    nonce = ""

    def __init__(self, request: HttpRequest, provider_id: str) -> None:
        super().__init__(request, provider_id)
        self.config = ours()

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself, if it is the provider that we mean. Raises Refusal, RequestException."""
        address = f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration"
        said: Any = caches["local"].get(f"sso:{address}")
        if said is None:
            said = self.ask(address)
            if not isinstance(said, dict) or said.get("issuer") != self.config.issuer:
                raise Refusal("invalid", f"{address} names another issuer")
            for name in ENDPOINTS:
                if not _is_as_safe(said.get(name), self.config.issuer):
                    raise Refusal("invalid", f"{address} names no {name} with https")
            caches["local"].set(f"sso:{address}", said, KEPT)
        return said  # type: ignore[no-any-return]

    def ask(self, address: str, **options: Any) -> Any:
        """What the provider answers, as JSON. Raises RequestException."""
        with get_adapter().get_requests_session() as session:
            response = session.get(address, **options)
            response.raise_for_status()
            if response.is_redirect:
                raise requests.TooManyRedirects(f"{address} redirects")
            return response.json()

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("sso:openid_callback"))

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        if not isinstance(data, dict) or not isinstance(data.get("access_token"), str):
            raise Refusal("invalid", "no access token")
        return SocialToken(token=data["access_token"])

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> Any:
        claims = id_token.read(
            kwargs["response"].get("id_token"),
            self.ask(self.openid_config["jwks_uri"]),
            self.config,
            nonce=self.nonce,
            skew=settings.SINGLE_SIGN_ON.clock_skew,
        )
        return self.get_provider().sociallogin_from_response(request, self._with_userinfo(claims, token.token))

    def _with_userinfo(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """The claims, and beneath them what only the provider's userinfo tells: groups are often there alone."""
        address: Any = self.openid_config.get("userinfo_endpoint")
        group_claim = self.config.groups_claim
        if group_claim in claims or not _is_as_safe(address, self.config.issuer):
            return claims
        more = self.ask(address, headers={"Authorization": f"Bearer {access_token}"})
        if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
            raise Refusal("invalid", "userinfo is of another subject")
        return {**more, "auth_time": None, **claims}  # that one is signed, or is not said


class Provider(OpenIDConnectProvider):
    """The provider of the settings."""

    oauth2_adapter_class = Adapter

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        nonce = secrets.token_urlsafe(32)
        # Asked for a `max_age`, the provider must say when it last asked who is there. Who is logged in and comes again
        # confirms who they are: it is to ask now, whatever it remembers. A browser can take these out, but not change
        # what the answer says.
        asked = {"max_age": str(int(settings.SINGLE_SIGN_ON.session.total_seconds()))}
        if request.user.is_authenticated:
            asked = {"prompt": "login", "max_age": "0"}
        answer: HttpResponse = super().redirect(
            request, process, next_url, data, nonce=nonce, auth_params={"nonce": nonce, **asked}, **kwargs
        )
        return answer

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["sub"])

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """What is kept of a login, and shown to administrators."""
        missing = [name for name, value in ours().required if _as_text(data.get(name)) != value]
        return {"missing": missing} | told(
            username=data.get("preferred_username"),
            email=data.get("email"),
            first_name=data.get("given_name"),
            last_name=data.get("family_name"),
            authenticated_at=data.get("auth_time"),
            groups=groups_of(data, ours().groups_claim),
        )

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}  # the person is made from what is kept

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return []


class CallbackView(OAuth2CallbackView):
    """Where the provider sends people back to."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, answer = super()._get_state(request, provider)
        if state:
            self.adapter.nonce = state.get("nonce", "")
            # Who answers is said in the address too (RFC 9207), where providers do so.
            if request.GET.get("iss", self.adapter.config.issuer) != self.adapter.config.issuer:
                raise Refusal("invalid", "the answer comes from another issuer")
        return state, answer


def groups_of(claims: dict[str, Any], name: str) -> list[str]:
    """A person's groups: a list, one name, or none. Raises Refusal where the provider holds them back."""
    if name not in claims and name in (claims.get("_claim_names") or {}):
        raise Refusal("too_many_groups")  # Entra ID beyond 200: nobody shall lose rights by being in many groups
    said = claims.get(name)
    listed = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    return [group for group in listed if isinstance(group, str)]


def _as_text(value: object) -> str:
    """A claim as settings write it: JSON's true is `true`."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _is_as_safe(address: object, issuer: str) -> bool:
    """Whether an address is https, or plain http where the issuer is (on this machine, for tests)."""
    if not isinstance(address, str):
        return False
    try:
        parts, own = urlsplit(address), urlsplit(issuer)
    except ValueError:
        return False
    return parts.scheme == "https" or (own.scheme == "http" and (parts.scheme, parts.netloc) == ("http", own.netloc))
