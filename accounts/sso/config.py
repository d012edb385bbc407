"""What a site says of its single sign-on. Plain values: a site without it loads nothing else of this room."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

# What is in INSTALLED_APPS where single sign-on is configured, and only there.
APPS = ("allauth.socialaccount", "accounts.sso")
SUPERUSER, STAFF = "superuser", "staff"


@dataclass(frozen=True)
class Grants:
    """What groups of the provider give: names of Django groups (teams and roles), and two marks of a person."""

    groups: frozenset[str] = frozenset()
    staff: bool = False
    superuser: bool = False


@dataclass(frozen=True)
class GroupMap:
    """Each group of the provider with what it gives. Whatever the map can give, it also takes away."""

    given_by: dict[str, Grants] = field(default_factory=dict)

    def of(self, groups: Iterable[str]) -> Grants:
        """What all these groups give together. Groups that the map does not name give nothing."""
        return _together(self.given_by[group] for group in set(groups) if group in self.given_by)

    @property
    def everything(self) -> Grants:
        """All that the map can give: what single sign-on decides on, and nobody's hand."""
        return _together(self.given_by.values())

    def names_any_of(self, groups: Iterable[str]) -> bool:
        return any(group in self.given_by for group in groups)


def _together(parts: Iterable[Grants]) -> Grants:
    parts = list(parts)
    return Grants(
        frozenset(name for part in parts for name in part.groups),
        any(part.staff for part in parts),
        any(part.superuser for part in parts),
    )


@dataclass(frozen=True)
class OpenIDConnect:
    """One OpenID Connect provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    label: str
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"
    required: tuple[tuple[str, str], ...] = ()  # claims that an ID token must have, with their values

    kind = "openid_connect"

    @property
    def name(self) -> str:
        """What people's logins are kept under. Subjects mean something within one issuer only: another has another
        name, so that nobody is taken for somebody of the provider before."""
        return f"openid-{_short_digest(self.issuer)}"


@dataclass(frozen=True)
class Saml:
    """One SAML identity provider."""

    metadata: str  # a file's path, or an https address
    idp: str  # the provider's entity id
    entity_id: str  # ours
    label: str
    certificate: str = ""  # PEM: what the metadata must be signed with; empty: it need not be
    subject: str = ""  # the attribute that tells people apart; empty: the NameID
    groups: str = "groups"
    unsolicited: bool = False  # whether logins may begin at the provider

    kind = "saml"

    @property
    def name(self) -> str:
        """What people's logins are kept under, as for OpenID Connect."""
        return f"saml-{_short_digest(self.idp)}"


def _short_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class SingleSignOn:
    """All of it: the providers, whom they let in, and what their groups give."""

    session: timedelta  # how long a login by single sign-on lasts at most
    clock_skew: int  # seconds by which the provider's clock and ours may differ
    openid: OpenIDConnect | None = None
    saml: Saml | None = None
    group_map: GroupMap = field(default_factory=GroupMap)
    group_needed: bool = True  # whether only people of a group that the map names are let in
    provisions: bool = True  # whether a first login makes a person

    @property
    def providers(self) -> tuple[OpenIDConnect | Saml, ...]:
        return tuple(each for each in (self.openid, self.saml) if each)

    @property
    def allauth_providers(self) -> dict[str, Any]:
        """The same for allauth (SOCIALACCOUNT_PROVIDERS)."""
        found: dict[str, Any] = {}
        if self.openid:
            app = {
                "provider_id": self.openid.name,
                "name": self.openid.label,
                "client_id": self.openid.client_id,
                "secret": self.openid.client_secret,
                "settings": {"server_url": self.openid.issuer, "scope": list(self.openid.scopes)},
            }
            found["openid_connect"] = {"APPS": [app], "OAUTH_PKCE_ENABLED": True}
        if self.saml:
            app = {"provider_id": self.saml.name, "name": self.saml.label, "client_id": "saml", "settings": {}}
            found["saml"] = {"APPS": [app]}
        return found
