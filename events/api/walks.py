"""Walks by page number: which one a request belongs to, and what is remembered of it.

A program that knows only `page` cannot say that its request belongs with the one before. So a walk belongs to a token,
a filter and a size: page 1 begins one, and the pages after it see the archive as it was then. What it saw is kept
where all processes find it; where pages begin, each process remembers for itself, and finds out again where it does not
know.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.cache import cache

from events.reading import numbered
from events.reading.numbered import Near, Walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.reading.conditions import Conditions

KEPT = 24 * 3600  # seconds that a walk may rest
MOST_WALKS, MOST_PLACES = 200, 50  # that a process remembers, and places of each
MOST_TRIES = 5  # to read a page while events are being removed
RENEWED = 3600  # seconds after which a walk that goes on is written again


@dataclass
class Remembered:
    """A walk and its name."""

    name: str
    walk: Walk
    written: float


class _Places:
    """Where pages begin, of the last walks that this process has read."""

    def __init__(self) -> None:
        self._walks: OrderedDict[str, Near] = OrderedDict()
        self._gone: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def gone(self, name: str, count: Callable[[], int]) -> int:
        """How many events of a walk were removed, counted once."""
        with self._lock:
            known = self._gone.get(name)
        if known is None:
            known = count()
            with self._lock:
                self._gone[name] = known
                while len(self._gone) > MOST_WALKS:
                    self._gone.popitem(last=False)
        return known

    def of(self, name: str) -> Near:
        with self._lock:
            return dict(self._walks.get(name, {}))

    def keep(self, name: str, near: Near) -> None:
        with self._lock:
            known = self._walks.setdefault(name, {})
            self._walks.move_to_end(name)
            for place, key in near.items():
                known[place] = key
            for place in sorted(known)[:-MOST_PLACES]:
                del known[place]
            while len(self._walks) > MOST_WALKS:
                self._walks.popitem(last=False)


_PLACES = _Places()


def page(
    token: int, question: str, conditions: Conditions, number: int, size: int, *, oldest_first: bool = False
) -> numbered.NumberedPage:
    """A page by its number, from 1.

    Args:
        token: whose walk it is.
        question: the filter and the order, as they were asked.

    Raises:
        TooFar: it takes too long to get there; what was done so far is remembered.
    """
    conditions = replace(conditions, oldest_first=oldest_first)
    key = _key(token, question, conditions, size)
    remembered = _load(key) if number > 1 else None
    if remembered is None:
        walk = numbered.begin(conditions)
        remembered = Remembered(uuid.uuid4().hex, walk, 0)
    # One that ends with its first page is not gone on with.
    goes_on = number > 1 or remembered.walk.total > size or not remembered.walk.exact
    if goes_on and time.time() - remembered.written > RENEWED:
        _store(key, remembered)
    for _try in range(MOST_TRIES):
        removal = numbered.last_removal()
        read = _read(remembered, conditions, (number - 1) * size, size, removal)
        if numbered.last_removal() == removal:  # nothing moved up while the page was read
            break
    return read


def _read(remembered: Remembered, conditions: Conditions, place: int, size: int, removal: int) -> numbered.NumberedPage:
    """The page, as after this removal."""
    walk, gone, name = remembered.walk, 0, remembered.name
    if removal != walk.removal:
        name = f"{name} {removal}"  # places tell of what is left
        gone = _PLACES.gone(name, lambda: numbered.count_gone(conditions, walk))
    near = _PLACES.of(name)
    try:
        return numbered.read_numbered(conditions, walk, place, size, near, gone)
    finally:
        _PLACES.keep(name, near)


def _key(token: int, question: str, conditions: Conditions, size: int) -> str:
    asked = f"{question}\0{conditions.accounts}\0{size}"
    return f"api-walk:{token}:{hashlib.sha256(asked.encode(errors='surrogatepass')).hexdigest()}"


def _load(key: str) -> Remembered | None:
    stored: dict[str, Any] | None = cache.get(key)
    if stored is None:
        return None
    start, end = _time(stored["start"]), _time(stored["end"])
    walk = Walk(stored["upto"], stored["total"], stored["exact"], start, end, stored["removal"])
    return Remembered(stored["name"], walk, stored["written"])


def _store(key: str, remembered: Remembered) -> None:
    walk = remembered.walk
    stored = {
        "name": remembered.name,
        "upto": walk.upto,
        "total": walk.total,
        "exact": walk.exact,
        "start": walk.start.isoformat() if walk.start else None,
        "end": walk.end.isoformat() if walk.end else None,
        "removal": walk.removal,
        "written": time.time(),
    }
    cache.set(key, stored, KEPT)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
