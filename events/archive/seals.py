"""Signed statements of a chain's head and of the ledger. A head that is kept beside its chain proves little; a seal
that has left the machine proves that the chain up to it has not been touched since.

Statements have a format: "auditsite seal 2" states the ledger's digest too. Seals of the first format stay valid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from events.archive import proven_coverage
from events.models import ChainHead, RemovedEvent, Seal
from events.storage import chain, ledger

if TYPE_CHECKING:
    from accounts.models import NexmoAccount

FORMAT = "auditsite seal 2"
OLD_FORMAT = "auditsite seal 1"  # it did not state the ledger


class BadSeal(ValueError):
    """A seal that does not say what it should, or was not signed with a known key."""


class NoSealKey(Exception):
    """There is no key to sign with."""

    def __init__(self) -> None:
        super().__init__(_("SEAL_KEY is not set, so nothing can be sealed. `manage.py seal_key` generates one."))


@dataclass(frozen=True)
class Statement:
    """What a seal says: so many events of this chain, the last with this digest, at this time.

    `ledger` is the digest of the ledger then; empty in a seal of the first format.
    """

    account: str
    chain: str
    count: int
    digest: str
    removed: int
    sealed_at: str
    covered: tuple[tuple[str | None, str], ...]
    key: str
    ledger: str = ""


def new_key() -> str:
    """A fresh private key as SEAL_KEY takes it."""
    raw = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return base64.urlsafe_b64encode(raw).decode()


def private_key() -> Ed25519PrivateKey:
    """The key that signs. Raises NoSealKey."""
    if not settings.SEAL_KEY:
        raise NoSealKey
    return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(settings.SEAL_KEY))


def public_key() -> str:
    """The public half of SEAL_KEY, in hex. Raises NoSealKey."""
    raw = private_key().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw.hex()


def key_id(public: str) -> str:
    """A short name of a public key."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def sign(text: str) -> str:
    """An Ed25519 signature over a text, in hex. Raises NoSealKey."""
    return private_key().sign(text.encode()).hex()


def check_signature(text: str, signature: str, public_keys: list[str]) -> str:
    """Return the key that signed a text. Raises BadSeal when none of them did."""
    for public in public_keys:
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), text.encode())
        except (InvalidSignature, ValueError):
            continue
        return public
    raise BadSeal("none of the known keys signed it.")


def known_keys() -> list[str]:
    """The public keys whose seals count here: that of SEAL_KEY, and older ones in SEAL_PUBLIC_KEYS."""
    keys = list(settings.SEAL_PUBLIC_KEYS)
    if settings.SEAL_KEY:
        keys.insert(0, public_key())
    return keys


def seal(account: NexmoAccount) -> Seal:
    """Sign the account's head as it stands now and keep the seal. Raises NoSealKey."""
    public = public_key()
    with transaction.atomic():
        ChainHead.objects.get_or_create(account=account)
        head = ChainHead.objects.select_for_update().get(account=account)
        now = timezone.now()
        digest = head.digest or chain.genesis(head.chain_id).hex()
        statement = {
            "format": FORMAT,
            "account": account.api_key,
            "chain": head.chain_id,
            "count": head.seq,
            "digest": digest,
            "removed": RemovedEvent.objects.filter(account=account).count(),
            "covered": proven_coverage.statement(account),
            "ledger": ledger.head(),
            "sealed_at": now.isoformat(timespec="seconds"),
            "key": key_id(public),
        }
        text = json.dumps(statement, sort_keys=True, separators=(",", ":"))
        sealed: Seal = Seal.objects.create(
            account=account,
            seq=head.seq,
            digest=digest,
            sealed_at=now,
            statement=text,
            signature=sign(text),
            key_id=key_id(public),
        )
    return sealed


def read(text: str, signature: str, public_keys: list[str] | None = None) -> Statement:
    """Check a seal's signature and read its statement. Raises BadSeal."""
    keys = known_keys() if public_keys is None else public_keys
    if not keys:
        raise BadSeal("there is no public key to check it with; set SEAL_KEY or SEAL_PUBLIC_KEYS.")
    check_signature(text, signature, keys)
    try:
        value: dict[str, Any] = json.loads(text)
        if value["format"] not in (FORMAT, OLD_FORMAT):
            raise BadSeal(f"its format is {value['format']!r}.")
        return Statement(
            account=value["account"],
            chain=value["chain"],
            count=int(value["count"]),
            digest=value["digest"],
            removed=int(value["removed"]),
            sealed_at=value["sealed_at"],
            covered=tuple((start, end) for start, end in value["covered"]),
            key=value["key"],
            ledger=value["ledger"] if value["format"] == FORMAT else "",
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadSeal("its statement cannot be read.") from error


def says(statement: Statement, seal: Seal) -> bool:
    """Whether a seal's row repeats what its statement says."""
    row = (seal.seq, seal.digest, seal.key_id, seal.sealed_at.isoformat(timespec="seconds"))
    return (statement.count, statement.digest, statement.key, statement.sealed_at) == row


def export(seal: Seal) -> dict[str, str]:
    """A seal as it is sent and stored off the machine: everything an outsider needs but the public key."""
    return {"statement": seal.statement, "signature": seal.signature, "key": seal.key_id}


def import_lines(text: str, public_keys: list[str] | None = None) -> list[Statement]:
    """Read seals as `export` wrote them, one JSON object a line. Raises BadSeal with the line's number."""
    statements = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            statements.append(read(value["statement"], value["signature"], public_keys))
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
            raise BadSeal(f"line {number}: {error}") from None
    return statements
