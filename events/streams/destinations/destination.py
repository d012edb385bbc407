"""What every kind of destination is, and what people enter for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings

from events.outbound.entered import web_address
from events.outbound.targets import read_targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from events.outbound.targets import Targets
    from events.streams.batch import Batch, Delivered


@dataclass(frozen=True)
class Place:
    """A destination as it is kept: decrypted for as long as something is sent."""

    address: str = field(repr=False)
    secret: str = field(repr=False, default="")
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def authorities(self) -> str:
        """Whose certificates are believed, in PEM; empty: those that browsers trust."""
        return str(self.options.get("authorities", ""))


class Destination(Protocol):
    """One kind of destination. Holds no state: what it needs is in the place and the batch.

    Attributes:
        most_bytes: of the bodies of one batch, about.
    """

    most_bytes: int

    def checked(self, entered: str) -> tuple[str, str]:
        """An address as it is kept, and as much of it as may be shown. Raises NotUsable."""

    def send(self, place: Place, batch: Batch) -> Delivered:
        """Deliver a batch, once. Returns within about a minute, whatever the receiver does; raises nothing that a
        receiver or a network can cause."""


def targets() -> Targets:
    """Where streams may lead."""
    return read_targets(settings.STREAM_TARGETS)


def checked_url(entered: str) -> tuple[str, str]:
    """A web address as it is kept, and its part that may be shown. Raises NotUsable."""
    return web_address(entered, targets(), "STREAM_TARGETS")
