"""A mail server of this machine, which keeps what it is given."""

from __future__ import annotations

import contextlib
import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Mails:
    """What a mail server was given.

    Attributes:
        answer: what it says to each mail; it keeps those to which that is 250.
        answers: the same for single receivers, when they are named.
        hook: called with each mail that was taken, before the answer is given.
    """

    port: int
    taken: list[bytes] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    answer: str = "250 OK"
    answers: dict[str, str] = field(default_factory=dict)
    hook: Callable[[], None] | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if (answer := self.answers.get(address, "250 OK")).startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.taken.append(envelope.content)
            self.receivers += envelope.rcpt_tos
            if self.hook:
                self.hook()
        return self.answer

    @property
    def messages(self) -> list[EmailMessage]:
        """What was taken, as mail programs read it."""
        return [email.message_from_bytes(each, policy=email.policy.default) for each in self.taken]  # type: ignore[misc]


@contextlib.contextmanager
def receiving(settings: Any) -> Iterator[Mails]:
    """A mail server that runs as long as this does, and which the settings name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        box = Mails(free.getsockname()[1])
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = f"smtp://127.0.0.1:{box.port}", "auditsite@example.com"
    try:
        yield box
    finally:
        controller.stop()
