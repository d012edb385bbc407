"""Cursors: where a reader of the API stands, as a text that only this site can write.

A cursor names a place in the archive and nothing else: it holds for ever, whatever arrives, and tells its reader no
more than what the events before it did. Who may read on is asked anew with each request.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext

from events.reading import BadCursor, Cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

NEWEST, OLDEST, ARRIVAL = "newest", "oldest", "arrival"
ORDERS = (NEWEST, OLDEST, ARRIVAL)
FINDINGS = "findings"  # of which there is one order
MOST_ACCOUNTS = 1_000  # whose places one cursor can hold: an address takes no more
_SIGNER = Signer(salt="events.api.cursor")


class WrongCursor(ValueError):
    """A cursor that cannot be gone on from; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where to go on: beyond an event, or beyond a place in each account's chain."""

    order: str
    beyond: Cursor | None = None
    places: Mapping[int, int] | None = None

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        if self.places is None:
            return _signed(f"{self.order} {self.beyond}".encode())
        numbers: list[int] = []
        before = 0
        for account, seq in sorted(self.places.items()):
            if seq:
                numbers += (account - before, seq)
                before = account
        return _signed(b"arrival " + b"".join(map(_varint, numbers)))


def parse(text: str) -> Place:
    """Read a cursor. Raises WrongCursor."""
    order, _, rest = _opened(text).partition(b" ")
    try:
        if order == b"arrival":
            return Place(ARRIVAL, places=_places(rest))
        if order in (b"newest", b"oldest", b"findings"):
            return Place(order.decode(), beyond=Cursor.parse(rest.decode()))
    except (BadCursor, ValueError, IndexError):
        pass
    raise _unreadable()


def _unreadable() -> WrongCursor:
    return WrongCursor(gettext("This cursor is invalid; it may have been truncated or altered."))


def _signed(payload: bytes) -> str:
    text = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    return _SIGNER.sign(text).replace(":", ".")


def _opened(text: str) -> bytes:
    try:
        payload = _SIGNER.unsign(text.replace(".", ":"))
        return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except (BadSignature, binascii.Error, ValueError):
        raise _unreadable() from None


def _varint(number: int) -> bytes:
    parts = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        parts.append(low | (0x80 if number else 0))
        if not number:
            return bytes(parts)


def _places(data: bytes) -> dict[int, int]:
    numbers, number, shift = [], 0, 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number = shift = 0
    places, account = {}, 0
    for step, seq in zip(numbers[::2], numbers[1::2], strict=True):
        account += step
        places[account] = seq
    return places
