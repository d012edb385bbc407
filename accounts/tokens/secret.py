"""The text of a token: `auditsite_<identifier>_<secret>`, made so that scanners for leaked secrets recognise it.

The secret is 256 random bits in 43 characters, and 6 more that check identifier and secret (CRC-32): a scanner, or this
site, sees from the text alone that something is no token. The check is no proof of anything; only the digest is.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import NamedTuple

PREFIX = "auditsite_"
IDENTIFIER_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
IDENTIFIER_LENGTH = 12
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECK = 43, 6  # characters: 62**43 > 2**256, 62**6 > 2**32
# What a scanner for leaked secrets looks for; docs/tokens.md repeats it.
_TOKEN = re.compile(r"auditsite_([a-hjkmnp-z2-9]{12})_([0-9A-Za-z]{49})", re.ASCII)


class Credentials(NamedTuple):
    """What a program sends: the user name and the password of HTTP Basic, or the two parts of a Bearer token."""

    identifier: str
    secret: str

    @property
    def token(self) -> str:
        """Both as one text, for Bearer."""
        return f"{PREFIX}{self.identifier}_{self.secret}"

    def __repr__(self) -> str:
        return f"Credentials({self.identifier!r}, ...)"


def make() -> Credentials:
    """New ones, that nobody ever had."""
    identifier = "".join(secrets.choice(IDENTIFIER_LETTERS) for _ in range(IDENTIFIER_LENGTH))
    random = _in_digits(int.from_bytes(secrets.token_bytes(32)), _RANDOM)
    return Credentials(identifier, random + _check(identifier, random))


def split(token: str) -> Credentials | None:
    """The parts of a token's text; None for what is no token."""
    match = _TOKEN.fullmatch(token)
    return Credentials(match[1], match[2]) if match else None


def can_exist(given: Credentials) -> bool:
    """Whether these may be a token's: their shape and their check are right."""
    return bool(_TOKEN.fullmatch(given.token)) and given.secret[_RANDOM:] == _check(
        given.identifier, given.secret[:_RANDOM]
    )


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(identifier: str, random: str) -> str:
    return _in_digits(zlib.crc32(f"{identifier}_{random}".encode()), _CHECK)


def _in_digits(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
