"""What the queue carries: JSON, signed with a key made from SECRET_KEY.

huey's own serializer pickles, and reading a pickle runs whatever it says: who could write to the queue's table, file or
server would run code in the worker. Here a message is data, and one that was not written by this site is refused.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.signing import BadSignature, Signer
from huey.registry import Message

# The parts of huey's message that a plain call of a task has; chains, chords and schedules are not used here.
PARTS = ("id", "name", "args", "kwargs", "retries", "retry_delay", "priority")


class Refused(ValueError):
    """Something in the queue is not a message that this site wrote."""

    def __init__(self) -> None:
        super().__init__("A message in the queue was not written by this site. It was dropped unread.")


class SignedJSON:
    """Serializes huey's messages; refuses everything else, in both directions."""

    def __init__(self) -> None:
        self._signer = Signer(salt="auditsite.queue")

    def serialize(self, message: Any) -> bytes:
        parts = message._asdict() if isinstance(message, Message) else {}
        beyond = {name for name, value in parts.items() if value and name not in PARTS}
        if beyond or not parts:
            raise TypeError(f"The queue carries plain calls of tasks only, not {beyond or type(message).__name__}.")
        return self._signer.sign(json.dumps({name: parts[name] for name in PARTS})).encode()

    def deserialize(self, data: bytes) -> Message:
        try:
            parts = json.loads(self._signer.unsign(bytes(data).decode()))
        except (BadSignature, ValueError, TypeError):
            raise Refused from None
        return Message(**(parts | {"args": tuple(parts["args"])}))
