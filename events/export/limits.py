"""How many files are sent at once: so many of a process that threads remain for pages, and so many of a person.

Exports, and evidence packs that were made before: their threads wait for their readers. A process counts its own. A
person's are counted by places in the shared cache, each of which expires unless its export renews it: one that was
killed gives its place back.
"""

from __future__ import annotations

import gc
import itertools
import logging
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.cache import caches

from events.export.watch import Watch
from events.storage.transactions import impatient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)
Part = TypeVar("Part")

PER_PERSON = 2
EXPIRES, RENEW_EVERY = 180, 30  # seconds; the web server gives up a reader that takes nothing for a minute
RETRY_AFTER = 10  # seconds
BLOCK = 65_536  # bytes of a whole file sent together
PIECE = 262_144  # characters or bytes: between two, it is asked whether the reader may have more
PATIENCE_MS = 1_000

_lock = threading.Lock()  # of taking; giving back needs none
_running: set[int] = set()
_numbers = itertools.count()
# Keys of places whose answer was thrown away without being closed: collected at any moment and in any thread, so that
# nothing which waits for a lock or a database may be done then.
_abandoned: deque[str] = deque()


class TooManyExports(Exception):
    """No export can begin now.

    Attributes:
        names: the files that the person is fetching already; empty where others take all there is.
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__("too many exports at once")
        self.names = names


class Place:
    """What one running export holds, until it is released."""

    def __init__(self, number: int, key: str | None) -> None:
        self.number, self.key = number, key
        self.next = time.monotonic() + RENEW_EVERY
        self.watch: Watch | None = None

    def renew(self) -> None:
        """Called at each part; keeps the place for as long as parts come. Raises SightLost where the file is watched
        and its reader may no longer have it."""
        if self.watch:
            self.watch.look()
        if self.key and time.monotonic() >= self.next:
            self.next = time.monotonic() + RENEW_EVERY
            key = self.key
            _quietly(lambda: caches["default"].touch(key, EXPIRES))

    def release(self) -> None:
        """May be called again."""
        _running.discard(self.number)
        key, self.key = self.key, None
        if key:
            _quietly(lambda: caches["default"].delete(key))

    def __del__(self) -> None:
        _running.discard(self.number)
        if self.key:
            _abandoned.append(self.key)

    def renewing(self, parts: Iterator[Part]) -> Iterator[Part]:
        """The same parts; the place is kept while they are read."""
        for part in parts:
            self.renew()
            yield part


class LimitedStream:
    """The parts of a file that is being sent, large ones in pieces; gives the place back at the end, wanted or not."""

    def __init__(self, parts: Iterator[Any], place: Place, close: Callable[[], None]) -> None:
        self.parts, self.place, self.close_parts = parts, place, close
        self.part: Any = b""  # or text
        self.at = 0  # how much of it is sent

    def __iter__(self) -> LimitedStream:
        return self

    def __next__(self) -> Any:
        if self.at >= len(self.part):
            self.part, self.at = next(self.parts), 0
        piece = self.part[self.at : self.at + PIECE]
        self.at += PIECE
        self.place.renew()
        return piece

    def close(self) -> None:
        try:
            self.close_parts()
        finally:
            self.place.release()


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The parts of a whole file. Never hand it over as a file: the system does not say whether all of it was taken."""
    return iter(lambda: file.read(BLOCK), b"")


def take_place(user_pk: Any, name: str, allowed: Callable[[], bool] | None = None) -> Place:
    """A place for an export of a person. Raises TooManyExports.

    Args:
        allowed: whether the person may have the file, asked again while it is sent.
    """
    _clear_abandoned()
    try:
        place = _take(user_pk, name)
    except TooManyExports:
        gc.collect()  # before people are refused for answers that nobody fetches; some give their place back themselves
        _clear_abandoned()
        place = _take(user_pk, name)
    if allowed:
        place.watch = Watch(allowed)
    return place


def _clear_abandoned() -> None:
    """Take back the places of answers that were thrown away."""
    while _abandoned:
        key = _abandoned.popleft()
        _quietly(lambda key=key: caches["default"].delete(key))  # type: ignore[misc]


def _take(user_pk: Any, name: str) -> Place:
    number = next(_numbers)
    with _lock:
        if len(_running) >= settings.EXPORTS_AT_ONCE:
            raise TooManyExports([])
        _running.add(number)
    try:
        return Place(number, _take_key(user_pk, name))
    except BaseException:
        _running.discard(number)
        raise


def _take_key(user_pk: Any, name: str) -> str | None:
    """The key of a free place of the person; None where the cache cannot tell: its trouble must not become theirs."""
    keys = [f"export-place:{user_pk}:{number}" for number in range(PER_PERSON)]
    for key in keys:
        if _quietly(lambda key=key: caches["default"].add(key, name, EXPIRES)):  # type: ignore[misc]
            return key
    names = _quietly(lambda: caches["default"].get_many(keys)) or {}
    if len(names) < PER_PERSON:  # not full: adding failed
        return None
    raise TooManyExports(sorted(names.values()))


def _quietly(call: Callable[[], Any]) -> Any:
    """What the cache says; None where it fails."""
    try:
        with impatient(PATIENCE_MS):
            return call()
    except Exception:  # whatever a cache may raise
        logger.warning("The cache cannot be used to count exports", exc_info=True)
        return None
