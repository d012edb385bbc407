"""How often something may happen in a minute, or an hour, counted over all processes and machines of the site.

Counters are in the shared cache (`CACHE_URL`), one for each key and clock minute (hour). A process takes permits from
there in portions and hands them out by itself, so that most requests write nothing anywhere. No more than the limit is
ever handed out; where several processes hold a rest of their portions when the counter is used up, a few less are.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from django.core.cache import cache

WINDOW = 60  # seconds, unless said otherwise
NAMES = 3  # of counters, for each key
PORTIONS = 20  # of a limit: the fewer, the fewer writes, and the more may stay unused in other processes


@dataclass(slots=True)
class _Held:
    permits: int
    is_last: bool  # the shared counter has no more


class Limit:
    """One kind of thing that is limited."""

    def __init__(self, kind: str, seconds: int = WINDOW) -> None:
        self._kind, self._seconds = kind, seconds
        self._lock = threading.Lock()
        self._window = 0
        self._held: dict[str, _Held] = {}  # of this window

    def take(self, key: str, most: int) -> int:
        """Count one.

        Args:
            key: whose, in letters that a cache's key may hold.
            most: how many of this key there may be in a window.

        Returns:
            0 where it may happen; else the seconds until the next window begins.
        """
        while True:
            now = time.time()
            window = int(now // self._seconds)
            with self._lock:
                if window != self._window:
                    self._window = window
                    self._held.clear()
                held = self._held.get(key)
                if held and held.permits > 0:
                    held.permits -= 1
                    return 0
                if held and held.is_last:
                    return max(1, int((window + 1) * self._seconds - now + 0.999))
            self._fetch(key, window, most)

    def forget(self) -> None:
        """Hold nothing, as a process that has just begun."""
        with self._lock:
            self._held.clear()

    def _fetch(self, key: str, window: int, most: int) -> None:
        """Take a portion from the shared counter. Not under the lock: other keys need not wait for the cache."""
        portion = max(1, most // PORTIONS)
        # Names come round again, after their entries have ended: a key leaves no more than these behind.
        name = f"limit:{self._kind}:{window % NAMES}:{key}"
        cache.add(name, 0, (window + NAMES - 1) * self._seconds - time.time())
        try:
            taken = cache.incr(name, portion)
        except ValueError:  # pushed out of a full cache since the line before
            taken = portion
        granted = max(0, min(portion, most - (taken - portion)))
        with self._lock:
            if window == self._window:
                held = self._held.setdefault(key, _Held(0, False))
                held.permits += granted
                held.is_last = held.is_last or taken >= most
