"""A passkey in software: what a browser and its authenticator answer, for tests without a browser."""

from __future__ import annotations

import json
import secrets
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

RP_ID = "testserver"
ORIGIN = f"https://{RP_ID}"
FLAG = AuthenticatorData.FLAG


class Passkey:
    """One credential. `origin` is the site that the browser believes to be at; `verifies`, whether the device asks for
    a finger or PIN, rather than for a touch alone."""

    def __init__(self, origin: str = ORIGIN, *, verifies: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.origin = origin
        self.verifies = verifies
        self.count = 0

    @property
    def flags(self) -> AuthenticatorData.FLAG:
        return FLAG.UP | FLAG.UV if self.verifies else FLAG.UP

    def create(self, options: dict[str, Any]) -> str:
        """What a form of registration gets, as JSON."""
        client_data = self._client_data(CollectedClientData.TYPE.CREATE, options)
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        data = AuthenticatorData.create(sha256(RP_ID.encode()), self.flags | FLAG.AT, self.count, credential)
        attestation = AttestationObject.create("none", data, {})
        return self._json(
            {"clientDataJSON": websafe_encode(client_data), "attestationObject": websafe_encode(attestation)},
            {"credProps": {"rk": True}},
        )

    def get(self, options: dict[str, Any], user: Any) -> str:
        """What a form of a login gets, as JSON."""
        self.count += 1
        client_data = self._client_data(CollectedClientData.TYPE.GET, options)
        data = AuthenticatorData.create(sha256(RP_ID.encode()), self.flags, self.count)
        signature = self.key.sign(data + sha256(client_data), ec.ECDSA(SHA256()))
        return self._json(
            {
                "clientDataJSON": websafe_encode(client_data),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signature),
                "userHandle": websafe_encode(user_pk_to_url_str(user).encode()),
            },
            {},
        )

    def _client_data(self, kind: Any, options: dict[str, Any]) -> bytes:
        return CollectedClientData.create(kind, options["publicKey"]["challenge"], self.origin)

    def _json(self, response: dict[str, str], extensions: dict[str, Any]) -> str:
        return json.dumps(
            {
                "id": websafe_encode(self.id),
                "rawId": websafe_encode(self.id),
                "type": "public-key",
                "response": response,
                "clientExtensionResults": extensions,
                "authenticatorAttachment": "platform",
            }
        )
