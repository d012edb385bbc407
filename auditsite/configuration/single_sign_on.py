"""The settings of single sign-on: what they are, and what they must be like."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from accounts import roles
from accounts.sso.config import STAFF, SUPERUSER, Grants, GroupMap, OpenIDConnect, Saml
from auditsite.configuration.checks import is_loopback
from auditsite.configuration.env import BASE_DIR, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENT = "docs/single-sign-on.md has examples"
# As roles are called in SSO_GROUPS.
ROLES = {role.lower().replace(" ", "-"): role for role in roles.ROLES}
TARGETS = ", ".join(["team:NAME", *(f"role:{name}" for name in ROLES), STAFF, SUPERUSER])
# Issuers that stand for everybody in the world who has an account there.
OPEN_TO_THE_WORLD = ("https://accounts.google.com",)


def openid(
    *, issuer: str, client_id: str, secret: str, label: str, scopes: list[str], groups: str, required: list[str]
) -> OpenIDConnect | None:
    """The OpenID Connect provider, or None where no issuer is named. The secret is never repeated."""
    if not issuer:
        return None
    _address("OIDC_ISSUER", issuer)
    if "/.well-known/" in issuer:
        raise refuse("OIDC_ISSUER", "must be the issuer alone, without /.well-known/openid-configuration.")
    if not client_id or not secret:
        missing = "OIDC_CLIENT_SECRET" if client_id else "OIDC_CLIENT_ID"
        raise refuse(missing, f"is missing: the provider of OIDC_ISSUER gives it to you. {DOCUMENT}.")
    if "openid" not in scopes:
        raise refuse("OIDC_SCOPES", "must hold openid, as in: openid profile email.")
    pairs = []
    for item in required:
        name, equals, value = item.partition("=")
        if not (name and equals and value):
            raise refuse("OIDC_REQUIRE", f"holds {item!r}: expected claim=value, as in hd=example.com.")
        pairs.append((name.strip(), value.strip()))
    if issuer.rstrip("/") in OPEN_TO_THE_WORLD and not pairs:
        raise refuse(
            "OIDC_REQUIRE",
            "is empty: everybody with a Google account could log in. Name your domain, as in hd=example.com.",
        )
    _needs("OIDC_ISSUER", "sso", "jwt")
    return OpenIDConnect(issuer, client_id, secret, label, tuple(scopes), groups or "groups", tuple(pairs))


def saml(
    *,
    metadata: str,
    certificate: str,
    idp: str,
    entity_id: str,
    site: str,
    label: str,
    subject: str,
    groups: str,
    unsolicited: bool,
) -> Saml | None:
    """The SAML identity provider, or None where no metadata is named."""
    if not metadata:
        return None
    if "://" in metadata:
        _address("SAML_METADATA", metadata)
    elif not (BASE_DIR / metadata).is_file():
        raise refuse("SAML_METADATA", f"names {metadata!r}: neither an https address nor a file that exists.")
    else:
        metadata = str(BASE_DIR / metadata)
    if not idp:
        raise refuse("SAML_IDP", "is missing: the provider's entity id, which its metadata begins with.")
    signer = ""
    if certificate:
        try:
            signer = (BASE_DIR / certificate).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise refuse("SAML_METADATA_CERTIFICATE", f"names {certificate!r}, which is not a PEM file.") from None
        if "-----BEGIN CERTIFICATE-----" not in signer:
            raise refuse("SAML_METADATA_CERTIFICATE", f"names {certificate!r}, which holds no PEM certificate.")
    _needs("SAML_METADATA", "saml", "onelogin")
    ours = entity_id or f"{site}/sso/saml/metadata/"
    return Saml(metadata, idp, ours, label, signer, subject, groups or "groups", unsolicited)


def group_map(value: str) -> GroupMap:
    """What stands in SSO_GROUPS: entries `group=target,target`, separated by semicolons."""
    given: dict[str, Grants] = {}
    for entry in (part.strip() for part in value.split(";")):
        if not entry:
            continue
        group, equals, targets = entry.rpartition("=")  # names of groups from a directory hold = themselves
        if not (group.strip() and equals and targets.strip()):
            raise refuse("SSO_GROUPS", f"holds {entry!r}: expected group=target,target; {DOCUMENT}.")
        if group.strip() in given:
            raise refuse("SSO_GROUPS", f"names the group {group.strip()!r} twice. Put all its targets behind one.")
        given[group.strip()] = _grants(target.strip() for target in targets.split(","))
    return GroupMap(given)


def _grants(targets: Iterable[str]) -> Grants:
    groups: set[str] = set()
    marks: set[str] = set()
    for target in targets:
        kind, _, name = target.partition(":")
        if kind == "team" and name.strip() and len(name) <= 150 and name.strip() not in roles.ROLES:
            groups.add(name.strip())
        elif kind == "role" and name in ROLES:
            groups.add(ROLES[name])
        elif target in (STAFF, SUPERUSER):
            marks.add(target)
        else:
            raise refuse("SSO_GROUPS", f"gives {target!r}, which is none of {TARGETS}.")
    return Grants(frozenset(groups), STAFF in marks, SUPERUSER in marks)


def group_needed(value: str, *, configured: bool, mapped: GroupMap) -> bool:
    """Whether only people of a mapped group are let in. Refuses what would let in nobody."""
    needed = value == "groups"
    if configured and needed and not mapped.given_by:
        raise refuse(
            "SSO_GROUPS", "is empty, so nobody could log in. Say what groups give, or let in all: SSO_ADMIT=everyone."
        )
    return needed


def local_login(value: str, *, configured: bool) -> str:
    """Who may log in with a password: everyone, or superusers alone beside single sign-on."""
    if value != "everyone" and not configured:
        raise refuse("LOCAL_LOGIN", "must be everyone: there is no single sign-on by which others could log in.")
    return value


def _address(name: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise refuse(name, "cannot be read as an address.") from None
    if not parts.hostname or parts.scheme not in ("https", "http") or re.search(r"[\s<>\"']", value):
        raise refuse(name, "must be an address such as https://login.example.com.")
    if parts.username or parts.password or parts.fragment:
        raise refuse(name, "must hold no user name, password or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise refuse(name, "must use https: whoever sits in between could log in as anybody.")


def _needs(setting: str, extra: str, module: str) -> None:
    if find_spec(module) is None:
        raise refuse(
            setting,
            f"is set, but the packages for it are not installed: `make install-deploy`, or "
            f"`pip install 'auditsite[{extra}]'`.",
        )
