"""ID tokens that are not what they must be."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.sso.config import OpenIDConnect
from accounts.sso.oidc.id_token import read
from accounts.sso.oidc.provider import groups_of
from accounts.sso.refusal import Refusal

PROVIDER = OpenIDConnect("https://login.example", "auditsite", "secret", "Example")
KEY, ANOTHER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
PUBLIC = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "one", "use": "sig"}
KEYS = {"keys": [PUBLIC]}


def token(key: Any = KEY, algorithm: str = "RS256", kid: str = "one", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://login.example",
        "aud": "auditsite",
        "sub": "subject-1",
        "iat": now,
        "exp": now + 300,
        "nonce": "n",
    } | changes
    said = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


def test_good_token_is_read() -> None:
    assert read(token(), KEYS, PROVIDER, nonce="n", skew=0)["sub"] == "subject-1"
    assert read(token(exp=int(time.time()) - 30), KEYS, PROVIDER, nonce="n", skew=60)["sub"] == "subject-1"


@pytest.mark.parametrize(
    "bad",
    [
        {"iss": "https://evil.example"},
        {"iss": ...},
        {"aud": "another-client"},
        {"aud": ...},
        {"aud": ["auditsite", "another"]},
        {"aud": ["auditsite", "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": 1},
        {"exp": ...},
        {"iat": ...},
        {"nbf": 9_999_999_999},
        {"nonce": "another"},
        {"nonce": ...},
        {"sub": ""},
        {"sub": "x" * 192},
        {"key": ANOTHER},
        {"kid": "two"},
        {"algorithm": "none", "key": None},
    ],
)
def test_bad_token_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        read(token(**bad), KEYS, PROVIDER, nonce="n", skew=60)


def test_token_signed_with_the_public_key_as_a_password_is_refused() -> None:
    head, body, _ = token(algorithm="HS256", key="x" * 32).split(".")
    digest = hmac.digest(json.dumps(PUBLIC).encode(), f"{head}.{body}".encode(), "sha256")
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    with pytest.raises(Refusal):
        read(forged, KEYS, PROVIDER, nonce="n", skew=60)


@pytest.mark.parametrize("nonsense", ["", "a.b.c", None, 7, "x" * 100_000])
def test_nonsense_is_refused(nonsense: Any) -> None:
    with pytest.raises(Refusal):
        read(nonsense, KEYS, PROVIDER, nonce="n", skew=60)
    with pytest.raises(Refusal):
        read(token(), nonsense, PROVIDER, nonce="n", skew=60)


def test_groups_are_a_list_one_name_or_none_and_never_held_back_in_silence() -> None:
    assert groups_of({"groups": ["a", 7, "b"]}, "groups") == ["a", "b"]
    assert groups_of({"groups": "a"}, "groups") == ["a"]
    assert groups_of({}, "groups") == []
    with pytest.raises(Refusal) as caught:
        groups_of({"_claim_names": {"groups": "src1"}}, "groups")
    assert caught.value.reason == "too_many_groups"
