"""What is sent at once, and what became of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from events.outbound.results import SENT
from events.reading.rows import as_time

if TYPE_CHECKING:
    from datetime import datetime

    from events.outbound.results import Outcome


class Item(NamedTuple):
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
    body: bytes


class Items(Sequence[Item]):
    """Items in order. Kept column by column, because many destinations need no more than the bodies."""

    def __init__(self, source: str, seqs: Sequence[int], ats: Sequence[Any], bodies: Sequence[bytes]) -> None:
        """
        Args:
            source: what their keys begin with.
            ats: their times, in any form that `reading.rows.as_time` reads.
        """
        self.source, self.seqs, self.ats, self.bodies = source, seqs, ats, bodies

    def __len__(self) -> int:
        return len(self.seqs)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Items: ...
    def __getitem__(self, at: int | slice) -> Item | Items:
        if isinstance(at, slice):
            return Items(self.source, self.seqs[at], self.ats[at], self.bodies[at])
        seq = self.seqs[at]
        return Item(f"{self.source}-{seq}", seq, as_time(self.ats[at]), self.bodies[at])

    def fitting(self, most_bytes: int) -> int:
        """How many of the first bodies are not longer than this together; at least one."""
        return max(bisect_right(list(accumulate(map(len, self.bodies))), most_bytes), 1)


@dataclass(frozen=True)
class Batch:
    """Items of one account, or findings, in the order in which they are to arrive.

    Attributes:
        key: the same as long as the same items are sent.
        source: the account's API key; "findings" for findings.
    """

    key: str
    source: str
    items: Items
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
