"""Webhooks signed as Standard Webhooks: an id, a time and one signature for each secret in force.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "whsec_"
LEAST, MOST = 24, 64  # bytes, as the specification has them


def new_secret() -> str:
    """A secret as receivers are given it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for.

    Raises:
        ValueError: it is not whsec_ and 24 to 64 bytes in base64.
    """
    if not secret.startswith(PREFIX):
        raise ValueError("no prefix")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if not LEAST <= len(key) <= MOST:
        raise ValueError("length")
    return key


def headers(key: str, at: int, body: bytes, secrets_in_force: Iterable[str]) -> dict[str, str]:
    """The headers that tell who sent a body.

    Args:
        key: the message's id, the same however often it is sent.
        at: when this attempt is made, in seconds since 1970.
    """
    signatures = (_signature(key_of(secret), f"{key}.{at}.".encode(), body) for secret in secrets_in_force)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in signatures),
    }


def _signature(secret: bytes, head: bytes, body: bytes) -> bytes:
    signing = hmac.new(secret, head, hashlib.sha256)
    signing.update(body)  # not put together with the head: bodies are large
    return signing.digest()
