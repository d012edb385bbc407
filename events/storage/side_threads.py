"""Threads beside the one that works: for calls that may never come back, because Python cannot end a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class SideThreads:
    """At most one thread for each key. One that hangs is left behind, and keeps its key busy."""

    def __init__(self, name: str) -> None:
        """
        Args:
            name: what the threads are called.
        """
        self.name = name
        self._running: dict[Hashable, threading.Thread] = {}
        self._lock = threading.Lock()

    def start(self, key: Hashable, run: Callable[[], None]) -> threading.Thread | None:
        """Call something in a thread of its own; None where the key's earlier one has not come back."""
        with self._lock:
            if (earlier := self._running.get(key)) and earlier.is_alive():
                return None
            thread = threading.Thread(target=run, daemon=True, name=self.name)
            self._running[key] = thread
            thread.start()
        return thread

    def running(self) -> list[Hashable]:
        """The keys whose threads have not come back."""
        with self._lock:
            self._running = {key: thread for key, thread in self._running.items() if thread.is_alive()}
            return list(self._running)
