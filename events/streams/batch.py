"""What is sent at once, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from events.outbound.results import SENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from events.outbound.results import Outcome


@dataclass(frozen=True)
class Item:
    """One event or finding, written in the stream's format.

    Attributes:
        key: the same however often it is sent; unlike every other item's.
        seq: its number in the account's chain; of a finding, that of its change.
        at: its own time.
        body: one line of JSON.
    """

    key: str
    seq: int
    at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Batch:
    """Items of one account, or findings, in the order in which they are to arrive.

    Attributes:
        key: the same as long as the same items are sent.
        source: the account's API key; "findings" for findings.
    """

    key: str
    source: str
    items: Sequence[Item]
    is_test: bool = False


@dataclass(frozen=True)
class Delivered:
    """How far a batch got.

    Attributes:
        taken: how many items, from the first on, need not be sent again.
        refused: those of them that the receiver will never take: what it said, by their places.
        outcome: what keeps it from going on; SENT where nothing does.
    """

    taken: int
    outcome: Outcome = SENT
    refused: dict[int, str] = field(default_factory=dict)
