"""Whether an ID token is what it must be (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import jwt

from accounts.sso.refusal import Refusal

if TYPE_CHECKING:
    from accounts.sso.config import OpenIDConnect

# Signatures with a key of the provider's alone: never `none`, never HMAC, whose key would be public.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
NEEDED = ("iss", "sub", "aud", "exp", "iat")


def read(token: object, keys: object, provider: OpenIDConnect, *, nonce: str, skew: int) -> dict[str, Any]:
    """The claims of an ID token.

    `keys` is the provider's JWK Set as received, `skew` the seconds by which clocks may differ. Raises Refusal.
    """
    if not isinstance(token, str):
        raise Refusal("invalid", "no ID token")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=_key(token, keys),
            algorithms=list(ALGORITHMS),
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=skew,
            options={"require": list(NEEDED)},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Refusal("invalid", f"ID token: {type(error).__name__}: {error}") from None
    if not nonce or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise Refusal("invalid", "ID token: another nonce")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else provider.client_id) != provider.client_id:
        raise Refusal("invalid", "ID token: made for another client")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 191:
        raise Refusal("invalid", "ID token: no usable subject")
    return claims


def _key(token: str, keys: object) -> jwt.PyJWK:
    """The key that a token names; without a name, the only one there is."""
    header = jwt.get_unverified_header(token)
    if not isinstance(keys, dict):
        raise jwt.PyJWKSetError("no JWK Set")
    known = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key.public_key_use in (None, "sig")]
    name = header.get("kid")
    fitting = [key for key in known if key.key_id == name] if name is not None else known
    if len(fitting) != 1:
        raise jwt.PyJWKSetError("its key is not among the provider's")
    return fitting[0]
