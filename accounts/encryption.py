"""Text encrypted with CREDENTIAL_KEYS: a Fernet token behind the id of the key that made it, `1a2b3c4d:gAAAA...`.

The id names a key in what people read and tells nothing about it. Each place where values are kept has a key of its own
that is derived from it: who can write to the database alone could else have the site send an account's API secret to an
address of theirs, or show it to them, by copying it there. Values of versions before ids have none, any key may open
them, and they count anywhere, until `manage.py rotate_credential_keys` has moved them.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

_MARK = ":"  # no Fernet token holds one


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that CREDENTIAL_KEYS no longer holds."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The stored API secret cannot be read: none of CREDENTIAL_KEYS opens it. "
                "Put the key it was stored with back into CREDENTIAL_KEYS, or enter the secret again."
            )
        )


def key_id(key: str) -> str:
    """What a key is called: 8 hex digits that follow from it, and from which it does not follow."""
    return hashlib.sha256(b"auditsite credential key:" + key.strip().encode()).hexdigest()[:8]


def key_ids() -> tuple[str, ...]:
    """The ids of CREDENTIAL_KEYS, in their order: the first encrypts."""
    return tuple(_keys(tuple(settings.CREDENTIAL_KEYS), ""))


@lru_cache(maxsize=64)
def _keys(keys: tuple[str, ...], place: str) -> dict[str, Fernet]:
    """What encrypts in a place, by the key's id; "" stands for values of versions before ids."""
    return {key_id(key): Fernet(_derived(key, place) if place else key) for key in keys}


def _derived(key: str, place: str) -> bytes:
    derivation = HKDF(SHA256(), length=32, salt=None, info=f"auditsite credential of {place}".encode())
    return base64.urlsafe_b64encode(derivation.derive(base64.urlsafe_b64decode(key)))


def encrypt(text: str, place: str) -> str:
    """Encrypt with the first of CREDENTIAL_KEYS.

    Args:
        place: where the value is kept, and counts; such as "events.Stream.secret".
    """
    name, key = next(iter(_keys(tuple(settings.CREDENTIAL_KEYS), place).items()))
    return f"{name}{_MARK}{key.encrypt(text.encode()).decode()}"


def decrypt(stored: str, place: str) -> str:
    """Decrypt with the key that the value names, or with whichever fits where it names none.

    Raises:
        SecretUnreadable: none fits, or it was encrypted for another place.
    """
    return _open(stored, place)[1]


def opened_by(stored: str, place: str) -> str:
    """The id of the key that opens a stored value.

    Raises:
        SecretUnreadable: none of CREDENTIAL_KEYS does, in this place.
    """
    return _open(stored, place)[0]


def named_key(stored: str) -> str:
    """The id of the key that a stored value says it was made with; "" where it says none."""
    return stored.partition(_MARK)[0] if _MARK in stored else ""


def _open(stored: str, place: str) -> tuple[str, str]:
    named, _mark, token = stored.rpartition(_MARK)
    for name, key in _keys(tuple(settings.CREDENTIAL_KEYS), place if named else "").items():
        if named in ("", name):
            try:
                return name, key.decrypt(token.encode()).decode()
            except (InvalidToken, UnicodeError):
                continue
    raise SecretUnreadable
